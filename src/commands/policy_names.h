// The words for what a store can be told: durability, and what gives way when memory is full.
#pragma once

#include <string_view>

#include "stave/options.h"

namespace stave::commands {

constexpr std::string_view policy_name(Sync sync) noexcept {
  switch (sync) {
    case Sync::kAlways: return "always";
    case Sync::kInterval: return "interval";
    case Sync::kOs: return "os";
    case Sync::kDefault: break;
  }
  return "default";
}

constexpr std::string_view policy_name(MemoryPolicy policy) noexcept {
  switch (policy) {
    case MemoryPolicy::kSpill: return "spill";
    case MemoryPolicy::kNoEviction: return "noeviction";
    case MemoryPolicy::kAllKeysLru: return "allkeys-lru";
    case MemoryPolicy::kAllKeysLfu: return "allkeys-lfu";
    case MemoryPolicy::kAllKeysRandom: return "allkeys-random";
    case MemoryPolicy::kVolatileLru: return "volatile-lru";
    case MemoryPolicy::kVolatileLfu: return "volatile-lfu";
    case MemoryPolicy::kVolatileRandom: return "volatile-random";
    case MemoryPolicy::kVolatileTtl: return "volatile-ttl";
  }
  return "unknown";
}

/// What clients that know Redis' policies understand: whether keys may be removed for want of memory, which none is.
constexpr std::string_view redis_policy_name(MemoryPolicy policy) noexcept {
  return policy_name(policy == MemoryPolicy::kSpill ? MemoryPolicy::kNoEviction : policy);
}

constexpr bool by_frequency(MemoryPolicy policy) noexcept {
  return policy == MemoryPolicy::kAllKeysLfu || policy == MemoryPolicy::kVolatileLfu;
}
constexpr bool by_recency(MemoryPolicy policy) noexcept {
  return policy == MemoryPolicy::kAllKeysLru || policy == MemoryPolicy::kVolatileLru;
}

}  // namespace stave::commands
