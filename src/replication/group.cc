#include "replication/group.h"

#include <algorithm>
#include <utility>

#include "base/try.h"

namespace stave::replication {

Group::Group(store::Engine& engine, Config config)
    : engine_(engine), config_(std::move(config)), max_lag_ms_(config_.max_lag_ms), followers_(engine, config_.tell) {}

Group::~Group() {
  stop();
}

void Group::start() {
  if (config_.redis && redis_target_ != nullptr) return start_redis();
  if (config_.leader.empty() || !engine_.follows()) return;
  auto follower = std::make_shared<Follower>(
      engine_, Follower::Config{.leader = config_.leader,
                                .host = config_.host,
                                .port = config_.port,
                                .dial = [this](const std::string& leader) { return dial(leader); },
                                .tell = config_.tell,
                                .rebuild = [this](const Rebuild& rebuild) { reopen(rebuild); },
                                .met = [this](const log::NodeId& leader) { followers_.set_upstream(leader); },
                                .take_over = [this] { return take_over(); }});
  {
    base::MutexLock lock(mutex_);
    follower_ = follower;
  }
  follower->start();
}

void Group::stop() {
  std::shared_ptr<Follower> follower;
  std::shared_ptr<Handover> handover;
  {
    base::MutexLock lock(mutex_);
    follower = follower_;
    handover = handover_;
  }
  if (handover) handover->stop();
  if (follower) follower->stop();
  if (const auto redis = redis_follower()) redis->stop();
  followers_.stop();
}

std::optional<FollowerStatus> Group::following() const {
  std::shared_ptr<Follower> follower;
  {
    base::MutexLock lock(mutex_);
    follower = follower_;
  }
  if (!follower || !engine_.follows()) return std::nullopt;
  return follower->status();
}

bool Group::whole() const {
  if (const auto redis = redis_follower(); redis && !redis->whole()) return false;
  return engine_.terms().whole(engine_.log().tail());
}

bool Group::ready(std::string& why) const {
  if (redis_follower() != nullptr) return redis_ready(why);
  const auto status = following();
  if (!status) return true;
  const std::int64_t most = max_lag_ms_.load(std::memory_order_relaxed);
  if (most == 0 || status->lag_ms <= static_cast<std::uint64_t>(most)) return true;
  why = "it follows " + status->leader + " and is " + std::to_string(status->lag_ms) + " ms behind" +
        (status->trouble.empty() ? "" : ": " + status->trouble);
  return false;
}

Result<void> Group::lead() {
  std::shared_ptr<Follower> follower;
  {
    base::MutexLock lock(mutex_);
    // A store that is about to be closed is no leader.
    if (wanted_.what != Rebuild::What::kNothing)
      return fail(ErrorCode::kBusy, "the store is about to be opened again; try again soon");
    follower = follower_;
  }
  if (redis_follower() != nullptr) return end_redis();
  if (!engine_.follows()) return {};
  if (!whole())
    return fail(ErrorCode::kConflict, "this is half a copy of a store: it cannot lead before it has all of it");
  if (follower) follower->stop();
  {
    base::MutexLock lock(mutex_);
    if (wanted_.what != Rebuild::What::kNothing)
      return fail(ErrorCode::kBusy, "the store is about to be opened again; try again soon");
  }
  STAVE_TRY(engine_.lead());
  config_.tell("leads now, in term " + std::to_string(engine_.terms().number()));
  base::MutexLock lock(mutex_);
  follower_ = nullptr;
  return {};
}

// On the follower's own thread, which has nothing more to do and is joined when the group stops.
Result<void> Group::take_over() {
  {
    base::MutexLock lock(mutex_);
    if (wanted_.what != Rebuild::What::kNothing)
      return fail(ErrorCode::kBusy, "the store is about to be opened again; try again soon");
  }
  if (!whole()) return fail(ErrorCode::kConflict, "this is half a copy of a store: it cannot lead");
  STAVE_TRY(engine_.lead());
  config_.tell("leads now, in term " + std::to_string(engine_.terms().number()) + ", as its leader wanted");
  if (hooks_.led) hooks_.led();
  return {};
}

Result<void> Group::fail_over(const FailOver& wish) {
  base::MutexLock lock(mutex_);
  if (handover_ && handover_->state() != Handover::State::kNone)
    return fail(ErrorCode::kBusy, "FAILOVER already in progress.");
  if (engine_.follows() || redis_ != nullptr || wanted_.what != Rebuild::What::kNothing)
    return fail(ErrorCode::kConflict, "FAILOVER is not valid when server is a replica.");
  if (handover_) handover_->stop();
  auto handover = std::make_shared<Handover>(
      engine_, followers_,
      Handover::Config{.dial = config_.dial,
                       .tell = config_.tell,
                       .pause = hooks_.pause,
                       .follow = [this](const std::string& leader) { return follow_stave(leader); }});
  STAVE_TRY(handover->start(wish));
  handover_ = std::move(handover);
  return {};
}

Result<void> Group::abort_fail_over() {
  base::MutexLock lock(mutex_);
  if (!handover_ || !handover_->give_up()) return fail(ErrorCode::kNotFound, "No failover in progress.");
  return {};
}

Handover::State Group::fail_over_state() const {
  base::MutexLock lock(mutex_);
  return handover_ ? handover_->state() : Handover::State::kNone;
}

Result<void> Group::follow_stave(const std::string& leader) {
  STAVE_TRY(check_open());
  const auto status = following();
  if (status && status->leader == leader) return {};
  const bool led = !engine_.follows();
  // Nothing more is taken from anybody: what was is looked at.
  engine_.log().follow(true);
  auto done = [&]() -> Result<void> {
    std::uint64_t keys = 0;
    if (!engine_.terms().any())
      for (int database = 0; database < engine_.options().databases; ++database) keys += engine_.count_keys(database);
    if (keys != 0)
      return fail(ErrorCode::kConflict, "this store has data of its own (" + std::to_string(keys) +
                                            (keys == 1 ? " key" : " keys") +
                                            "), which a copy of another one would replace; FLUSHALL first, or follow "
                                            "with an empty directory");
    return engine_.terms().change([&](store::NodeState& state) {
      if (state.id == log::NodeId{}) state.id = store::draw_node_id();
      state.follows = true;
      state.leader = leader;
    });
  }();
  if (done) done = forget_redis();
  if (!done) {
    if (led) engine_.log().follow(false);
    return done;
  }
  reopen({.what = Rebuild::What::kReopen, .at = kNoLsn});
  return {};
}

Rebuild Group::wanted() const {
  base::MutexLock lock(mutex_);
  return wanted_;
}

}  // namespace stave::replication
