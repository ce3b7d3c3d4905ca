// Small text tools of the shell: UTF-8, base64, JSON strings, and lines cut into arguments. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stave/error.h"

namespace stave::shell {

/// Well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view bytes) noexcept;
/// Length of the well-formed character that begins `bytes`; 0 when there is none.
[[nodiscard]] std::size_t utf8_length(std::string_view bytes) noexcept;

/// RFC 4648, with padding.
[[nodiscard]] std::string to_base64(std::string_view bytes);
/// nullopt when `text` is not canonical base64.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

/// Appends `text`, which is UTF-8, as a JSON string with its quotes.
void append_json_string(std::string& to, std::string_view text);

/// Makes bytes fit to be shown on a terminal: control bytes and broken UTF-8 become \n, \t or \xHH. Line ends and tabs
/// stay when `keep_lines`.
[[nodiscard]] std::string printable(std::string_view bytes, bool keep_lines);

/// Cuts a line into arguments as redis-cli does: blanks separate; "…" knows \n \r \t \b \a \\ \" \xHH; '…' knows \'.
/// Errors: kInvalidArgument (quotes that do not close, or something glued to a closing quote).
[[nodiscard]] Result<std::vector<std::string>> split_line(std::string_view line);

/// ASCII only.
[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;
[[nodiscard]] std::string upper(std::string_view text);
[[nodiscard]] std::string lower(std::string_view text);

}  // namespace stave::shell
