// Times that several parts of a connection keep alike.
#pragma once

#include <cstdint>

namespace stave::resp {

inline constexpr std::uint64_t kSecondNs = 1'000'000'000;
/// How long a connection relies on being told that its values were fetched.
inline constexpr std::uint64_t kFetchLookNs = 5 * kSecondNs;

}  // namespace stave::resp
