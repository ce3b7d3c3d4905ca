#include "doors/http/json_sink.h"

#include <array>

#include "base/assert.h"
#include "types/string/number.h"

namespace stave::http {

void JsonSink::before() {
  begun_ = true;
  if (!first_) out_.text(",");
  first_ = false;
}

void JsonSink::after() {
  STAVE_ASSERT(open_.empty() || open_.back() != 0);
  while (!open_.empty() && --open_.back() == 0) {
    open_.pop_back();
    out_.text("]");
  }
  if (open_.empty()) first_ = true;
}

void JsonSink::string(std::string_view bytes) {
  before();
  out_.string(bytes);
  after();
}

void JsonSink::shared_bulk(const commands::SharedBytes& bytes) {
  before();
  out_.string(bytes);
  after();
}

void JsonSink::status(std::string_view text) {
  if (text != "OK") return string(text);
  before();
  out_.text("\"OK\"");
  after();
}

void JsonSink::error(std::string_view text) {
  if (!open_.empty()) return string(text);
  begun_ = true;
  error_ = text;
  for (char& c : error_)
    if (c == '\r' || c == '\n') c = ' ';
}

void JsonSink::integer(std::int64_t value) {
  before();
  out_.text(std::to_string(value));
  after();
}

void JsonSink::null() {
  before();
  out_.text("null");
  after();
}

void JsonSink::array(std::size_t count) {
  before();
  out_.text("[");
  if (count == 0) {
    out_.text("]");
    after();
    return;
  }
  open_.push_back(count);
  first_ = true;
}

void JsonSink::real(double value) {
  // A string, as in RESP2: JSON has no infinity, and many readers fewer digits.
  std::array<char, 32> text{};
  string({text.data(), types::format_double(value, text.data())});
}

}  // namespace stave::http
