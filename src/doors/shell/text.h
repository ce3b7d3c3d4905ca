// Small text tools of the shell: what may be shown on a terminal, and lines cut into arguments. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/encoding.h"
#include "stave/error.h"

namespace stave::shell {

using base::append_json_string;
using base::from_base64;
using base::is_utf8;
using base::to_base64;
using base::utf8_length;

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
