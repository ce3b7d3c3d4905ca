#include "commands/durability_commands.h"

#include <array>

#include "base/try.h"
#include "commands/arguments.h"
#include "commands/waiting/wait.h"
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

Result<void> wait_command(Call& call) {
  if (has_waited(call)) return come_back(call);
  STAVE_ASSIGN(const std::int64_t replicas, integer_argument(call, 1));
  STAVE_ASSIGN(const std::uint64_t timeout_ns, timeout_in_ms(call[2]));
  if (replicas > 0)
    return answer_or_wait(call, {}, 0,
                          {.timeout_ns = timeout_ns, .timed_out = WhenNot::kZero, .at_once = WhenNot::kZero});
  call.reply().integer(0);
  return {};
}

Result<void> waitaof_command(Call& call) {
  STAVE_ASSIGN(const std::int64_t local, integer_argument(call, 1));
  if (local < 0 || local > 1) return answer_error("ERR value is out of range, must be between 0 and 1");
  STAVE_ASSIGN(const std::int64_t replicas, integer_argument(call, 2));
  if (replicas < 0) return answer_error("ERR value is out of range, must be positive");
  STAVE_TRY(check_timeout(call, 3));
  // The time-out is for replicas that may never answer. The disk does, or the store says that it failed.
  call.wait_for({.durable = call.session().last_write});
  call.reply().array(2);
  call.reply().integer(1);
  call.reply().integer(0);
  return {};
}

}  // namespace stave::commands
