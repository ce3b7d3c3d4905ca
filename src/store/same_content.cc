#include "store/same_content.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "types/hash/compact.h"
#include "types/set/compact.h"

namespace stave::store {

namespace {

using types::hash::Compact;

std::vector<std::pair<std::string, std::string>> fields_of(std::string_view form) {
  const Compact hash(form);
  std::vector<std::pair<std::string, std::string>> fields;
  fields.reserve(hash.size());
  hash.visit([&](const types::hash::Field& field) {
    fields.emplace_back(field.name, field.value);
    return true;
  });
  std::ranges::sort(fields);
  return fields;
}

std::vector<std::string> members_of(std::string_view form) {
  const types::set::Compact set(form);
  std::vector<std::string> members;
  members.reserve(set.size());
  set.visit([&](std::string_view member) {
    members.emplace_back(member);
    return true;
  });
  std::ranges::sort(members);
  return members;
}

}  // namespace

bool same_content(ValueType type, std::string_view one, std::string_view other) {
  if (one == other) return true;
  // The same elements take the same bytes, in whatever order they stand.
  if (one.size() != other.size()) return false;
  switch (type) {
    case ValueType::kHash:
      if (Compact::expiring(one) || Compact::expiring(other)) return false;
      return fields_of(one) == fields_of(other);
    case ValueType::kSet: return members_of(one) == members_of(other);
    default: return false;
  }
}

}  // namespace stave::store
