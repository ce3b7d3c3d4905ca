// Where the header of a record holds what is read of it without decoding the rest.
//
// Must not know: what any of it means (log/record.h).
#pragma once

#include <cstddef>

namespace stave::log {

inline constexpr std::size_t kKindAt = 4;
inline constexpr std::size_t kFlagsAt = 5;

}  // namespace stave::log
