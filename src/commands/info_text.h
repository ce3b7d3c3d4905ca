// How INFO writes numbers.
#pragma once

#include <cstdint>
#include <string>

namespace stave::commands {

/// With so many digits behind the point, in no locale.
std::string fixed(double value, int digits);
/// "512B", "1.50M".
std::string human(std::uint64_t bytes);
inline std::string flag(bool yes) {
  return yes ? "1" : "0";
}

}  // namespace stave::commands
