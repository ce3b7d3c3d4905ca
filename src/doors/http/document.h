// JSON documents taken apart: Boost.JSON behind the few questions that handlers ask of it.
#pragma once

#include <boost/json.hpp>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "doors/http/problem.h"

namespace stave::http {

/// The document in `text`. Problems: invalid_json.
std::expected<boost::json::value, Problem> parse_document(std::string_view text);
/// What is wrong with a document that is JSON.
Problem bad_document(std::string detail);

/// The string member of that name; nullopt when there is none or it is no string.
std::optional<std::string> text_member(const boost::json::object& object, std::string_view name);
/// A number or a string as the text a command takes; nullopt for anything else.
std::optional<std::string> as_argument(const boost::json::value& value);

}  // namespace stave::http
