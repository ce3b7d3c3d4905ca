#include "commands/multi_key_commands.h"

#include <algorithm>
#include <limits>

#include "base/assert.h"
#include "base/try.h"
#include "commands/arguments.h"
#include "commands/expiry_options.h"
#include "commands/key_list.h"
#include "types/string/number.h"

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

struct MsetexOptions {
  bool if_absent = false;
  bool if_present = false;
  ExpiryOptions expiry;
  [[nodiscard]] bool conditional() const noexcept { return if_absent || if_present; }
};

/// MSETEX: how many keys there are, each with its value.
Result<std::size_t> keys_argument(const Call& call) {
  const auto count = types::parse_integer(call[1]);
  if (!count || *count < 1 || *count > std::numeric_limits<std::int32_t>::max())
    return answer_error("ERR invalid numkeys value");
  const auto keys = static_cast<std::size_t>(*count);
  if (keys > (call.size() - 2) / 2) return answer_error("ERR wrong number of key-value pairs");
  return keys;
}

Result<MsetexOptions> parse_msetex(const Call& call, std::size_t i) {
  MsetexOptions options;
  while (i < call.size()) {
    if (call.is(i, "NX") && !options.if_present) {
      options.if_absent = true;
      ++i;
    } else if (call.is(i, "XX") && !options.if_absent) {
      options.if_present = true;
      ++i;
    } else if (call.is(i, "PERSIST") || !options.expiry.take(call, i)) {
      return syntax_error();
    }
  }
  return options;
}

/// MSETEX: gives the keys their values and this expiry, or removes them when that has passed already.
Result<void> set_with_expiry(Call& call, Part& part, const KeyList& keys, const ExpiryOptions& options) {
  Expiry expiry;
  if (options.timed()) {
    STAVE_ASSIGN(expiry, options.resolve(call, part.now(), "msetex"));
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (options.keep()) {
      const auto held = part.find(keys[i], store::Access::kMeta);
      expiry = held ? held->expiry : Expiry{};
    }
    if (expiry.passed(part.now())) {
      part.erase(keys[i]);
    } else {
      STAVE_TRY(part.put(keys[i], call[3 + 2 * i], expiry));
    }
  }
  return {};
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
  STAVE_ASSIGN(const bool done, call.put_all(keys, [&](std::size_t i) { return call[2 + 2 * i]; }));
  if (!done) {
    Part part(call.session(), keys);
    STAVE_TRY(set_all(call, part, keys));
    STAVE_TRY(call.commit(part));
  }
  call.reply().status("OK");
  return {};
}

Result<void> msetex_command(Call& call) {
  STAVE_ASSIGN(const std::size_t count, keys_argument(call));
  STAVE_ASSIGN(const MsetexOptions options, parse_msetex(call, 2 + 2 * count));
  if (options.expiry.timed()) STAVE_TRY(options.expiry.amount(call, "msetex"));
  KeyList keys;
  for (std::size_t i = 0; i < count; ++i) keys.push_back(call.key(2 + 2 * i));
  Part part(call.session(), keys);
  const bool set = std::all_of(keys.begin(), keys.end(), [&](const store::KeyRef& key) {
    return !options.conditional() || part.find(key, store::Access::kMeta).has_value() == options.if_present;
  });
  if (set) STAVE_TRY(set_with_expiry(call, part, keys, options.expiry));
  STAVE_TRY(call.commit(part));
  call.reply().integer(set ? 1 : 0);
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
