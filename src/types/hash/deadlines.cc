#include "types/hash/deadlines.h"

#include <algorithm>

#include "types/string/number.h"

namespace stave::types::hash {

void add_deadline(Items& items, UnixMs deadline) {
  if (deadline == kNever) return items.add(std::string_view{});
  const Digits digits(raw(deadline));
  items.add(digits.view());
}

std::string with_deadlines(std::string_view form, UnixMs now, base::FunctionRef<UnixMs(UnixMs)> map) {
  const Compact hash(form, now);
  if (hash.size() == 0) return {};
  bool any = false;
  hash.visit([&](const Field& field) {
    any = field.deadline != kNever;
    return !any;
  });
  Items items;
  if (!any) {
    hash.visit([&](const Field& field) {
      items.add(field.name);
      items.add(field.value);
      return true;
    });
    return items.take_form();
  }
  const auto mapped = [&](UnixMs moment) {
    return moment == kNever ? kNever : UnixMs{std::clamp<std::int64_t>(raw(map(moment)), 1, kUnixMsMax)};
  };
  // "0" says of the key that it does not die by itself; nothing, that its entry knows.
  const auto own = hash.own_expiry();
  if (own && own->never()) {
    items.add("0");
  } else {
    add_deadline(items, own ? mapped(own->at) : kNever);
  }
  hash.visit([&](const Field& field) {
    items.add(field.name);
    items.add(field.value);
    add_deadline(items, mapped(field.deadline));
    return true;
  });
  return items.take_form(kExpiringLayout);
}

}  // namespace stave::types::hash
