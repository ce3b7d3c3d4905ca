#include "commands/string_number_commands.h"

#include <cmath>
#include <limits>
#include <optional>
#include <string>

#include "base/try.h"
#include "commands/arguments.h"
#include "types/string/number.h"

namespace stave::commands {

using store::Update;
using store::ValueView;

namespace {

/// The new value, which lives as long as the old one was to.
Update put(std::string_view value, const ValueView* held) noexcept {
  return {.what = Update::What::kPut, .value = value, .expiry = held != nullptr ? held->expiry : Expiry{}};
}

// No number is as long as a string in pages, which is not put together for that.
Result<void> add_to_number(Call& call, std::int64_t by) {
  std::optional<types::Digits> digits;
  std::int64_t result = 0;
  const auto decide = [&](const ValueView* held, UnixMs) -> Result<Update> {
    std::int64_t old = 0;
    if (held != nullptr) {
      STAVE_ASSIGN(const std::string_view text, text_of(held));
      const auto number = held->paged ? std::nullopt : types::parse_integer(text);
      if (!number) return not_an_integer();
      old = *number;
    }
    const auto sum = types::checked_add(old, by);
    if (!sum) return answer_error("ERR increment or decrement would overflow");
    result = *sum;
    return put(digits.emplace(result).view(), held);
  };
  STAVE_TRY(call.update(call.key(1), store::Access::kPeekRoot, decide));
  call.reply().integer(result);
  return {};
}

}  // namespace

Result<void> incr_command(Call& call) {
  return add_to_number(call, 1);
}
Result<void> decr_command(Call& call) {
  return add_to_number(call, -1);
}

Result<void> incrby_command(Call& call) {
  STAVE_ASSIGN(const std::int64_t by, integer_argument(call, 2));
  return add_to_number(call, by);
}

Result<void> decrby_command(Call& call) {
  STAVE_ASSIGN(const std::int64_t by, integer_argument(call, 2));
  if (by == std::numeric_limits<std::int64_t>::min()) return answer_error("ERR decrement would overflow");
  return add_to_number(call, -by);
}

Result<void> incrbyfloat_command(Call& call) {
  std::string result;
  const auto decide = [&](const ValueView* held, UnixMs) -> Result<Update> {
    long double sum = 0;
    if (held != nullptr) {
      STAVE_ASSIGN(const std::string_view text, text_of(held));
      const auto number = held->paged ? std::nullopt : types::parse_float(text);
      if (!number) return not_a_float();
      sum = *number;
    }
    const auto by = types::parse_float(call[2]);
    if (!by) return not_a_float();
    sum += *by;
    if (!std::isfinite(sum)) return answer_error("ERR increment would produce NaN or Infinity");
    result = types::format_float(sum);
    return put(result, held);
  };
  STAVE_TRY(call.update(call.key(1), store::Access::kPeekRoot, decide));
  call.reply().bulk(result);
  return {};
}

}  // namespace stave::commands
