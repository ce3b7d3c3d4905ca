// Passwords: hashed when they come in, compared in constant time.
#pragma once

#include <string>
#include <string_view>

namespace stave::resp {

/// "sha256:" and 64 hex digits of the SHA-256 of `password`; a `password` that already looks so is returned in lower
/// case.
std::string hash_password(std::string_view password);
/// Whether `password` hashes to `hash`. Takes the same time wherever they differ.
bool password_matches(std::string_view password, std::string_view hash);

}  // namespace stave::resp
