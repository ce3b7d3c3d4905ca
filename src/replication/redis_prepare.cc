// Before a store is opened: whether it follows a Redis, and then nothing else has to be done with its directory.
#include <algorithm>
#include <string>
#include <utility>

#include "base/try.h"
#include "log/segment.h"
#include "replication/group.h"
#include "replication/preparation_files.h"
#include "replication/times.h"
#include "store/node_state.h"

namespace stave::replication {

namespace {

/// Asks until somebody answers. Errors: kAborted.
Result<Peer> identify(const Preparation& preparation, const std::string& address) {
  if (preparation.identify == nullptr) return Peer::kStave;
  std::int64_t retry_ms = kRetryMsMin;
  std::string told;
  for (;;) {
    if (preparation.stopping()) return fail(ErrorCode::kAborted, "stopped before the leader answered");
    const auto peer = preparation.identify(address);
    if (peer) return *peer;
    if (std::string why = peer.error().describe(); why != told) {
      preparation.tell("cannot begin to follow " + address + " yet: " + why);
      told = std::move(why);
    }
    preparation.rest(retry_ms);
    retry_ms = std::min(2 * retry_ms, kRetryMsMax);
  }
}

/// The store follows that Redis from now on.
Result<Part> begin(const Preparation& preparation, const std::string& address, const std::string& told) {
  FileSystem& files = files_of(preparation);
  const std::string& directory = preparation.directory;
  STAVE_ASSIGN(const bool there, files.exists(directory));
  if (!there) STAVE_TRY(files.create_directories(directory));
  STAVE_ASSIGN(const bool store, files.exists(log::join_path(directory, log::kIdentityName)));
  const RedisState state = new_redis_state(address, told, store);
  STAVE_TRY(save_redis_state(files, directory, state));
  return Part{.follows = false, .leader = {}, .following = {}, .redis = state};
}

/// Whoever follows a Redis follows no Stave.
Result<void> leave_group(const Preparation& preparation, std::optional<store::NodeState> node) {
  if (!node || !node->follows) return {};
  node->follows = false;
  return store::save_node(files_of(preparation), preparation.directory, *node);
}

}  // namespace

RedisState new_redis_state(const std::string& master, const std::string& told, bool has_store) {
  return {.follows = true,
          .master = master,
          .told = told,
          .lineage = draw_lineage(),
          .copy = has_store ? RedisCopy::kOwn : RedisCopy::kNone,
          .loaded = {}};
}

Result<Part> prepare(const Preparation& preparation) {
  FileSystem& files = files_of(preparation);
  STAVE_ASSIGN(const bool there, files.exists(preparation.directory));
  std::optional<RedisState> redis;
  std::optional<store::NodeState> node;
  if (there) {
    STAVE_ASSIGN(redis, load_redis_state(files, preparation.directory));
    STAVE_ASSIGN(node, store::load_node(files, preparation.directory));
  }
  const std::string& told = preparation.told;
  const bool of_redis = redis && told == redis->told;
  const bool known = told.empty() || of_redis || (node && told == node->told);
  if (known && redis && redis->follows) {
    STAVE_TRY(leave_group(preparation, std::move(node)));
    return Part{.follows = false, .leader = {}, .following = {}, .redis = redis};
  }
  if (!known) {
    STAVE_ASSIGN(const Peer peer, identify(preparation, told));
    if (peer == Peer::kRedis) {
      STAVE_TRY(leave_group(preparation, std::move(node)));
      return begin(preparation, told, told);
    }
    if (redis) {
      redis->follows = false;
      redis->told.clear();
      STAVE_TRY(save_redis_state(files, preparation.directory, *redis));
    }
  }
  // Who was told to follow one that could not be asked finds out when it answers.
  std::string found;
  Preparation rest = preparation;
  if (of_redis) rest.told.clear();
  rest.dial = [&](const std::string& leader) -> Result<std::unique_ptr<Link>> {
    auto link = preparation.dial(leader);
    if (!link && preparation.identify != nullptr && link.error().code() == ErrorCode::kConflict)
      if (const auto peer = preparation.identify(leader); peer && *peer == Peer::kRedis) found = leader;
    return link;
  };
  rest.stopping = [&] { return !found.empty() || preparation.stopping(); };
  auto part = prepare_copy(rest);
  if (part || found.empty()) return part;
  STAVE_ASSIGN(node, store::load_node(files, preparation.directory));
  STAVE_TRY(leave_group(preparation, std::move(node)));
  return begin(preparation, found, told);
}

}  // namespace stave::replication
