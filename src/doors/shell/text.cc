#include "doors/shell/text.h"

#include <algorithm>
#include <cstdint>

#include "base/assert.h"

namespace stave::shell {

namespace {

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
    STAVE_ASSERT(!rest_.empty());
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
