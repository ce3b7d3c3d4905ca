#include "commands/resolve.h"

#include "base/assert.h"
#include "commands/text.h"

namespace stave::commands {

namespace {

using Refusal = Resolved::Refusal;

std::string unknown_command(Arguments arguments) {
  STAVE_ASSERT(!arguments.empty());
  constexpr std::size_t kShown = 128;
  std::string text = "ERR unknown command '";
  text += quoted(arguments[0]);
  text += "', with args beginning with: ";
  std::string shown;
  for (std::size_t i = 1; i < arguments.size() && shown.size() < kShown; ++i) {
    const std::string_view argument = arguments[i].substr(0, arguments[i].find('\0'));
    shown += '\'';
    shown += argument.substr(0, kShown + 1 - shown.size());
    shown += "' ";
  }
  return text + shown;
}

// A subcommand that takes a few arguments more or less tells of too many in its own words.
std::string wrong_arity(const Command& row, Arguments arguments) {
  const Command* container = container_of(row);
  STAVE_ASSERT(container == nullptr || arguments.size() > 1);
  if (container != nullptr && row.arity.most != row.arity.least && row.arity.most != -1 &&
      static_cast<int>(arguments.size()) > row.arity.most)
    return "ERR unknown subcommand or wrong number of arguments for '" + quoted(arguments[1]) + "'. Try " +
           std::string(container->name) + " HELP.";
  return "ERR wrong number of arguments for '" + full_name(row) + "' command";
}

}  // namespace

Resolved resolve(Arguments arguments) noexcept {
  if (arguments.empty()) return {nullptr, Refusal::kEmpty};
  const Command* row = find_command(arguments[0]);
  if (row == nullptr) return {nullptr, Refusal::kUnknown};
  if (!row->subcommands.empty() && arguments.size() > 1) [[unlikely]] {
    const Command* sub = find_subcommand(*row, arguments[1]);
    if (sub == nullptr) return {row, Refusal::kUnknownSubcommand};
    row = sub;
  }
  if (row->run == nullptr || !arity_fits(*row, arguments.size())) return {row, Refusal::kArity};
  return {row, Refusal::kNone};
}

std::string refusal_line(const Resolved& resolved, Arguments arguments) {
  switch (resolved.refusal) {
    case Refusal::kEmpty: return "ERR empty command";
    case Refusal::kUnknown: return unknown_command(arguments);
    case Refusal::kUnknownSubcommand:
      return "ERR unknown subcommand '" + quoted(arguments[1]) + "'. Try " + std::string(resolved.row->name) + " HELP.";
    case Refusal::kArity: return wrong_arity(*resolved.row, arguments);
    case Refusal::kNone: break;
  }
  STAVE_ASSERT(false);
  return {};
}

}  // namespace stave::commands
