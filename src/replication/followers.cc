#include "replication/followers.h"

#include <algorithm>
#include <deque>
#include <new>
#include <system_error>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/thread.h"
#include "base/try.h"
#include "packing/compression.h"
#include "packing/compression_dictionary.h"

namespace stave::replication {

namespace {

constexpr std::int64_t kHelloMs = 10'000;
/// Looks for more of the log so often, while some came lately; and while none did.
constexpr std::int64_t kBusyMs = 1;
constexpr std::int64_t kIdleMs = 10;
constexpr std::uint64_t kBusyNs = 200'000'000;
/// A follower that has everything hears of its leader so often at least.
constexpr std::uint64_t kEndEveryNs = 500'000'000;
/// Who says nothing for so long is gone.
constexpr std::uint64_t kSilenceNs = 60'000'000'000;
constexpr std::size_t kKeptMax = 64;

std::span<const std::byte> bytes_of(const std::string& text) noexcept {
  return base::as_bytes(text);
}

}  // namespace

/// Sends the log to one follower, from where it is on.
class Followers::Shipper {
 public:
  Shipper(Followers& all, std::unique_ptr<Link> link, std::function<bool()> allowed)
      : all_(all), link_(std::move(link)), allowed_(std::move(allowed)), reader_(*link_) {
    info_.address = link_->peer();
  }
  ~Shipper() {
    link_->shut();
    if (thread_.joinable()) thread_.join();
  }
  Shipper(const Shipper&) = delete;
  Shipper& operator=(const Shipper&) = delete;

  void start() {
    thread_ = base::start_thread([this] {
      base::enter_thread("stave-ship");
      run();
      done_.store(true, std::memory_order_release);
    });
  }
  void shut() noexcept {
    stopping_.store(true, std::memory_order_relaxed);
    link_->shut();
  }
  [[nodiscard]] bool done() const noexcept { return done_.load(std::memory_order_acquire); }
  /// It streams; what it has said may be counted. Under the followers' lock.
  bool streams = false;
  FollowerInfo info_;

 private:
  void run() noexcept {
    try {
      auto ended = serve();
      if (!ended && !stopping_.load(std::memory_order_relaxed))
        all_.tell_("follower " + info_.address + " left: " + ended.error().describe());
    } catch (const std::bad_alloc&) {
      // It comes again.
    }
    // Now, and not when this is cleared away: the other side waits for it.
    link_->shut();
    leave();
  }

  Result<void> refuse(const Error& why) {
    const std::string text = why.describe();
    static_cast<void>(send_frame(*link_, {.kind = FrameKind::kRefusal, .term = term(), .payload = bytes_of(text)}));
    return fail(why.clone());
  }
  [[nodiscard]] std::uint64_t term() const noexcept { return all_.engine_.terms().number(); }
  [[nodiscard]] std::uint64_t now_ns() const { return all_.engine_.clock().monotonic_ns(); }

