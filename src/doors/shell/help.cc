#include "doors/shell/help.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/assert.h"
#include "commands/table.h"
#include "doors/shell/text.h"

namespace stave::shell {

namespace {

using commands::Command;

constexpr std::array<OwnWord, 5> kOwnWords = {{
    {"DELETE", "key [key ...]", "Delete keys; says OK, or that there was nothing to delete."},
    {"EXIT", "", "Leave the shell; saves first when it works on a file."},
    {"HELP", "[command [subcommand] | @group]", "Explain a command, or list the commands of a group."},
    {"QUIT", "", "The same as EXIT."},
    {"SNAPSHOT", "[path]", "Write everything to a JSON file."},
}};
static_assert(std::ranges::is_sorted(kOwnWords, {}, &OwnWord::name));

const OwnWord* find_own(std::string_view name) {
  for (const OwnWord& word : kOwnWords) {
    if (equal_ignoring_case(word.name, name)) return &word;
  }
  return nullptr;
}

/// Blank-separated words; quotes do not matter here.
std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::size_t at = line.find_first_not_of(" \t"); at != std::string_view::npos;
       at = line.find_first_not_of(" \t", at)) {
    const std::size_t end = std::min(line.find_first_of(" \t", at), line.size());
    STAVE_ASSERT(at < end);
    words.push_back(line.substr(at, end - at));
    at = end;
  }
  return words;
}
bool ends_blank(std::string_view line) {
  return line.empty() || line.back() == ' ' || line.back() == '\t';
}

std::vector<std::string_view> groups() {
  std::set<std::string_view> names;
  for (const Command& command : commands::command_table()) names.insert(command.group);
  return {names.begin(), names.end()};
}

std::string row(std::string_view name, std::string_view syntax, std::string_view text) {
  std::string left(name);
  if (!syntax.empty()) left.append(" ").append(syntax);
  return "  " + left + "\n      " + std::string(text) + "\n";
}

std::string describe(const Command& command, std::string_view container) {
  std::string out = "\n  ";
  if (!container.empty()) out.append(container).append(" ");
  out.append(command.name);
  if (!command.syntax.empty()) out.append(" ").append(command.syntax);
  out.append("\n  ").append(command.help).append("\n");
  if (!command.cost.empty()) out.append("  cost: ").append(command.cost).append("\n");
  if (!command.since.empty()) out.append("  since: ").append(command.since).append("\n");
  if (!command.group.empty()) out.append("  group: @").append(command.group).append("\n");
  if (!command.subcommands.empty()) {
    out += "  subcommands:";
    for (const Command& sub : command.subcommands) out.append(" ").append(sub.name);
    out += '\n';
  }
  return out += '\n';
}

std::string help_group(std::string_view name) {
  std::string out;
  for (const Command& command : commands::command_table()) {
    if (equal_ignoring_case(command.group, name)) out += row(command.name, command.syntax, command.help);
  }
  return out;
}

std::string help_general() {
  std::string out = "Commands are those of the Redis protocol, and a few of the shell's own:\n\n";
  for (const OwnWord& word : kOwnWords) out += row(word.name, word.syntax, word.help);
  out += "\nGroups:";
  for (const std::string_view group : groups()) out.append(" @").append(group);
  out += "\nQuotes: \"a b\", \"\\x00\\n\", 'a b'. TAB completes, the arrow keys recall.\n";
  return out;
}

}  // namespace

std::vector<OwnWord> own_words() {
  return {kOwnWords.begin(), kOwnWords.end()};
}

std::vector<std::string> completions(std::string_view line) {
  std::vector<std::string_view> words = words_of(line);
  if (ends_blank(line)) words.emplace_back();
  STAVE_ASSERT(!words.empty());
  const std::string_view begun = words.back();
  std::vector<std::string_view> candidates;
  const bool for_help = words.size() == 2 && equal_ignoring_case(words[0], "HELP");
  std::vector<std::string> at_groups;
  if (words.size() == 1 || for_help) {
    for (const Command& command : commands::command_table()) candidates.push_back(command.name);
    for (const OwnWord& word : kOwnWords) candidates.push_back(word.name);
  } else if (words.size() == 2 || (words.size() == 3 && equal_ignoring_case(words[0], "HELP"))) {
    if (const Command* container = commands::find_command(words[words.size() - 2])) {
      for (const Command& sub : container->subcommands) candidates.push_back(sub.name);
    }
  }
  if (for_help) {
    for (const std::string_view group : groups()) at_groups.push_back("@" + std::string(group));
    candidates.insert(candidates.end(), at_groups.begin(), at_groups.end());
  }
  const bool small = !begun.empty() && begun[0] >= 'a' && begun[0] <= 'z';
  std::set<std::string> found;
  for (const std::string_view name : candidates) {
    if (equal_ignoring_case(name.substr(0, begun.size()), begun)) found.insert(small ? lower(name) : std::string(name));
  }
  return {found.begin(), found.end()};
}

std::string hint(std::string_view line) {
  const std::vector<std::string_view> words = words_of(line);
  if (words.empty() || (words.size() == 1 && !ends_blank(line))) return {};
  if (const OwnWord* own = find_own(words[0])) return words.size() == 1 ? std::string(own->syntax) : std::string();
  const Command* command = commands::find_command(words[0]);
  if (command == nullptr) return {};
  std::size_t used = 1;
  if (!command->subcommands.empty()) {
    if (words.size() < 2 || (words.size() == 2 && !ends_blank(line))) return "subcommand";
    command = commands::find_subcommand(*command, words[1]);
    if (command == nullptr) return {};
    used = 2;
  }
  // Arguments that were given are crossed off, as long as they are not optional.
  std::size_t given = words.size() - used;
  std::string_view syntax = command->syntax;
  while (given-- > 0 && !syntax.empty() && syntax[0] != '[') {
    const std::size_t end = syntax.find(' ');
    syntax = end == std::string_view::npos ? std::string_view{} : syntax.substr(end + 1);
  }
  return std::string(syntax);
}

std::string help(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return help_general();
  const std::string_view topic = arguments[0];
  if (topic.starts_with('@')) return help_group(topic.substr(1));
  if (const OwnWord* own = find_own(topic)) return "\n" + row(own->name, own->syntax, own->help) + "\n";
  const Command* command = commands::find_command(topic);
  if (command == nullptr) return {};
  if (arguments.size() == 1) return describe(*command, {});
  const Command* sub = commands::find_subcommand(*command, arguments[1]);
  return sub == nullptr ? std::string() : describe(*sub, command->name);
}

bool is_secret(std::string_view line) {
  const std::vector<std::string_view> words = words_of(line);
  if (words.empty()) return false;
  const auto mentions = [&](std::string_view text) {
    return std::ranges::any_of(words, [&](std::string_view word) { return equal_ignoring_case(word, text); });
  };
  if (equal_ignoring_case(words[0], "AUTH")) return true;
  if (equal_ignoring_case(words[0], "HELLO")) return mentions("AUTH");
  if (equal_ignoring_case(words[0], "CONFIG")) return mentions("requirepass") || mentions("masterauth");
  if (equal_ignoring_case(words[0], "ACL")) return mentions("SETUSER");
  return equal_ignoring_case(words[0], "MIGRATE") && (mentions("AUTH") || mentions("AUTH2"));
}

}  // namespace stave::shell
