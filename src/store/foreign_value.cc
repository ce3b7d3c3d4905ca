#include "store/foreign_value.h"

#include "types/hash/deadlines.h"

namespace stave::store {

namespace {
bool expiring(ValueType type, std::string_view value) {
  return type == ValueType::kHash && types::hash::Compact::expiring(value);
}
}  // namespace

std::optional<std::string> shown_value(const StoreClock& clock, UnixMs now, ValueType type, std::string_view value) {
  if (!expiring(type, value)) return std::nullopt;
  return types::hash::with_deadlines(value, now, [&](UnixMs moment) { return clock.to_wall(moment); });
}

std::optional<Adopted> adopted_value(StoreClock& clock, UnixMs now, ValueType type, std::string_view value,
                                     const Expiry& own) {
  if (!expiring(type, value)) return std::nullopt;
  const std::string form =
      types::hash::with_deadlines(value, UnixMs{0}, [&](UnixMs moment) { return clock.from_wall(moment); });
  types::hash::Compact hash(form, now);
  if (hash.size() == 0) return Adopted{};
  const Expiry expiry = hash.settle(own);
  return Adopted{std::string(hash.form()), expiry};
}

}  // namespace stave::store
