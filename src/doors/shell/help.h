// What the shell knows about commands, all of it read from the command table: completion, hints, HELP.
// Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stave::shell {

/// A word of the shell itself.
struct OwnWord {
  std::string_view name;
  std::string_view syntax;
  std::string_view help;
};
/// DELETE, EXIT, HELP, QUIT, SNAPSHOT.
[[nodiscard]] std::vector<OwnWord> own_words();

/// Words that could stand in place of the last, unfinished word of `line`, sorted. Small letters when it was begun so.
[[nodiscard]] std::vector<std::string> completions(std::string_view line);
/// What may follow `line`, such as "key value [NX | XX]"; empty when the command is not known or not finished.
[[nodiscard]] std::string hint(std::string_view line);
/// The answer to HELP with these arguments (nothing, a command and perhaps a subcommand, or @group); empty when there
/// is none.
[[nodiscard]] std::string help(const std::vector<std::string>& arguments);
/// Whether the line may contain a password and must not be remembered.
[[nodiscard]] bool is_secret(std::string_view line);

}  // namespace stave::shell
