#include "commands/info_commands.h"

#include <algorithm>
#include <string>

#include "commands/access.h"
#include "commands/call.h"
#include "commands/info_sections.h"
#include "types/string/number.h"

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

/// Of a database that the caller may not use it is not told what is in it. `field`: "db3".
bool may_see(Session& session, std::string_view field) {
  const auto database = types::parse_integer(field.substr(field.find_first_not_of("db")));
  return !database || may_use_database(session, static_cast<int>(*database));
}

}  // namespace

Result<void> info_command(Call& call) {
  std::string text;
  bool of_keys = false;
  for (const InfoSection& section : kInfoSections) {
    if (!is_wanted(call, section)) continue;
    of_keys |= section.of_keys;
    if (!text.empty()) text += "\r\n";
    text.append("# ").append(section.title).append("\r\n");
    for (const auto& [name, value] : section_fields(call.environment(), section)) {
      if (section.fields == keyspace_fields && !may_see(call.session(), name)) continue;
      text.append(name).append(":").append(value).append("\r\n");
    }
  }
  // Figures of the process are what they are now. How many keys there are is a matter of the disk, as with DBSIZE; but
  // whoever looks for why the disk takes no more is to be told, by a section that says so itself.
  // Nor does it wait for followers: whoever watches them has to hear that they are gone.
  if (of_keys && call.engine().log().health()) {
    const store::Pending seen = call.engine().observe_all();
    call.wait_for({.durable = seen.durable, .written = seen.written});
  }
  call.reply().verbatim("txt", text);
  return {};
}

}  // namespace stave::commands
