#include "log/space.h"

#include <algorithm>
#include <new>
#include <utility>

#include "base/assert.h"
#include "base/system_error.h"
#include "base/try.h"

namespace stave::log {

namespace {
/// One step of preparing: some milliseconds of writing at most.
constexpr std::uint64_t kStepBytes = 4u << 20;
/// The first room of a segment that is needed at once.
constexpr std::uint64_t kFirstStepBytes = 1u << 20;
/// A full disk is asked for this much before it counts as full.
constexpr std::uint64_t kLeastStepBytes = 64u << 10;
/// The least that a file system gives.
constexpr std::uint64_t kFileBlockBytes = 4096;
constexpr std::size_t kZeroBytes = 256u << 10;

/// Somebody waits for who prepares, or goes on with it: that is not told apart.
class Waiting {
 public:
  explicit Waiting(std::atomic<std::uint32_t>& count) noexcept : count_(count) {
    count_.fetch_add(1, std::memory_order_relaxed);
  }
  ~Waiting() { count_.fetch_sub(1, std::memory_order_relaxed); }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  std::atomic<std::uint32_t>& count_;
};
}  // namespace

std::uint64_t Space::usable(std::uint64_t prepared) const noexcept {
  return std::min(prepared - std::min(prepared, kCloseBytes), config_.segment_bytes);
}

std::uint64_t Space::limit() const {
  // What starts before `base + segment_bytes` fits as soon as the overrun is prepared as well. The spare begins where
  // the active segment ends: there or later; so it reaches at least this far.
  std::uint64_t end = active_base_ + usable(active_prepared_);
  if (active_prepared_ >= goal() && spare_ != nullptr) end += usable(spare_prepared_);
  return std::min({end, cap_, kLsnMax});
}

std::uint64_t Space::kept_from(Use use) const noexcept {
  switch (use) {
    case Use::kWrite:
    case Use::kRelocate: return margin();
    case Use::kRemove: return std::min(kTrimBytes, margin() / 2);
    case Use::kTrim: break;
  }
  return 0;
}

std::uint64_t Space::limit_of(Use use) const {
  const std::uint64_t end = limit();
  // Never zero, which stands for a closed gate.
  const std::uint64_t own = std::max<std::uint64_t>(end - std::min(end, kept_from(use)), 1);
  return use == Use::kWrite ? std::min(own, writers_cap_) : own;
}

void Space::publish() {
  if (gate_closed_ || shut_) return tail_.set_limit(0);
  tail_.set_limits({limit_of(Use::kWrite), limit_of(Use::kRelocate), limit_of(Use::kRemove), limit_of(Use::kTrim)});
}

Result<void> Space::begin_preparing(Use use) {
  bool below = false;
  STAVE_TRY(check_reserve(use, below));
  if (use == Use::kWrite || !below) return {};
  base::MutexLock lock(mutex_);
  writers_cap_ = std::min(writers_cap_, limit_of(Use::kWrite));
  publish();
  return {};
}

void Space::end_preparing(Use use) {
  if (use != Use::kWrite) return;
  base::MutexLock lock(mutex_);
  writers_cap_ = kNoCap;
  publish();
}

void Space::stop_writers() {
  base::MutexLock lock(mutex_);
  if (gate_closed_ || shut_) return;
  writers_cap_ = std::min(writers_cap_, tail_.end());
  publish();
}

void Space::adopt(std::shared_ptr<File> file, std::uint64_t base, std::uint64_t prepared) {
  STAVE_ASSERT(file != nullptr);
  base::MutexLock lock(mutex_);
  active_ = std::move(file);
  active_base_ = base;
  active_prepared_ = prepared;
  publish();
}

Result<void> Space::check_reserve(Use use, bool& below) const {
  const bool for_cleaning = config_.reserve_bytes != 0 && sealed_.load(std::memory_order_relaxed);
  const std::uint64_t reserve = config_.reserve_bytes + (for_cleaning ? config_.segment_bytes : 0);
  const auto free = config_.files->free_bytes(config_.directory);
  // A file system that cannot tell is asked by writing to it.
  below = free && *free < reserve;
  if (use == Use::kWrite && below) {
    return fail(Error(ErrorCode::kNoSpace, "the disk has less room left than the reserve (" + std::to_string(*free) +
                                               " of " + std::to_string(reserve) +
                                               " bytes); writes resume once there is more")
                    .with_file(config_.directory));
  }
  return {};
}

Result<void> Space::look_for_room() {
  bool below = false;
  STAVE_TRY(check_reserve(Use::kWrite, below));
  const auto free = config_.files->free_bytes(config_.directory);
  if (!free || *free >= kFileBlockBytes) return {};
  return fail(
      Error(ErrorCode::kNoSpace, "the disk is full; writes resume once there is room").with_file(config_.directory));
}

// Up to `to`, or less when somebody waits who has a large batch to place.
Result<std::uint64_t> Space::fill(File& file, std::uint64_t from, std::uint64_t to) {
  STAVE_TRY(file.allocate(kSegmentHeaderBytes + to));
  if (!config_.zero_fill) return to;
  if (zeros_.empty()) zeros_.resize(kZeroBytes);
  std::uint64_t at = from;
  do {
    const std::size_t bytes = std::min<std::uint64_t>(kZeroBytes, to - at);
    STAVE_TRY(file.write_at(kSegmentHeaderBytes + at, std::span(zeros_).first(bytes)));
    at += bytes;
  } while (at < to && waiting_.load(std::memory_order_relaxed) == 0);
  return at;
}

Result<std::shared_ptr<File>> Space::create_spare() {
  {
    base::MutexLock lock(mutex_);
    if (spare_ != nullptr) return spare_;
  }
  STAVE_ASSIGN(std::shared_ptr<File> spare, create_afresh(*config_.files, join_path(config_.directory, kSpareName)));
  // Room for the header first: going over to a spare that is there must not fail for want of it.
  STAVE_TRY(spare->allocate(kSegmentHeaderBytes));
  base::MutexLock lock(mutex_);
  STAVE_ASSERT(spare_ == nullptr);
  spare_ = std::move(spare);
  spare_prepared_ = spare_synced_ = 0;
  has_spare_.store(true, std::memory_order_release);
  return spare_;
}

std::optional<Space::Piece> Space::next_piece() const {
  if (active_ != nullptr && active_prepared_ < goal()) {
    const std::uint64_t bytes = active_prepared_ == 0 ? kFirstStepBytes : kStepBytes;
    return Piece{active_, active_prepared_, std::min(goal(), active_prepared_ + bytes)};
  }
  if (spare_ == nullptr || spare_prepared_ < goal())
    return Piece{spare_, spare_prepared_, std::min(goal(), spare_prepared_ + kStepBytes)};
  return std::nullopt;
}

// A roll may have made the spare the active segment while it was being filled; then what was prepared is that one's.
// Of a segment that has ended meanwhile, nobody needs the room.
void Space::note_prepared(const Piece& piece) {
  base::MutexLock lock(mutex_);
  if (piece.file == active_) {
    STAVE_ASSERT(active_prepared_ == piece.from);
    active_prepared_ = piece.to;
  } else if (piece.file == spare_) {
    STAVE_ASSERT(spare_prepared_ == piece.from);
    spare_prepared_ = piece.to;
  }
  publish();
}

// The whole piece, or, when the disk has no room for it, as much as it has.
Result<void> Space::fill_some(Piece& piece) {
  for (;;) {
    STAVE_ASSERT(piece.from < piece.to && piece.to <= goal());
    const std::uint64_t bytes = piece.to - piece.from;
    auto filled = fill(*piece.file, piece.from, piece.to);
    if (filled) {
      STAVE_ASSERT(*filled > piece.from && *filled <= piece.to);
      piece.to = *filled;
      return {};
    }
    if (filled.error().code() != ErrorCode::kNoSpace || bytes <= kLeastStepBytes)
      return fail(std::move(filled).error());
    piece.to = piece.from + std::max(bytes / 4, kLeastStepBytes);
  }
}

Result<void> Space::step(Piece piece) {
  if (piece.file == nullptr) {
    STAVE_ASSIGN(piece.file, create_spare());
  }
  STAVE_TRY(fill_some(piece));
  note_prepared(piece);
  return {};
}

// Whatever is lacking, blocks or file descriptors or memory: nothing was lost by not preparing, and it may be there
// later.
template <class Work>
Result<void> Space::prepare_by(Use use, Work&& work) {
  try {
    auto done = begin_preparing(use);
    if (done) done = work();
    if (!done && base::is_shortage(done.error()))
      return fail(ErrorCode::kNoSpace, "the next segment cannot be prepared: " + done.error().describe());
    STAVE_TRY(std::move(done));
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kNoSpace, "the next segment cannot be prepared: there is no memory for it");
  }
  end_preparing(use);
  return {};
}

