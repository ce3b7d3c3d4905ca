// The shell door: `stave shell`, for people and for pipes.
//
//     stave shell [DIR] [COMMAND ARG...]            a store in a directory, embedded (default ./data)
//     stave shell --connect HOST:PORT [COMMAND...]  a running server
//     stave shell --file data.json [COMMAND...]     a JSON file, written by SNAPSHOT and at EXIT
//
// Must not know: the server, other subcommands.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace stave::shell {

/// What `--help` prints.
std::string_view usage() noexcept;

/// Runs the shell with the arguments that follow `stave shell`; returns the exit code: 0, 1 when a command failed, 2
/// for arguments that make no sense. Call it from main's thread, once.
int run(std::span<const std::string> arguments);

}  // namespace stave::shell
