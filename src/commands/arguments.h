// Arguments into values: the parsing that many commands share.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

#include "commands/call.h"
#include "commands/errors.h"
#include "stave/error.h"
#include "stave/units.h"

namespace stave::commands {

/// Argument `i` as an integer. Errors: "value is not an integer or out of range".
Result<std::int64_t> integer_argument(const Call& call, std::size_t i);
/// Argument `i` as a database's number. Errors: not an integer, out of range.
Result<int> database_argument(Call& call, std::size_t i);

/// What a key with an unsuitable type, or none, has for a string command. Errors: WRONGTYPE.
Result<std::string_view> text_of(const std::optional<store::ValueView>& view);
Result<std::string_view> text_of(const store::ValueView* view);

/// How the time of an expiry is given.
enum class TimeForm : std::uint8_t { kSeconds, kMilliseconds, kUnixSeconds, kUnixMilliseconds };
constexpr bool is_relative(TimeForm form) noexcept {
  return form == TimeForm::kSeconds || form == TimeForm::kMilliseconds;
}
constexpr bool is_seconds(TimeForm form) noexcept {
  return form == TimeForm::kSeconds || form == TimeForm::kUnixSeconds;
}

/// The moment of the store's time that `amount` means: counted from `now`, or on the wall clock; what is later than can
/// be kept (some 4,400 years from now) is as late as can be. Errors: "invalid expire time" when it does not fit 64
/// bits; `name` is the command's, in lower case.
Result<UnixMs> moment(const Call& call, std::int64_t amount, TimeForm form, UnixMs now, std::string_view name);

}  // namespace stave::commands
