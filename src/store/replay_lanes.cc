#include "store/replay_lanes.h"

#include <cstring>
#include <new>
#include <system_error>
#include <utility>

#include "base/thread.h"
#include "base/try.h"

namespace stave::store {

namespace {
constexpr std::size_t kBatchKeyBytes = 48u << 10;
/// One is filled, one is worked off, and two make up for the unevenness.
constexpr std::size_t kBatchesPerLane = 4;
}  // namespace

class ReplayLanes::Batch {
 public:
  Batch() : keys_(kBatchKeyBytes) { changes_.reserve(kBatchChanges); }

  [[nodiscard]] bool empty() const noexcept { return changes_.empty(); }
  [[nodiscard]] std::span<const Change> changes() const noexcept { return changes_; }
  [[nodiscard]] bool has_room(std::size_t key_bytes) const noexcept {
    return changes_.size() < kBatchChanges && key_bytes <= keys_.size() - used_;
  }
  /// Of an empty batch: for a key that is larger than usual.
  void make_room(std::size_t key_bytes) {
    if (key_bytes > keys_.size()) keys_ = std::vector<char>(key_bytes);
  }
  void add(const Change& change) noexcept {
    char* const at = keys_.data() + used_;
    std::memcpy(at, change.key.data(), change.key.size());
    used_ += change.key.size();
    changes_.push_back(change);
    changes_.back().key = {at, change.key.size()};
  }
  void clear() noexcept {
    changes_.clear();
    used_ = 0;
  }

 private:
  std::vector<Change> changes_;
  std::vector<char> keys_;
  std::size_t used_ = 0;
};

class ReplayLanes::Lane {
 public:
  explicit Lane(const Apply& apply) : apply_(apply), open_(std::make_unique<Batch>()) {
    for (std::size_t i = 1; i < kBatchesPerLane; ++i) free_.push_back(std::make_unique<Batch>());
    try {
      thread_ = base::start_thread([this] { run(); });
    } catch (const std::system_error&) {
      // Without a thread `push` does the work.
    }
  }
  ~Lane() {
    {
      base::MutexLock lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
  }
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  Result<void> add(const Change& change) {
    if (!open_->has_room(change.key.size())) [[unlikely]] {
      if (!open_->empty()) STAVE_TRY(push());
      open_->make_room(change.key.size());
    }
    open_->add(change);
    return {};
  }

  /// Waits until the thread is idle; then does what is left itself: often that is a handful of changes.
  Result<void> drain() {
    {
      base::MutexLock lock(mutex_);
      while (busy_ || !full_.empty()) done_.wait(mutex_);
      STAVE_TRY(check());
    }
    auto applied = apply_(open_->changes());
    open_->clear();
    return applied;
  }

 private:
  /// Hands the open batch over and takes an empty one.
  Result<void> push() {
    if (!thread_.joinable()) return drain();
    base::MutexLock lock(mutex_);
    while (free_.empty()) done_.wait(mutex_);
    STAVE_TRY(check());
    full_.push_back(std::exchange(open_, std::move(free_.back())));
    free_.pop_back();
    wake_.notify_one();
    return {};
  }

  void run() {
    base::enter_thread("stave-replay");
    base::MutexLock lock(mutex_);
    for (;;) {
      while (full_.empty() && !stopping_) wake_.wait(mutex_);
      if (stopping_) return;
      std::unique_ptr<Batch> batch = std::move(full_.front());
      full_.pop_front();
      busy_ = true;
      const bool failed = error_.has_value();
      mutex_.unlock();
      std::optional<Error> error;
      if (!failed) error = apply(batch->changes());
      batch->clear();
      mutex_.lock();
      busy_ = false;
      if (error) error_ = std::move(error);
      free_.push_back(std::move(batch));
      done_.notify_one();
    }
  }

  /// Nothing may be thrown out of a thread, and without memory not even an error can be made: that one lies ready.
  std::optional<Error> apply(std::span<const Change> changes) noexcept try {
    auto applied = apply_(changes);
    if (applied) return std::nullopt;
    return std::move(applied).error();
  } catch (const std::bad_alloc&) {
    return std::move(no_memory_);
  }

  /// The lane stays shut for good.
  Result<void> check() STAVE_REQUIRES(mutex_) {
    if (!error_) [[likely]]
      return {};
    return fail(error_->clone());
  }

  const Apply& apply_;
  Error no_memory_{ErrorCode::kNoMemory, "there is no memory for the index"};
  std::unique_ptr<Batch> open_;  ///< The caller's.

  base::Mutex mutex_;
  base::ConditionVariable wake_;  ///< Something to do.
  base::ConditionVariable done_;  ///< Something was done.
  std::deque<std::unique_ptr<Batch>> full_ STAVE_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<Batch>> free_ STAVE_GUARDED_BY(mutex_);
  std::optional<Error> error_ STAVE_GUARDED_BY(mutex_);
  bool busy_ STAVE_GUARDED_BY(mutex_) = false;
  bool stopping_ STAVE_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

ReplayLanes::ReplayLanes(std::size_t lanes, Apply apply) : apply_(std::move(apply)) {
  for (std::size_t i = 0; i < lanes; ++i) lanes_.push_back(std::make_unique<Lane>(apply_));
}

ReplayLanes::~ReplayLanes() = default;

Result<void> ReplayLanes::add(std::size_t lane, const Change& change) {
  return lanes_[lane]->add(change);
}

Result<void> ReplayLanes::drain() {
  for (const auto& lane : lanes_) STAVE_TRY(lane->drain());
  return {};
}

}  // namespace stave::store
