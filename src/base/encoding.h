// Bytes as text: UTF-8, base64 and JSON strings. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace stave::base {

/// Well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view bytes) noexcept;
/// Length of the well-formed character that begins `bytes`; 0 when there is none.
[[nodiscard]] std::size_t utf8_length(std::string_view bytes) noexcept;
/// Appends a code point below 0x110000 that is not a surrogate.
void append_utf8(std::string& to, char32_t code_point);

/// RFC 4648, with padding.
[[nodiscard]] std::string to_base64(std::string_view bytes);
void append_base64(std::string& to, std::string_view bytes);
/// nullopt when `text` is not canonical base64.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

/// Appends `text`, which is UTF-8, as a JSON string with its quotes.
void append_json_string(std::string& to, std::string_view text);

}  // namespace stave::base
