#include "base/encoding.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/assert.h"
#include "base/bytes.h"

namespace stave::base {

namespace {

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kHex = "0123456789abcdef";
static_assert(kBase64.size() == 64 && kHex.size() == 16);
constexpr unsigned kNoDigit = 64;

constexpr std::array<unsigned char, 256> make_digits() {
  std::array<unsigned char, 256> digits{};
  digits.fill(kNoDigit);
  for (std::size_t i = 0; i < kBase64.size(); ++i)
    digits[static_cast<unsigned char>(kBase64[i])] = static_cast<unsigned char>(i);
  return digits;
}
constexpr auto kDigits = make_digits();

unsigned byte(char c) noexcept {
  return static_cast<unsigned char>(c);
}
char to_char(unsigned value) noexcept {
  return static_cast<char>(static_cast<unsigned char>(value));
}

}  // namespace

std::size_t utf8_length(std::string_view bytes) noexcept {
  if (bytes.empty()) return 0;
  const unsigned first = byte(bytes[0]);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || bytes.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(bytes[i]) & 0xc0) != 0x80) return 0;
  }
  const unsigned second = byte(bytes[1]);
  // Table 3-7 of the Unicode standard: the second byte is narrower after four of the first bytes.
  if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) || (first == 0xf0 && second < 0x90) ||
      (first == 0xf4 && second > 0x8f))
    return 0;
  return length;
}

bool is_utf8(std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    if (bytes.size() >= 8 && (load<std::uint64_t>(bytes.data()) & 0x8080808080808080ull) == 0) {
      bytes.remove_prefix(8);
      continue;
    }
    const std::size_t length = utf8_length(bytes);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

void append_utf8(std::string& to, char32_t code_point) {
  const auto code = static_cast<unsigned>(code_point);
  STAVE_ASSERT(code < 0x110000 && (code < 0xd800 || code > 0xdfff));
  if (code < 0x80) {
    to += to_char(code);
  } else if (code < 0x800) {
    to += to_char(0xc0 | code >> 6);
    to += to_char(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    to += to_char(0xe0 | code >> 12);
    to += to_char(0x80 | (code >> 6 & 0x3f));
    to += to_char(0x80 | (code & 0x3f));
  } else {
    to += to_char(0xf0 | code >> 18);
    to += to_char(0x80 | (code >> 12 & 0x3f));
    to += to_char(0x80 | (code >> 6 & 0x3f));
    to += to_char(0x80 | (code & 0x3f));
  }
}

void append_base64(std::string& to, std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = std::min<std::size_t>(bytes.size() - i, 3);
    unsigned word = byte(bytes[i]) << 16;
    if (left > 1) word |= byte(bytes[i + 1]) << 8;
    if (left > 2) word |= byte(bytes[i + 2]);
    const char four[4] = {kBase64[word >> 18], kBase64[word >> 12 & 63], left > 1 ? kBase64[word >> 6 & 63] : '=',
                          left > 2 ? kBase64[word & 63] : '='};
    to.append(four, sizeof four);
  }
}

std::string to_base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  append_base64(out, bytes);
  STAVE_ASSERT(out.size() == (bytes.size() + 2) / 3 * 4);
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const bool last = i + 4 == text.size();
    const std::size_t padding = !last ? 0 : text[i + 3] != '=' ? 0 : text[i + 2] != '=' ? 1 : 2;
    unsigned word = 0;
    for (std::size_t j = 0; j < 4 - padding; ++j) {
      const unsigned digit = kDigits[byte(text[i + j])];
      if (digit == kNoDigit) return std::nullopt;
      word |= digit << (18 - 6 * j);
    }
    // One spelling per value: the bits that padding leaves over are zero.
    if ((padding == 1 && (word & 0xff) != 0) || (padding == 2 && (word & 0xffff) != 0)) return std::nullopt;
    out += to_char(word >> 16);
    if (padding < 2) out += to_char(word >> 8);
    if (padding < 1) out += to_char(word);
  }
  STAVE_ASSERT(out.size() <= text.size() / 4 * 3);
  return out;
}

void append_json_string(std::string& to, std::string_view text) {
  to += '"';
  std::size_t plain = 0;  // Start of what needs no escape and was not copied yet.
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (byte(c) >= 0x20 && c != '"' && c != '\\') continue;
    to.append(text, plain, i - plain);
    plain = i + 1;
    switch (c) {
      case '"': to += "\\\""; break;
      case '\\': to += "\\\\"; break;
      case '\n': to += "\\n"; break;
      case '\r': to += "\\r"; break;
      case '\t': to += "\\t"; break;
      default:
        to += "\\u00";
        to += kHex[byte(c) >> 4];
        to += kHex[byte(c) & 15];
    }
  }
  STAVE_ASSERT(plain <= text.size());
  to.append(text, plain, text.size() - plain);
  to += '"';
}

}  // namespace stave::base
