#include "commands/move_commands.h"

#include <array>
#include <string>

#include "base/assert.h"
#include "base/try.h"
#include "commands/arguments.h"
#include "store/collection.h"

namespace stave::commands {

using store::KeyRef;

namespace {

enum class MoveOutcome : std::uint8_t { kDone, kNoSource, kTargetExists };

/// Gives `to` what `from` has. The two differ.
Result<MoveOutcome> transfer(Call& call, KeyRef from, KeyRef to, bool replace, bool keep_source) {
  STAVE_ASSERT(from.database != to.database || from.key != to.key);
  const std::array<KeyRef, 2> keys = {from, to};
  Part part(call.session(), keys);
  MoveOutcome outcome = MoveOutcome::kDone;
  const bool target_exists = part.find(to, store::Access::kMeta).has_value();
  const auto source = part.find(from, store::Access::kPeekRoot);
  if (!source) {
    outcome = MoveOutcome::kNoSource;
  } else if (target_exists && !replace) {
    outcome = MoveOutcome::kTargetExists;
  } else {
    if (!keep_source) part.excuse();
    // The view ends with the next change, which may take the value's bytes from another key.
    // A large one is not copied: the two hold the same memory, in which nothing changes.
    const keyspace::Block large = source->share();
    if (keep_source && source->paged) {
      const Expiry expiry = source->expiry;
      const store::ValueType type = source->type;
      STAVE_ASSIGN(const std::string copy, store::copy_pages(part.transaction(), type, std::string(source->value)));
      STAVE_TRY(part.put(to, copy, expiry, store::root_type(type)));
    } else {
      STAVE_TRY(part.put(to, source->value, source->expiry, source->stored_type(), large ? &large : nullptr));
    }
    if (!keep_source) part.erase(from);
  }
  STAVE_TRY(call.commit(part));
  return outcome;
}

Result<MoveOutcome> rename(Call& call, bool replace) {
  if (call[1] != call[2]) return transfer(call, call.key(1), call.key(2), replace, false);
  bool exists = false;
  STAVE_TRY(call.wait_for(call.read(call.key(1), without_value(call.session().read_access()),
                                    [&](const store::ValueView* value) { exists = value != nullptr; })));
  return exists ? MoveOutcome::kTargetExists : MoveOutcome::kNoSource;
}

std::unexpected<Error> same_objects() {
  return answer_error("ERR source and destination objects are the same");
}

}  // namespace

Result<void> rename_command(Call& call) {
  STAVE_ASSIGN(const MoveOutcome outcome, rename(call, true));
  if (outcome == MoveOutcome::kNoSource) return no_such_key();
  call.reply().status("OK");
  return {};
}

Result<void> renamenx_command(Call& call) {
  STAVE_ASSIGN(const MoveOutcome outcome, rename(call, false));
  if (outcome == MoveOutcome::kNoSource) return no_such_key();
  call.reply().integer(outcome == MoveOutcome::kDone ? 1 : 0);
  return {};
}

Result<void> move_command(Call& call) {
  STAVE_ASSIGN(const int database, database_argument(call, 2));
  if (database == call.session().database()) return same_objects();
  STAVE_ASSIGN(const MoveOutcome outcome, transfer(call, call.key(1), {database, call[1]}, false, false));
  call.reply().integer(outcome == MoveOutcome::kDone ? 1 : 0);
  return {};
}

Result<void> copy_command(Call& call) {
  int database = call.session().database();
  bool replace = false;
  for (std::size_t i = 3; i < call.size(); ++i) {
    if (call.is(i, "REPLACE")) {
      replace = true;
    } else if (call.is(i, "DB") && i + 1 < call.size()) {
      STAVE_ASSIGN(database, database_argument(call, ++i));
    } else {
      return syntax_error();
    }
  }
  if (database == call.session().database() && call[1] == call[2]) return same_objects();
  STAVE_ASSIGN(const MoveOutcome outcome, transfer(call, call.key(1), {database, call[2]}, replace, true));
  call.reply().integer(outcome == MoveOutcome::kDone ? 1 : 0);
  return {};
}

}  // namespace stave::commands
