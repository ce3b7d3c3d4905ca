// How many nanoseconds a longer unit of time has.
#pragma once

#include <cstdint>

namespace stave::commands {

inline constexpr std::uint64_t kNsPerUs = 1000;
inline constexpr std::uint64_t kNsPerMs = 1'000'000;
inline constexpr std::uint64_t kNsPerSecond = 1'000'000'000;

}  // namespace stave::commands
