// INFO's sections about what the store takes and what goes on behind the calls: memory, persistence, the life of the
// log.
#include <algorithm>
#include <string>

#include "commands/backups.h"
#include "commands/info_sections.h"
#include "commands/info_text.h"
#include "commands/nanoseconds.h"
#include "commands/policy_names.h"
#include "commands/script/scripts.h"
#include "commands/snapshots.h"
#include "packing/compression.h"
#include "store/upkeep.h"

namespace stave::commands {

namespace {

constexpr std::int64_t kMsPerSecond = 1000;

std::string number(std::uint64_t value) {
  return std::to_string(value);
}
std::string seconds(UnixMs time) {
  return std::to_string(raw(time) / kMsPerSecond);
}
std::string status(bool ok) {
  return ok ? "ok" : "err";
}
/// `part` of `whole`, as text; 0 when there is no whole.
std::string ratio(std::uint64_t part, std::uint64_t whole) {
  return fixed(whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole), 2);
}
std::uint64_t beyond(std::uint64_t whole, std::uint64_t part) noexcept {
  return whole - std::min(whole, part);
}

std::string_view codec_name(packing::Codec codec) noexcept {
  switch (codec) {
    case packing::Codec::kNone: return "none";
    case packing::Codec::kLz4: return "lz4";
    case packing::Codec::kZstd:
    case packing::Codec::kZstdDictionary: break;
  }
  return "zstd";
}

void add_backups(InfoFields& fields, const Backups::State& state, const store::StoreClock& time) {
  const auto moment = [&](UnixMs at) { return raw(at) == 0 ? std::string("0") : seconds(time.to_wall(at)); };
  fields.insert(fields.end(), {{"stave_backup_in_progress", flag(state.running)},
                               {"stave_backup_last_time", moment(state.last_time)},
                               {"stave_backup_next_time", moment(state.next_time)},
                               {"stave_backup_last_status", status(state.last_ok)},
                               {"stave_backup_last_error", state.last_error},
                               {"stave_backup_last_bytes", number(state.last_bytes)},
                               {"stave_backup_last_ms", number(state.last_ns / kNsPerMs)},
                               {"stave_backups_made", number(state.made)},
                               {"stave_backups_failed", number(state.failed)},
                               {"stave_backups_kept", number(state.kept)}});
}

void add_snapshots(InfoFields& fields, const Snapshots::State& state, const store::StoreClock& time) {
  const auto took = state.written == 0 ? "-1" : number(state.last_ns / kNsPerSecond);
  fields.insert(fields.end(),
                {{"rdb_changes_since_last_save", number(state.changes)},
                 {"rdb_bgsave_in_progress", flag(state.running)},
                 {"rdb_last_save_time", seconds(time.to_wall(state.last_time))},
                 {"rdb_last_bgsave_status", status(state.last_ok)},
                 {"rdb_last_bgsave_time_sec", took},
                 {"rdb_current_bgsave_time_sec", state.running ? number(state.running_ns / kNsPerSecond) : "-1"},
                 {"rdb_saves", number(state.written)},
                 {"rdb_last_cow_size", "0"},
                 {"stave_snapshot_keys_done", number(state.running ? state.running_keys : 0)},
                 {"stave_snapshot_last_keys", number(state.last_keys)},
                 {"stave_snapshot_last_bytes", number(state.last_bytes)},
                 {"stave_snapshot_last_ms", number(state.last_ns / kNsPerMs)},
                 {"stave_snapshots_failed", number(state.failed)},
                 {"stave_snapshot_last_error", state.last_error}});
}

void add_checkpoints(InfoFields& fields, const store::EngineStats& stats, const store::StoreClock& time) {
  const store::CheckpointStats& checkpoints = stats.checkpoints;
  fields.insert(fields.end(),
                {{"stave_checkpoint_running", flag(checkpoints.running)},
                 {"stave_checkpoint_keys_done", number(checkpoints.keys_done)},
                 {"stave_checkpoints", number(checkpoints.written)},
                 {"stave_checkpoints_failed", number(checkpoints.failed)},
                 {"stave_checkpoint_last_time", seconds(time.to_wall(checkpoints.last_time))},
                 {"stave_checkpoint_last_ms", number(checkpoints.last_ns / kNsPerMs)},
                 {"stave_checkpoint_last_bytes", number(checkpoints.last_bytes)},
                 {"stave_checkpoint_log_since", number(beyond(raw(stats.log.tail), raw(checkpoints.last)))}});
}

InfoFields store_memory_fields(Environment& environment) {
  const store::EngineStats stats = environment.engine().stats();
  const store::BudgetStats& budget = stats.budget;
  const std::uint64_t overhead = stats.memory.table + stats.memory.expiries + stats.memory_buffers + budget.outside;
  const std::uint64_t dataset = beyond(budget.used, overhead);
  return {
      {"used_memory", number(budget.used)},
      {"used_memory_human", human(budget.used)},
      {"used_memory_peak", number(budget.peak)},
      {"used_memory_peak_human", human(budget.peak)},
      {"used_memory_peak_perc",
       fixed(100 * static_cast<double>(budget.used) / static_cast<double>(std::max<std::uint64_t>(budget.peak, 1)), 2) +
           "%"},
      {"used_memory_overhead", number(overhead)},
      {"used_memory_startup", number(stats.memory_buffers)},
      {"used_memory_dataset", number(dataset)},
      {"maxmemory", number(budget.limit)},
      {"maxmemory_human", human(budget.limit)},
      {"maxmemory_policy", std::string(redis_policy_name(environment.engine().budget().policy()))},
      {"stave_maxmemory_policy", std::string(policy_name(environment.engine().budget().policy()))},
      {"lazyfree_pending_objects", number(stats.buried)},
      {"stave_memory_entries", number(stats.memory.entries)},
      {"stave_memory_slack", number(stats.memory.slack)},
      {"stave_memory_tables", number(stats.memory.table)},
      {"stave_memory_expiries", number(stats.memory.expiries)},
      {"stave_memory_buffers", number(stats.memory_buffers)},
      {"stave_memory_process", number(budget.outside)},
      {"stave_memory_exhausted", flag(budget.exhausted)},
      {"stave_data_bytes", number(stats.memory.data)},
      {"stave_spilled_keys", number(stats.memory.spilled)},
      {"stave_spilled_values", number(budget.spilled_values)},
      {"stave_fetched_values", number(stats.fetched_values)},
      {"stave_warmed_values", number(stats.warmed_values)},
      {"stave_warming", flag(stats.warming)}};
}

InfoFields script_fields(Environment& environment) {
  script::Scripts& scripts = environment.scripts();
  const auto functions = scripts.functions().known();
  std::uint64_t text = 0;
  for (const auto& [name, library] : functions->libraries) text += library->text.size();
  const std::uint64_t cached = scripts.cache().bytes();
  const std::uint64_t machines = scripts.idle_bytes();
  return {{"used_memory_vm_eval", number(machines)},
          {"used_memory_lua", number(machines)},
          {"used_memory_scripts_eval", number(cached)},
          {"number_of_cached_scripts", number(scripts.cache().size())},
          {"number_of_functions", number(functions->functions.size())},
          {"number_of_libraries", number(functions->libraries.size())},
          {"used_memory_vm_functions", "0"},
          {"used_memory_vm_total", number(machines)},
          {"used_memory_functions", number(text)},
          {"used_memory_scripts", number(cached + text)}};
}

}  // namespace

