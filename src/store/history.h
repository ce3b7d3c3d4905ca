// A key's past, read out of the log.
//
// Every record names the one it replaced, so the past of a key that is there is a chain of addresses, one read for each
// version. Where a chain begins (the key was created anew) or the key is absent, the log is searched backwards, segment
// by segment, for what was there before; that is as much reading as the key was away. History follows the data: when
// databases changed places, the past of a key lies where its database was then.
// Promises: what it tells is what happened; when the log does not reach back far enough it says so instead of guessing.
// Must not know: commands. It reads what the cleaner has not dropped: see Options::history_ms and history_bytes.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "stave/history.h"
#include "store/engine.h"

namespace stave::store {

/// What a key held at a point.
struct PastValue {
  std::string value;
  ValueType type{};
  Expiry expiry{};
  Lsn version = kNoLsn;
  UnixMs time{0};  ///< When it was given.
};

/// Threads: any, each with a History of its own.
class History {
 public:
  explicit History(Engine& engine) : engine_(engine) {}

  /// What happened to the key, newest first, at most `count` entries; as far back as the log reaches. Errors: kCorrupt,
  /// kIo, kNoMemory. `pending` gets what an answer that shows it must wait for; likewise below.
  Result<std::vector<KeyVersion>> versions(KeyRef key, std::size_t count, Pending& pending);

  /// What the key held at `point`; nullopt when it was absent. By LSN, a key counts as expired once the log says so; by
  /// time, from its deadline on. Errors: kNotFound (the log does not reach back so far; the sentence says how far it
  /// does), kCorrupt, kIo, kNoMemory.
  Result<std::optional<PastValue>> value_at(KeyRef key, Point point, Pending& pending);

  struct Reverted {
    bool present = false;  ///< The key holds a value again; false: it was absent at the point, and now is.
    bool changed = false;  ///< It was not like that already.
    Lsn version = kNoLsn;  ///< Of the change, if there was one.
  };
  /// Makes the key what it was at `point`, by a new change; a deadline that has passed meanwhile is taken away. Errors:
  /// as `value_at`, and those of a write.
  Result<Reverted> revert(KeyRef key, Point point, Pending& pending, Sync sync = Sync::kDefault);

 private:
  class Lineage;
  Result<Reverted> revert(Transaction& transaction, KeyRef key, const std::optional<PastValue>& past, bool compare,
                          Sync sync, Pending& pending);
  Engine& engine_;
};

}  // namespace stave::store
