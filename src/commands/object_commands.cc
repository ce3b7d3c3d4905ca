#include "commands/object_commands.h"

#include "base/try.h"
#include "commands/arguments.h"
#include "commands/encodings.h"
#include "commands/policy_names.h"

namespace stave::commands {

using store::Access;
using store::ValueView;

namespace {

Result<bool> exists(Call& call) {
  bool found = false;
  STAVE_TRY(
      call.wait_for(call.read(call.key(2), Access::kMeta, [&](const ValueView* value) { found = value != nullptr; })));
  if (!found) call.reply().null();
  return found;
}

}  // namespace

Result<void> object_encoding_command(Call& call) {
  std::string_view name;
  const store::KeyRef key = call.key(2);
  Part part(call.session(), key);
  if (const auto held = part.find(key, Access::kPeekRoot)) {
    STAVE_ASSIGN(name, encoding_name(part, key, *held, call.environment().encoding_limits()));
  }
  STAVE_TRY(call.commit(part));
  if (name.empty()) {
    call.reply().null();
  } else {
    call.reply().bulk(name);
  }
  return {};
}

Result<void> object_refcount_command(Call& call) {
  STAVE_ASSIGN(const bool found, exists(call));
  if (found) call.reply().integer(1);
  return {};
}

// What is known is how hot a key is, in eight degrees; it cools down as the budget's hand passes by.
Result<void> object_freq_command(Call& call) {
  store::Pending pending;
  const auto heat = call.session().shared != nullptr ? call.session().shared->heat_of(call.key(2))
                                                     : call.engine().heat_of(call.key(2), pending);
  call.wait_for(pending);
  if (!heat) {
    call.reply().null();
    return {};
  }
  if (!by_frequency(call.engine().budget().policy()))
    return answer_error(
        "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching "
        "between "
        "policies at runtime LRU and LFU data will take some time to adjust.");
  call.reply().integer(*heat);
  return {};
}

Result<void> object_idletime_command(Call& call) {
  STAVE_ASSIGN(const bool found, exists(call));
  if (!found) return {};
  if (by_recency(call.engine().budget().policy()))
    return answer_error("ERR Stave keeps how often a key was used lately, and not when; see OBJECT FREQ.");
  return answer_error("ERR An LRU maxmemory policy is not selected, idle time not tracked.");
}

}  // namespace stave::commands