InfoFields memory_fields(Environment& environment) {
  InfoFields fields = store_memory_fields(environment);
  for (auto& field : script_fields(environment)) fields.push_back(std::move(field));
  return fields;
}

InfoFields persistence_fields(Environment& environment) {
  const store::EngineStats stats = environment.engine().stats();
  const bool writable = !stats.log.read_only && !stats.log.full;
  InfoFields fields = {{"loading", "0"}, {"async_loading", "0"}};
  const store::StoreClock& time = environment.engine().time();
  add_snapshots(fields, environment.snapshots().state(), time);
  add_backups(fields, environment.backups().state(), time);
  fields.insert(fields.end(), {{"aof_enabled", "1"},
                               {"aof_rewrite_in_progress", flag(stats.cleaner.running)},
                               {"aof_rewrite_scheduled", "0"},
                               {"aof_last_bgrewrite_status", status(writable)},
                               {"aof_last_write_status", status(writable)},
                               {"aof_current_size", number(stats.log.bytes_on_disk)},
                               {"stave_sync", std::string(policy_name(environment.engine().sync_policy()))},
                               {"stave_log_tail", number(raw(stats.log.tail))},
                               {"stave_log_written", number(raw(stats.log.written))},
                               {"stave_log_durable", number(raw(stats.log.durable))},
                               {"stave_log_bytes", number(stats.log.bytes_on_disk)},
                               {"stave_log_segments", number(stats.log.segments)},
                               {"stave_log_writes", number(stats.log.writes)},
                               {"stave_log_syncs", number(stats.log.syncs)},
                               {"stave_read_only", flag(stats.log.read_only)},
                               {"stave_disk_full", flag(stats.log.full)},
                               {"stave_disk_low", flag(!environment.engine().log().room())},
                               {"stave_recovered_image_keys", number(stats.recovered_keys)},
                               {"stave_recovered_records", number(stats.recovery.records)},
                               {"stave_recovered_bytes", number(stats.recovery.bytes)},
                               {"stave_recovered_torn_bytes", number(stats.recovery.torn_bytes)},
                               {"stave_recovery_clean", flag(stats.recovery.clean)},
                               {"stave_recovery_ms", number(stats.recovery_ns / kNsPerMs)},
                               {"stave_clock_offset_ms", std::to_string(stats.clock_offset_ms)},
                               {"stave_clock_jumps", number(stats.clock_jumps)}});
  add_checkpoints(fields, stats, time);
  return fields;
}

