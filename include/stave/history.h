// A key's past: what happened to it, and points to look at it from.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

#include "stave/units.h"

namespace stave {

/// A point of the past. By LSN: when the record at that address had just been written (of `Store::restore`: everything
/// before it). By time: the last change that was made by then counts.
using Point = std::variant<Lsn, UnixMs>;

/// Something that happened to a key.
struct KeyVersion {
  enum class Kind : std::uint8_t {
    kSet,        ///< It was given a value.
    kSetJson,    ///< The same, and its writer had it checked to be JSON.
    kSetExpiry,  ///< It was given another expiry, or none.
    kDelete,     ///< It was deleted.
    kExpire,     ///< Its time was up.
    kEvict,      ///< It was removed for room.
    kFlush,      ///< It was removed with everything else in its database.
    kSetHash,    ///< It was given a hash, or that was changed; likewise:
    kSetList,
    kSetSet,
    kSetSortedSet,
    kSetSketch,
    kSetStream,
  };
  Lsn version = kNoLsn;
  UnixMs time{0};
  Kind kind{};
  std::uint64_t size = 0;  ///< Of the value that it had from then on; 0 when it had none.
  Expiry expiry{};
};

/// "set", "set_json", "set_expiry", "delete", "expire", "evict", "flush".
std::string_view to_string(KeyVersion::Kind kind) noexcept;

/// Whether the key was there afterwards.
constexpr bool is_alive(KeyVersion::Kind kind) noexcept {
  return kind <= KeyVersion::Kind::kSetExpiry || kind >= KeyVersion::Kind::kSetHash;
}

}  // namespace stave
