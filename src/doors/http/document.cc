#include "doors/http/document.h"

#include <array>
#include <charconv>

#include "base/assert.h"

namespace stave::http {

namespace json = boost::json;

std::expected<json::value, Problem> parse_document(std::string_view text) {
  json::error_code error;
  json::value value = json::parse({text.data(), text.size()}, error);
  if (!error) return value;
  return std::unexpected(Problem{.status = 400,
                                 .code = "invalid_json",
                                 .detail = "the body is not one JSON document: " + error.message(),
                                 .retryable = false,
                                 .members = {}});
}

Problem bad_document(std::string detail) {
  return {.status = 400, .code = "invalid_document", .detail = std::move(detail), .retryable = false, .members = {}};
}

std::optional<std::string> text_member(const json::object& object, std::string_view name) {
  const json::value* const member = object.if_contains({name.data(), name.size()});
  if (member == nullptr || !member->is_string()) return std::nullopt;
  const json::string& text = member->get_string();
  return std::string(text.data(), text.size());
}

std::optional<std::string> as_argument(const json::value& value) {
  switch (value.kind()) {
    case json::kind::string: return std::string(value.get_string().data(), value.get_string().size());
    case json::kind::int64: return std::to_string(value.get_int64());
    case json::kind::uint64: return std::to_string(value.get_uint64());
    case json::kind::bool_: return value.get_bool() ? "true" : "false";
    case json::kind::double_: {
      std::array<char, 32> text{};
      const auto done = std::to_chars(text.data(), text.data() + text.size(), value.get_double());
      STAVE_ASSERT(done.ec == std::errc{});
      return std::string(text.data(), done.ptr);
    }
    default: return std::nullopt;
  }
}

}  // namespace stave::http
