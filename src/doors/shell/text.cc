#include "doors/shell/text.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace stave::shell {

namespace {

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kHex = "0123456789abcdef";

unsigned byte(char c) noexcept {
  return static_cast<unsigned char>(c);
}
char to_char(unsigned value) noexcept {
  return static_cast<char>(static_cast<unsigned char>(value));
}
bool is_blank(char c) noexcept {
  return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0';
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void append_hex(std::string& to, char c) {
  to += "\\x";
  to += kHex[byte(c) >> 4];
  to += kHex[byte(c) & 15];
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
    const std::size_t length = utf8_length(bytes);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

std::string to_base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = std::min<std::size_t>(bytes.size() - i, 3);
    unsigned word = byte(bytes[i]) << 16;
    if (left > 1) word |= byte(bytes[i + 1]) << 8;
    if (left > 2) word |= byte(bytes[i + 2]);
    out += kBase64[word >> 18];
    out += kBase64[word >> 12 & 63];
    out += left > 1 ? kBase64[word >> 6 & 63] : '=';
    out += left > 2 ? kBase64[word & 63] : '=';
  }
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
      const auto digit = kBase64.find(text[i + j]);
      if (digit == std::string_view::npos) return std::nullopt;
      word |= static_cast<unsigned>(digit) << (18 - 6 * j);
    }
    out += to_char(word >> 16);
    if (padding < 2) out += to_char(word >> 8);
    if (padding < 1) out += to_char(word);
  }
  // One spelling per value: the bits that padding leaves over are zero.
  if (to_base64(out) != text) return std::nullopt;
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
  to.append(text, plain, text.size() - plain);
  to += '"';
}

std::string printable(std::string_view bytes, bool keep_lines) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const char c = bytes[0];
    const std::size_t length = utf8_length(bytes);
    // The C1 controls (U+0080 to U+009F) steer terminals as well as those below a blank.
    const bool control = byte(c) < 0x20 || byte(c) == 0x7f || (length == 2 && byte(c) == 0xc2 && byte(bytes[1]) < 0xa0);
    if (length == 0) {
      append_hex(out, c);
      bytes.remove_prefix(1);
      continue;
    }
    if (!control || (keep_lines && (c == '\n' || c == '\t'))) {
      out += bytes.substr(0, length);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      if (!keep_lines) out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else {
      for (const char part : bytes.substr(0, length)) append_hex(out, part);
    }
    bytes.remove_prefix(length);
  }
  return out;
}

namespace {

/// One argument at a time.
class Splitter {
 public:
  explicit Splitter(std::string_view line) : rest_(line) {}

  /// Whether there is another argument.
  bool more() {
    while (!rest_.empty() && is_blank(rest_[0])) rest_.remove_prefix(1);
    return !rest_.empty();
  }
  Result<std::string> next() {
    std::string word;
    while (!rest_.empty() && !is_blank(rest_[0])) {
      const char c = take();
      if (c != '"' && c != '\'') {
        word += c;
        continue;
      }
      if (!(c == '"' ? double_quoted(word) : single_quoted(word)))
        return fail(ErrorCode::kInvalidArgument, "quotes do not close");
      if (!rest_.empty() && !is_blank(rest_[0]))
        return fail(ErrorCode::kInvalidArgument, "a closing quote must be followed by a space");
    }
    return word;
  }

 private:
  char take() {
    const char c = rest_[0];
    rest_.remove_prefix(1);
    return c;
  }
  bool double_quoted(std::string& word) {
    while (!rest_.empty()) {
      const char c = take();
      if (c == '"') return true;
      if (c == '\\' && !rest_.empty()) {
        escape(word);
      } else {
        word += c;
      }
    }
    return false;
  }
  void escape(std::string& word) {
    const char c = take();
    if (c == 'x' && rest_.size() >= 2 && hex_digit(rest_[0]) >= 0 && hex_digit(rest_[1]) >= 0) {
      const int high = hex_digit(take());
      const int low = hex_digit(take());
      word += to_char(static_cast<unsigned>(high * 16 + low));
      return;
    }
    switch (c) {
      case 'n': word += '\n'; break;
      case 'r': word += '\r'; break;
      case 't': word += '\t'; break;
      case 'b': word += '\b'; break;
      case 'a': word += '\a'; break;
      default: word += c;
    }
  }
  bool single_quoted(std::string& word) {
    while (!rest_.empty()) {
      const char c = take();
      if (c == '\'') return true;
      if (c == '\\' && !rest_.empty() && rest_[0] == '\'') {
        word += take();
      } else {
        word += c;
      }
    }
    return false;
  }

  std::string_view rest_;
};

}  // namespace

Result<std::vector<std::string>> split_line(std::string_view line) {
  std::vector<std::string> words;
  Splitter splitter(line);
  while (splitter.more()) {
    auto word = splitter.next();
    if (!word) return fail(std::move(word).error());
    words.push_back(std::move(*word));
  }
  return words;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}
std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}
bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  const auto fold = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
  return std::ranges::equal(a, b, [&](char x, char y) { return fold(x) == fold(y); });
}

}  // namespace stave::shell
