#include "doors/resp/parser.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

#include "base/assert.h"

namespace stave::resp {
namespace {

constexpr std::size_t kLineBytesKept = 1024;

enum class LineStatus : std::uint8_t { kOk, kIncomplete, kBad, kTooLong };

/// The number that stands at `at`, up to CR LF. On success `at` stands behind the LF.
/// As strict as Redis: no plus sign, no leading zero, no blank.
LineStatus read_number_slowly(const char*& at, const char* end, std::int64_t& value) {
  const auto available = static_cast<std::size_t>(end - at);
  const auto* cr = static_cast<const char*>(std::memchr(at, '\r', std::min(available, Parser::kLineBytesMax + 1)));
  if (cr == nullptr) return available > Parser::kLineBytesMax ? LineStatus::kTooLong : LineStatus::kIncomplete;
  if (cr + 1 == end) return LineStatus::kIncomplete;
  if (cr[1] != '\n' || cr == at) return LineStatus::kBad;
  const char* digits = *at == '-' ? at + 1 : at;
  if (digits == cr || (*digits == '0' && cr - at > 1)) return LineStatus::kBad;
  const auto [stop, problem] = std::from_chars(at, cr, value);
  if (problem != std::errc{} || stop != cr) return LineStatus::kBad;
  at = cr + 2;
  return LineStatus::kOk;
}

inline LineStatus read_number(const char*& at, const char* end, std::int64_t& value) {
  // Nearly every length has one to four digits and is there whole.
  const char* p = at;
  std::int64_t sum = 0;
  while (p < end && p - at < 5 && static_cast<unsigned char>(*p - '0') <= 9) sum = sum * 10 + (*p++ - '0');
  if (p != at && end - p >= 2 && p[0] == '\r' && p[1] == '\n' && (*at != '0' || p - at == 1)) [[likely]] {
    value = sum;
    at = p + 2;
    return LineStatus::kOk;
  }
  return read_number_slowly(at, end, value);
}

/// The length that stands between `kind` and CR LF at `at`, of one to three digits; `at` then stands behind the LF. -1:
/// it takes a closer look. At least kShortHeaderBytes are there.
constexpr std::ptrdiff_t kShortHeaderBytes = 6;
inline std::int32_t short_header(const char*& at, char kind) noexcept {
  const auto digit = [](char c) { return static_cast<std::uint32_t>(static_cast<unsigned char>(c)) - '0'; };
  std::uint32_t value = digit(at[1]);
  const char* p = at + 2;
  if (at[0] != kind || value > 9) return -1;
  if (const std::uint32_t second = digit(*p); second <= 9) {
    if (value == 0) return -1;  // "01"
    value = value * 10 + second;
    ++p;
    if (const std::uint32_t third = digit(*p); third <= 9) {
      value = value * 10 + third;
      ++p;
    }
  }
  if (p[0] != '\r' || p[1] != '\n') return -1;
  at = p + 2;
  return static_cast<std::int32_t>(value);
}

bool is_blank(char c) noexcept {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char unescape(char c) noexcept {
  switch (c) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'b': return '\b';
    case 'a': return '\a';
    default: return c;
  }
}

/// Decodes what stands in quotes, from behind the opening one, to `to`. False: the closing quote is missing or is
/// followed by something.
bool decode_quoted(char quote, const char*& from, const char* end, char*& to) {
  while (from < end) {
    const char c = *from;
    if (c == quote) {
      ++from;
      return from == end || is_blank(*from) || *from == '\0';
    }
    if (c == '\\' && end - from >= 2) {
      if (quote == '"' && from[1] == 'x' && end - from >= 4 && hex_digit(from[2]) >= 0 && hex_digit(from[3]) >= 0) {
        *to++ = static_cast<char>(hex_digit(from[2]) * 16 + hex_digit(from[3]));
        from += 4;
        continue;
      }
      if (quote == '"' || from[1] == '\'') {
        *to++ = quote == '"' ? unescape(from[1]) : '\'';
        from += 2;
        continue;
      }
    }
    *to++ = c;
    ++from;
  }
  return false;
}

/// Splits a line as a shell would, in place. False: quotes do not match.
bool split_line(char* line, const char* end, std::vector<std::string_view>& arguments) {
  const char* from = line;
  for (;;) {
    while (from < end && is_blank(*from)) ++from;
    if (from == end || *from == '\0') return true;
    // Decoding never makes longer, so the word can be written where it was read.
    char* const word = line + (from - line);
    char* to = word;
    while (from < end && !is_blank(*from) && *from != '\0') {
      if (*from == '"' || *from == '\'') {
        const char quote = *from++;
        if (!decode_quoted(quote, from, end, to)) return false;
      } else {
        *to++ = *from++;
      }
    }
    STAVE_ASSERT(to <= from);
    arguments.emplace_back(word, static_cast<std::size_t>(to - word));
  }
}

}  // namespace

void Parser::reset() noexcept {
  offset_ = 0;
  remaining_ = -1;
  bulk_ = -1;
  if (pieces_.capacity() > 64) {
    pieces_ = {};
  } else {
    pieces_.clear();
  }
}

ParseStatus Parser::fail(std::string_view what) {
  error_ = "ERR Protocol error: ";
  error_ += what;
  return ParseStatus::kError;
}

ParseStatus Parser::next(const char* bytes, std::size_t size, std::size_t& position, const ParserLimits& limits,
                         std::vector<std::string_view>& arguments) {
  if (line_.capacity() > kLineBytesKept) line_ = {};
  STAVE_ASSERT(position <= size && offset_ <= size - position);
  for (;;) {
    const char* const start = bytes + position;
    const char* const end = bytes + size;
    first_ = position == 0;
    if (remaining_ < 0) {
      if (start == end) return ParseStatus::kIncomplete;
      if (*start != '*') {
        const std::size_t before = arguments.size();
        const ParseStatus status = inline_command(bytes, size, position, arguments);
        if (status == ParseStatus::kCommand && arguments.size() == before) continue;  // an empty line
        return status;
      }
      if (apart_.empty() && limits.authenticated) [[likely]] {
        if (const char* const behind = whole_command(start, end, limits, arguments); behind != nullptr) [[likely]] {
          position = static_cast<std::size_t>(behind - bytes);
          return ParseStatus::kCommand;
        }
      }
      if (const ParseStatus status = array_header(start, end, limits); status != ParseStatus::kCommand) return status;
    }
    if (remaining_ > 0) {
      if (const ParseStatus status = elements(start, end, limits, arguments); status != ParseStatus::kCommand)
        return status;
      position += offset_;
      reset();
      return ParseStatus::kCommand;
    }
    position += offset_;  // an empty array asks for nothing
    reset();
  }
}

const char* Parser::whole_command(const char* start, const char* end, const ParserLimits& limits,
                                  std::vector<std::string_view>& arguments) {
  if (end - start < kShortHeaderBytes) return nullptr;
  const char* at = start;
  const std::int32_t count = short_header(at, '*');
  if (count <= 0 || count > limits.arguments_max) return nullptr;
  const std::size_t first = arguments.size();
  arguments.resize(first + static_cast<std::size_t>(count));
  std::string_view* into = arguments.data() + first;
  for (std::int32_t i = 0; i < count; ++i) {
    const std::int32_t length = end - at < kShortHeaderBytes ? -1 : short_header(at, '$');
    if (length < 0 || length > limits.bulk_bytes_max || end - at < length + 2 || at[length] != '\r' ||
        at[length + 1] != '\n') [[unlikely]] {
      arguments.resize(first);
      return nullptr;
    }
    *into++ = {at, static_cast<std::size_t>(length)};
    at += length + 2;
  }
  return at;
}

ParseStatus Parser::inline_command(const char* bytes, std::size_t size, std::size_t& position,
                                   std::vector<std::string_view>& arguments) {
  const char* const line = bytes + position;
  const std::size_t available = size - position;
  const auto* const newline = static_cast<const char*>(std::memchr(line, '\n', std::min(available, kLineBytesMax + 1)));
  if (newline == nullptr) return available > kLineBytesMax ? fail("too big inline request") : ParseStatus::kIncomplete;
  line_.assign(line, newline > line && newline[-1] == '\r' ? newline - 1 : newline);
  if (!split_line(line_.data(), line_.data() + line_.size(), arguments)) return fail("unbalanced quotes in request");
  position += static_cast<std::size_t>(newline - line) + 1;
  return ParseStatus::kCommand;
}

ParseStatus Parser::array_header(const char* start, const char* end, const ParserLimits& limits) {
  STAVE_ASSERT(start < end && *start == '*' && pieces_.empty());
  const char* at = start + 1;
  std::int64_t count = 0;
  switch (read_number(at, end, count)) {
    case LineStatus::kIncomplete: return ParseStatus::kIncomplete;
    case LineStatus::kTooLong: return fail("too big mbulk count string");
    case LineStatus::kBad: return fail("invalid multibulk length");
    case LineStatus::kOk: break;
  }
  // One of less than nothing is nothing, as in Redis.
  if (count > limits.arguments_max) return fail("invalid multibulk length");
  if (!limits.authenticated && count > kUnauthenticatedArgumentsMax) return fail("unauthenticated multibulk length");
  remaining_ = std::max<std::int64_t>(count, 0);
  offset_ = static_cast<std::size_t>(at - start);
  return ParseStatus::kCommand;
}

ParseStatus Parser::bulk_header(const char*& at, const char* end, const ParserLimits& limits) {
  STAVE_ASSERT(at <= end && bulk_ < 0);
  if (at == end) return ParseStatus::kIncomplete;
  if (*at != '$') {
    const char shown = (*at >= ' ' && *at <= '~') ? *at : '?';
    return fail(std::string("expected '$', got '") + shown + "'");
  }
  const char* number = at + 1;
  std::int64_t length = 0;
  switch (read_number(number, end, length)) {
    case LineStatus::kIncomplete: return ParseStatus::kIncomplete;
    case LineStatus::kTooLong: return fail("too big bulk count string");
    case LineStatus::kBad: return fail("invalid bulk length");
    case LineStatus::kOk: break;
  }
  if (length < 0 || length > limits.bulk_bytes_max) return fail("invalid bulk length");
  if (!limits.authenticated && length > kUnauthenticatedBulkBytesMax) return fail("unauthenticated bulk length");
  bulk_ = length;
  at = number;
  return ParseStatus::kCommand;
}

ParseStatus Parser::elements(const char* start, const char* end, const ParserLimits& limits,
                             std::vector<std::string_view>& arguments) {
  const std::size_t first = arguments.size();
  const char* at = start + offset_;
  while (remaining_ > 0) {
    if (bulk_ < 0) {
      const ParseStatus status = bulk_header(at, end, limits);
      if (status == ParseStatus::kIncomplete) return suspend(start, at, arguments, first);
      if (status == ParseStatus::kError) return status;
    }
    const Apart* const apart = apart_at(static_cast<std::size_t>(at - start));
    const std::int64_t here = apart != nullptr ? 0 : bulk_;
    const char* const stop = at + here;
    // The first byte behind an argument must not wait for the second: it may be wrong.
    if (end - at < here + 1) return suspend(start, at, arguments, first);
    if (*stop != '\r') return fail("expected CR LF after bulk");
    if (stop + 1 == end) return suspend(start, at, arguments, first);
    if (stop[1] != '\n') return fail("expected CR LF after bulk");
    STAVE_ASSERT(stop + 2 <= end);
    if (apart != nullptr) [[unlikely]] {
      STAVE_ASSERT(apart->bytes.size() == static_cast<std::size_t>(bulk_));
      arguments.push_back(apart->bytes);
    } else {
      arguments.emplace_back(at, static_cast<std::size_t>(bulk_));
    }
    at = stop + 2;
    bulk_ = -1;
    --remaining_;
  }
  STAVE_ASSERT(remaining_ == 0 && bulk_ < 0);
  offset_ = static_cast<std::size_t>(at - start);
  if (!pieces_.empty()) {
    // Interrupted before: what was found then comes before what was found now.
    std::vector<std::string_view> all;
    all.reserve(pieces_.size() + arguments.size() - first);
    for (const Piece& piece : pieces_)
      all.emplace_back(piece.apart != nullptr ? piece.apart : start + piece.offset, piece.length);
    all.insert(all.end(), arguments.begin() + static_cast<std::ptrdiff_t>(first), arguments.end());
    arguments.resize(first);
    arguments.insert(arguments.end(), all.begin(), all.end());
  }
  return ParseStatus::kCommand;
}

void Parser::set_apart(std::string_view bytes) {
  STAVE_ASSERT(in_bulk() && !is_apart() && bytes.size() == bulk_size());
  first_ = true;  // whatever came before it when it was presented last
  apart_.push_back({offset_, bytes});
}

const Parser::Apart* Parser::apart_at(std::size_t offset) const noexcept {
  if (!first_ || apart_.empty()) [[likely]]
    return nullptr;
  const auto found = std::ranges::find(apart_, offset, &Apart::offset);
  return found == apart_.end() ? nullptr : &*found;
}

ParseStatus Parser::suspend(const char* start, const char* at, std::vector<std::string_view>& arguments,
                            std::size_t first) {
  STAVE_ASSERT(first <= arguments.size() && start < at);
  for (std::size_t i = first; i < arguments.size(); ++i) {
    const char* const data = arguments[i].data();
    if (std::ranges::any_of(apart_, [data](const Apart& apart) { return apart.bytes.data() == data; })) {
      pieces_.push_back({0, arguments[i].size(), data});
    } else {
      pieces_.push_back({static_cast<std::uint64_t>(data - start), arguments[i].size(), nullptr});
    }
  }
  arguments.resize(first);
  offset_ = static_cast<std::size_t>(at - start);
  return ParseStatus::kIncomplete;
}

}  // namespace stave::resp
