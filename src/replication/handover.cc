#include "replication/handover.h"

#include <algorithm>
#include <memory>
#include <system_error>
#include <utility>

#include "base/bytes.h"
#include "base/thread.h"
#include "base/try.h"
#include "replication/follower.h"
#include "replication/times.h"

namespace stave::replication {

namespace {

constexpr std::int64_t kWaitMs = 5;
/// A follower that lacks no more than this will soon have it: writers may be made to wait for that.
constexpr std::uint64_t kNearBytes = 1u << 20;

/// What the thread of a follower says, for the thread that hands over; it may outlive that.
struct Heard {
  std::atomic<bool> told{false};
  std::atomic<bool> taken{false};
  std::atomic<bool> refused{false};
};

}  // namespace

Handover::Handover(store::Engine& engine, Followers& followers, Config config)
    : engine_(engine), followers_(followers), config_(std::move(config)) {}

Handover::~Handover() {
  stop();
}

Result<void> Handover::start(const FailOver& wish) {
  wish_ = wish;
  const auto all = followers_.list();
  if (all.empty()) return fail(ErrorCode::kConflict, "FAILOVER requires connected replicas.");
  if (!wish.host.empty() && !choose(kNoLsn, true))
    return fail(ErrorCode::kConflict, "FAILOVER target HOST and PORT is not a replica.");
  // Its disk counts, whatever its own policy is.
  followers_.want_durable();
  if (wish.timeout_ms != 0) until_ns_ = engine_.clock().monotonic_ns() + wish.timeout_ms * kNsPerMs;
  state_.store(State::kWaiting, std::memory_order_release);
  try {
    thread_ = base::start_thread([this] {
      base::enter_thread("stave-handover");
      run();
    });
  } catch (const std::system_error&) {
    state_.store(State::kNone, std::memory_order_release);
    return fail(ErrorCode::kNoMemory, "there is no thread to be had");
  }
  return {};
}

bool Handover::give_up() {
  if (state() == State::kNone) return false;
  aborted_.store(true);
  wake_.notify_all();
  return true;
}

void Handover::stop() {
  stopping_.store(true);
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Handover::rest() {
  base::MutexLock lock(mutex_);
  if (!given_up()) wake_.wait_for_ms(mutex_, kWaitMs);
}

bool Handover::late() const {
  return until_ns_ != 0 && engine_.clock().monotonic_ns() >= until_ns_;
}

void Handover::run() noexcept {
  Result<void> done = fail(ErrorCode::kNoMemory, "there is no memory");
  try {
    if (config_.pause) config_.pause(true);
    done = hand_over();
  } catch (const std::bad_alloc&) {
    // Said above.
  }
  if (!done) {
    if (closed_) engine_.log().follow(false);
    closed_ = false;
    if (!stopping_.load()) config_.tell("does not hand over: " + done.error().describe());
  }
  // Else all connections are about to be closed.
  if (!done && config_.pause) config_.pause(false);
  state_.store(State::kNone, std::memory_order_release);
}

bool Handover::connected(const Target& target) const {
  return std::ranges::any_of(followers_.list(),
                             [&](const FollowerInfo& follower) { return follower.node == target.node; });
}

// Whoever found the log open appends under the lock of a shard at least: those are all taken once.
Result<void> Handover::close_log() {
  closed_ = true;
  engine_.log().follow(true);
  for (int database = 0; database < engine_.options().databases; ++database)
    static_cast<void>(engine_.count_keys(database));
  return engine_.log().wait_written(engine_.log().tail());
}

/// Whichever has most, of those that may be meant and have everything before `end`.
std::optional<Handover::Target> Handover::choose(Lsn end, bool anyway) const {
  std::optional<Target> best;
  Lsn most = kNoLsn;
  for (const FollowerInfo& follower : followers_.list()) {
    if (!wish_.host.empty() && (follower.host != wish_.host || follower.port != wish_.port)) continue;
    if (follower.port == 0 || (!anyway && follower.durable < end)) continue;
    if (best && follower.durable <= most) continue;
    most = follower.durable;
    best = Target{.node = follower.node, .address = follower.host + ":" + std::to_string(follower.port)};
  }
  return best;
}

Result<Handover::Target> Handover::await_target(Lsn& end, bool& anyway) {
  for (;; rest()) {
    if (given_up()) return fail(ErrorCode::kAborted, "it was given up");
    if (late()) {
      if (!wish_.force) return fail(ErrorCode::kBusy, "no follower had everything in time");
      anyway = true;
    }
    end = engine_.log().tail();
    if (!closed_ && (anyway || choose(Lsn{raw(end) - std::min(raw(end), kNearBytes)}, false))) {
      STAVE_TRY(close_log());
      end = engine_.log().tail();
    }
    if (!closed_) continue;
    if (auto target = choose(end, anyway)) return std::move(*target);
    if (anyway) return fail(ErrorCode::kNotFound, "the follower that was to lead is not connected any more");
  }
}

Result<void> Handover::hand_over() {
  Lsn end = kNoLsn;
  bool anyway = false;
  STAVE_ASSIGN(const Target target, await_target(end, anyway));
  state_.store(State::kHanding, std::memory_order_release);
  STAVE_TRY(tell(target, end, anyway));
  config_.tell("has handed over to " + target.address + " at LSN " + std::to_string(raw(end)));
  auto follows = config_.follow(target.address);
  if (follows) return {};
  // The other one leads: this store takes nothing any more, whatever hinders it from following.
  config_.tell("cannot follow " + target.address + ", and takes no writes: " + follows.error().describe());
  return {};
}

Result<void> Handover::tell(const Target& target, Lsn end, bool anyway) {
  const auto heard = std::make_shared<Heard>();
  STAVE_TRY(followers_.hand_over(target.node, {.end = end, .anyway = anyway, .done = [heard](HandOver::Step step) {
                                                 switch (step) {
                                                   case HandOver::Step::kTold: heard->told.store(true); break;
                                                   case HandOver::Step::kTaken: heard->taken.store(true); break;
                                                   case HandOver::Step::kRefused: heard->refused.store(true); break;
                                                 }
                                               }}));
  for (bool lost = false;; rest()) {
    if (heard->taken.load()) return {};
    if (heard->refused.load()) return fail(ErrorCode::kConflict, "the follower does not lead");
    if (!heard->told.load()) {
      // It has not been told yet, and may still not be.
      const bool there = connected(target);
      if ((given_up() || late() || !there) && (followers_.keep_leading(target.node) || !there) && !heard->told.load())
        return fail(ErrorCode::kBusy, "the follower was lost before it was told, or there was no more time");
      continue;
    }
    if (given_up()) return fail(ErrorCode::kAborted, "it was given up; whether the follower leads is not known");
    // Once it is connected again without leading it has not taken over, and will not.
    const bool there = connected(target);
    lost |= !there;
    if (!lost) continue;
    if (there) return fail(ErrorCode::kConflict, "the follower was lost while it was told, and does not lead");
    if (leads(target).value_or(false)) return {};
  }
}

std::optional<bool> Handover::leads(const Target& target) const {
  auto link = config_.dial(target.address);
  if (!link) return std::nullopt;
  FrameReader reader(**link);
  const store::NodeState state = engine_.terms().state();
  Hello hello{.store_id = {},
              .node = state.id,
              .end = engine_.log().tail(),
              .promised = engine_.terms().promised(),
              .port = 0,
              .terms = state.terms,
              .dictionaries = {},
              .host = {}};
  std::ranges::copy(engine_.log().store_id(), hello.store_id.begin());
  const std::string text = encode(hello);
  const Frame frame{.kind = FrameKind::kHello, .term = hello.promised, .payload = base::as_bytes(text)};
  if (!send_frame(**link, frame)) return std::nullopt;
  const auto welcome = receive_welcome(reader);
  if (!welcome) return std::nullopt;
  return welcome->term > engine_.terms().number();
}

}  // namespace stave::replication
