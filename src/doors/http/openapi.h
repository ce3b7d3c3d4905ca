// The route table as documents: OpenAPI 3.1 for programs, a page for people, a Markdown table for the docs.
#pragma once

#include <string>
#include <string_view>

namespace stave::http {

std::string openapi_document(std::string_view version);
/// Stands alone: no script, nothing from elsewhere.
std::string documentation_page(std::string_view version);
/// The table that docs/http.md holds between its markers.
std::string api_table();

}  // namespace stave::http
