// JSON as text: strings written, documents checked while they come in, base64 for what is not text.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/encoding.h"

namespace stave::http {

/// Appends `text` as a JSON string, for people and logs: bytes that are not UTF-8 are shown as \xFF. What somebody's
/// data are is never written so; see `append_json_bytes`, and draft.h.
void append_json_string(std::string& out, std::string_view text);
/// The same as a value of its own.
std::string json_string(std::string_view text);
/// Appends `bytes` as a JSON string or, when they are not UTF-8, as `{"base64": "…"}`.
void append_json_bytes(std::string& out, std::string_view bytes);
using base::append_base64;
using base::from_base64;
using base::is_utf8;

/// Checks that bytes that come in pieces are one JSON document (RFC 8259, UTF-8). Memory does not grow with it.
class JsonChecker {
 public:
  JsonChecker();
  ~JsonChecker();
  JsonChecker(const JsonChecker&) = delete;
  JsonChecker& operator=(const JsonChecker&) = delete;

  /// False once it cannot become valid any more.
  bool add(std::string_view piece);
  /// Whether the whole was valid. Ends the check.
  bool finish();

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
  bool good_ = true;
};

/// Whether `text` is one JSON document.
bool is_json(std::string_view text);

}  // namespace stave::http
