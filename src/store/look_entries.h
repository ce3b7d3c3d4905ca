// How much of a shard is looked at under one lock, by who walks through all of it.
#pragma once

#include <cstddef>

namespace stave::store {

/// Entries; pages that one batch removes are as many.
inline constexpr std::size_t kLookEntries = 128;

}  // namespace stave::store
