#include "doors/resp/writer.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/assert.h"

namespace stave::resp {
namespace {

// One kind byte, twenty digits, CR LF.
constexpr std::size_t kHeaderBytesMax = 24;

char* put(char* to, std::string_view text) noexcept {
  if (!text.empty()) std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

template <class Number>
char* put_line(char* to, char kind, Number value) noexcept {
  *to++ = kind;
  if (value >= 0 && value < 10) {
    *to++ = static_cast<char>('0' + value);
  } else {
    const auto done = std::to_chars(to, to + 20, value);
    STAVE_ASSERT(done.ec == std::errc{});
    to = done.ptr;
  }
  *to++ = '\r';
  *to++ = '\n';
  return to;
}

}  // namespace

std::size_t format_double(double value, char* to) noexcept {
  if (std::isnan(value)) return static_cast<std::size_t>(put(to, "nan") - to);
  if (std::isinf(value)) return static_cast<std::size_t>(put(to, value < 0 ? "-inf" : "inf") - to);
  if (value == 0) return static_cast<std::size_t>(put(to, std::signbit(value) ? "-0" : "0") - to);
  // Shortest digits as d.ddde+xx, then laid out: "%.17g" would not be shortest, std::to_chars alone lays out otherwise.
  char scientific[40];
  const char* const end =
      std::to_chars(scientific, scientific + sizeof scientific, std::abs(value), std::chars_format::scientific).ptr;
  char digits[24];
  int count = 0;
  const char* p = scientific;
  for (; *p != 'e'; ++p)
    if (*p != '.') digits[count++] = *p;
  STAVE_ASSERT(count > 0 && count <= std::numeric_limits<double>::max_digits10);
  int exponent = 0;
  std::from_chars(p[1] == '+' ? p + 2 : p + 1, end, exponent);
  const int scale = exponent - count + 1;  // value = digits * 10^scale
  const int magnitude = std::abs(exponent);
  char* const begin = to;
  if (value < 0) *to++ = '-';
  if (scale >= 0 && magnitude < count + 7) {  // an integer
    to = put(to, {digits, static_cast<std::size_t>(count)});
    std::memset(to, '0', static_cast<std::size_t>(scale));
    return static_cast<std::size_t>(to + scale - begin);
  }
  if (scale < 0 && (scale > -7 || magnitude < 4)) {  // a decimal fraction
    const int whole = count + scale;
    if (whole <= 0) {
      to = put(to, "0.");
      std::memset(to, '0', static_cast<std::size_t>(-whole));
      to = put(to - whole, {digits, static_cast<std::size_t>(count)});
    } else {
      to = put(to, {digits, static_cast<std::size_t>(whole)});
      *to++ = '.';
      to = put(to, {digits + whole, static_cast<std::size_t>(count - whole)});
    }
    return static_cast<std::size_t>(to - begin);
  }
  *to++ = digits[0];
  if (count > 1) {
    *to++ = '.';
    to = put(to, {digits + 1, static_cast<std::size_t>(count - 1)});
  }
  *to++ = 'e';
  *to++ = exponent < 0 ? '-' : '+';
  return static_cast<std::size_t>(std::to_chars(to, to + 4, magnitude).ptr - begin);
}

void Writer::header(char kind, std::size_t count) {
  if (char* const to = output_->reserve(kHeaderBytesMax)) output_->commit(put_line(to, kind, count));
}

void Writer::line(char kind, std::string_view text) {
  char* to = output_->reserve(text.size() + 3);
  if (to == nullptr) return;
  *to++ = kind;
  for (const char c : text) *to++ = (c == '\r' || c == '\n') ? ' ' : c;
  output_->commit(put(to, "\r\n"));
}

void Writer::status(std::string_view text) {
  if (text == "OK") {
    output_->append("+OK\r\n");
    return;
  }
  line('+', text);
}

void Writer::error(std::string_view text) {
  line('-', text);
}

void Writer::integer(std::int64_t value) {
  if (char* const to = output_->reserve(kHeaderBytesMax)) output_->commit(put_line(to, ':', value));
}

void Writer::bulk(std::string_view bytes) {
  char* const to = output_->reserve(kHeaderBytesMax + bytes.size() + 2);
  if (to == nullptr) return;
  output_->commit(put(put(put_line(to, '$', bytes.size()), bytes), "\r\n"));
}

void Writer::shared_bulk(const commands::SharedBytes& bytes) {
  header('$', bytes.size);
  output_->append_shared(bytes);
  output_->append("\r\n");
}

void Writer::null() {
  if (protocol() == 2) {
    output_->append("$-1\r\n");
  } else {
    output_->append("_\r\n");
  }
}

void Writer::null_array() {
  if (protocol() == 2) {
    output_->append("*-1\r\n");
  } else {
    output_->append("_\r\n");
  }
}

void Writer::map(std::size_t pairs) {
  if (protocol() == 2) {
    header('*', pairs * 2);
  } else {
    header('%', pairs);
  }
}

void Writer::set(std::size_t count) {
  header(protocol() == 2 ? '*' : '~', count);
}

void Writer::push(std::size_t count) {
  header(protocol() == 2 ? '*' : '>', count);
}

void Writer::real(double value) {
  char text[40];
  const std::string_view digits(text, format_double(value, text));
  STAVE_ASSERT(digits.size() <= 32);
  if (protocol() == 2) {
    bulk(digits);
  } else {
    line(',', digits);
  }
}

void Writer::boolean(bool value) {
  if (protocol() == 2) {
    integer(value ? 1 : 0);
  } else {
    output_->append(value ? "#t\r\n" : "#f\r\n");
  }
}

void Writer::big_number(std::string_view digits) {
  if (protocol() == 2) {
    bulk(digits);
  } else {
    line('(', digits);
  }
}

void Writer::verbatim(std::string_view format, std::string_view text) {
  STAVE_ASSERT(format.size() == 3);
  if (protocol() == 2) {
    bulk(text);
    return;
  }
  char* to = output_->reserve(kHeaderBytesMax + text.size() + 6);
  if (to == nullptr) return;
  to = put(put_line(to, '=', text.size() + 4), format.substr(0, 3));
  *to++ = ':';
  output_->commit(put(put(to, text), "\r\n"));
}

}  // namespace stave::resp
