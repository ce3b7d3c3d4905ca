// SHA-1 (FIPS 180-4), which scripts are named by. Not for anything that must withstand an attacker.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace stave::commands::script {

/// The digest of `bytes` as 40 lower-case hex digits.
std::array<char, 40> sha1_hex(std::string_view bytes) noexcept;
inline std::string sha1_text(std::string_view bytes) {
  const auto digits = sha1_hex(bytes);
  return {digits.data(), digits.size()};
}

}  // namespace stave::commands::script
