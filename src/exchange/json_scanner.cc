#include "exchange/json_scanner.h"

#include <array>
#include <charconv>

#include "base/assert.h"
#include "base/encoding.h"
#include "base/try.h"

namespace stave::exchange {

namespace {

constexpr std::array<bool, 256> make_plain() {
  std::array<bool, 256> plain{};
  for (std::size_t c = 0x20; c < 256; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}
/// Bytes that a string holds as they are; UTF-8 is checked when it is complete.
constexpr auto kPlain = make_plain();

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// `-? (0 | [1-9] digits) (. digits)? ([eE] [+-]? digits)?`
bool is_number(std::string_view text) noexcept {
  const auto take = [&](std::string_view any_of) {
    if (text.empty() || any_of.find(text[0]) == std::string_view::npos) return false;
    text.remove_prefix(1);
    return true;
  };
  const auto digits = [&] {
    if (!take("0123456789")) return false;
    while (take("0123456789")) {
    }
    return true;
  };
  take("-");
  if (!take("0") && !digits()) return false;
  if (take(".") && !digits()) return false;
  if (take("eE")) {
    take("+-");
    if (!digits()) return false;
  }
  return text.empty();
}

std::string shown(char c) {
  if (c == '\0') return "the file ends";
  if (c >= 0x20 && c < 0x7f) return std::string("'") + c + "' is there";
  return "something else is there";
}

}  // namespace

std::unexpected<Error> JsonScanner::fail_here(ErrorCode code, std::string message) const {
  const std::uint64_t at = source_.offset();
  STAVE_ASSERT(at >= line_start_);
  message += " at line " + std::to_string(line_) + ", column " + std::to_string(at - line_start_ + 1);
  return source_.fail_at(at, code, std::move(message));
}

Result<char> JsonScanner::next() {
  for (;;) {
    STAVE_ASSIGN(const std::string_view ahead, source_.peek(1));
    if (ahead.empty()) return '\0';
    std::size_t blank = 0;
    for (; blank < ahead.size(); ++blank) {
      const char c = ahead[blank];
      if (c == '\n') {
        ++line_;
        line_start_ = source_.offset() + blank + 1;
      } else if (c != ' ' && c != '\t' && c != '\r') {
        break;
      }
    }
    source_.drop(blank);
    if (blank == ahead.size()) continue;
    if (ahead[blank] == '\0') return malformed("a NUL byte");
    return ahead[blank];
  }
}

Result<bool> JsonScanner::take_if(char wanted) {
  STAVE_ASSIGN(const char there, next());
  if (there != wanted) return false;
  source_.drop(1);
  return true;
}

Result<void> JsonScanner::expect(char wanted) {
  STAVE_ASSIGN(const char there, next());
  if (there != wanted) return malformed(std::string("'") + wanted + "' is expected and " + shown(there));
  source_.drop(1);
  return {};
}

Result<void> JsonScanner::string(std::string& out, std::size_t bytes_max) {
  STAVE_ASSIGN(const char there, next());
  if (there != '"') return malformed("a string is expected and " + shown(there));
  source_.drop(1);
  out.clear();
  for (;;) {
    STAVE_ASSIGN(const std::string_view ahead, source_.peek(1));
    if (ahead.empty()) return malformed("a string does not end");
    std::size_t plain = 0;
    while (plain < ahead.size() && kPlain[static_cast<unsigned char>(ahead[plain])]) ++plain;
    if (out.size() + plain > bytes_max)
      return fail_here(ErrorCode::kTooLarge, "a string over the limit of " + std::to_string(bytes_max) + " bytes");
    out.append(ahead.substr(0, plain));
    source_.drop(plain);
    if (plain == ahead.size()) continue;
    if (ahead[plain] == '"') {
      if (!base::is_utf8(out)) return malformed("a string that is not UTF-8");
      STAVE_ASSERT(out.size() <= bytes_max);
      source_.drop(1);
      return {};
    }
    if (ahead[plain] != '\\') return malformed("a control byte in a string");
    STAVE_TRY(escape(out));
    if (out.size() > bytes_max)
      return fail_here(ErrorCode::kTooLarge, "a string over the limit of " + std::to_string(bytes_max) + " bytes");
  }
}

Result<unsigned> JsonScanner::hex4() {
  STAVE_ASSIGN(const std::string_view ahead, source_.peek(4));
  if (ahead.size() < 4) return malformed("a string does not end");
  unsigned value = 0;
  for (const char c : ahead.substr(0, 4)) {
    const int digit = hex_digit(c);
    if (digit < 0) return malformed("\\u without four hexadecimal digits");
    value = value << 4 | static_cast<unsigned>(digit);
  }
  source_.drop(4);
  return value;
}

Result<void> JsonScanner::escape(std::string& out) {
  STAVE_ASSIGN(const std::string_view ahead, source_.peek(2));
  if (ahead.size() < 2) return malformed("a string does not end");
  const char kind = ahead[1];
  constexpr std::string_view kNames = "\"\\/bfnrt";
  constexpr std::string_view kBytes = "\"\\/\b\f\n\r\t";
  static_assert(kNames.size() == kBytes.size());
  if (const auto at = kNames.find(kind); at != std::string_view::npos) {
    out += kBytes[at];
    source_.drop(2);
    return {};
  }
  if (kind != 'u') return malformed("an unknown escape");
  source_.drop(2);
  STAVE_ASSIGN(const unsigned first, hex4());
  if (first >= 0xdc00 && first < 0xe000) return malformed("half a surrogate pair");
  if (first < 0xd800 || first >= 0xe000) {
    base::append_utf8(out, static_cast<char32_t>(first));
    return {};
  }
  STAVE_ASSIGN(const std::string_view pair, source_.peek(2));
  if (!pair.starts_with("\\u")) return malformed("half a surrogate pair");
  source_.drop(2);
  STAVE_ASSIGN(const unsigned second, hex4());
  if (second < 0xdc00 || second >= 0xe000) return malformed("half a surrogate pair");
  STAVE_ASSERT(first >= 0xd800 && first < 0xdc00);
  base::append_utf8(out, static_cast<char32_t>(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)));
  return {};
}

Result<std::int64_t> JsonScanner::integer(std::int64_t most) {
  STAVE_ASSIGN(const char there, next());
  if (there < '0' || there > '9') return malformed("a number from 0 is expected and " + shown(there));
  std::int64_t value = 0;
  for (int digits = 0;; ++digits) {
    STAVE_ASSIGN(const std::string_view ahead, source_.peek(1));
    const char c = ahead.empty() ? '\0' : ahead[0];
    if (c == '.' || c == 'e' || c == 'E') return malformed("a whole number is expected");
    if (c < '0' || c > '9') return value;
    if (digits != 0 && value == 0) return malformed("a number with a leading zero");
    const std::int64_t digit = c - '0';
    if (value > (most - digit) / 10) return malformed("a number over " + std::to_string(most));
    value = value * 10 + digit;
    source_.drop(1);
  }
}

Result<double> JsonScanner::number() {
  constexpr std::size_t kDigitsMax = 1024;
  STAVE_TRY(next());
  std::string text;
  for (; text.size() <= kDigitsMax;) {
    STAVE_ASSIGN(const std::string_view ahead, source_.peek(1));
    if (ahead.empty() || std::string_view("+-.0123456789eE").find(ahead[0]) == std::string_view::npos) break;
    text += ahead[0];
    source_.drop(1);
  }
  if (text.size() > kDigitsMax || !is_number(text)) return malformed("not a number");
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) return malformed("a number beyond those that are kept");
  STAVE_ASSERT(error == std::errc{} && end == text.data() + text.size());
  return value;
}

