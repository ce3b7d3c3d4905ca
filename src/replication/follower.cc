#include "replication/follower.h"

#include <algorithm>
#include <new>

#include "base/bytes.h"
#include "base/thread.h"
#include "base/try.h"
#include "packing/compression.h"
#include "packing/compression_dictionary.h"
#include "replication/assembler.h"
#include "replication/times.h"
#include "store/applier.h"

namespace stave::replication {

namespace {

constexpr std::int64_t kWelcomeMs = 15'000;
constexpr std::int64_t kLookMs = 100;
/// A leader that says nothing for so long is gone: it says something every half second.
constexpr std::uint64_t kLeaderSilenceNs = 20'000'000'000;
constexpr std::int64_t kFullMs = 500;
/// So many bytes are taken over before it is said how far that is, when more is there already.
constexpr std::uint64_t kAcknowledgeBytes = 4u << 20;

}  // namespace

/// One connection's way through the log.
class Course {
 public:
  Course(store::Engine& engine, Lsn from) : assembler(from), applier(engine) {}
  Assembler assembler;
  store::Applier applier;
  std::uint64_t unacknowledged = 0;
};

Result<Welcome> receive_welcome(FrameReader& reader) {
  STAVE_ASSIGN(const auto frame, reader.next(kWelcomeMs));
  if (!frame) return fail(ErrorCode::kBusy, "the leader does not answer");
  if (frame->kind == FrameKind::kRefusal)
    return fail(ErrorCode::kConflict,
                "the leader refuses: " + std::string(reinterpret_cast<const char*>(frame->payload.data()),
                                                     std::min<std::size_t>(frame->payload.size(), 1024)));
  if (frame->kind != FrameKind::kWelcome) return fail(ErrorCode::kCorrupt, "the leader answers with something else");
  return decode_welcome(frame->payload);
}

Follower::Follower(store::Engine& engine, Config config) : engine_(engine), config_(std::move(config)) {
  caught_up_ns_ = engine_.clock().monotonic_ns();
}

Follower::~Follower() {
  stop();
}

void Follower::start() {
  thread_ = base::start_thread([this] { run(); });
}

void Follower::stop() {
  {
    base::MutexLock lock(mutex_);
    stopping_.store(true, std::memory_order_relaxed);
    if (link_ != nullptr) link_->shut();
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

FollowerStatus Follower::status() const {
  const Lsn end = engine_.log().tail();
  const bool whole = engine_.terms().whole(end);
  base::MutexLock lock(mutex_);
  const std::uint64_t now = engine_.clock().monotonic_ns();
  return {.leader = config_.leader,
          .connected = connected_,
          .trouble = trouble_,
          .end = end,
          .leader_end = std::max(leader_end_, end),
          .heard_ns = heard_ns_,
          .lag_ms = connected_ && end >= leader_end_ && now - heard_ns_ < 2'000'000'000
                        ? 0
                        : (now - caught_up_ns_) / 1'000'000,
          .whole = whole};
}

void Follower::note(std::string trouble, bool connected) {
  base::MutexLock lock(mutex_);
  const bool news = trouble != trouble_ || connected != connected_;
  trouble_ = std::move(trouble);
  connected_ = connected;
  if (!news) return;
  if (connected) {
    config_.tell("follows " + config_.leader);
  } else if (!trouble_.empty()) {
    config_.tell("does not follow " + config_.leader + " now: " + trouble_);
  }
}

void Follower::note_end(Lsn leader_end) {
  const Lsn end = engine_.log().tail();
  base::MutexLock lock(mutex_);
  heard_ns_ = engine_.clock().monotonic_ns();
  leader_end_ = std::max(leader_end_, leader_end);
  if (end >= leader_end_) caught_up_ns_ = heard_ns_;
}

void Follower::ask_for(const Rebuild& rebuild) {
  rebuilding_ = true;
  config_.rebuild(rebuild);
}

void Follower::run() {
  base::enter_thread("stave-follow");
  std::int64_t retry_ms = kRetryMsMin;
  while (!stopping_.load(std::memory_order_relaxed) && !rebuilding_ && !leads_) {
    const std::uint64_t begun = engine_.clock().monotonic_ns();
    try {
      auto ended = follow_once();
      if (leads_) return;
      if (!stopping_.load(std::memory_order_relaxed) && !rebuilding_)
        note(ended ? "the connection has ended" : ended.error().describe(), false);
    } catch (const std::bad_alloc&) {
      note("there is no memory", false);
    }
    if (!engine_.log().health()) {
      // Nothing more can be taken over by this process; the disk may be better for the next.
      ask_for({.what = Rebuild::What::kReopen});
      return;
    }
    // One that went well for a while is tried again at once.
    if (engine_.clock().monotonic_ns() - begun > 10'000'000'000) retry_ms = kRetryMsMin;
    base::MutexLock lock(mutex_);
    if (!stopping_.load(std::memory_order_relaxed) && !rebuilding_) wake_.wait_for_ms(mutex_, retry_ms);
    retry_ms = std::min(2 * retry_ms, kRetryMsMax);
  }
}

Result<void> Follower::follow_once() {
  STAVE_ASSIGN(const std::unique_ptr<Link> link, config_.dial(config_.leader));
  {
    base::MutexLock lock(mutex_);
    if (stopping_.load(std::memory_order_relaxed)) return {};
    link_ = link.get();
  }
  FrameReader reader(*link);
  auto done = [&]() -> Result<void> {
    const Lsn from = engine_.log().tail();
    // What it says to have it is taken to have on its disk.
    STAVE_TRY(engine_.log().wait_durable(from));
    STAVE_ASSIGN(const Welcome welcome, greet(*link, reader));
    if (config_.met) config_.met(welcome.leader);
    const bool other = !std::ranges::equal(welcome.store_id, engine_.log().store_id());
    if (other) return fail(ErrorCode::kConflict, "the leader has another store than this one is a copy of");
    const store::NodeState state = engine_.terms().state();
    if (welcome.term < state.promised)
      return fail(ErrorCode::kConflict,
                  "the leader is of term " + std::to_string(welcome.term) + ", and a later one has begun elsewhere");
    switch (welcome.answer) {
      case Answer::kStream: break;
      case Answer::kCut:
        if (welcome.at >= from) return fail(ErrorCode::kCorrupt, "the leader's answer makes no sense");
        // Half a copy that loses a part of what it has is nothing.
        if (welcome.at < state.whole || welcome.at < state.begins) {
          ask_for({.what = Rebuild::What::kAnew});
        } else {
          ask_for({.what = Rebuild::What::kCut, .at = welcome.at});
        }
        return {};
      case Answer::kCopy: return fail(ErrorCode::kCorrupt, "the leader's answer makes no sense");
      case Answer::kAnew:
        ask_for({.what = Rebuild::What::kAnew, .at = welcome.at < from && from >= state.whole ? welcome.at : kNoLsn});
        return {};
    }
    if (welcome.at != from) return fail(ErrorCode::kCorrupt, "the leader's answer makes no sense");
    if (welcome.term > state.promised)
      STAVE_TRY(engine_.terms().change([&](store::NodeState& node) { node.promised = welcome.term; }));
    return follow(*link, reader, from);
  }();
  base::MutexLock lock(mutex_);
  link_ = nullptr;
  connected_ = false;
  return done;
}

Result<Welcome> Follower::greet(Link& link, FrameReader& reader) {
  const store::NodeState state = engine_.terms().state();
  Hello hello{.store_id = {},
              .node = state.id,
              .end = engine_.log().tail(),
              .promised = state.promised,
              .port = config_.port,
              .terms = state.terms,
              .dictionaries = {},
              .host = config_.host};
  std::ranges::copy(engine_.log().store_id(), hello.store_id.begin());
  STAVE_ASSIGN(const auto names, engine_.file_system().list(engine_.directory()));
  for (const std::string& name : names) {
    if (!packing::is_dictionary_name(name)) continue;
    const auto dictionary = packing::read_dictionary(engine_.file_system(), log::join_path(engine_.directory(), name));
    if (dictionary) hello.dictionaries.push_back((*dictionary)->id());
  }
  const std::string text = encode(hello);
  STAVE_TRY(send_frame(link, {.kind = FrameKind::kHello, .term = state.promised, .payload = base::as_bytes(text)}));
  return receive_welcome(reader);
}

Result<void> Follower::follow(Link& link, FrameReader& reader, Lsn from) {
  note({}, true);
  note_end(from);
  Course course(engine_, from);
  std::uint64_t heard_ns = engine_.clock().monotonic_ns();
  while (!stopping_.load(std::memory_order_relaxed)) {
    STAVE_ASSIGN(const auto frame, reader.next(kLookMs));
    const std::uint64_t now = engine_.clock().monotonic_ns();
    if (!frame) {
      if (now - heard_ns > kLeaderSilenceNs)
        return fail(ErrorCode::kBusy, "the leader has said nothing for 20 seconds");
      continue;
    }
    heard_ns = now;
    if (frame->kind == FrameKind::kHandOver) return take_over(link, *frame);
    if (frame->term < engine_.terms().promised())
      return fail(ErrorCode::kConflict, "the leader is of an earlier term than one that has begun elsewhere");
    const bool end = frame->kind == FrameKind::kEnd;
    must_sync_ = frame->sync;
    STAVE_TRY(take(*frame, course));
    const bool drained = !reader.ready();
    if (end || drained || course.unacknowledged >= kAcknowledgeBytes) {
      STAVE_TRY(acknowledge(link, drained));
      course.unacknowledged = 0;
    }
  }
  return {};
}

Result<void> Follower::take(const Frame& frame, Course& course) {
  switch (frame.kind) {
    case FrameKind::kEnd: note_end(frame.to); return {};
    case FrameKind::kDictionary:
      return engine_.compression().take_over(
          {reinterpret_cast<const char*>(frame.payload.data()), frame.payload.size()});
    case FrameKind::kLog: break;
    case FrameKind::kHello:
    case FrameKind::kWelcome:
    case FrameKind::kRefusal:
    case FrameKind::kAck:
    case FrameKind::kHandOver:
    case FrameKind::kTaken:
      return fail(ErrorCode::kCorrupt, "the leader sends what only comes before its log, or never");
  }
  if (frame.to - frame.from != frame.payload.size())
    return fail(ErrorCode::kCorrupt, "a frame of the log is not as long as it says");
  STAVE_TRY(course.assembler.add(frame.from, frame.seed, frame.payload));
  course.unacknowledged += frame.payload.size();
  for (;;) {
    STAVE_ASSIGN(const auto batch, course.assembler.next());
    if (batch.empty()) break;
    for (;;) {
      auto added = course.applier.add(batch);
      if (added) break;
      // A full disk: the cleaner's moves, or somebody, make room.
      if (added.error().code() != ErrorCode::kNoSpace || stopping_.load(std::memory_order_relaxed)) return added;
      base::MutexLock lock(mutex_);
      trouble_ = added.error().describe();
      if (!stopping_.load(std::memory_order_relaxed)) wake_.wait_for_ms(mutex_, kFullMs);
    }
  }
  note_end(frame.to);
  return {};
}

// Whoever hands over writes nothing more, and does not lead again before it knows what came of it.
Result<void> Follower::take_over(Link& link, const Frame& frame) {
  const bool anyway = frame.from != kNoLsn;
  const Lsn end = engine_.log().tail();
  bool tried = false;
  auto taken = [&]() -> Result<void> {
    if (!config_.take_over) return fail(ErrorCode::kUnsupported, "this store does not lead");
    if (frame.term < engine_.terms().promised())
      return fail(ErrorCode::kConflict, "a later term than that of the leader that hands over has begun elsewhere");
    if (!anyway && end != frame.to)
      return fail(ErrorCode::kConflict, "this store's log ends elsewhere than that of the leader that hands over");
    STAVE_TRY(engine_.log().wait_durable(end));
    tried = true;
    return config_.take_over();
  }();
  // What failed in the middle may be a reign after a restart: the leader is to find out.
  if (!taken && tried) return taken;
  if (!taken) {
    const std::string why = taken.error().describe();
    STAVE_TRY(send_frame(
        link, {.kind = FrameKind::kRefusal, .term = engine_.terms().number(), .payload = base::as_bytes(why)}));
    return taken;
  }
  leads_ = true;
  return send_frame(link, {.kind = FrameKind::kTaken, .term = engine_.terms().number()});
}

// What is said to be written or durable is, and what was taken over is so as soon as this store's policy says.
Result<void> Follower::acknowledge(Link& link, bool drained) {
  log::Log& log = engine_.log();
  const Lsn end = log.tail();
  if (must_sync_ || (engine_.sync_policy() == Sync::kAlways && drained)) {
    STAVE_TRY(log.wait_durable(end));
  } else {
    STAVE_TRY(log.wait_written(end));
  }
  const Lsn written = std::min(end, log.written());
  return send_frame(link, {.kind = FrameKind::kAck,
                           .term = engine_.terms().number(),
                           .from = written,
                           .to = std::min(written, log.durable()),
                           .seed = static_cast<std::uint64_t>(raw(engine_.clock().wall()))});
}

}  // namespace stave::replication