InfoFields stave_fields(Environment& environment) {
  store::Engine& engine = environment.engine();
  const store::EngineStats stats = engine.stats();
  const store::CleanerStats& cleaner = stats.cleaner;
  const packing::Compression::Stats packing = engine.compression().stats();
  const packing::Compression::Setting setting = engine.compression().setting();
  const std::uint64_t log_bytes = beyond(raw(stats.log.tail), raw(stats.log.first));
  return {{"segments", number(stats.log.segments)},
          {"log_first", number(raw(stats.log.first))},
          {"log_bytes", number(log_bytes)},
          {"live_bytes", number(cleaner.live_bytes)},
          {"garbage_bytes", number(beyond(beyond(raw(stats.log.tail), raw(cleaner.boundary)), cleaner.live_bytes))},
          {"space_amplification", ratio(log_bytes, cleaner.live_bytes)},
          {"max_space_amplification", fixed(engine.upkeep().max_space_amplification.load(), 2)},
          {"cleaner_running", flag(cleaner.running)},
          {"cleaner_runs", number(cleaner.runs)},
          {"cleaner_scanned_bytes", number(cleaner.scanned_bytes)},
          {"cleaner_relocated_bytes", number(cleaner.relocated_bytes)},
          {"cleaner_relocated_records", number(cleaner.relocated_records)},
          {"cleaner_freed_bytes", number(cleaner.freed_bytes)},
          {"cleaner_boundary", number(raw(cleaner.boundary))},
          {"cleaner_damaged_segments", number(cleaner.damaged_segments)},
          {"cleaner_lost_values", number(cleaner.lost_values)},
          {"cleaner_first_lost", number(raw(cleaner.first_lost))},
          {"history_bytes", number(cleaner.waiting_bytes)},
          {"compression", std::string(codec_name(setting.codec))},
          {"compression_level", std::to_string(setting.level)},
          {"compression_values", number(packing.values_packed)},
          {"compression_refused", number(packing.values_refused)},
          {"compression_raw_bytes", number(packing.raw_bytes)},
          {"compression_packed_bytes", number(packing.packed_bytes)},
          {"compression_ratio", ratio(packing.raw_bytes, packing.packed_bytes)},
          {"compression_dictionaries", number(packing.dictionaries)}};
}

}  // namespace stave::commands
