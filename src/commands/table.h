// The command table: one constexpr row per command. Dispatch, COMMAND, COMMAND DOCS, the shell's completion and the
// reference in docs all read the same rows.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "stave/error.h"

namespace stave::commands {

class Call;
using Handler = Result<void> (*)(Call&);

/// Number of arguments, the command's name included.
struct Arity {
  int least = 1;
  int most = -1;  ///< -1: no limit.
};
constexpr Arity exactly(int n) { return {n, n}; }
constexpr Arity at_least(int n) { return {n, -1}; }
constexpr Arity between(int a, int b) { return {a, b}; }

/// Which arguments are keys: first, last (negative: from the end), step. All zero: none.
struct Keys {
  int first = 0;
  int last = 0;
  int step = 0;
};
constexpr Keys no_keys() { return {}; }
constexpr Keys key_at(int i) { return {i, i, 1}; }
constexpr Keys keys_from(int first, int last, int step) { return {first, last, step}; }

enum CommandFlag : std::uint32_t {
  kReadOnly = 1 << 0,
  kWrite = 1 << 1,
  kGrows = 1 << 2,      ///< May need memory ("denyoom").
  kFast = 1 << 3,
  kAdmin = 1 << 4,
  kNoAuth = 1 << 5,     ///< Allowed before AUTH.
  kLoading = 1 << 6,
  kDangerous = 1 << 7,
  kBlocking = 1 << 8,
  kMovableKeys = 1 << 9,
  kNoScript = 1 << 10,
  kStale = 1 << 11,
};

struct Command {
  std::string_view name;          ///< Upper case; a subcommand's own name without its container.
  Arity arity;
  Keys keys;
  std::uint32_t flags = 0;
  std::string_view group;         ///< "string", "generic", "connection", "server".
  std::string_view since;
  std::string_view cost;          ///< "O(1)".
  std::string_view syntax;        ///< Arguments as for a person: "key value [NX | XX] [GET]".
  std::string_view help;          ///< One sentence.
  Handler run = nullptr;          ///< Null for a container whose work is in its subcommands.
  std::span<const Command> subcommands = {};
};

/// All commands, sorted by name.
std::span<const Command> command_table() noexcept;
/// Case-insensitive; nullptr when unknown. Cost: one probe of a perfect or near-perfect hash.
const Command* find_command(std::string_view name) noexcept;
const Command* find_subcommand(const Command& container, std::string_view name) noexcept;

}  // namespace stave::commands
