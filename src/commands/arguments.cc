#include "commands/arguments.h"

#include <algorithm>

#include "types/string/number.h"

namespace stave::commands {

Result<std::int64_t> integer_argument(const Call& call, std::size_t i) {
  const auto value = types::parse_integer(call[i]);
  if (!value) return not_an_integer();
  return *value;
}

Result<int> database_argument(Call& call, std::size_t i) {
  const auto value = types::parse_integer(call[i]);
  if (!value) return not_an_integer();
  if (*value != static_cast<int>(*value))
    return answer_error("ERR value is out of range, value must between -2147483648 and 2147483647");
  if (*value < 0 || *value >= call.engine().options().databases) return out_of_range_database();
  return static_cast<int>(*value);
}

Result<std::string_view> text_of(const std::optional<store::ValueView>& view) {
  if (!view) return std::string_view{};
  if (view->type != store::ValueType::kString) return wrong_type();
  return view->value;
}

Result<std::string_view> text_of(const store::ValueView* view) {
  if (view == nullptr) return std::string_view{};
  if (view->type != store::ValueType::kString) return wrong_type();
  return view->value;
}

Result<UnixMs> moment(const Call& call, std::int64_t amount, TimeForm form, UnixMs now, std::string_view name) {
  std::optional<std::int64_t> ms = amount;
  if (is_seconds(form)) ms = types::checked_multiply(amount, 1000);
  // Who writes for a master judges by no moment (Transaction::now), but what lasts from now on does so from now on.
  if (ms && is_relative(form)) ms = types::checked_add(*ms, raw(now == UnixMs{0} ? call.made_at() : now));
  if (!ms) return invalid_expire(name);
  // The latest that a record has room for stands for everything after it (docs/redis-differences.md).
  const UnixMs at{std::min(*ms, kUnixMsMax)};
  return is_relative(form) ? at : call.engine().time().from_wall(at);
}

}  // namespace stave::commands
