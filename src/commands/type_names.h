// The names of types as TYPE answers and SCAN's TYPE accepts them.
#pragma once

#include <string_view>

#include "store/engine.h"

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
    case store::ValueType::kPagedStream: break;
  }
  return "unknown";
}

}  // namespace stave::commands
