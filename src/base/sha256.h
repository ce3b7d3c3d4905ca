// SHA-256 (FIPS 180-4), for what is kept of passwords. No secrets are recovered from the time it takes: that depends on
// the length only.
#pragma once

#include <string>
#include <string_view>

namespace stave::base {

/// The digest of `bytes` as 64 hexadecimal digits in lower case. O(length).
[[nodiscard]] std::string sha256_hex(std::string_view bytes);

/// Whether two texts of equal length are the same, in a time that does not tell where they differ.
[[nodiscard]] bool same_secret(std::string_view a, std::string_view b) noexcept;

}  // namespace stave::base