  Result<void> serve() {
    STAVE_ASSIGN(const auto first, reader_.next(kHelloMs));
    if (!first || first->kind != FrameKind::kHello)
      return refuse(Error(ErrorCode::kInvalidArgument, "a follower has to say first what it has"));
    auto hello = decode_hello(first->payload);
    if (!hello) return refuse(hello.error());
    store::Engine& engine = all_.engine_;
    if (engine.follows())
      return refuse(Error(ErrorCode::kConflict,
                          "this store follows another one itself; follow " + engine.terms().state().leader));
    // Whoever has followers is a leader, and its term begins with the first of them.
    if (engine.terms().number() == 0) STAVE_TRY(engine.terms().begin(engine.log(), engine.now()));
    // Only it led the last term that it has heard of, and it leads no more: whoever asks to follow was told to. So what
    // it spent on itself, restarted alone after a crash or told to lead by mistake, keeps nobody from being followed.
    if (hello->promised > engine.terms().number() && !hello->terms.empty() &&
        hello->terms.back().number == hello->promised && hello->terms.back().leader == hello->node) {
      STAVE_TRY(engine.terms().change(
          [&](store::NodeState& state) { state.promised = std::max(state.promised, hello->promised); }));
      STAVE_TRY(engine.terms().begin(engine.log(), engine.now()));
    }
    // Kept before it is looked at what there is.
    begin_to_keep(*hello);
    const log::LogStats stats = engine.log().stats();
    const store::NodeState state = engine.terms().state();
    Standing standing{.store_id = {},
                      .node = state.id,
                      .first = stats.first,
                      .end = hello->empty() ? stats.tail : stats.written,
                      .terms = state.terms};
    std::ranges::copy(engine.log().store_id(), standing.store_id.begin());
    if (hello->empty()) {
      // All that a copy has to reach is to be written, or it would be whole never.
      STAVE_TRY(engine.log().wait_written(standing.end));
      keep_from(standing.first);
    }
    auto welcome = answer_to(*hello, standing);
    if (!welcome) return refuse(welcome.error());
    const std::string text = encode(*welcome);
    STAVE_TRY(send_frame(*link_, {.kind = FrameKind::kWelcome, .term = term(), .payload = bytes_of(text)}));
    if (welcome->answer != Answer::kStream) return {};
    all_.tell_("follower " + info_.address + " follows from LSN " + std::to_string(raw(hello->end)) + " on");
    dictionaries_ = hello->dictionaries;
    return stream(hello->end);
  }

  void begin_to_keep(const Hello& hello) {
    base::MutexLock lock(all_.mutex_);
    node_ = hello.node;
    // One machine counts once: what it had before is broken, also where that does not show yet.
    for (const auto& other : all_.shippers_)
      if (other.get() != this && other->node_ == node_ && other->kept_ != nullptr) other->make_way();
    info_.port = hello.port;
    info_.written = info_.durable = info_.sent = hello.end;
    info_.heard_ns = now_ns();
    const Lsn from = hello.empty() ? all_.engine_.log().stats().first : hello.end;
    kept_ = &all_.kept_for(hello.node, from);
    kept_->connected = true;
  }
  void keep_from(Lsn lsn) {
    base::MutexLock lock(all_.mutex_);
    if (kept_ != nullptr) kept_->keep->move(lsn);
  }
  /// Another connection of the same follower has come. Under the followers' lock.
  void make_way() noexcept {
    kept_->connected = false;
    kept_ = nullptr;
    if (std::exchange(streams, false)) all_.connected_.fetch_sub(1, std::memory_order_relaxed);
    shut();
  }
  void leave() noexcept {
    {
      base::MutexLock lock(all_.mutex_);
      if (kept_ != nullptr) {
        kept_->connected = false;
        kept_->left_ns = now_ns();
        kept_ = nullptr;
      }
      if (streams) all_.connected_.fetch_sub(1, std::memory_order_relaxed);
      streams = false;
    }
    all_.look_at_waiters();
  }

  Result<void> stream(Lsn position) {
    {
      base::MutexLock lock(all_.mutex_);
      if (kept_ == nullptr) return {};  // it has come again meanwhile
      streams = true;
      all_.connected_.fetch_add(1, std::memory_order_relaxed);
    }
    std::vector<std::byte> buffer(kLogBytesMax);
    std::uint64_t moved_ns = now_ns();
    std::uint64_t told_ns = 0;
    bool told_end = false;
    std::uint64_t asked_ns = now_ns();
    while (!stopping_.load(std::memory_order_relaxed)) {
      store::Engine& engine = all_.engine_;
      STAVE_ASSIGN(const log::Stretch stretch, engine.log().read_written(position, buffer));
      const std::uint64_t now = now_ns();
      if (allowed_ && now - asked_ns >= kEndEveryNs) {
        asked_ns = now;
        if (!allowed_()) return fail(ErrorCode::kPermission, "its user is gone, or may not follow any more");
      }
      std::int64_t wait_ms = 0;
      if (stretch.to > position) {
        // Read before: what is compressed in these bytes was so with what was there by then.
        STAVE_TRY(send_dictionaries());
        STAVE_TRY(send_frame(*link_, {.kind = FrameKind::kLog,
                                      .whole = stretch.whole,
                                      .term = term(),
                                      .from = position,
                                      .to = stretch.to,
                                      .seed = stretch.seed,
                                      .payload = std::span(buffer).first(stretch.to - position)}));
        position = stretch.to;
        moved_ns = now;
        told_end = false;
      } else {
        wait_ms = now - moved_ns < kBusyNs || all_.waited_for_.load(std::memory_order_relaxed) ? kBusyMs : kIdleMs;
      }
      const Lsn written = engine.log().written();
      note_progress(written, now);
      if ((!told_end && wait_ms != 0) || now - told_ns >= kEndEveryNs) {
        STAVE_TRY(send_frame(*link_, {.kind = FrameKind::kEnd,
                                      .term = term(),
                                      .to = written,
                                      .seed = static_cast<std::uint64_t>(raw(engine.clock().wall()))}));
        told_ns = now;
        told_end = wait_ms != 0;
      }
      STAVE_TRY(hear(position, wait_ms));
      all_.look_at_waiters();
    }
    return {};
  }