Result<bool> Space::prepare(std::uint64_t wanted, Use use) {
  base::MutexLock work(work_mutex_);
  std::optional<Piece> piece;
  {
    base::MutexLock lock(mutex_);
    if (shut_ || limit_of(use) >= wanted) return false;
    piece = next_piece();
    // Everything is there, and writers were only kept from it.
    if (!piece && (use != Use::kWrite || writers_cap_ == kNoCap)) return false;
  }
  STAVE_TRY(prepare_by(
      use, [&]() STAVE_NO_THREAD_SAFETY_ANALYSIS { return piece ? step(std::move(*piece)) : Result<void>{}; }));
  return true;
}

Result<void> Space::sync_ahead() {
  if (!config_.zero_fill) return {};
  std::shared_ptr<File> file;
  std::uint64_t to = 0;
  {
    base::MutexLock lock(mutex_);
    if (spare_synced_ >= spare_prepared_) return {};
    STAVE_ASSERT(spare_ != nullptr);
    file = spare_;
    to = spare_prepared_;
  }
  auto synced = file->sync_data();
  // Not a shortage, whatever the system calls it: a sync is never tried again.
  if (!synced) return fail(ErrorCode::kIo, "the next segment cannot be synced: " + synced.error().describe());
  base::MutexLock lock(mutex_);
  if (file == spare_) spare_synced_ = to;
  return {};
}

