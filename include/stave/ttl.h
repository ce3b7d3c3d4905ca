// When a key is to die, as callers say it.
#pragma once

#include <cstdint>

#include "stave/units.h"

namespace stave {

/// When a key dies. Exactly one way, or never.
struct Ttl {
  enum class Kind : std::uint8_t { kNone, kKeep, kAfter, kAt, kSliding };
  Kind kind = Kind::kNone;
  std::int64_t ms = 0;

  /// No expiry: the key lives until it is deleted. The default.
  static constexpr Ttl none() { return {}; }
  /// What the key has already.
  static constexpr Ttl keep() { return {Kind::kKeep, 0}; }
  /// Dies `ms` milliseconds from now.
  static constexpr Ttl after_ms(std::int64_t ms) { return {Kind::kAfter, ms}; }
  /// Dies at a moment.
  static constexpr Ttl at(UnixMs moment) { return {Kind::kAt, raw(moment)}; }
  /// Dies when it has not been read or written for `ms` milliseconds. Reads are not logged one by one: after a crash
  /// the deadline may be up to an eighth of the period early, never late by more than the period.
  static constexpr Ttl sliding_ms(std::int64_t ms) { return {Kind::kSliding, ms}; }
};

}  // namespace stave
