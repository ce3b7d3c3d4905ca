#include "doors/http/json_text.h"

#include <array>
#include <boost/json/basic_parser_impl.hpp>

namespace stave::http {
namespace {

namespace json = boost::json;

/// Deeper documents are refused: whoever reads them back may well recurse.
constexpr std::size_t kDepthMax = 256;

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Length of the valid UTF-8 sequence that begins `text`; 0 when there is none.
std::size_t sequence_length(std::string_view text) noexcept {
  const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto follows = [&](std::size_t i) { return (at(i) & 0xC0u) == 0x80u; };
  const unsigned first = at(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool overlong = first == 0xE0 && at(1) < 0xA0;
    const bool surrogate = first == 0xED && at(1) > 0x9F;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool overlong = first == 0xF0 && at(1) < 0x90;
    const bool too_large = first == 0xF4 && at(1) > 0x8F;
    return follows(1) && follows(2) && follows(3) && !overlong && !too_large ? 4 : 0;
  }
  return 0;
}

void append_escaped(std::string& out, char c) {
  static constexpr char kDigits[] = "0123456789abcdef";
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  const auto byte = static_cast<unsigned char>(c);
  out += "\\u00";
  out += kDigits[byte >> 4];
  out += kDigits[byte & 15];
}

bool is_plain(char c) noexcept {
  return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

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
  out += '"';
  std::size_t i = 0;
  while (i < text.size()) {
    std::size_t end = i;
    while (end < text.size() && is_plain(text[end])) ++end;
    out.append(text.substr(i, end - i));
    i = end;
    if (i == text.size()) break;
    const std::size_t length = sequence_length(text.substr(i));
    if (length == 0) {
      out.append(kReplacement);
    } else if (length == 1) {
      append_escaped(out, text[i]);
    } else {
      out.append(text.substr(i, length));
    }
    i += length == 0 ? 1 : length;
  }
  out += '"';
}

std::string json_string(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  append_json_string(out, text);
  return out;
}

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

void append_base64(std::string& out, std::string_view bytes) {
  const auto at = [&](std::size_t i) { return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0u; };
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::uint32_t three = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
    out += kAlphabet[three >> 18];
    out += kAlphabet[(three >> 12) & 63];
    out += i + 1 < bytes.size() ? kAlphabet[(three >> 6) & 63] : '=';
    out += i + 2 < bytes.size() ? kAlphabet[three & 63] : '=';
  }
}

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  const std::string_view digits = text.substr(0, text.size() - padding);
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : digits) {
    const std::size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xff);
  }
  // What the padding cuts off must be zero, or two texts would mean the same bytes.
  if (count > 0 && (bits & ((1u << count) - 1)) != 0) return std::nullopt;
  return bytes;
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
