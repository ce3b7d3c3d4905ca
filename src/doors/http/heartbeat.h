// How often a stream that has nothing to tell says so, that nobody on the way takes it for dead.
#pragma once

#include <cstdint>

namespace stave::http {

inline constexpr std::uint64_t kHeartbeatNs = 15'000'000'000;

}  // namespace stave::http
