#include "commands/string_number_commands.h"

#include <cmath>
#include <limits>

#include "base/try.h"
#include "commands/arguments.h"
#include "types/string/number.h"

namespace stave::commands {

using store::KeyRef;

namespace {

Result<void> add(Call& call, std::int64_t by) {
  const KeyRef key = call.key(1);
  Part part(call.session(), key);
  const auto held = part.find(key);
  std::int64_t old = 0;
  if (held) {
    STAVE_ASSIGN(const std::string_view text, text_of(held));
    const auto number = types::parse_integer(text);
    if (!number) return not_an_integer();
    old = *number;
  }
  const auto sum = types::checked_add(old, by);
  if (!sum) return answer_error("ERR increment or decrement would overflow");
  STAVE_TRY(part.put(key, types::Digits(*sum).view(), held ? held->expiry : Expiry{}));
  STAVE_TRY(call.commit(part));
  call.reply().integer(*sum);
  return {};
}

}  // namespace

Result<void> incr_command(Call& call) {
  return add(call, 1);
}
Result<void> decr_command(Call& call) {
  return add(call, -1);
}

Result<void> incrby_command(Call& call) {
  STAVE_ASSIGN(const std::int64_t by, integer_argument(call, 2));
  return add(call, by);
}

Result<void> decrby_command(Call& call) {
  STAVE_ASSIGN(const std::int64_t by, integer_argument(call, 2));
  if (by == std::numeric_limits<std::int64_t>::min()) return answer_error("ERR decrement would overflow");
  return add(call, -by);
}

Result<void> incrbyfloat_command(Call& call) {
  const KeyRef key = call.key(1);
  Part part(call.session(), key);
  const auto held = part.find(key);
  long double sum = 0;
  if (held) {
    STAVE_ASSIGN(const std::string_view text, text_of(held));
    const auto number = types::parse_float(text);
    if (!number) return not_a_float();
    sum = *number;
  }
  const auto by = types::parse_float(call[2]);
  if (!by) return not_a_float();
  sum += *by;
  if (!std::isfinite(sum)) return answer_error("ERR increment would produce NaN or Infinity");
  const std::string text = types::format_float(sum);
  STAVE_TRY(part.put(key, text, held ? held->expiry : Expiry{}));
  STAVE_TRY(call.commit(part));
  call.reply().bulk(text);
  return {};
}

}  // namespace stave::commands
