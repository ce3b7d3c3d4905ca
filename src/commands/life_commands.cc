#include "commands/life_commands.h"

#include <optional>
#include <string>

#include "base/try.h"
#include "commands/answer_pair.h"
#include "commands/arguments.h"
#include "commands/errands.h"
#include "commands/errors.h"
#include "commands/snapshots.h"
#include "store/upkeep.h"
#include "types/string/number.h"

namespace stave::commands {

namespace {

/// nullopt: not now, the call will be presented again.
Result<std::optional<Snapshots::Done>> write_at_length(Call& call, const Snapshots::Target& target) {
  Snapshots& snapshots = call.environment().snapshots();
  return at_length<Snapshots::Done>(call, [&snapshots, target] { return snapshots.write(target); });
}

/// Whether a cleaning was begun; false when one is going on already.
Result<bool> begin_cleaning(store::Engine& engine) {
  STAVE_TRY(engine.log().health());
  if (engine.follows()) return answer_error("ERR this store follows another one; its leader cleans for both");
  if (engine.options().background) return engine.upkeep().ask_to_clean();
  STAVE_TRY(engine.clean());
  return true;
}

}  // namespace

Result<void> bgrewriteaof_command(Call& call) {
  STAVE_ASSIGN(const bool begun, begin_cleaning(call.engine()));
  if (!begun) return answer_error("ERR Background append only file rewriting already in progress");
  call.reply().status("Background append only file rewriting started");
  return {};
}

Result<void> bgsave_command(Call& call) {
  if (call.size() == 2 && !call.is(1, "SCHEDULE")) return syntax_error();
  // What is begun now would fail later, when nobody listens any more.
  STAVE_TRY(call.engine().log().health());
  Snapshots& snapshots = call.environment().snapshots();
  STAVE_ASSIGN(auto target, snapshots.target({}, std::nullopt, false));
  STAVE_TRY(snapshots.start(std::move(target)));
  call.reply().status("Background saving started");
  return {};
}

Result<void> lastsave_command(Call& call) {
  constexpr std::int64_t kMsPerSecond = 1000;
  const UnixMs last = call.environment().snapshots().state().last_time;
  call.reply().integer(raw(call.engine().time().to_wall(last)) / kMsPerSecond);
  return {};
}

Result<void> save_command(Call& call) {
  STAVE_ASSIGN(const auto target, call.environment().snapshots().target({}, std::nullopt, false));
  STAVE_ASSIGN(const auto done, write_at_length(call, target));
  if (done) call.reply().status("OK");
  return {};
}

Result<void> snapshot_command(Call& call) {
  const auto format_named = [&](std::size_t i) -> std::optional<exchange::Format> {
    if (call.is(i, "JSON")) return exchange::Format::kJson;
    if (call.is(i, "BINARY")) return exchange::Format::kBinary2;
    if (call.is(i, "NDJSON")) return exchange::Format::kNdjson;
    return std::nullopt;
  };
  // A lone word that names a format is one: SNAPSHOT JSON.
  std::optional<exchange::Format> format = call.size() > 1 ? format_named(call.size() - 1) : std::nullopt;
  if (call.size() == 3 && !format) return syntax_error();
  const bool named = call.size() == 3 || (call.size() == 2 && !format);
  const bool trusted = call.environment().host().trusts_paths();
  STAVE_ASSIGN(const auto target,
               call.environment().snapshots().target(named ? call[1] : std::string_view{}, format, trusted));
  STAVE_ASSIGN(const auto done, write_at_length(call, target));
  if (done)
    call.reply().status("Wrote " + std::to_string(done->keys) + (done->keys == 1 ? " key (" : " keys (") +
                        std::to_string(done->bytes) + " bytes, " + std::string(to_string(target.format)) + ") to " +
                        done->path);
  return {};
}

Result<void> stave_checkpoint_command(Call& call) {
  store::Engine& engine = call.engine();
  STAVE_ASSIGN(const auto done, at_length<store::CheckpointStats>(call, [&engine]() -> Result<store::CheckpointStats> {
                 STAVE_TRY(engine.checkpoint());
                 return engine.stats().checkpoints;
               }));
  if (!done) return {};
  Sink& reply = call.reply();
  constexpr std::uint64_t kNsPerMs = 1'000'000;
  reply.map(3);
  answer_pair(reply, "lsn", raw(done->last));
  answer_pair(reply, "bytes", done->last_bytes);
  answer_pair(reply, "milliseconds", done->last_ns / kNsPerMs);
  return {};
}

Result<void> stave_clean_command(Call& call) {
  if (call.size() == 2 && !call.is(1, "WAIT")) return syntax_error();
  store::Engine& engine = call.engine();
  if (call.size() == 1) {
    STAVE_ASSIGN(const bool begun, begin_cleaning(engine));
    call.reply().status(begun ? "Cleaning started" : "Cleaning is already going on");
    return {};
  }
  STAVE_ASSIGN(const auto report, at_length<store::CleanReport>(call, [&engine]() -> Result<store::CleanReport> {
                 STAVE_TRY(engine.log().health());
                 return engine.clean();
               }));
  if (!report) return {};
  Sink& reply = call.reply();
  reply.map(3);
  answer_pair(reply, "scanned_bytes", report->scanned_bytes);
  answer_pair(reply, "relocated_bytes", report->relocated_bytes);
  answer_pair(reply, "freed_bytes", report->freed_bytes);
  return {};
}

}  // namespace stave::commands
