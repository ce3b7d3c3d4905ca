#include "doors/resp/secret.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "base/assert.h"

namespace stave::resp {
namespace {

constexpr std::string_view kPrefix = "sha256:";

char lower_hex(char c) noexcept {
  return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_hash(std::string_view text) noexcept {
  return text.size() == kPrefix.size() + 64 && text.starts_with(kPrefix) &&
         text.find_first_not_of("0123456789abcdefABCDEF", kPrefix.size()) == std::string_view::npos;
}

std::string hashed(std::string_view password) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  const int done = EVP_Digest(password.data(), password.size(), digest.data(), &length, EVP_sha256(), nullptr);
  STAVE_ASSERT(done == 1 && length == 32);
  std::string text(kPrefix);
  for (unsigned int i = 0; i < length; ++i) {
    text += "0123456789abcdef"[digest[i] >> 4];
    text += "0123456789abcdef"[digest[i] & 15];
  }
  return text;
}

}  // namespace

std::string hash_password(std::string_view password) {
  if (!is_hash(password)) return hashed(password);
  std::string text(password);
  std::ranges::transform(text, text.begin(), lower_hex);
  STAVE_ASSERT(is_hash(text));
  return text;
}

bool password_matches(std::string_view password, std::string_view hash) {
  const std::string offered = hashed(password);
  return offered.size() == hash.size() && CRYPTO_memcmp(offered.data(), hash.data(), hash.size()) == 0;
}

}  // namespace stave::resp
