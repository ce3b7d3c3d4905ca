// What happens in a store, as it happens: every change behind a position, in order, each once.
//
//     stave::ChangeStream changes(store, last_seen);
//     while (auto change = changes.next()) use(**change);
//
// Promises: only what is as safe as the store's policy says is told (docs/changes.md); a stream holds nothing of the
// store but its place in the log; where the log no longer reaches back to that place, that is said. Positions are LSNs:
// "everything up to here, included". Threads: one at a time for each stream.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "stave/error.h"
#include "stave/units.h"

namespace stave {

class Store;

struct ChangeEvent {
  enum class Kind : std::uint8_t {
    kSet,        ///< The key holds this now.
    kChange,     ///< A part of a large collection is another now.
    kSetExpiry,  ///< The key has another expiry, or none.
    kDelete,
    kExpire,  ///< Its time was up.
    kEvict,   ///< Removed for room.
    kFlush,   ///< Every key of the database is gone. No key; likewise below.
    kSwap,    ///< The database and `other` changed places.
    kLost,    ///< Here were changes that a repair of the log could not save.
  };
  Lsn lsn = kNoLsn;
  Lsn batch = kNoLsn;  ///< The same for all changes of one transaction.
  bool last = false;   ///< Of those, as far as they are shown.
  Kind kind = Kind::kSet;
  int database = 0;
  int other = 0;
  UnixMs time{0};
  Expiry expiry{};
  std::string_view type = {};  ///< As TYPE answers; empty when the log does not say. Static storage.
  std::string key;
  std::optional<std::string> value;  ///< Of a string that was set, when values were asked for.
};

/// "set", "change", "set_expiry", "delete", "expire", "evict", "flush", "swap", "lost".
std::string_view to_string(ChangeEvent::Kind kind) noexcept;

struct ChangeOptions {
  std::optional<int> database;  ///< Only of this one.
  std::string prefix;           ///< Only keys that begin so,
  std::string pattern;          ///< or match this glob.
  std::string type;             ///< Only values of this type; what has none in the log is shown.
  bool values = false;
};

class ChangeStream {
 public:
  /// Begins behind `since`; kNoLsn: with the store's first change. `store` must outlive the stream.
  ChangeStream(Store& store, Lsn since, ChangeOptions options = {});
  ~ChangeStream();
  ChangeStream(ChangeStream&& other) noexcept;
  ChangeStream& operator=(ChangeStream&& other) noexcept;

  /// The next change; waits for one for `wait_ms` (negative: for ever). nullopt: none came. Errors: kNotFound (the log
  /// no longer reaches back so far; the sentence names the oldest position), kConflict (the position is beyond the end
  /// of the log), kInvalidArgument (no such type), kAborted (the store is closing), kCorrupt, kIo, kNoMemory. Cost:
  /// what is read of the log, some hundred nanoseconds for each change.
  Result<std::optional<ChangeEvent>> next(std::int64_t wait_ms = -1);
  /// Everything up to here, included, was returned or is not wanted.
  [[nodiscard]] Lsn position() const noexcept;

  /// The oldest position that a stream of the store can begin at, and the one from which only what is new is shown.
  [[nodiscard]] static Lsn oldest(Store& store);
  [[nodiscard]] static Lsn now(Store& store);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace stave
