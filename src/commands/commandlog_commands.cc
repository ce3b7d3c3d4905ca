#include "commands/commandlog_commands.h"

#include "base/try.h"
#include "commands/arguments.h"
#include "commands/slow_log.h"
#include "commands/slow_log_commands.h"
#include "types/string/number.h"

namespace stave::commands {
namespace {

Result<SlowLog*> log_named(Call& call, std::size_t i) {
  Environment& environment = call.environment();
  if (call.is(i, "SLOW")) return &environment.slow_log();
  if (call.is(i, "LARGE-REQUEST")) return &environment.large_requests();
  if (call.is(i, "LARGE-REPLY")) return &environment.large_replies();
  return answer_error("ERR type should be one of the following: slow, large-request, large-reply");
}

}  // namespace

Result<void> commandlog_get_command(Call& call) {
  const auto count = types::parse_integer(call[2]);
  if (!count || *count < -1) return answer_error("ERR count should be greater than or equal to -1");
  STAVE_ASSIGN(const SlowLog* const log, log_named(call, 3));
  answer_entries(call.reply(), *log, *count);
  return {};
}

Result<void> commandlog_len_command(Call& call) {
  STAVE_ASSIGN(const SlowLog* const log, log_named(call, 2));
  call.reply().integer(static_cast<std::int64_t>(log->size()));
  return {};
}

Result<void> commandlog_reset_command(Call& call) {
  STAVE_ASSIGN(SlowLog* const log, log_named(call, 2));
  log->clear();
  call.reply().status("OK");
  return {};
}

}  // namespace stave::commands
