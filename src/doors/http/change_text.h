// Changes as a client of this door reads them: JSON, one a line, or the events of a text/event-stream.
//
// Must not know: where they come from, who reads them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "store/engine.h"
#include "store/logged_change.h"

namespace stave::http {

enum class ChangeForm : std::uint8_t { kLines, kEvents };

/// Appends the change, with its value when `values`. A value that cannot be told is null.
void append_change(std::string& out, ChangeForm form, store::Engine& engine, const store::LoggedChange& change,
                   bool values);
/// Everything up to `position` is told: what a client that sees nothing else goes on from.
void append_position(std::string& out, ChangeForm form, Lsn position);
/// Why nothing more comes. `problem`: as Problem::json.
void append_end(std::string& out, ChangeForm form, std::string_view problem);

}  // namespace stave::http
