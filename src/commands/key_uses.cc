#include "commands/key_uses.h"

#include <algorithm>
#include <optional>

#include "commands/bitfield_commands.h"
#include "commands/connection_commands.h"
#include "commands/database_commands.h"
#include "commands/geo_search_commands.h"
#include "commands/move_commands.h"
#include "commands/pubsub_commands.h"
#include "commands/sort_command.h"
#include "commands/string_commands.h"
#include "commands/text.h"

namespace stave::commands {
namespace {

struct Use {
  bool reads = false;
  bool writes = false;
};

bool has_word(std::string_view text, std::string_view word) noexcept {
  for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at == 0 || text[at - 1] == ' ') && (end == text.size() || text[end] == ' ')) return true;
  }
  return false;
}

/// As COMMAND tells it (command_answer.h).
Use use_of(const Command& row, bool first) noexcept {
  constexpr std::string_view kForOthers = " | ";
  std::string_view words = row.key_flags;
  if (const std::size_t bar = words.find(kForOthers); bar != std::string_view::npos)
    words = first ? words.substr(0, bar) : words.substr(bar + kForOthers.size());
  if (words.empty()) {
    if ((row.flags & kWrite) != 0) return {.writes = true};
    return {.reads = row.needs != Needs::kNothing};
  }
  return {.reads = has_word(words, "access"),
          .writes = has_word(words, "insert") || has_word(words, "delete") || has_word(words, "update")};
}

bool any_is(Arguments arguments, std::size_t from, std::string_view word) noexcept {
  return std::ranges::any_of(arguments.subspan(std::min(from, arguments.size())),
                             [&](std::string_view argument) { return same_word(argument, word); });
}

/// Where SORT says STORE, the last time; options that take words pass over them.
std::optional<std::size_t> sort_target(Arguments arguments) noexcept {
  std::optional<std::size_t> found;
  for (std::size_t i = 2; i < arguments.size(); ++i) {
    if (same_word(arguments[i], "LIMIT")) {
      i += 2;
    } else if (same_word(arguments[i], "GET") || same_word(arguments[i], "BY")) {
      ++i;
    } else if (same_word(arguments[i], "STORE") && i + 1 < arguments.size()) {
      found = ++i;
    }
  }
  return found;
}

/// Where GEORADIUS or GEORADIUSBYMEMBER says STORE or STOREDIST, the last time. Everything before it is a number, a
/// member or a unit.
std::optional<std::size_t> radius_target(Arguments arguments) noexcept {
  std::optional<std::size_t> found;
  for (std::size_t i = 5; i + 1 < arguments.size(); ++i)
    if (same_word(arguments[i], "STORE") || same_word(arguments[i], "STOREDIST")) found = ++i;
  return found;
}

}  // namespace

void visit_key_uses(const Command& row, Arguments arguments, base::FunctionRef<void(const KeyUse&)> show) {
  bool first = true;
  const bool radius = row.run == georadius_command || row.run == georadiusbymember_command;
  // What these write is named by an option; the key that the row knows is read.
  const bool only_reads =
      row.run == sort_command || radius ||
      (row.run == bitfield_command && !any_is(arguments, 2, "SET") && !any_is(arguments, 2, "INCRBY"));
  // SET tells the old value with GET only.
  const bool blind = row.run == set_command && !any_is(arguments, 3, "GET");
  visit_keys(row, arguments, [&](std::size_t at) {
    const Use use = use_of(row, first);
    show({.argument = at, .reads = only_reads || (use.reads && !blind), .writes = use.writes && !only_reads});
    first = false;
  });
  std::optional<std::size_t> target;
  if (row.run == sort_command) target = sort_target(arguments);
  if (radius) target = radius_target(arguments);
  if (target) show({.argument = *target, .reads = false, .writes = true});
}

void visit_channel_uses(const Command& row, Arguments arguments, base::FunctionRef<void(const ChannelUse&)> show) {
  if ((row.flags & kPubSub) == 0) return;
  if (row.run == publish_command || row.run == spublish_command) return show({.argument = 1});
  const bool pattern = row.run == psubscribe_command;
  if (!pattern && row.run != subscribe_command && row.run != ssubscribe_command) return;
  for (std::size_t i = 1; i < arguments.size(); ++i) show({.argument = i, .pattern = pattern});
}

void visit_database_uses(const Command& row, Arguments arguments, base::FunctionRef<void(std::size_t argument)> show) {
  if (row.run == select_command) return show(1);
  if (row.run == move_command) return show(2);
  if (row.run == swapdb_command) {
    show(1);
    return show(2);
  }
  if (row.run != copy_command) return;
  for (std::size_t i = 3; i + 1 < arguments.size(); ++i)
    if (same_word(arguments[i], "DB")) show(++i);
}

bool uses_database(const Command& row) noexcept {
  return !row.keys.none() || (row.flags & kWholeDatabase) != 0;
}

bool uses_all_databases(const Command& row) noexcept {
  return (row.flags & kAllDatabases) != 0;
}

}  // namespace stave::commands
