// Which versions this store says it is.
#pragma once

#include <string_view>

namespace stave::commands {

/// Stave's own. A test compares it with the build's.
inline constexpr std::string_view kStaveVersion = "0.1.0";
/// The version of Redis whose commands these are; clients choose features by it.
inline constexpr std::string_view kRedisVersion = "7.2.4";

}  // namespace stave::commands
