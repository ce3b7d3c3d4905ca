#include "commands/command_commands.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/assert.h"
#include "base/try.h"
#include "commands/arguments.h"
#include "commands/command_answer.h"
#include "commands/glob.h"
#include "commands/key_uses.h"

namespace stave::commands {

namespace {

/// A row by "get" or "client|list"; nullptr when there is none.
const Command* find_named(std::string_view name) noexcept {
  const std::size_t bar = name.find('|');
  const Command* row = find_command(name.substr(0, bar));
  if (row == nullptr || bar == std::string_view::npos) return row;
  return find_subcommand(*row, name.substr(bar + 1));
}

struct FoundKeys {
  const Command* row;
  std::vector<std::size_t> positions;  ///< Among the arguments behind the subcommand.
};

Result<FoundKeys> find_keys(Call& call) {
  STAVE_ASSERT(call.size() > 2);
  const Arguments inner = call.arguments().subspan(2);
  const Command* row = find_row(inner);
  if (row == nullptr) return answer_error("ERR Invalid command specified");
  if (row->keys.none()) return answer_error("ERR The command has no key arguments");
  if (!arity_fits(*row, inner.size())) return answer_error("ERR Invalid number of arguments specified for command");
  std::vector<std::size_t> positions;
  visit_key_uses(*row, inner, [&](const KeyUse& use) { positions.push_back(use.argument); });
  if (positions.empty()) return answer_error("ERR Invalid arguments specified for command");
  return FoundKeys{row, std::move(positions)};
}

Result<std::vector<std::string>> names_by(Call& call) {
  STAVE_ASSERT(call.size() == 5);
  const bool by_category = call.is(3, "ACLCAT");
  const bool by_pattern = call.is(3, "PATTERN");
  if (!call.is(2, "FILTERBY") || (!by_category && !by_pattern && !call.is(3, "MODULE"))) return syntax_error();
  std::vector<std::string> names;
  const auto add = [&](const Command& row) {
    const std::string name = full_name(row);
    if (by_pattern && glob_match(call[4], name, true)) names.push_back(name);
    if (!by_category) return;
    const auto categories = access_categories(row);
    if (std::any_of(categories.begin(), categories.end(), [&](std::string_view c) { return same_word(c, call[4]); }))
      names.push_back(name);
  };
  for (const Command& row : command_table()) {
    add(row);
    for (const Command& sub : row.subcommands) add(sub);
  }
  return names;
}

}  // namespace

Result<void> command_command(Call& call) {
  call.reply().array(command_table().size());
  for (const Command& row : command_table()) answer_command_info(call.reply(), row);
  return {};
}

Result<void> command_count_command(Call& call) {
  call.reply().integer(static_cast<std::int64_t>(command_table().size()));
  return {};
}

Result<void> command_info_command(Call& call) {
  if (call.size() == 2) return command_command(call);
  call.reply().array(call.size() - 2);
  for (std::size_t i = 2; i < call.size(); ++i) {
    if (const Command* row = find_named(call[i])) {
      answer_command_info(call.reply(), *row);
    } else {
      call.reply().null();
    }
  }
  return {};
}

Result<void> command_docs_command(Call& call) {
  std::vector<const Command*> rows;
  if (call.size() == 2) {
    for (const Command& row : command_table()) rows.push_back(&row);
  }
  for (std::size_t i = 2; i < call.size(); ++i)
    if (const Command* row = find_named(call[i])) rows.push_back(row);
  call.reply().map(rows.size());
  for (const Command* row : rows) {
    call.reply().bulk(full_name(*row));
    answer_command_docs(call.reply(), *row);
  }
  return {};
}

Result<void> command_list_command(Call& call) {
  std::vector<std::string> names;
  if (call.size() == 2) {
    for (const Command& row : command_table()) names.push_back(full_name(row));
  } else if (call.size() == 5) {
    STAVE_ASSIGN(names, names_by(call));
  } else {
    return syntax_error();
  }
  call.reply().array(names.size());
  for (const std::string& name : names) call.reply().bulk(name);
  return {};
}

Result<void> command_getkeys_command(Call& call) {
  STAVE_ASSIGN(const FoundKeys keys, find_keys(call));
  call.reply().array(keys.positions.size());
  for (const std::size_t at : keys.positions) call.reply().bulk(call[2 + at]);
  return {};
}

Result<void> command_getkeysandflags_command(Call& call) {
  STAVE_ASSIGN(const FoundKeys keys, find_keys(call));
  call.reply().array(keys.positions.size());
  for (std::size_t i = 0; i < keys.positions.size(); ++i) {
    const auto flags = key_flags(*keys.row, i == 0);
    call.reply().array(2);
    call.reply().bulk(call[2 + keys.positions[i]]);
    call.reply().array(flags.size());
    for (const std::string_view flag : flags) call.reply().status(flag);
  }
  return {};
}

}  // namespace stave::commands
