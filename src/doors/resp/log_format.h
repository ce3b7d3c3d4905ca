// How the lines of the server's log look: for people, or one JSON object a line for who collects them.
#pragma once

#include <spdlog/formatter.h>

#include <memory>

namespace stave::resp {

/// {"time":"2026-11-21T14:05:00.250Z","level":"warning","message":"…"} and a line end. Levels: debug, info, warning,
/// error. Bytes that are not ASCII stay as they are.
std::unique_ptr<spdlog::formatter> json_lines();

}  // namespace stave::resp
