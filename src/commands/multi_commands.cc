#include "commands/multi_commands.h"

#include <iterator>
#include <utility>
#include <vector>

#include "base/try.h"
#include "commands/errors.h"
#include "commands/key_list.h"
#include "commands/multi.h"

namespace stave::commands {
namespace {

/// What MULTI began is over, however this is left.
class Ending {
 public:
  explicit Ending(Session& session) noexcept : session_(session) { session_.in_multi = false; }
  ~Ending() { forget_multi(session_); }
  Ending(const Ending&) = delete;
  Ending& operator=(const Ending&) = delete;

 private:
  Session& session_;
};

}  // namespace

Result<void> multi_command(Call& call) {
  Session& session = call.session();
  if (session.in_multi) return answer_error("ERR MULTI calls can not be nested");
  if (call.size() == 2 && !call.is(1, "ROLLBACK"))
    return answer_error("ERR wrong number of arguments for 'multi' command");
  Multi& multi = multi_of(session);
  multi.rolls_back = call.size() == 2;
  multi.aborted = multi.writes = false;
  multi.database = session.database();
  session.in_multi = true;
  session.show_multi(0, 0);
  call.reply().status("OK");
  return {};
}

Result<void> exec_command(Call& call) {
  Session& session = call.session();
  if (!session.in_multi) return answer_error("ERR EXEC without MULTI");
  const Ending ending(session);
  const Multi& multi = *session.multi;
  if (multi.aborted) return answer_error("EXECABORT Transaction discarded because of previous errors.");
  if (multi.writes && call.engine().replicas().lacking(session.replicas()))
    return answer_error(std::string(kNoReplicas));
  auto done = run_queued(call, multi);
  // What whoever lists the clients sees as the last call is this one, not the last of those that it made.
  static const Command* const kExec = find_command("EXEC");
  session.set_last_row(*kExec);
  return done;
}

Result<void> discard_command(Call& call) {
  if (!call.session().in_multi) return answer_error("ERR DISCARD without MULTI");
  forget_multi(call.session());
  call.reply().status("OK");
  return {};
}

Result<void> watch_command(Call& call) {
  Session& session = call.session();
  if (session.in_multi) return answer_error("ERR WATCH inside MULTI is not allowed");
  const KeyList keys = keys_of(call, 1, 1);
  Multi& multi = multi_of(session);
  std::uint64_t bytes = multi.watched_bytes;
  for (const store::KeyRef& key : keys) bytes += sizeof(Watched) + key.key.size();
  if (bytes > session.queued_bytes_max || !multi.watched_counted.resize(bytes))
    return answer_error("OOM there is no room to watch so many keys: see client-query-buffer-limit and maxmemory");
  std::vector<Watched> fresh;
  fresh.reserve(keys.size());
  for (const store::KeyRef& key : keys) fresh.push_back({key.database, std::string(key.key), std::nullopt});
  const auto seen = call.read_many(keys, store::Access::kMeta, [&](std::size_t i, const store::ValueView* held) {
    if (held != nullptr) fresh[i].version = held->version;
  });
  if (!seen) return fail(seen.error().clone());
  multi.watched.insert(multi.watched.end(), std::make_move_iterator(fresh.begin()),
                       std::make_move_iterator(fresh.end()));
  // The answer tells nothing of what was found, so it waits for nothing.
  multi.watched_bytes = bytes;
  call.reply().status("OK");
  return {};
}

// Queued, it comes too late to matter: what is watched was compared before the first command.
Result<void> unwatch_command(Call& call) {
  forget_watched(call.session());
  call.reply().status("OK");
  return {};
}

}  // namespace stave::commands
