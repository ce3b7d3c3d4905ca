#include "commands/database_commands.h"

#include <optional>
#include <string>
#include <vector>

#include "base/try.h"
#include "commands/arguments.h"
#include "commands/hot_keys.h"
#include "commands/notices/tracking.h"
#include "commands/operator_log.h"
#include "commands/script/scripts.h"
#include "commands/waiting/waiting.h"
#include "types/string/number.h"

namespace stave::commands {

using store::Pending;

namespace {

// Both words mean the same here: the keys are gone at once and their memory is freed in the background.
Result<void> check_flush(const Call& call) {
  if (call.size() == 1 || (call.size() == 2 && (call.is(1, "ASYNC") || call.is(1, "SYNC")))) return {};
  return syntax_error();
}

/// Within a transaction a flush is the removal of every key, so that it can be undone, and be in the one batch.
Result<void> erase_all(Call& call, int first, int last) {
  constexpr std::uint64_t kKeysMax = 100'000;
  constexpr std::size_t kStep = 1024;
  store::Transaction& transaction = *call.session().shared;
  std::uint64_t count = 0;
  for (int database = first; database <= last; ++database) count += transaction.count_keys(database);
  if (count > kKeysMax)
    return answer_error("ERR a transaction flushes at most " + std::to_string(kKeysMax) + " keys, and there are " +
                        std::to_string(count) + ": flush outside of it");
  for (int database = first; database <= last; ++database) {
    std::vector<std::string_view> keys;
    std::uint64_t cursor = 0;
    do {
      cursor = transaction.scan(database, cursor, kStep, [&](std::string_view key, const store::ValueView&) {
        keys.push_back(transaction.keep(key));
      });
    } while (cursor != 0);
    for (const std::string_view key : keys) transaction.erase({database, key});
  }
  call.reply().status("OK");
  return {};
}

}  // namespace

Result<void> dbsize_command(Call& call) {
  if (store::Transaction* const shared = call.session().shared) {
    call.reply().integer(static_cast<std::int64_t>(shared->count_keys(call.session().database())));
    return {};
  }
  const std::uint64_t size = call.engine().count_keys(call.session().database());
  // The number tells of writes that may still be on their way to the disk, and nobody knows of which.
  call.wait_for(call.engine().observe_all());
  call.reply().integer(static_cast<std::int64_t>(size));
  return {};
}

Result<void> flushdb_command(Call& call) {
  STAVE_TRY(check_flush(call));
  if (call.session().shared != nullptr) return erase_all(call, call.session().database(), call.session().database());
  const std::string told = "FLUSHDB of database " + std::to_string(call.session().database());
  STAVE_ASSIGN(const Pending pending, call.engine().flush(call.session().database(), call.session().sync()));
  call.environment().waiting().look_again(call.session().database(), call.session().database());
  call.environment().tracking().flushed(pending);
  call.environment().hot_keys().flushed();
  tell_operator(call, told);
  call.wait_for_write(pending);
  call.reply().status("OK");
  return {};
}

Result<void> flushall_command(Call& call) {
  STAVE_TRY(check_flush(call));
  if (call.session().shared != nullptr) return erase_all(call, 0, call.session().databases() - 1);
  // Functions stay: they are no keys.
  base::MutexLock lock(call.environment().scripts().functions().change_mutex());
  STAVE_ASSIGN(const Pending pending, call.engine().flush_all(call.session().sync()));
  call.environment().waiting().look_again(0, call.session().databases() - 1);
  call.environment().tracking().flushed(pending);
  call.environment().hot_keys().flushed();
  tell_operator(call, "FLUSHALL");
  call.wait_for_write(pending);
  call.reply().status("OK");
  return {};
}

Result<void> swapdb_command(Call& call) {
  const auto number = [&](std::size_t i) {
    const auto value = types::parse_integer(call[i]);
    return value && *value == static_cast<int>(*value) ? value : std::nullopt;
  };
  const auto first = number(1);
  if (!first) return answer_error("ERR invalid first DB index");
  const auto second = number(2);
  if (!second) return answer_error("ERR invalid second DB index");
  const std::int64_t count = call.engine().options().databases;
  if (*first < 0 || *first >= count || *second < 0 || *second >= count) return out_of_range_database();
  STAVE_ASSIGN(const Pending pending,
               call.engine().swap(static_cast<int>(*first), static_cast<int>(*second), call.session().sync()));
  for (const std::int64_t database : {*first, *second})
    call.environment().waiting().look_again(static_cast<int>(database), static_cast<int>(database));
  call.environment().tracking().flushed(pending);  // names mean other keys now
  call.wait_for_write(pending);
  call.reply().status("OK");
  return {};
}

}  // namespace stave::commands
