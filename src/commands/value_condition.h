// IFEQ, IFNE, IFDEQ and IFDNE: conditions on the value that a key holds, itself or its digest.
//
// A digest is XXH3-64 in 16 hexadecimal digits, as DIGEST answers it. Promises: a large value is not digested under its
// shard's lock unless it is changed all the time. Must not know: what is done when the condition holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "commands/call.h"

namespace stave::commands {

std::uint64_t digest_of(std::string_view value) noexcept;
/// In 16 digits, lower case.
std::string spell_digest(std::uint64_t digest);

/// Whether the word begins a condition.
bool is_value_condition(std::string_view word) noexcept;

class ValueCondition {
 public:
  /// Takes the condition at argument `i` and moves `i` behind it. False: there is none, or one was taken before; then
  /// `i` is as it was.
  bool take(const Call& call, std::size_t& i);
  /// Whether there is a condition.
  [[nodiscard]] bool any() const noexcept { return operand_ != 0; }

  /// Does ahead what is long: before a key is locked for `holds`. Errors: those of a read.
  Result<void> prepare(Call& call, store::KeyRef key);
  /// Of what the key holds, null when it is not there: that is neither equal to anything nor has it a digest. Only when
  /// `any()`. Errors: WRONGTYPE; an operand that is no digest, when there is one to compare it with.
  Result<bool> holds(const Call& call, const store::ValueView* held) const;
  /// How many bytes a value has that can be equal; nullopt: there is no condition, or one on the digest.
  [[nodiscard]] std::optional<std::size_t> compared_bytes(const Call& call) const noexcept;

 private:
  std::size_t operand_ = 0;  ///< Argument to compare with; 0: none.
  bool equal_ = false;       ///< Holds when it is equal.
  bool digest_ = false;
  Lsn digested_ = kNoLsn;  ///< The version whose digest is known ahead.
  std::uint64_t known_ = 0;
};

/// As `Call::update`, with the value, for who only compares it with so many bytes: a string in pages that has another
/// length is not put together, and shown without its bytes (`ValueView::here`).
Result<void> update_comparing(Call& call, store::KeyRef key, std::size_t bytes, store::Engine::DecideFn decide);

}  // namespace stave::commands