Result<void> JsonScanner::skip_literal() {
  STAVE_ASSIGN(const char there, next());
  for (const std::string_view word : {"true", "false", "null"}) {
    if (there != word[0]) continue;
    STAVE_ASSIGN(const std::string_view ahead, source_.peek(word.size()));
    if (!ahead.starts_with(word)) return malformed("an unknown word");
    source_.drop(word.size());
    return {};
  }
  if (there != '-' && (there < '0' || there > '9')) return malformed("a value is expected and " + shown(there));
  for (;;) {
    STAVE_ASSIGN(const std::string_view ahead, source_.peek(1));
    if (ahead.empty() || std::string_view("+-.0123456789eE").find(ahead[0]) == std::string_view::npos) return {};
    source_.drop(1);
  }
}

Result<void> JsonScanner::skip_value(int depth_max) {
  constexpr std::size_t kStringMax = 512u << 20;
  STAVE_ASSERT(depth_max >= 0);
  if (depth_max == 0) return malformed("values are nested too deeply");
  std::string text;
  bool first = true;
  STAVE_ASSIGN(const char there, next());
  switch (there) {
    case '"': return string(text, kStringMax);
    case '{':
      source_.drop(1);
      for (;;) {
        STAVE_ASSIGN(const bool more, next_member(text, kStringMax, first));
        if (!more) return {};
        STAVE_TRY(skip_value(depth_max - 1));
      }
    case '[':
      source_.drop(1);
      for (;;) {
        STAVE_ASSIGN(const bool more, next_element(first));
        if (!more) return {};
        STAVE_TRY(skip_value(depth_max - 1));
      }
    default: return skip_literal();
  }
}

Result<bool> JsonScanner::next_member(std::string& name, std::size_t bytes_max, bool& first) {
  STAVE_ASSIGN(const bool end, take_if('}'));
  if (end) return false;
  if (!first) STAVE_TRY(expect(','));
  first = false;
  STAVE_TRY(string(name, bytes_max));
  STAVE_TRY(expect(':'));
  return true;
}

Result<bool> JsonScanner::next_element(bool& first) {
  STAVE_ASSIGN(const bool end, take_if(']'));
  if (end) return false;
  if (!first) STAVE_TRY(expect(','));
  first = false;
  return true;
}

}  // namespace stave::exchange
