#include "commands/keys_commands.h"

#include "base/assert.h"
#include "base/try.h"
#include "commands/arguments.h"
#include "commands/key_list.h"
#include "commands/type_names.h"

namespace stave::commands {

using store::Access;
using store::Pending;
using store::ValueView;

namespace {

Result<void> count_existing(Call& call, Access access) {
  const KeyList keys = keys_of(call, 1, 1);
  std::int64_t count = 0;
  STAVE_TRY(call.wait_for(call.read_many(keys, access, [&](std::size_t, const ValueView* value) {
    if (value != nullptr) ++count;
  })));
  STAVE_ASSERT(static_cast<std::uint64_t>(count) <= keys.size());
  call.session().counters().count_lookups(static_cast<std::uint64_t>(count),
                                          keys.size() - static_cast<std::uint64_t>(count));
  call.reply().integer(count);
  return {};
}

}  // namespace

namespace {

Result<void> del_one(Call& call) {
  bool there = false;
  const auto decide = [&](const ValueView* held, UnixMs) -> Result<store::Update> {
    there = held != nullptr;
    return store::Update{.what = there ? store::Update::What::kErase : store::Update::What::kNothing};
  };
  STAVE_TRY(call.update(call.key(1), Access::kMeta, decide));
  call.reply().integer(there ? 1 : 0);
  return {};
}

}  // namespace

Result<void> del_command(Call& call) {
  if (call.size() == 2) return del_one(call);
  call.start_watch();
  const KeyList keys = keys_of(call, 1, 1);
  Part part(call.session(), keys);
  std::int64_t removed = 0;
  for (const store::KeyRef& key : keys) removed += part.erase(key) ? 1 : 0;
  STAVE_TRY(call.commit(part));
  call.reply().integer(removed);
  return {};
}

Result<void> exists_command(Call& call) {
  return count_existing(call, Access::kMeta);
}
Result<void> touch_command(Call& call) {
  return count_existing(call, Access::kTouchMeta);
}

Result<void> type_command(Call& call) {
  std::string_view name = "none";
  bool in_value = false;
  const auto look = [&](const ValueView* value) {
    if (value != nullptr) name = type_name(*value);
    // Of a sketch the value says which it is.
    in_value = value != nullptr && value->type == store::ValueType::kSketch && !value->here;
  };
  STAVE_TRY(call.wait_for(call.read(call.key(1), Access::kMeta, look)));
  if (in_value) STAVE_TRY(call.wait_for(call.read(call.key(1), Access::kPeek, look)));
  call.reply().status(name);
  return {};
}

Result<void> randomkey_command(Call& call) {
  Pending pending;
  const int database = call.session().database();
  const auto key = call.session().shared != nullptr ? call.session().shared->random_key(database)
                                                    : call.engine().random_key(database, pending);
  call.wait_for(pending);
  if (key) {
    call.reply().bulk(*key);
  } else {
    call.reply().null();
  }
  return {};
}

}  // namespace stave::commands
