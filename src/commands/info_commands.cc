#include "commands/info_commands.h"

#include <algorithm>
#include <string>

#include "commands/call.h"
#include "commands/info_sections.h"

namespace stave::commands {

namespace {

bool is_wanted(const Call& call, const InfoSection& section) {
  if (call.size() == 1) return section.by_default;
  for (std::size_t i = 1; i < call.size(); ++i) {
    if (call.is(i, section.name) || call.is(i, "all") || call.is(i, "everything")) return true;
    if (call.is(i, "default") && section.by_default) return true;
  }
  return false;
}

}  // namespace

Result<void> info_command(Call& call) {
  std::string text;
  for (const InfoSection& section : kInfoSections) {
    if (!is_wanted(call, section)) continue;
    if (!text.empty()) text += "\r\n";
    text.append("# ").append(section.title).append("\r\n");
    for (const auto& [name, value] : section_fields(call.environment(), section))
      text.append(name).append(":").append(value).append("\r\n");
  }
  call.reply().verbatim("txt", text);
  return {};
}

}  // namespace stave::commands
