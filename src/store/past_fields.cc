#include "store/past_fields.h"

#include "types/hash/compact.h"

namespace stave::store {

using types::hash::Compact;
using types::hash::Field;
using types::hash::kNever;

namespace {

bool has_deadlines(ValueType type, std::string_view value) noexcept {
  return type == ValueType::kHash && Compact::expiring(value);
}

}  // namespace

bool leave_expired_out(ValueType type, std::string& value, UnixMs at) {
  if (!has_deadlines(type, value)) return true;
  const Compact all(value, at);
  if (all.size() == 0) return false;
  Compact left;
  all.visit([&](const Field& field) {
    left.set(field.name, field.value, field.deadline);
    return true;
  });
  left.settle(all.own_expiry().value_or(Expiry{}));
  value = std::string(left.form());
  return true;
}

BroughtBack bring_back(ValueType type, std::string_view value, const Expiry& expiry, UnixMs now) {
  const auto lives_on = [&](const Expiry& then) { return then.passed(now) && then.sliding_ms == 0 ? Expiry{} : then; };
  if (!has_deadlines(type, value)) return {.value = std::nullopt, .expiry = lives_on(expiry)};
  const Compact all(value);
  Compact back;
  all.visit([&](const Field& field) {
    back.set(field.name, field.value, field.deadline > now ? field.deadline : kNever);
    return true;
  });
  BroughtBack brought{.value = std::nullopt, .expiry = back.settle(lives_on(all.own_expiry().value_or(expiry)))};
  if (back.form() != value) brought.value.emplace(back.form());
  return brought;
}

}  // namespace stave::store