Result<void> Space::extend_active(std::uint64_t end, Use use) {
  const Waiting waiting(waiting_);
  base::MutexLock work(work_mutex_);
  Piece piece;
  {
    base::MutexLock lock(mutex_);
    STAVE_ASSERT(end > active_base_);
    piece = {active_, active_prepared_, end - active_base_ + kCloseBytes + kept_from(use)};
    if (piece.to <= piece.from && (use != Use::kWrite || writers_cap_ == kNoCap)) return {};
  }
  return prepare_by(
      use, [&]() STAVE_NO_THREAD_SAFETY_ANALYSIS { return piece.to > piece.from ? stretch(piece) : Result<void>{}; });
}

// Who prepares chose its file under both locks, so behind this one nobody has chosen what was active before.
void Space::let_go() {
  const Waiting waiting(waiting_);
  base::MutexLock work(work_mutex_);
}

Result<void> Space::stretch(const Piece& piece) {
  STAVE_TRY(piece.file->allocate(kSegmentHeaderBytes + piece.to));
  note_prepared(piece);
  return {};
}

Result<void> Space::ensure_spare(Use use) {
  const Waiting waiting(waiting_);
  base::MutexLock work(work_mutex_);
  Piece piece{nullptr, 0, std::min(goal(), kFirstStepBytes)};
  {
    base::MutexLock lock(mutex_);
    if (spare_ != nullptr && spare_prepared_ > 0) return {};
    piece.file = spare_;
  }
  return prepare_by(use, [&]() STAVE_NO_THREAD_SAFETY_ANALYSIS { return step(std::move(piece)); });
}

