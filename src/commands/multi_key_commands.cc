#include "commands/multi_key_commands.h"

#include "base/assert.h"
#include "base/try.h"
#include "commands/arguments.h"
#include "commands/key_list.h"

namespace stave::commands {

using store::ValueType;
using store::ValueView;

namespace {

Result<void> set_all(Call& call, Part& part, const KeyList& keys) {
  STAVE_ASSERT(call.size() == 1 + 2 * keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) STAVE_TRY(part.put(keys[i], call[2 + 2 * i], Expiry{}));
  return {};
}

std::unexpected<Error> odd_arguments(std::string_view name) {
  return answer_error("ERR wrong number of arguments for '" + std::string(name) + "' command");
}

}  // namespace

Result<void> mget_command(Call& call) {
  const KeyList keys = keys_of(call, 1, 1);
  Sink& reply = call.reply();
  std::uint64_t hits = 0;
  STAVE_TRY(
      call.wait_for(call.read_many(keys, call.session().read_access(), [&](std::size_t i, const ValueView* value) {
        // Not before it is certain that nothing has to be waited for, or fails.
        if (i == 0) reply.array(keys.size());
        if (value == nullptr || value->type != ValueType::kString) {
          reply.null();
        } else {
          ++hits;
          if (value->block != nullptr) {
            reply.shared_bulk({.block = value->share(), .at = 0, .size = value->value.size()});
          } else {
            reply.bulk(value->value);
          }
        }
      })));
  STAVE_ASSERT(hits <= keys.size());
  call.session().counters().count_lookups(hits, keys.size() - hits);
  return {};
}

Result<void> mset_command(Call& call) {
  if (call.size() % 2 == 0) return odd_arguments("mset");
  const KeyList keys = keys_of(call, 1, 2);
  Part part(call.session(), keys);
  STAVE_TRY(set_all(call, part, keys));
  STAVE_TRY(call.commit(part));
  call.reply().status("OK");
  return {};
}

Result<void> msetnx_command(Call& call) {
  if (call.size() % 2 == 0) return odd_arguments("msetnx");
  const KeyList keys = keys_of(call, 1, 2);
  Part part(call.session(), keys);
  bool set = true;
  for (const store::KeyRef& key : keys) set = set && !part.find(key, store::Access::kMeta);
  if (set) STAVE_TRY(set_all(call, part, keys));
  STAVE_TRY(call.commit(part));
  call.reply().integer(set ? 1 : 0);
  return {};
}

}  // namespace stave::commands
