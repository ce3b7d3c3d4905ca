#include "commands/durability_commands.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "base/try.h"
#include "commands/arguments.h"
#include "commands/errands.h"
#include "commands/waiting/wait.h"
#include "replication/group.h"
#include "types/string/number.h"

namespace stave::commands {

namespace {

struct PolicyName {
  std::string_view word;
  Sync sync;
};
constexpr std::array kPolicies = {PolicyName{"ALWAYS", Sync::kAlways}, PolicyName{"INTERVAL", Sync::kInterval},
                                  PolicyName{"OS", Sync::kOs}, PolicyName{"DEFAULT", Sync::kDefault}};

Result<void> check_timeout(const Call& call, std::size_t i) {
  const auto timeout = types::parse_integer(call[i]);
  if (!timeout) return answer_error("ERR timeout is not an integer or out of range");
  if (*timeout < 0) return answer_error("ERR timeout is negative");
  return {};
}

}  // namespace

Result<void> stave_commit_command(Call& call) {
  call.wait_for({.durable = call.engine().log().tail()});
  call.reply().status("OK");
  return {};
}

Result<void> stave_sync_command(Call& call) {
  if (call.size() == 1) {
    for (const PolicyName& policy : kPolicies)
      if (policy.sync == call.session().sync()) call.reply().bulk(lower(policy.word));
    return {};
  }
  for (const PolicyName& policy : kPolicies) {
    if (!call.is(1, policy.word)) continue;
    call.session().set_sync(policy.sync);
    call.reply().status("OK");
    return {};
  }
  return syntax_error();
}

namespace {

/// How many followers have the session's writes, once so many do or time is up; nullopt: not now, the call will be
/// presented again. Where nobody may wait time is up at once.
Result<std::optional<std::int64_t>> await_followers(Call& call, replication::Followers::Wish wish,
                                                    std::uint64_t timeout_ns) {
  Session& session = call.session();
  if (session.errand != nullptr) {
    if (!session.errand->done()) return std::nullopt;
    const auto back = std::dynamic_pointer_cast<ErrandFor<std::int64_t>>(std::exchange(session.errand, nullptr));
    STAVE_ASSERT(back != nullptr);
    STAVE_ASSIGN(const std::int64_t count, back->take());
    return std::optional(count);
  }
  replication::Group* const group = call.environment().group();
  if (group == nullptr) return std::optional<std::int64_t>(0);
  const auto counted = [group, wish] {
    return static_cast<std::int64_t>(wish.durable ? group->followers().with_durable(wish.lsn)
                                                  : group->followers().with_written(wish.lsn));
  };
  const std::int64_t now = counted();
  if (static_cast<std::size_t>(now) >= wish.count || !session.may_leave || session.reply_mode != ReplyMode::kOn ||
      group->followers().size() == 0)
    return std::optional(now);
  if (timeout_ns != 0) wish.deadline_ns = call.engine().clock().monotonic_ns() + timeout_ns;
  const auto errand =
      std::make_shared<ErrandFor<std::int64_t>>([counted]() -> Result<std::int64_t> { return counted(); });
  session.errand = errand;
  group->followers().when(wish, [errand] { errand->run(); });
  return std::nullopt;
}

bool any_followers(Call& call) {
  return call.environment().group() != nullptr && call.environment().group()->followers().size() != 0;
}

}  // namespace

Result<void> wait_command(Call& call) {
  if (has_waited(call)) return come_back(call);
  STAVE_ASSIGN(const std::int64_t replicas, integer_argument(call, 1));
  STAVE_ASSIGN(const std::uint64_t timeout_ns, timeout_in_ms(call[2]));
  // With nobody there only time passes, as it does for Redis' clients.
  if (replicas > 0 && call.session().errand == nullptr && !any_followers(call))
    return answer_or_wait(call, {}, 0,
                          {.timeout_ns = timeout_ns, .timed_out = WhenNot::kZero, .at_once = WhenNot::kZero});
  STAVE_ASSIGN(const auto count,
               await_followers(call,
                               {.lsn = call.session().last_write,
                                .count = static_cast<std::size_t>(std::max<std::int64_t>(replicas, 0)),
                                .durable = false,
                                .deadline_ns = 0},
                               timeout_ns));
  if (count) call.reply().integer(*count);
  return {};
}

Result<void> waitaof_command(Call& call) {
  STAVE_ASSIGN(const std::int64_t local, integer_argument(call, 1));
  if (local < 0 || local > 1) return answer_error("ERR value is out of range, must be between 0 and 1");
  STAVE_ASSIGN(const std::int64_t replicas, integer_argument(call, 2));
  if (replicas < 0) return answer_error("ERR value is out of range, must be positive");
  STAVE_TRY(check_timeout(call, 3));
  STAVE_ASSIGN(const std::uint64_t timeout_ns, timeout_in_ms(call[3]));
  STAVE_ASSIGN(const auto count, await_followers(call,
                                                 {.lsn = call.session().last_write,
                                                  .count = static_cast<std::size_t>(replicas),
                                                  .durable = true,
                                                  .deadline_ns = 0},
                                                 timeout_ns));
  if (!count) return {};
  // The time-out is for replicas that may never answer. The disk does, or the store says that it failed.
  call.wait_for({.durable = call.session().last_write});
  call.reply().array(2);
  call.reply().integer(1);
  call.reply().integer(*count);
  return {};
}

}  // namespace stave::commands
