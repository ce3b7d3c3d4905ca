#include "replication/shipper.h"

#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/thread.h"
#include "base/try.h"
#include "packing/compression.h"
#include "packing/compression_dictionary.h"

namespace stave::replication {

namespace {

constexpr std::int64_t kHelloMs = 10'000;
/// Looks for what may have changed without the log's being written so often.
constexpr std::int64_t kIdleMs = 50;
/// A follower hears of its leader so often at least, and is asked about so often.
constexpr std::uint64_t kEndEveryNs = 500'000'000;
/// Who says nothing for so long is gone.
constexpr std::uint64_t kFollowerSilenceNs = 60'000'000'000;

std::span<const std::byte> bytes_of(const std::string& text) noexcept {
  return base::as_bytes(text);
}

}  // namespace

/// While it is there whoever writes the log nudges the link: either that is seen, or what was written is.
class Followers::Resting {
 public:
  Resting(Followers& all, Link& link) : all_(all), link_(link) { all_.begin_to_wait(link_); }
  ~Resting() { all_.end_wait(link_); }
  Resting(const Resting&) = delete;
  Resting& operator=(const Resting&) = delete;

 private:
  Followers& all_;
  Link& link_;
};

Followers::Shipper::Shipper(Followers& all, std::unique_ptr<Link> link, std::function<bool()> allowed)
    : all_(all), link_(std::move(link)), allowed_(std::move(allowed)), reader_(*link_) {
  info_.address = link_->peer();
}

Followers::Shipper::~Shipper() {
  link_->shut();
  if (thread_.joinable()) thread_.join();
}

void Followers::Shipper::start() {
  thread_ = base::start_thread([this] {
    base::enter_thread("stave-ship");
    run();
    done_.store(true, std::memory_order_release);
  });
}

void Followers::Shipper::shut() noexcept {
  stopping_.store(true, std::memory_order_relaxed);
  link_->shut();
}

void Followers::Shipper::run() noexcept {
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

Result<void> Followers::Shipper::refuse(const Error& why) {
  const std::string text = why.describe();
  static_cast<void>(send_frame(*link_, {.kind = FrameKind::kRefusal, .term = term(), .payload = bytes_of(text)}));
  return fail(why.clone());
}

// Whoever has followers is a leader, and its term begins with the first of them; who follows itself hands on what its
// leader began.
Result<void> Followers::Shipper::begin_term_for(const Hello& hello) {
  store::Engine& engine = all_.engine_;
  if (engine.follows()) return {};
  if (engine.terms().number() == 0) STAVE_TRY(engine.terms().begin(engine.log(), engine.now()));
  // Only it led the last term that it has heard of, and it leads no more: whoever asks to follow was told to. So what
  // it spent on itself, restarted alone after a crash or told to lead by mistake, keeps nobody from being followed.
  if (hello.promised <= engine.terms().number() || hello.terms.empty() || hello.terms.back().number != hello.promised ||
      hello.terms.back().leader != hello.node)
    return {};
  STAVE_TRY(engine.terms().change(
      [&](store::NodeState& state) { state.promised = std::max(state.promised, hello.promised); }));
  return engine.terms().begin(engine.log(), engine.now());
}

Result<void> Followers::Shipper::serve() {
  STAVE_ASSIGN(const auto first, reader_.next(kHelloMs));
  if (!first || first->kind != FrameKind::kHello)
    return refuse(Error(ErrorCode::kInvalidArgument, "a follower has to say first what it has"));
  auto hello = decode_hello(first->payload);
  if (!hello) return refuse(hello.error());
  store::Engine& engine = all_.engine_;
  if (auto may = all_.may_serve(hello->node); !may) return refuse(may.error());
  STAVE_TRY(begin_term_for(*hello));
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

void Followers::Shipper::begin_to_keep(const Hello& hello) {
  base::MutexLock lock(all_.mutex_);
  node_ = hello.node;
  // One machine counts once: what it had before is broken, also where that does not show yet.
  for (const auto& other : all_.shippers_)
    if (other.get() != this && other->node_ == node_ && other->kept_ != nullptr) other->make_way();
  info_.node = hello.node;
  info_.host = hello.host.empty() ? info_.address.substr(0, info_.address.rfind(':')) : hello.host;
  info_.port = hello.port;
  // All that it has is on its disk: it saw to that before it said so.
  info_.written = info_.durable = info_.sent = hello.end;
  info_.heard_ns = now_ns();
  const Lsn from = hello.empty() ? all_.engine_.log().stats().first : hello.end;
  kept_ = &all_.kept_for(hello.node, from);
  kept_->connected = true;
}

void Followers::Shipper::keep_from(Lsn lsn) {
  base::MutexLock lock(all_.mutex_);
  if (kept_ != nullptr) kept_->keep->move(lsn);
}

void Followers::Shipper::make_way() noexcept {
  kept_->connected = false;
  kept_ = nullptr;
  streams = false;
  shut();
}

void Followers::Shipper::leave() noexcept {
  {
    base::MutexLock lock(all_.mutex_);
    if (kept_ != nullptr) {
      kept_->connected = false;
      kept_->left_ns = now_ns();
      kept_ = nullptr;
    }
    streams = false;
  }
  all_.look_at_followers();
}

Result<Lsn> Followers::Shipper::send_some(Lsn position, std::span<std::byte> buffer) {
  STAVE_ASSIGN(const log::Stretch stretch, all_.engine_.log().read_written(position, buffer));
  if (stretch.to <= position) return position;
  // Read before: what is compressed in these bytes was so with what was there by then.
  STAVE_TRY(send_dictionaries());
  STAVE_TRY(send_frame(
      *link_, {.kind = FrameKind::kLog,
               .whole = stretch.whole,
               .sync = all_.durable_wanted_.load(std::memory_order_relaxed) || all_.engine_.replicas().durable() != 0,
               .term = term(),
               .from = position,
               .to = stretch.to,
               .seed = stretch.seed,
               .payload = buffer.first(stretch.to - position)}));
  return stretch.to;
}

void Followers::Shipper::pace(std::uint64_t bytes) {
  constexpr std::uint64_t kSecondNs = 1'000'000'000;
  const std::uint64_t rate = all_.rate_.load(std::memory_order_relaxed);
  if (rate == 0) return;
  next_ns_ = std::max(next_ns_, now_ns()) + bytes * kSecondNs / rate;
}

Result<void> Followers::Shipper::tell_end(Lsn written, std::uint64_t now) {
  if (now - told_ns_ < kEndEveryNs) return {};
  told_ns_ = now;
  if (allowed_ && !allowed_()) return fail(ErrorCode::kPermission, "its user is gone, or may not follow any more");
  return send_frame(
      *link_, {.kind = FrameKind::kEnd,
               .sync = all_.durable_wanted_.load(std::memory_order_relaxed) || all_.engine_.replicas().durable() != 0,
               .term = term(),
               .to = written,
               .seed = static_cast<std::uint64_t>(raw(all_.engine_.clock().wall()))});
}

Result<void> Followers::Shipper::stream(Lsn position) {
  {
    base::MutexLock lock(all_.mutex_);
    if (kept_ == nullptr) return {};  // it has come again meanwhile
    streams = true;
  }
  all_.look_at_followers();
  std::vector<std::byte> buffer(kLogBytesMax);
  log::Log& log = all_.engine_.log();
  while (!stopping_.load(std::memory_order_relaxed)) {
    const bool early = now_ns() < next_ns_;
    const Lsn before = position;
    if (!early) {
      STAVE_ASSIGN(position, send_some(before, buffer));
    }
    const bool idle = position == before;
    if (!idle) pace(position - before);
    const std::uint64_t now = now_ns();
    note_progress(log.written(), now);
    STAVE_TRY(tell_end(log.written(), now));
    STAVE_TRY(hand_over_if_asked(position));
    if (early) {
      const std::uint64_t left_ms = (next_ns_ - std::min(now, next_ns_)) / 1'000'000 + 1;
      STAVE_TRY(hear(position, std::min(kIdleMs, static_cast<std::int64_t>(left_ms))));
    } else if (idle) {
      const Resting resting(all_, *link_);
      STAVE_TRY(hear(position, log.written() > position ? 0 : kIdleMs));
    } else {
      STAVE_TRY(hear(position, 0));
    }
  }
  return {};
}

void Followers::Shipper::note_progress(Lsn written, std::uint64_t now) {
  constexpr std::size_t kMarksMax = 1024;
  constexpr std::uint64_t kApartNs = 1'000'000;
  if (!marks_.empty() && (marks_.back().written == written || now - marks_.back().at_ns < kApartNs)) return;
  // The oldest says how long; of those behind it some may go.
  if (marks_.size() < kMarksMax) marks_.push_back({written, now});
}

Result<void> Followers::Shipper::send_dictionaries() {
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

Result<void> Followers::Shipper::hear_frame(const Frame& frame, Lsn sent, std::uint64_t now) {
  base::MutexLock lock(all_.mutex_);
  if (frame.kind != FrameKind::kAck || frame.from > sent || frame.to > frame.from)
    return fail(ErrorCode::kCorrupt, "it says to have what was not sent to it");
  info_.heard_ns = now;
  info_.written = std::max(info_.written, frame.from);
  info_.durable = std::max(info_.durable, frame.to);
  if (kept_ != nullptr) kept_->keep->move(info_.durable);
  return {};
}

Result<void> Followers::Shipper::hear(Lsn sent, std::int64_t wait_ms) {
  bool heard = false;
  for (bool first = true; first || reader_.ready(); first = false) {
    STAVE_ASSIGN(const auto frame, reader_.next(wait_ms));
    const std::uint64_t now = now_ns();
    if (!frame) break;
    STAVE_TRY(hear_frame(*frame, sent, now));
    heard = true;
    wait_ms = 0;
  }
  const std::uint64_t now = now_ns();
  {
    base::MutexLock lock(all_.mutex_);
    info_.sent = sent;
    if (now - info_.heard_ns > kFollowerSilenceNs) return fail(ErrorCode::kBusy, "it has said nothing for a minute");
    while (!marks_.empty() && marks_.front().written <= info_.written) marks_.pop_front();
    info_.lag_ms = marks_.empty() ? 0 : (now - marks_.front().at_ns) / 1'000'000;
  }
  if (heard) all_.look_at_followers();
  return {};
}

// The other side answers with kTaken, or with nothing: then whether it leads is not known here, and it is asked
// elsewhere.
Result<void> Followers::Shipper::hand_over_if_asked(Lsn sent) {
  std::optional<HandOver> asked;
  {
    base::MutexLock lock(all_.mutex_);
    if (!hand_over) return {};
    if (!hand_over->anyway && (sent < hand_over->end || info_.durable < hand_over->end)) return {};
    asked = std::exchange(hand_over, std::nullopt);
    // Under the lock: whoever finds it gone knows that this was said.
    asked->done(HandOver::Step::kTold);
  }
  constexpr std::int64_t kAnswerMs = 30'000;
  STAVE_TRY(send_frame(
      *link_, {.kind = FrameKind::kHandOver, .term = term(), .from = Lsn{asked->anyway ? 1u : 0u}, .to = asked->end}));
  const std::uint64_t until_ns = now_ns() + static_cast<std::uint64_t>(kAnswerMs) * 1'000'000;
  while (now_ns() < until_ns && !stopping_.load(std::memory_order_relaxed)) {
    STAVE_ASSIGN(const auto frame, reader_.next(kIdleMs));
    if (!frame) continue;
    if (frame->kind == FrameKind::kAck) continue;
    if (frame->kind == FrameKind::kTaken) {
      asked->done(HandOver::Step::kTaken);
      return {};
    }
    asked->done(HandOver::Step::kRefused);
    return {};
  }
  return fail(ErrorCode::kBusy, "it does not say whether it leads");
}

}  // namespace stave::replication
