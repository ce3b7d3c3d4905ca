// A change as the log tells it, for those who read along: change streams and whatever follows a store.
//
// Must not know: how it was found, how it is spelled.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "stave/units.h"
#include "store/value.h"

namespace stave::store {

struct LoggedChange {
  enum class Kind : std::uint8_t {
    kSet,        ///< The key holds this, whole: `value` is what.
    kChange,     ///< A part of what the key holds is another now: of a collection too large for one record.
    kSetExpiry,  ///< The key has another expiry, or none.
    kDelete,
    kExpire,  ///< Its time was up.
    kEvict,   ///< Removed for room.
    kFlush,   ///< Every key of the database is gone. No key; likewise below.
    kSwap,    ///< The database and `other` changed places.
    kLost,    ///< Here were changes that a repair of the log could not save.
  };
  Lsn lsn = kNoLsn;
  Lsn batch = kNoLsn;  ///< Where its batch begins; changes of one transaction have this in common.
  bool last = false;   ///< No other change of its batch follows that would be shown.
  Kind kind = Kind::kSet;
  int database = 0;
  int other = 0;
  UnixMs time{0};                 ///< The store's.
  Expiry expiry{};                ///< Which the key has from then on; likewise.
  std::optional<ValueType> type;  ///< When the record says it: of kSet and kChange.
  std::string key;
  std::optional<std::string> value;  ///< When it was asked for: of kSet. A collection's is its compact form.

  [[nodiscard]] bool whole_database() const noexcept { return kind == Kind::kFlush || kind == Kind::kSwap; }
};

/// "set", "change", "set_expiry", "delete", "expire", "evict", "flush", "swap", "lost".
[[nodiscard]] std::string_view to_string(LoggedChange::Kind kind) noexcept;

/// Who wants to be shown what. Asked before values are looked at.
class ChangeFilter {
 public:
  ChangeFilter() = default;
  virtual ~ChangeFilter() = default;
  ChangeFilter(const ChangeFilter&) = delete;
  ChangeFilter& operator=(const ChangeFilter&) = delete;
  /// `key`: that of the change, whose own is not set yet; `last` is not either.
  [[nodiscard]] virtual bool wants(const LoggedChange& change, std::string_view key) const = 0;
};

}  // namespace stave::store
