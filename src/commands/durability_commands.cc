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

namespace {

void answer_sync(Call& call) {
  std::string answer;
  for (const PolicyName& policy : kPolicies)
    if (policy.sync == call.session().sync()) answer = lower(policy.word);
  if (const std::uint32_t count = call.session().replicas(); count != 0) answer += " replicas:" + std::to_string(count);
  call.reply().bulk(answer);
}

}  // namespace

Result<void> stave_sync_command(Call& call) {
  if (call.size() == 1) {
    answer_sync(call);
    return {};
  }
  std::optional<Sync> sync;
  std::optional<std::uint32_t> replicas;
  for (std::size_t i = 1; i < call.size(); ++i) {
    const auto policy = std::ranges::find_if(kPolicies, [&](const PolicyName& one) { return call.is(i, one.word); });
    if (policy != kPolicies.end() && !sync) {
      sync = policy->sync;
    } else if (call.is(i, "REPLICAS") && !replicas && i + 1 < call.size()) {
      STAVE_ASSIGN(const std::int64_t count, integer_argument(call, ++i));
      if (count < 0 || count > std::int64_t{store::Replicas::kMost})
        return answer_error("ERR replicas must be from 0 to " + std::to_string(store::Replicas::kMost));
      replicas = static_cast<std::uint32_t>(count);
    } else {
      return syntax_error();
    }
  }
  if (sync) call.session().set_sync(*sync);
  if (replicas) {
    call.session().set_replicas(*replicas);
    if (replication::Group* const group = call.environment().group(); group != nullptr && *replicas != 0)
      group->followers().want_durable();
  }
  call.reply().status("OK");
  return {};
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
  if (static_cast<std::size_t>(now) >= wish.count || !session.may_leave || session.reply_mode != ReplyMode::kOn)
    return std::optional(now);
  if (timeout_ns != 0) wish.deadline_ns = call.engine().clock().monotonic_ns() + timeout_ns;
  const auto errand =
      std::make_shared<ErrandFor<std::int64_t>>([counted]() -> Result<std::int64_t> { return counted(); });
  session.errand = errand;
  // Whoever has gone waits no more.
  group->followers().when(wish, errand, [whose = std::weak_ptr(errand)] {
    if (const auto there = whose.lock()) there->run();
  });
  return std::nullopt;
}

/// Redis' words for a store that is no leader: nothing that it waits for could come.
Result<void> check_leads(const Call& call, std::string_view name) {
  if (!call.engine().follows()) return {};
  return answer_error("ERR " + std::string(name) +
                      " cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is "
                      "configured to be writable (which is not the default) writes to replicas are just local and are "
                      "not propagated.");
}

}  // namespace

Result<void> wait_command(Call& call) {
  if (has_waited(call)) return come_back(call);
  STAVE_TRY(check_leads(call, "WAIT"));
  STAVE_ASSIGN(const std::int64_t replicas, integer_argument(call, 1));
  STAVE_ASSIGN(const std::uint64_t timeout_ns, timeout_in_ms(call[2]));
  // Where nobody can come only time passes, as it does for Redis' clients.
  if (replicas > 0 && call.environment().group() == nullptr)
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
  if (replicas > 0) STAVE_TRY(check_leads(call, "WAITAOF"));
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
