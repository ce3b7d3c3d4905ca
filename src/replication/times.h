// Times that several parts of replication keep alike.
#pragma once

#include <cstdint>

namespace stave::replication {

inline constexpr std::uint64_t kNsPerMs = 1'000'000;
/// Who does not answer is asked again after the first, then twice as long after each time, up to the second.
inline constexpr std::int64_t kRetryMsMin = 100;
inline constexpr std::int64_t kRetryMsMax = 2'000;

}  // namespace stave::replication
