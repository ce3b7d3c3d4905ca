// What a store knows of the Redis that it follows: the file `REDIS` beside the log, and how far it has got, in the log.
//
// The file says whom, and what has become of the copy; the position is a value of the store's own that is written in
// the batch of the commands that it counts. Promises: what is saved is there whole after a crash, or what was there
// before; a position counts only together with the file that it was written under, so a store that was ordinary in
// between, or that came from a backup, never goes on from an old one. Must not know: connections, commands.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "stave/error.h"
#include "stave/file_system.h"

namespace stave::replication {

inline constexpr std::string_view kRedisStateName = "REDIS";
/// The copy while it comes, and once it has passed its checks and until it is loaded.
inline constexpr std::string_view kRedisCopyPart = "redis-copy.rdb.part";
inline constexpr std::string_view kRedisCopyName = "redis-copy.rdb";

/// How far in a master's stream of commands. As Redis has it: a replication id, and the bytes counted under it.
struct RedisPosition {
  std::string replid;  ///< 40 hex digits; empty: nowhere.
  std::uint64_t offset = 0;
  int database = 0;  ///< That the stream has selected.
  friend bool operator==(const RedisPosition&, const RedisPosition&) = default;
};

/// What the data of the store is.
enum class RedisCopy : std::uint8_t {
  kNone,    ///< Nothing has come yet, and there was nothing: it is not served.
  kOwn,     ///< What the store had before: it is served until the copy is here.
  kLoad,    ///< The copy is here and has passed its checks: it is to take the place of everything.
  kFollow,  ///< The master's.
};

struct RedisState {
  bool follows = false;
  std::string master;   ///< "host:port"
  std::string told;     ///< What the last start was told to follow, as in NodeState.
  std::string lineage;  ///< Drawn anew each time that it begins to follow: a position names it.
  RedisCopy copy = RedisCopy::kNone;
  RedisPosition loaded;  ///< Of kLoad: where the copy ends.
  friend bool operator==(const RedisState&, const RedisState&) = default;
};

std::string encode_redis_state(const RedisState& state);
/// Errors: kCorrupt, kUnsupported (a later version).
Result<RedisState> decode_redis_state(std::string_view text, const std::string& path);
/// nullopt: the store has followed no Redis. Errors: as above, kIo.
Result<std::optional<RedisState>> load_redis_state(FileSystem& files, const std::string& directory);
Result<void> save_redis_state(FileSystem& files, const std::string& directory, const RedisState& state);
std::string draw_lineage();

/// The value of the store's own: the position, and under which lineage.
std::string encode_position(std::string_view lineage, const RedisPosition& position);
/// nullopt: it is of another lineage, or makes no sense.
std::optional<RedisPosition> decode_position(std::string_view text, std::string_view lineage);
/// Whether it is 40 hex digits.
[[nodiscard]] bool is_replid(std::string_view text) noexcept;

}  // namespace stave::replication
