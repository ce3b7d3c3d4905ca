#include "commands/slow_log_commands.h"

#include <limits>

#include "commands/arguments.h"
#include "commands/slow_log.h"
#include "types/string/number.h"

namespace stave::commands {

void answer_entries(Sink& reply, const SlowLog& log, std::int64_t count) {
  const auto wanted = count == -1 ? std::numeric_limits<std::size_t>::max() : static_cast<std::size_t>(count);
  const auto entries = log.newest(wanted);
  reply.array(entries.size());
  for (const SlowEntry& entry : entries) {
    reply.array(6);
    reply.integer(static_cast<std::int64_t>(entry.id));
    reply.integer(raw(entry.at) / 1000);
    reply.integer(entry.microseconds);
    reply.array(entry.arguments.size());
    for (const std::string& argument : entry.arguments) reply.bulk(argument);
    reply.bulk(entry.client_address);
    reply.bulk(entry.client_name);
  }
}

Result<void> slowlog_get_command(Call& call) {
  constexpr std::int64_t kCountDefault = 10;
  std::int64_t count = kCountDefault;
  if (call.size() == 3) {
    const auto given = types::parse_integer(call[2]);
    if (!given || *given < -1) return answer_error("ERR count should be greater than or equal to -1");
    count = *given;
  }
  answer_entries(call.reply(), call.environment().slow_log(), count);
  return {};
}

Result<void> slowlog_len_command(Call& call) {
  call.reply().integer(static_cast<std::int64_t>(call.environment().slow_log().size()));
  return {};
}

Result<void> slowlog_reset_command(Call& call) {
  call.environment().slow_log().clear();
  call.reply().status("OK");
  return {};
}

}  // namespace stave::commands
