#include "doors/resp/writer.h"

#include <charconv>
#include <cstring>

#include "base/assert.h"
#include "types/string/number.h"

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
  const std::string_view digits(text, types::format_double(value, text));
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
