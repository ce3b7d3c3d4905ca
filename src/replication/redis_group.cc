// The part of group.h that is about a Redis that is followed.
#include <string>
#include <utility>

#include "base/try.h"
#include "log/segment.h"
#include "replication/group.h"

namespace stave::replication {

void Group::start_redis() {
  auto redis = std::make_shared<RedisFollower>(
      engine_, *config_.redis, *redis_target_,
      RedisFollower::Config{.port = config_.port,
                            .dial = config_.dial_redis,
                            .tell = config_.tell,
                            .reopen =
                                [this](std::shared_ptr<RedisCarry> carry) {
                                  reopen({.what = Rebuild::What::kReopen, .at = kNoLsn, .redis = std::move(carry)});
                                },
                            .carried = config_.carried});
  {
    base::MutexLock lock(mutex_);
    redis_ = redis;
  }
  redis->start();
}

std::shared_ptr<RedisFollower> Group::redis_follower() const {
  base::MutexLock lock(mutex_);
  return redis_;
}

std::optional<RedisStatus> Group::redis() const {
  const auto redis = redis_follower();
  return redis ? std::optional(redis->status()) : std::nullopt;
}

bool Group::redis_ready(std::string& why) const {
  const auto status = redis();
  const std::int64_t most = max_lag_ms_.load(std::memory_order_relaxed);
  if (!status || most == 0 || status->lag_ms <= static_cast<std::uint64_t>(most)) return true;
  why = "it follows the Redis at " + status->master + " and is " + std::to_string(status->lag_ms) + " ms behind" +
        (status->trouble.empty() ? "" : ": " + status->trouble);
  return false;
}

void Group::reopen(const Rebuild& rebuild) {
  {
    base::MutexLock lock(mutex_);
    wanted_ = rebuild;
  }
  config_.reopen();
}

Result<void> Group::check_open() const {
  base::MutexLock lock(mutex_);
  if (wanted_.what == Rebuild::What::kNothing) return {};
  return fail(ErrorCode::kBusy, "the store is about to be opened again; try again soon");
}

/// One that was taken for a Stave, because it did not answer then, may be a Redis.
Result<std::unique_ptr<Link>> Group::dial(const std::string& leader) {
  auto link = config_.dial(leader);
  if (link || config_.identify == nullptr || link.error().code() != ErrorCode::kConflict) return link;
  if (const auto peer = config_.identify(leader); peer && *peer == Peer::kRedis) STAVE_TRY(follow_redis(leader));
  return link;
}

Result<Peer> Group::identify(const std::string& leader) const {
  if (config_.identify == nullptr) return Peer::kStave;
  auto peer = config_.identify(leader);
  if (!peer && peer.error().code() != ErrorCode::kPermission) return Peer::kStave;
  return peer;
}

Result<void> Group::follow(const std::string& leader, Peer peer) {
  STAVE_TRY(check_open());
  return peer == Peer::kRedis ? follow_redis(leader) : follow_stave(leader);
}

Result<void> Group::follow_redis(const std::string& master) {
  STAVE_TRY(check_open());
  const auto status = redis();
  const bool same = status && status->master == master;
  if (same && !status->stopped) return {};
  if (!same) {
    STAVE_ASSIGN(const auto before, load_redis_state(engine_.file_system(), engine_.directory()));
    // The start may go on to name somebody else: that was decided before.
    const std::string told = before ? before->told : std::string();
    RedisState state = new_redis_state(master, told, true);
    if (status && !status->whole) state.copy = RedisCopy::kNone;
    STAVE_TRY(save_redis_state(engine_.file_system(), engine_.directory(), state));
  }
  reopen({.what = Rebuild::What::kReopen, .at = kNoLsn});
  return {};
}

/// An ordinary store from now on.
Result<void> Group::end_redis() {
  const auto redis = redis_follower();
  if (!redis->whole())
    return fail(ErrorCode::kConflict,
                "the copy is not here yet: there is nothing to lead with; wait, or begin with an "
                "empty directory");
  redis->stop();
  STAVE_TRY(check_open());
  const auto resume = [&] { start_redis(); };
  if (auto done = forget_redis(); !done) {
    resume();
    return done;
  }
  engine_.set_mirrors(false);
  config_.tell("follows no Redis any more; it takes writes");
  base::MutexLock lock(mutex_);
  redis_ = nullptr;
  return {};
}

// The position stays in the log, and counts no more: the next lineage is another one.
Result<void> Group::forget_redis() {
  STAVE_ASSIGN(auto state, load_redis_state(engine_.file_system(), engine_.directory()));
  if (!state || !state->follows) return {};
  state->follows = false;
  state->lineage.clear();
  for (const std::string_view name : {kRedisCopyPart, kRedisCopyName}) {
    const std::string path = log::join_path(engine_.directory(), name);
    STAVE_ASSIGN(const bool there, engine_.file_system().exists(path));
    if (there) STAVE_TRY(engine_.file_system().remove(path));
  }
  return save_redis_state(engine_.file_system(), engine_.directory(), *state);
}

}  // namespace stave::replication
