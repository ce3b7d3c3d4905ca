#include "doors/http/json_text.h"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>

namespace stave::http {
namespace {

namespace json = boost::json;

/// Deeper documents are refused: whoever reads them back may well recurse.
constexpr std::size_t kDepthMax = 256;

/// Takes every event of a document and keeps nothing.
struct Ignore {
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);
  using Code = json::error_code;

  bool on_document_begin(Code&) { return true; }
  bool on_document_end(Code&) { return true; }
  bool on_array_begin(Code&) { return true; }
  bool on_array_end(std::size_t, Code&) { return true; }
  bool on_object_begin(Code&) { return true; }
  bool on_object_end(std::size_t, Code&) { return true; }
  bool on_string_part(json::string_view, std::size_t, Code&) { return true; }
  bool on_string(json::string_view, std::size_t, Code&) { return true; }
  bool on_key_part(json::string_view, std::size_t, Code&) { return true; }
  bool on_key(json::string_view, std::size_t, Code&) { return true; }
  bool on_number_part(json::string_view, Code&) { return true; }
  bool on_int64(std::int64_t, json::string_view, Code&) { return true; }
  bool on_uint64(std::uint64_t, json::string_view, Code&) { return true; }
  bool on_double(double, json::string_view, Code&) { return true; }
  bool on_bool(bool, Code&) { return true; }
  bool on_null(Code&) { return true; }
  bool on_comment_part(json::string_view, Code&) { return true; }
  bool on_comment(json::string_view, Code&) { return true; }
};

json::parse_options strict() {
  json::parse_options options;
  options.max_depth = kDepthMax;
  return options;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  if (base::is_utf8(text)) return base::append_json_string(out, text);
  std::string readable;
  while (!text.empty()) {
    const std::size_t length = base::utf8_length(text);
    if (length == 0) {
      constexpr std::string_view kHex = "0123456789abcdef";
      const auto byte = static_cast<unsigned char>(text[0]);
      readable.append({'\\', 'x', kHex[byte >> 4], kHex[byte & 15]});
    } else {
      readable.append(text.substr(0, length));
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  base::append_json_string(out, readable);
}

void append_json_bytes(std::string& out, std::string_view bytes) {
  if (base::is_utf8(bytes)) return base::append_json_string(out, bytes);
  out += "{\"base64\":\"";
  append_base64(out, bytes);
  out += "\"}";
}

std::string json_string(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  append_json_string(out, text);
  return out;
}

struct JsonChecker::Parser {
  json::basic_parser<Ignore> parser{strict()};
};

JsonChecker::JsonChecker() : parser_(std::make_unique<Parser>()) {}
JsonChecker::~JsonChecker() = default;

bool JsonChecker::add(std::string_view piece) {
  if (!good_) return false;
  json::error_code error;
  const std::size_t taken = parser_->parser.write_some(true, piece.data(), piece.size(), error);
  good_ = !error && taken == piece.size();
  return good_;
}

bool JsonChecker::finish() {
  if (!good_) return false;
  json::error_code error;
  parser_->parser.write_some(false, "", 0, error);
  good_ = !error && parser_->parser.done();
  return good_;
}

bool is_json(std::string_view text) {
  JsonChecker checker;
  return checker.add(text) && checker.finish();
}

}  // namespace stave::http
