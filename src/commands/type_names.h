// The names of types as TYPE answers and SCAN's TYPE accepts them.
#pragma once

#include <string_view>

#include "store/engine.h"

namespace stave::commands {

constexpr std::string_view type_name(store::ValueType type) noexcept {
  switch (type) {
    case store::ValueType::kString:
    case store::ValueType::kJson: return "string";
    case store::ValueType::kHash: return "hash";
    case store::ValueType::kList: return "list";
    case store::ValueType::kSet: return "set";
    case store::ValueType::kSortedSet: return "zset";
  }
  return "unknown";
}

}  // namespace stave::commands
