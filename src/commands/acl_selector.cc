#include "commands/acl_selector.h"

#include <algorithm>

#include "base/assert.h"
#include "base/try.h"
#include "commands/access_categories.h"
#include "commands/each_row.h"
#include "commands/errors.h"
#include "commands/glob.h"
#include "commands/key_uses.h"
#include "commands/refuse_rule.h"
#include "commands/text.h"
#include "types/string/number.h"

namespace stave::commands {
namespace {

constexpr std::size_t kWordBits = 64;
constexpr std::string_view kUnknownCommand = "Unknown command or category name in ACL";
constexpr int kDatabasesMax = 255;

bool has_blanks(std::string_view text) noexcept {
  return std::ranges::any_of(text, [](char c) { return c == '\0' || c == ' ' || (c >= '\t' && c <= '\r'); });
}

void append(std::string& line, std::string_view word) {
  if (!line.empty()) line += ' ';
  line += word;
}

}  // namespace

AclSelector::AclSelector(bool all_channels)
    : all_channels_(all_channels), bits_((row_count() + kWordBits - 1) / kWordBits) {}

// --- rules ----------------------------------------------------------------------------------------------------------

Result<void> AclSelector::apply(std::string_view rule) {
  if (same_word(rule, "allkeys") || rule == "~*") {
    all_keys_ = true;
    keys_.clear();
  } else if (same_word(rule, "resetkeys")) {
    all_keys_ = false;
    keys_.clear();
  } else if (same_word(rule, "allchannels") || rule == "&*") {
    all_channels_ = true;
    channels_.clear();
  } else if (same_word(rule, "resetchannels")) {
    all_channels_ = false;
    channels_.clear();
  } else if (same_word(rule, "alldbs")) {
    all_databases_ = true;
    databases_.clear();
  } else if (same_word(rule, "resetdbs")) {
    all_databases_ = false;
    databases_.clear();
  } else if (rule.size() > 3 && same_word(rule.substr(0, 3), "db=")) {
    return add_databases(rule.substr(3));
  } else if (same_word(rule, "allcommands") || same_word(rule, "+@all")) {
    set_all_commands(true);
  } else if (same_word(rule, "nocommands") || same_word(rule, "-@all")) {
    set_all_commands(false);
  } else if (rule.starts_with('~') || rule.starts_with('%')) {
    return add_key_pattern(rule);
  } else if (rule.starts_with('&')) {
    return add_channel(rule.substr(1));
  } else if (rule.size() > 1 && (rule.starts_with('+') || rule.starts_with('-'))) {
    return apply_commands(rule.substr(1), rule.front() == '+');
  } else {
    return refuse_rule("Syntax error");
  }
  return {};
}

void AclSelector::set_all_commands(bool allow) {
  std::ranges::fill(bits_, allow ? ~std::uint64_t{0} : 0);
  all_commands_ = later_commands_ = allow;
  rules_.clear();
  first_arguments_.clear();
}

Result<void> AclSelector::apply_commands(std::string_view rule, bool allow) {
  if (rule.starts_with('@')) {
    const std::uint32_t category = category_bit(rule.substr(1));
    if (category == 0) return refuse_rule(kUnknownCommand);
    for_each_row([&](const Command& row) {
      if ((categories_of(row) & category) != 0) set_command(row, allow);
    });
    note_rule(rule, allow);
    return {};
  }
  const std::size_t bar = rule.find('|');
  if (bar != std::string_view::npos && allow) return apply_first_argument(rule);
  const Command* row = find_command(rule.substr(0, bar));
  if (row != nullptr && bar != std::string_view::npos) row = find_subcommand(*row, rule.substr(bar + 1));
  if (row == nullptr) return refuse_rule(kUnknownCommand);
  set_command(*row, allow);
  note_rule(rule, allow);
  return {};
}

// "+config|get" is a subcommand; "+select|0" a command with that first argument, which a subcommand cannot have.
Result<void> AclSelector::apply_first_argument(std::string_view rule) {
  const std::size_t bar = rule.rfind('|');
  const std::string_view rest = rule.substr(bar + 1);
  const std::string_view name = rule.substr(0, bar);
  const std::size_t inner = name.find('|');
  const Command* const row = find_command(name.substr(0, inner));
  if (row == nullptr) return refuse_rule(kUnknownCommand);
  if (inner != std::string_view::npos)
    return refuse_rule(find_subcommand(*row, name.substr(inner + 1)) == nullptr
                           ? kUnknownCommand
                           : "Allowing first-arg of a subcommand is not supported");
  if (rest.empty()) return refuse_rule("Syntax error");
  if (const Command* const sub = find_subcommand(*row, rest)) {
    set_command(*sub, true);
  } else if (!row->subcommands.empty()) {
    return refuse_rule(kUnknownCommand);
  } else if (!bit(*row)) {
    auto& words = first_arguments_[row_index(*row)];
    const auto same = [&](const std::string& word) { return same_word(word, rest); };
    if (std::ranges::none_of(words, same)) words.emplace_back(rest);
  }
  note_rule(rule, true);
  return {};
}

void AclSelector::set_command(const Command& row, bool allow) {
  set_bit(row, allow);
  for (const Command& sub : row.subcommands) set_bit(sub, allow);
}

void AclSelector::set_bit(const Command& row, bool allow) {
  const std::size_t index = row_index(row);
  const std::uint64_t mask = std::uint64_t{1} << (index % kWordBits);
  STAVE_ASSERT(index / kWordBits < bits_.size());
  if (allow) {
    bits_[index / kWordBits] |= mask;
  } else {
    bits_[index / kWordBits] &= ~mask;
    all_commands_ = false;
  }
  first_arguments_.erase(index);
}

bool AclSelector::bit(const Command& row) const noexcept {
  const std::size_t index = row_index(row);
  STAVE_ASSERT(index / kWordBits < bits_.size());
  return (bits_[index / kWordBits] >> (index % kWordBits) & 1) != 0;
}

// A rule makes void the same one before it, whichever its sign, and those of its subcommands.
void AclSelector::note_rule(std::string_view rule, bool allow) {
  const std::string name = lower(rule);
  std::erase_if(rules_, [&](const std::string& before) {
    const std::string_view other = std::string_view(before).substr(1);
    return other == name || (other.starts_with(name) && other[name.size()] == '|');
  });
  rules_.push_back((allow ? "+" : "-") + name);
}

Result<void> AclSelector::add_key_pattern(std::string_view rule) {
  if (all_keys_)
    return refuse_rule(
        "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try "
        "'resetkeys' to start with an empty list of patterns");
  KeyPattern fresh;
  std::size_t at = 1;
  if (rule.front() == '%') {
    fresh.reads = fresh.writes = false;
    for (; at < rule.size() && rule[at] != '~'; ++at) {
      bool& which = to_upper(rule[at]) == 'R' ? fresh.reads : fresh.writes;
      if ((to_upper(rule[at]) != 'R' && to_upper(rule[at]) != 'W') || which) return refuse_rule("Syntax error");
      which = true;
    }
    if (at == rule.size() || at == 1) return refuse_rule("Syntax error");
    ++at;
  }
  fresh.pattern = rule.substr(at);
  if (has_blanks(fresh.pattern)) return refuse_rule("Syntax error");
  const auto known = std::ranges::find(keys_, fresh.pattern, &KeyPattern::pattern);
  if (known == keys_.end()) {
    keys_.push_back(std::move(fresh));
  } else {
    known->reads |= fresh.reads;
    known->writes |= fresh.writes;
  }
  return {};
}

Result<void> AclSelector::add_channel(std::string_view pattern) {
  if (all_channels_)
    return refuse_rule(
        "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. "
        "Try 'resetchannels' to start with an empty list of channels");
  if (has_blanks(pattern)) return refuse_rule("Syntax error");
  if (std::ranges::find(channels_, pattern) == channels_.end()) channels_.emplace_back(pattern);
  return {};
}

Result<void> AclSelector::add_databases(std::string_view list) {
  std::set<int> fresh;
  for (;;) {
    const std::size_t end = std::min(list.find(','), list.size());
    const auto number = types::parse_unsigned(list.substr(0, end));
    if (!number) return refuse_rule("Syntax error");
    if (*number >= kDatabasesMax) return refuse_rule("The provided database ID is out of range");
    fresh.insert(static_cast<int>(*number));
    if (end == list.size()) break;
    list.remove_prefix(end + 1);
  }
  all_databases_ = false;
  databases_.merge(fresh);
  return {};
}

// --- checks ---------------------------------------------------------------------------------------------------------

bool AclSelector::allows_command(const Command& row, Arguments arguments) const {
  if (all_commands_ || (row.flags & kNoAuth) != 0 || bit(row)) return true;
  if (first_arguments_.empty() || arguments.size() < 2) return false;
  const auto found = first_arguments_.find(row_index(row));
  return found != first_arguments_.end() &&
         std::ranges::any_of(found->second, [&](const std::string& word) { return same_word(word, arguments[1]); });
}

bool AclSelector::allows_key(std::string_view key, bool reads, bool writes) const noexcept {
  return all_keys_ || std::ranges::any_of(keys_, [&](const KeyPattern& known) {
           return (known.reads || !reads) && (known.writes || !writes) && glob_match(known.pattern, key);
         });
}

bool AclSelector::allows_every_key(bool reads, bool writes) const noexcept {
  return all_keys_ || std::ranges::any_of(keys_, [&](const KeyPattern& known) {
           return (known.reads || !reads) && (known.writes || !writes) && known.pattern == "*";
         });
}

bool AclSelector::allows_channel(std::string_view channel, bool pattern) const noexcept {
  return all_channels_ || std::ranges::any_of(channels_, [&](const std::string& known) {
           // Which channels a pattern will find nobody knows: it must be one that is allowed, letter by letter.
           return pattern ? known == channel : glob_match(known, channel);
         });
}

bool AclSelector::allows_database(int database) const {
  return all_databases_ || databases_.contains(database);
}

Denial AclSelector::check(const Command& row, Arguments arguments, int database) const {
  if (!allows_command(row, arguments)) return {Denied::kCommand, 0};
  Denial denial;
  if (!all_keys_)
    visit_key_uses(row, arguments, [&](const KeyUse& use) {
      if (denial.allowed() && !allows_key(arguments[use.argument], use.reads, use.writes))
        denial = {Denied::kKey, use.argument};
    });
  if (denial.allowed() && !all_channels_)
    visit_channel_uses(row, arguments, [&](const ChannelUse& use) {
      if (denial.allowed() && !allows_channel(arguments[use.argument], use.pattern))
        denial = {Denied::kChannel, use.argument};
    });
  if (!denial.allowed() || all_databases_) return denial;
  if (uses_all_databases(row) || (uses_database(row) && !allows_database(database))) return {Denied::kDatabase, 0};
  visit_database_uses(row, arguments, [&](std::size_t at) {
    const auto number = types::parse_integer(arguments[at]);
    // What is no number names no database, and the command says so.
    if (denial.allowed() && number &&
        (*number < 0 || *number > kDatabasesMax || !allows_database(static_cast<int>(*number))))
      denial = {Denied::kDatabase, at};
  });
  return denial;
}

// --- description ----------------------------------------------------------------------------------------------------

std::string AclSelector::commands() const {
  std::string line(later_commands_ ? "+@all" : "-@all");
  for (const std::string& rule : rules_) append(line, rule);
  return line;
}

std::string AclSelector::keys() const {
  if (all_keys_) return "~*";
  std::string line;
  for (const KeyPattern& known : keys_) {
    const std::string_view mark = known.reads && known.writes ? "~" : known.reads ? "%R~" : "%W~";
    append(line, std::string(mark) + known.pattern);
  }
  return line;
}

std::string AclSelector::channels() const {
  if (all_channels_) return "&*";
  std::string line;
  for (const std::string& known : channels_) append(line, "&" + known);
  return line;
}

std::string AclSelector::databases() const {
  if (all_databases_) return "alldbs";
  std::string line;
  for (const int database : databases_) line += (line.empty() ? "db=" : ",") + std::to_string(database);
  return line;
}

std::string AclSelector::describe() const {
  std::string line = keys();
  if (!all_channels_) append(line, "resetchannels");
  if (const std::string some = channels(); !some.empty()) append(line, some);
  if (!all_databases_) append(line, databases().empty() ? "resetdbs" : databases());
  append(line, commands());
  return line;
}

}  // namespace stave::commands