Result<std::shared_ptr<File>> Space::head_spare(const SegmentHeader& header) {
  std::shared_ptr<File> spare;
  {
    base::MutexLock lock(mutex_);
    STAVE_ASSERT(spare_ != nullptr);
    STAVE_ASSERT(active_ == nullptr || raw(header.base) > active_base_);
    spare = spare_;
  }
  const auto bytes = encode_segment_header(header);
  STAVE_TRY(config_.patience.run([&] { return spare->write_at(0, bytes); }));
  return spare;
}

std::shared_ptr<File> Space::activate_spare(std::uint64_t base) {
  base::MutexLock lock(mutex_);
  STAVE_ASSERT(spare_ != nullptr);
  active_ = std::move(spare_);
  spare_ = nullptr;
  active_base_ = base;
  active_prepared_ = std::exchange(spare_prepared_, 0);
  spare_synced_ = 0;
  cap_ = kNoCap;
  has_spare_.store(false, std::memory_order_release);
  publish();
  return active_;
}

Result<void> Space::name_spare(const std::string& name) {
  const std::string from = join_path(config_.directory, kSpareName);
  const std::string to = join_path(config_.directory, name);
  return config_.patience.run([&] { return config_.files->rename(from, to); });
}

Result<std::shared_ptr<File>> Space::roll(const SegmentHeader& header) {
  STAVE_TRY(head_spare(header));
  STAVE_TRY(name_spare(begun_name(header.base)));
  return activate_spare(raw(header.base));
}

Result<std::shared_ptr<File>> Space::found(const SegmentHeader& header) {
  // In this order: a segment that has its name is whole, and it has its name before anything in it counts.
  STAVE_ASSIGN(const std::shared_ptr<File> spare, head_spare(header));
  STAVE_TRY(spare->sync_data());
  STAVE_TRY(name_spare(segment_name(header.base)));
  STAVE_TRY(config_.names->sync());
  return activate_spare(raw(header.base));
}

bool Space::limit_for_roll_at(std::uint64_t base) {
  std::uint64_t lowered = 0;
  {
    base::MutexLock lock(mutex_);
    if (spare_ == nullptr || gate_closed_) return false;
    STAVE_ASSERT(base >= active_base_);
    lowered = base + usable(spare_prepared_);
    cap_ = lowered;
    publish();
  }
  tail_.wait_for_writers();
  if (tail_.end() <= lowered) return true;
  base::MutexLock lock(mutex_);
  cap_ = kNoCap;
  publish();
  return false;
}

void Space::close_gate() {
  {
    base::MutexLock lock(mutex_);
    gate_closed_ = true;
    publish();
  }
  tail_.wait_for_writers();
}

void Space::open_gate() {
  base::MutexLock lock(mutex_);
  gate_closed_ = false;
  publish();
}

void Space::shut() {
  base::MutexLock lock(mutex_);
  shut_ = true;
  publish();
}

bool Space::covers(std::uint64_t from, std::uint64_t to) const {
  base::MutexLock lock(mutex_);
  return from >= active_base_ && to - active_base_ <= active_prepared_;
}

std::uint64_t Space::active_file_bytes() const {
  base::MutexLock lock(mutex_);
  return kSegmentHeaderBytes + active_prepared_;
}

Result<void> Space::remove_spare() {
  base::MutexLock work(work_mutex_);
  {
    base::MutexLock lock(mutex_);
    if (spare_ == nullptr) return {};
    spare_ = nullptr;
    spare_prepared_ = spare_synced_ = 0;
    has_spare_.store(false, std::memory_order_release);
    publish();
  }
  return config_.files->remove(join_path(config_.directory, kSpareName));
}

}  // namespace stave::log
