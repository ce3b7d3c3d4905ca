#include "commands/pause_rules.h"

#include <algorithm>
#include <string_view>

#include "base/assert.h"
#include "commands/environment.h"
#include "commands/script/scripts.h"
#include "commands/table.h"

namespace stave::commands {
namespace {

// One that nobody knows writes nothing: its answer is an error.
bool script_writes(Environment& environment, const Command& row, std::string_view named) {
  script::Scripts& scripts = environment.scripts();
  if (row.name == "FCALL") {
    const auto known = scripts.functions().known();
    const auto found = known->functions.find(std::string(named));
    return found != known->functions.end() && (found->second.function->flags & script::kNoWrites) == 0;
  }
  if (row.name == "EVALSHA") {
    const auto source = scripts.cache().find_sha(named);
    return source != nullptr && (source->flags & script::kNoWrites) == 0;
  }
  const auto source = script::read_source(named);
  return source && (source->flags & script::kNoWrites) == 0;
}

}  // namespace

bool may_change(Environment& environment, const Command& row, Arguments arguments) {
  if ((row.flags & kWrite) != 0) return true;
  constexpr std::string_view kReachReplicas[] = {"PUBLISH", "SPUBLISH", "PFCOUNT"};
  if (std::ranges::find(kReachReplicas, row.name) != std::end(kReachReplicas)) return true;
  if (row.name != "EVAL" && row.name != "EVALSHA" && row.name != "FCALL") return false;
  STAVE_ASSERT(arguments.size() > 1);
  return script_writes(environment, row, arguments[1]);
}

}  // namespace stave::commands
