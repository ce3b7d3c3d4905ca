#include "commands/expiry_commands.h"

#include <algorithm>
#include <optional>

#include "base/assert.h"
#include "base/try.h"
#include "commands/arguments.h"
#include "store/collection.h"
#include "types/string/number.h"

namespace stave::commands {

using store::Access;
using store::ValueView;

namespace {

struct ExpireOptions {
  bool if_none = false;     ///< NX
  bool if_any = false;      ///< XX
  bool if_later = false;    ///< GT
  bool if_earlier = false;  ///< LT
  bool sliding = false;
};

Result<ExpireOptions> parse_expire(const Call& call, TimeForm form) {
  ExpireOptions options;
  for (std::size_t i = 3; i < call.size(); ++i) {
    if (call.is(i, "NX")) {
      options.if_none = true;
    } else if (call.is(i, "XX")) {
      options.if_any = true;
    } else if (call.is(i, "GT")) {
      options.if_later = true;
    } else if (call.is(i, "LT")) {
      options.if_earlier = true;
    } else if (is_relative(form) && call.is(i, "SLIDING")) {
      options.sliding = true;
    } else {
      return answer_error("ERR Unsupported option " + quoted(call[i]));
    }
  }
  if (options.if_none && (options.if_any || options.if_later || options.if_earlier))
    return answer_error("ERR NX and XX, GT or LT options at the same time are not compatible");
  if (options.if_later && options.if_earlier)
    return answer_error("ERR GT and LT options at the same time are not compatible");
  return options;
}

/// To GT and LT a key without an expiry dies later than any other.
bool condition_holds(const ExpireOptions& options, const Expiry& old, UnixMs fresh) noexcept {
  STAVE_ASSERT(!(options.if_later && options.if_earlier) && !(options.if_none && options.if_any));
  if (options.if_none && !old.never()) return false;
  if (options.if_any && old.never()) return false;
  if (options.if_later && (old.never() || fresh <= old.at)) return false;
  if (options.if_earlier && !old.never() && fresh >= old.at) return false;
  return true;
}

Result<void> expire(Call& call, TimeForm form, std::string_view name) {
  STAVE_ASSIGN(const ExpireOptions options, parse_expire(call, form));
  STAVE_ASSIGN(const std::int64_t amount, integer_argument(call, 2));
  const store::KeyRef key = call.key(1);
  Part part(call.session(), key);
  STAVE_ASSIGN(const UnixMs at, moment(call, amount, form, part.now(), name));
  const auto held = store::find_with_expiry(part, key);
  const bool set = held && condition_holds(options, store::own_expiry(*held), at);
  if (set) {
    if (at <= part.now()) {
      part.erase(key);
    } else {
      const Expiry own{.at = at, .sliding_ms = options.sliding ? at - part.now() : 0};
      STAVE_TRY(store::set_own_expiry(part, key, *held, own));
    }
  }
  STAVE_TRY(call.commit(part));
  call.reply().integer(set ? 1 : 0);
  return {};
}

constexpr std::int64_t kAnswerNoKey = -2;
constexpr std::int64_t kAnswerNoDeadline = -1;

constexpr std::int64_t to_seconds(std::int64_t ms) noexcept {
  return (ms + 500) / 1000;
}

/// Answers when the key dies: as a moment, or counted from now when `relative`.
Result<void> answer_expiry(Call& call, bool relative, bool seconds) {
  std::optional<Expiry> expiry;
  bool value_needed = false;
  const auto look = [&](const ValueView* held) {
    expiry.reset();
    if (held != nullptr) expiry = store::own_expiry(*held);
    value_needed = held != nullptr && store::expiry_in_value(*held) && !held->here;
  };
  STAVE_TRY(call.wait_for(call.read(call.key(1), Access::kMeta, look)));
  if (value_needed) STAVE_TRY(call.wait_for(call.read(call.key(1), Access::kPeek, look)));
  std::int64_t answer = kAnswerNoKey;
  if (expiry && expiry->never()) {
    answer = kAnswerNoDeadline;
  } else if (expiry) {
    answer =
        relative ? std::max<std::int64_t>(expiry->at - call.now(), 0) : raw(call.engine().time().to_wall(expiry->at));
    if (seconds) answer = to_seconds(answer);
  }
  call.reply().integer(answer);
  return {};
}

}  // namespace

Result<void> expire_command(Call& call) {
  return expire(call, TimeForm::kSeconds, "expire");
}
Result<void> pexpire_command(Call& call) {
  return expire(call, TimeForm::kMilliseconds, "pexpire");
}
Result<void> expireat_command(Call& call) {
  return expire(call, TimeForm::kUnixSeconds, "expireat");
}
Result<void> pexpireat_command(Call& call) {
  return expire(call, TimeForm::kUnixMilliseconds, "pexpireat");
}

Result<void> ttl_command(Call& call) {
  return answer_expiry(call, true, true);
}
Result<void> pttl_command(Call& call) {
  return answer_expiry(call, true, false);
}
Result<void> expiretime_command(Call& call) {
  return answer_expiry(call, false, true);
}
Result<void> pexpiretime_command(Call& call) {
  return answer_expiry(call, false, false);
}

Result<void> persist_command(Call& call) {
  const store::KeyRef key = call.key(1);
  Part part(call.session(), key);
  const auto held = store::find_with_expiry(part, key);
  const bool removed = held && !store::own_expiry(*held).never();
  if (removed) STAVE_TRY(store::set_own_expiry(part, key, *held, Expiry{}));
  STAVE_TRY(call.commit(part));
  call.reply().integer(removed ? 1 : 0);
  return {};
}

}  // namespace stave::commands
