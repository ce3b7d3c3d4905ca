#include "commands/history_commands.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "archive/backup.h"
#include "base/iso_time.h"
#include "base/try.h"
#include "base/working_directory.h"
#include "commands/answer_pair.h"
#include "commands/arguments.h"
#include "commands/backups.h"
#include "commands/errands.h"
#include "commands/operator_log.h"
#include "commands/points.h"
#include "commands/whole_value.h"
#include "log/segment.h"
#include "store/history.h"
#include "store/upkeep.h"

namespace stave::commands {

namespace {

constexpr std::int64_t kVersionsCount = 100;
constexpr std::int64_t kVersionsCountMax = 1'000'000;

/// A key that outlives its call.
struct OwnKey {
  int database;
  std::string key;
  explicit OwnKey(const store::KeyRef& ref) : database(ref.database), key(ref.key) {}
  [[nodiscard]] store::KeyRef ref() const noexcept { return {database, key}; }
};

/// What came of it, and what the answer waits for: also when it is an error, which tells of the key as well.
template <class T>
struct Seen {
  Result<T> value{};
  store::Pending pending;
};

Result<std::size_t> versions_argument(const Call& call) {
  if (call.size() == 2) return static_cast<std::size_t>(kVersionsCount);
  if (call.size() != 4 || !call.is(2, "COUNT")) return syntax_error();
  STAVE_ASSIGN(const std::int64_t count, integer_argument(call, 3));
  if (count < 1 || count > kVersionsCountMax) return answer_error("ERR COUNT must be 1 to 1000000");
  return static_cast<std::size_t>(count);
}

/// Which directory a client means. One that comes over the network may not have files made anywhere it likes.
Result<std::string> backup_directory(Call& call) {
  const std::string_view name = call[1];
  const Host& host = call.environment().host();
  if (host.trusts_paths()) return std::string(name);
  std::string root = host.backup_root();
  if (root.empty()) root = call.environment().backups().root();
  const bool climbs = ("/" + std::string(name) + "/").find("/../") != std::string::npos;
  // Who names the root as well means that, and no second one below it.
  for (const std::string& spelled : {root, base::absolute_path(root)})
    if (!climbs && name.starts_with(log::join_path(spelled, ""))) return std::string(name);
  if (!climbs && !name.empty() && !name.starts_with('/')) return log::join_path(root, name);
  return fail(ErrorCode::kPermission, "a backup goes into a directory below " + root + " (option backup-dir)");
}

}  // namespace

Result<void> stave_history_command(Call& call) {
  using Versions = Seen<std::vector<KeyVersion>>;
  STAVE_ASSIGN(const std::size_t count, versions_argument(call));
  store::Engine& engine = call.engine();
  STAVE_ASSIGN(auto seen, at_length<Versions>(call, [&engine, count, key = OwnKey(call.key(1))]() -> Result<Versions> {
                 Versions found;
                 found.value = store::History(engine).versions(key.ref(), count, found.pending);
                 return found;
               }));
  if (!seen) return {};
  call.wait_for(seen->pending);
  STAVE_ASSIGN(const std::vector<KeyVersion> versions, std::move(seen->value));
  Sink& reply = call.reply();
  reply.array(versions.size());
  for (const KeyVersion& version : versions) {
    reply.map(5);
    answer_pair(reply, "lsn", raw(version.version));
    answer_pair(reply, "time", static_cast<std::uint64_t>(raw(version.time)));
    reply.bulk("kind");
    reply.bulk(to_string(version.kind));
    answer_pair(reply, "size", version.size);
    reply.bulk("expires");
    if (version.expiry.never()) {
      reply.null();
    } else {
      reply.integer(raw(version.expiry.at));
    }
  }
  return {};
}

Result<void> stave_getat_command(Call& call) {
  using Past = Seen<std::optional<store::PastValue>>;
  STAVE_ASSIGN(const Point point, point_arguments(call, 2));
  store::Engine& engine = call.engine();
  STAVE_ASSIGN(auto seen, at_length<Past>(call, [&engine, point, key = OwnKey(call.key(1))]() -> Result<Past> {
                 Past past;
                 past.value = store::History(engine).value_at(key.ref(), point, past.pending);
                 return past;
               }));
  if (!seen) return {};
  call.wait_for(seen->pending);
  STAVE_ASSIGN(const auto past, std::move(seen->value));
  if (past) {
    answer_whole_value(call.reply(), past->type, past->value);
  } else {
    call.reply().null();
  }
  return {};
}

Result<void> stave_revert_command(Call& call) {
  using Reverted = Seen<store::History::Reverted>;
  STAVE_ASSIGN(const Point point, point_arguments(call, 2));
  store::Engine& engine = call.engine();
  const Sync sync = call.session().sync();
  STAVE_ASSIGN(auto done,
               at_length<Reverted>(call, [&engine, point, sync, key = OwnKey(call.key(1))]() -> Result<Reverted> {
                 Reverted reverted;
                 reverted.value = store::History(engine).revert(key.ref(), point, reverted.pending, sync);
                 return reverted;
               }));
  if (!done) return {};
  call.wait_for(done->pending);
  STAVE_ASSIGN(const store::History::Reverted reverted, std::move(done->value));
  if (reverted.changed) call.wait_for_write(done->pending);
  call.reply().integer(reverted.changed ? 1 : 0);
  return {};
}

namespace {

// A moment both ways: for programs, and for whoever looks.
void answer_time(Call& call, std::string_view name, UnixMs at) {
  Sink& reply = call.reply();
  const UnixMs wall = raw(at) == 0 ? at : call.engine().time().to_wall(at);
  answer_pair(reply, name, static_cast<std::uint64_t>(raw(wall)));
  reply.bulk(std::string(name) + "_iso");
  if (raw(at) == 0) {
    reply.null();
  } else {
    reply.bulk(base::iso_text(wall));
  }
}

Result<void> answer_backup_status(Call& call) {
  const Backups& backups = call.environment().backups();
  const Backups::State state = backups.state();
  constexpr std::uint64_t kNsPerMs = 1'000'000;
  Sink& reply = call.reply();
  reply.map(19);
  reply.bulk("root");
  reply.bulk(base::absolute_path(backups.root()));
  answer_pair(reply, "every_ms", static_cast<std::uint64_t>(state.every_ms));
  answer_pair(reply, "running", state.running ? 1 : 0);
  answer_time(call, "next", state.next_time);
  answer_time(call, "last", state.last_time);
  reply.bulk("last_status");
  reply.bulk(state.last_ok ? "ok" : "err");
  reply.bulk("last_error");
  reply.bulk(state.last_error);
  reply.bulk("last_directory");
  reply.bulk(state.last_directory);
  answer_pair(reply, "last_end", raw(state.last_end));
  answer_pair(reply, "last_bytes", state.last_bytes);
  answer_pair(reply, "last_added_bytes", state.last_added_bytes);
  answer_pair(reply, "last_ms", state.last_ns / kNsPerMs);
  answer_pair(reply, "made", state.made);
  answer_pair(reply, "failed", state.failed);
  answer_pair(reply, "kept", state.kept);
  answer_pair(reply, "keep", state.keep.count);
  answer_pair(reply, "keep_age_ms", static_cast<std::uint64_t>(state.keep.age_ms));
  return {};
}

}  // namespace

Result<void> stave_backup_command(Call& call) {
  if (call.is(1, "STATUS")) return answer_backup_status(call);
  store::Engine& engine = call.engine();
  STAVE_ASSIGN(const std::string directory, backup_directory(call));
  Backups& backups = call.environment().backups();
  auto made = at_length<archive::BackupReport>(call, [&engine, &backups, directory] {
    const std::uint64_t begun = engine.clock().monotonic_ns();
    auto report = archive::back_up(engine, directory);
    backups.note(report, directory, engine.clock().monotonic_ns() - begun);
    return report;
  });
  if (!made) {
    tell_operator(call, "A backup into " + base::absolute_path(directory) + " failed (" + made.error().describe() +
                            "); it was asked for");
    return fail(std::move(made).error());
  }
  const auto& report = *made;
  if (!report) return {};
  inform_operator(call, "A backup up to LSN " + std::to_string(raw(report->end)) + " was made in " +
                            base::absolute_path(directory) + "; it was asked for");
  Sink& reply = call.reply();
  reply.map(9);
  answer_pair(reply, "first", raw(report->first));
  answer_pair(reply, "end", raw(report->end));
  answer_pair(reply, "files", report->files);
  answer_pair(reply, "bytes", report->bytes);
  answer_pair(reply, "added_files", report->added_files);
  answer_pair(reply, "added_bytes", report->added_bytes);
  answer_pair(reply, "linked_files", report->linked_files);
  answer_pair(reply, "unreadable_images", report->unreadable_images);
  reply.bulk("directory");
  reply.bulk(base::absolute_path(directory));
  return {};
}

Result<void> stave_purge_command(Call& call) {
  store::Engine& engine = call.engine();
  STAVE_ASSIGN(const auto report, at_length<store::CleanReport>(call, [&engine] { return engine.upkeep().purge(); }));
  if (!report) return {};
  tell_operator(call, "STAVE.PURGE of the whole past");
  // What a key holds now is its present, and stays: whoever purges should know.
  std::uint64_t present = 0;
  for (std::size_t i = 1; i < call.size(); ++i)
    STAVE_TRY(call.wait_for(call.engine().read(call.key(i), store::Access::kMeta,
                                               [&](const store::ValueView* value) { present += value != nullptr; })));
  Sink& reply = call.reply();
  reply.map(2);
  answer_pair(reply, "present", present);
  answer_pair(reply, "freed_bytes", report->freed_bytes);
  return {};
}

}  // namespace stave::commands