  void note_progress(Lsn written, std::uint64_t now) {
    constexpr std::size_t kMarksMax = 1024;
    constexpr std::uint64_t kApartNs = 1'000'000;
    if (!marks_.empty() && (marks_.back().written == written || now - marks_.back().at_ns < kApartNs)) return;
    // The oldest says how long; of those behind it some may go.
    if (marks_.size() < kMarksMax) marks_.push_back({written, now});
  }

  Result<void> send_dictionaries() {
    store::Engine& engine = all_.engine_;
    if (engine.compression().dictionaries() == dictionaries_seen_) return {};
    dictionaries_seen_ = engine.compression().dictionaries();
    FileSystem& files = engine.file_system();
    STAVE_ASSIGN(const std::vector<std::string> names, files.list(engine.directory()));
    for (const std::string& name : names) {
      if (!packing::is_dictionary_name(name)) continue;
      const std::string path = log::join_path(engine.directory(), name);
      STAVE_ASSIGN(const auto dictionary, packing::read_dictionary(files, path));
      if (std::ranges::find(dictionaries_, dictionary->id()) != dictionaries_.end()) continue;
      const std::string file = packing::encode_dictionary(dictionary->id(), dictionary->order(), dictionary->content());
      STAVE_TRY(send_frame(*link_, {.kind = FrameKind::kDictionary, .term = term(), .payload = bytes_of(file)}));
      dictionaries_.push_back(dictionary->id());
    }
    return {};
  }

  /// What the follower says, waiting for it for `wait_ms` at most.
  Result<void> hear(Lsn sent, std::int64_t wait_ms) {
    for (bool first = true; first || reader_.ready(); first = false) {
      STAVE_ASSIGN(const auto frame, reader_.next(wait_ms));
      const std::uint64_t now = now_ns();
      base::MutexLock lock(all_.mutex_);
      info_.sent = sent;
      if (frame) {
        if (frame->kind != FrameKind::kAck || frame->from > sent || frame->to > frame->from)
          return fail(ErrorCode::kCorrupt, "it says to have what was not sent to it");
        info_.heard_ns = now;
        info_.written = std::max(info_.written, frame->from);
        info_.durable = std::max(info_.durable, frame->to);
        if (kept_ != nullptr) kept_->keep->move(info_.durable);
      } else if (now - info_.heard_ns > kSilenceNs) {
        return fail(ErrorCode::kBusy, "it has said nothing for a minute");
      }
      while (!marks_.empty() && marks_.front().written <= info_.written) marks_.pop_front();
      info_.lag_ms = marks_.empty() ? 0 : (now - marks_.front().at_ns) / 1'000'000;
      if (!frame) return {};
      wait_ms = 0;
    }
    return {};
  }

