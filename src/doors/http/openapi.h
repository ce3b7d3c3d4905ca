// The route table as documents: OpenAPI 3.1 for programs, a page for people.
#pragma once

#include <string>
#include <string_view>

namespace stave::http {

std::string openapi_document(std::string_view version);
/// Stands alone: no script, nothing from elsewhere.
std::string documentation_page(std::string_view version);

}  // namespace stave::http
