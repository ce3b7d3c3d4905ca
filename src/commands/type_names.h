// The names of types as TYPE answers and SCAN's TYPE accepts them.
#pragma once

#include <string_view>

#include "store/engine.h"
#include "store/pages.h"
#include "types/sketch/sketch.h"

namespace stave::commands {

constexpr std::string_view type_name(store::ValueType type) noexcept {
  switch (store::shown_type(type)) {
    case store::ValueType::kString:
    case store::ValueType::kJson: return "string";
    case store::ValueType::kHash: return "hash";
    case store::ValueType::kList: return "list";
    case store::ValueType::kSet: return "set";
    case store::ValueType::kSortedSet: return "zset";
    case store::ValueType::kStream: return "stream";
    case store::ValueType::kPage:  // no key of a user's
    case store::ValueType::kPagedHash:
    case store::ValueType::kPagedList:
    case store::ValueType::kPagedSet:
    case store::ValueType::kPagedSortedSet:
    case store::ValueType::kPagedStream:
    case store::ValueType::kPagedString:
    case store::ValueType::kPagedSketch: break;
    case store::ValueType::kSketch: return "sketch";
  }
  return "unknown";
}
/// The same of what a key holds: a sketch has the name of its kind, if the value is there.
inline std::string_view type_name(const store::ValueView& held) noexcept {
  if (held.type != store::ValueType::kSketch || !held.here || held.value.empty()) return type_name(held.type);
  const std::string_view root = held.paged ? store::root_of(held.value) : held.value;
  return types::sketch::type_name(held.paged ? types::sketch::Paged::head_of(root) : root);
}

}  // namespace stave::commands