  Followers& all_;
  const std::unique_ptr<Link> link_;
  const std::function<bool()> allowed_;
  FrameReader reader_;
  log::NodeId node_{};
  Kept* kept_ = nullptr;  ///< Null before it has said who it is, and once it has made way.
  /// How far the log was written at some moments since the one of which the follower has everything.
  struct Mark {
    Lsn written;
    std::uint64_t at_ns;
  };
  std::deque<Mark> marks_;
  std::vector<std::uint32_t> dictionaries_;
  std::size_t dictionaries_seen_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> done_{false};
  std::thread thread_;
};

Followers::Followers(store::Engine& engine, std::function<void(const std::string&)> tell)
    : engine_(engine), tell_(std::move(tell)) {}

Followers::~Followers() {
  stop();
}

void Followers::serve(std::unique_ptr<Link> link, std::function<bool()> allowed) {
  base::MutexLock lock(mutex_);
  if (stopping_) return;
  reap();
  auto& shipper = shippers_.emplace_back(std::make_unique<Shipper>(*this, std::move(link), std::move(allowed)));
  try {
    shipper->start();
  } catch (const std::system_error&) {
    shippers_.pop_back();  // there is no thread to be had: it comes again
  }
}

// Those that are done have let go of the lock for good.
void Followers::reap() {
  std::erase_if(shippers_, [](const auto& shipper) { return shipper->done(); });
  const std::uint64_t now_ns = engine_.clock().monotonic_ns();
  std::erase_if(kept_, [&](const Kept& kept) { return !kept.connected && now_ns - kept.left_ns > kKeptNs; });
}

void Followers::stop() {
  std::list<std::unique_ptr<Shipper>> gone;
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    gone.swap(shippers_);
  }
  for (const auto& shipper : gone) shipper->shut();
  gone.clear();
  base::MutexLock lock(mutex_);
  kept_.clear();
}

Followers::Kept& Followers::kept_for(const log::NodeId& node, Lsn from) {
  for (Kept& kept : kept_) {
    if (kept.node != node || kept.connected) continue;
    kept.keep->move(from);
    return kept;
  }
  if (kept_.size() >= kKeptMax) std::erase_if(kept_, [](const Kept& kept) { return !kept.connected; });
  kept_.push_back({.node = node,
                   .keep = std::make_unique<store::Upkeep::Keep>(engine_.upkeep(), from),
                   .connected = false,
                   .left_ns = 0});
  return kept_.back();
}

std::vector<FollowerInfo> Followers::list() const {
  base::MutexLock lock(mutex_);
  std::vector<FollowerInfo> all;
  for (const auto& shipper : shippers_)
    if (shipper->streams) all.push_back(shipper->info_);
  return all;
}

std::size_t Followers::count(Lsn lsn, bool durable) const {
  return static_cast<std::size_t>(std::ranges::count_if(shippers_, [&](const auto& shipper) {
    return shipper->streams && (durable ? shipper->info_.durable : shipper->info_.written) >= lsn;
  }));
}

std::size_t Followers::with_written(Lsn lsn) const {
  base::MutexLock lock(mutex_);
  return count(lsn, false);
}

std::size_t Followers::with_durable(Lsn lsn) const {
  base::MutexLock lock(mutex_);
  return count(lsn, true);
}

bool Followers::over(const Wish& wish, std::uint64_t now_ns) const {
  return connected_.load(std::memory_order_relaxed) == 0 || (wish.deadline_ns != 0 && now_ns >= wish.deadline_ns) ||
         count(wish.lsn, wish.durable) >= wish.count;
}

void Followers::when(const Wish& wish, std::function<void()> then) {
  {
    base::MutexLock lock(mutex_);
    if (!stopping_ && !over(wish, engine_.clock().monotonic_ns())) {
      waiters_.push_back({wish, std::move(then)});
      waited_for_.store(true, std::memory_order_relaxed);
      return;
    }
  }
  then();
}

void Followers::look_at_waiters() {
  if (!waited_for_.load(std::memory_order_relaxed)) return;
  std::list<Waiter> ended;
  {
    base::MutexLock lock(mutex_);
    const std::uint64_t now_ns = engine_.clock().monotonic_ns();
    for (auto at = waiters_.begin(); at != waiters_.end();) {
      const auto next = std::next(at);
      if (stopping_ || over(at->wish, now_ns)) ended.splice(ended.end(), waiters_, at);
      at = next;
    }
    waited_for_.store(!waiters_.empty(), std::memory_order_relaxed);
  }
  for (const Waiter& waiter : ended) waiter.then();
}

}  // namespace stave::replication
