// The part of the page about what goes on behind the calls: memory and its budget, images of the index, the cleaner,
// snapshots and backups.
#include "doors/http/metrics_upkeep.h"

#include "commands/backups.h"
#include "commands/environment.h"
#include "commands/snapshots.h"
#include "doors/http/metrics_units.h"

namespace stave::http {

namespace {

std::uint64_t beyond(std::uint64_t whole, std::uint64_t part) noexcept {
  return whole > part ? whole - part : 0;
}

}  // namespace

void add_memory(MetricsPage& page, const store::EngineStats& stats) {
  const std::pair<std::string_view, std::uint64_t> purposes[] = {
      {"entries", stats.memory.entries},   {"slack", stats.memory.slack},     {"tables", stats.memory.table},
      {"expiries", stats.memory.expiries}, {"buffers", stats.memory_buffers}, {"clients", stats.budget.buffers},
      {"process", stats.budget.outside}};
  for (const auto& [purpose, bytes] : purposes)
    page.gauge("stave_memory_bytes", "Memory in use, by purpose; the sum is what the store takes.", number(bytes),
               {{"purpose", purpose}});
  const store::BudgetStats& budget = stats.budget;
  page.gauge("stave_memory_budgeted_bytes", "Memory that counts against the budget.", number(budget.used));
  page.gauge("stave_memory_peak_bytes", "The most that it was since the store was opened.", number(budget.peak));
  page.gauge("stave_memory_max_bytes", "The budget; 0: none.", number(budget.limit));
  page.counter("stave_refused_buffers_total",
               "Answers and requests that were given up because there was no memory for them.",
               number(budget.refused_buffers));
  page.gauge("stave_memory_exhausted", "1 while writes are refused because nothing is left to take out of memory.",
             flag(budget.exhausted));
  page.gauge("stave_data_bytes", "Bytes of all keys and values, those that lie in the log only included.",
             number(stats.memory.data));
  page.gauge("stave_values_on_disk_only", "Values that lie in the log and not in memory.",
             number(stats.memory.spilled));
  page.counter("stave_values_spilled_total", "Values taken out of memory; they stay in the log.",
               number(budget.spilled_values));
  page.counter("stave_values_fetched_total", "Values read from the log because they were not in memory.",
               number(stats.fetched_values));
  page.counter("stave_values_warmed_total", "Values brought back after the start, before anybody asked.",
               number(stats.warmed_values));
  page.gauge("stave_warming", "1 while values are brought back after the start.", flag(stats.warming));
  page.counter("stave_evicted_keys_total", "Keys removed to stay within the budget.", number(budget.evicted_keys));
}

void add_checkpoints(MetricsPage& page, const store::EngineStats& stats) {
  const store::CheckpointStats& checkpoints = stats.checkpoints;
  page.counter("stave_checkpoints_total", "Images of the index that were written.", number(checkpoints.written));
  page.counter("stave_checkpoints_failed_total", "Images of the index that could not be written.",
               number(checkpoints.failed));
  page.gauge("stave_checkpoint_running", "1 while an image is being written.", flag(checkpoints.running));
  page.gauge("stave_checkpoint_keys_done", "Keys in the image that is being written.", number(checkpoints.keys_done));
  page.gauge("stave_checkpoint_replay_bytes", "Log behind the newest image: what a start would replay.",
             number(beyond(raw(stats.log.tail), raw(checkpoints.last))));
  page.gauge("stave_checkpoint_last_time_seconds", "When the newest image was written, in seconds since 1970.",
             static_cast<double>(raw(checkpoints.last_time)) * kSecondsPerMs);
  page.gauge("stave_checkpoint_last_duration_seconds", "How long that took.",
             number(checkpoints.last_ns) * kSecondsPerNs);
  page.gauge("stave_checkpoint_last_size_bytes", "Size of the newest image.", number(checkpoints.last_bytes));
}

void add_cleaner(MetricsPage& page, const store::EngineStats& stats) {
  const store::CleanerStats& cleaner = stats.cleaner;
  page.gauge("stave_cleaner_running", "1 while the log is being cleaned.", flag(cleaner.running));
  page.counter("stave_cleaner_runs_total", "Times the cleaner set out.", number(cleaner.runs));
  page.counter("stave_cleaner_scanned_bytes_total", "Log that the cleaner read.", number(cleaner.scanned_bytes));
  page.counter("stave_cleaner_relocated_bytes_total", "Log that it wrote again, because it was alive.",
               number(cleaner.relocated_bytes));
  page.counter("stave_cleaner_relocated_records_total", "Records that it wrote again.",
               number(cleaner.relocated_records));
  page.counter("stave_cleaner_freed_bytes_total", "Disk space of the files that it removed.",
               number(cleaner.freed_bytes));
  page.counter("stave_cleaner_damaged_segments_total",
               "Segments that could not be read from end to end and were cleaned all the same.",
               number(cleaner.damaged_segments));
  page.gauge("stave_lost_values", "Values that can no longer be read, which keeps the log from being cleaned.",
             number(cleaner.lost_values));
  page.gauge("stave_log_live_bytes", "How much of the log is alive, estimated.", number(cleaner.live_bytes));
  page.gauge("stave_log_garbage_bytes", "How much of the log is not, estimated.",
             number(beyond(stats.log.bytes_on_disk, cleaner.live_bytes)));
  page.gauge("stave_log_kept_bytes", "Cleaned log that is kept for history, a snapshot or an older image.",
             number(cleaner.waiting_bytes));
}

void add_snapshots(MetricsPage& page, commands::Environment& environment) {
  const commands::Snapshots::State state = environment.snapshots().state();
  page.gauge("stave_snapshot_running", "1 while a snapshot is being written.", flag(state.running));
  page.counter("stave_snapshots_total", "Snapshots that were written.", number(state.written));
  page.counter("stave_snapshots_failed_total", "Snapshots that could not be written.", number(state.failed));
  page.gauge("stave_snapshot_last_failed", "1 when the last snapshot could not be written.", flag(!state.last_ok));
  // Before the first one, the store as it was opened counts, which says nothing about a file.
  if (state.written != 0)
    page.gauge("stave_snapshot_last_time_seconds",
               "When the last good one since the start was written, in seconds since 1970.",
               static_cast<double>(raw(environment.engine().time().to_wall(state.last_time))) * kSecondsPerMs);
}

void add_backups(MetricsPage& page, commands::Environment& environment) {
  const commands::Backups::State state = environment.backups().state();
  const auto moment = [&](UnixMs at) {
    return static_cast<double>(raw(environment.engine().time().to_wall(at))) * kSecondsPerMs;
  };
  page.gauge("stave_backup_running", "1 while a backup of the schedule is being made.", flag(state.running));
  page.counter("stave_backups_total", "Backups that were made, asked for or not.", number(state.made));
  page.counter("stave_backups_failed_total", "Backups that could not be made or verified.", number(state.failed));
  page.gauge("stave_backup_last_failed", "1 when the last backup could not be made or verified.", flag(!state.last_ok));
  page.gauge("stave_backup_interval_seconds", "How often one is to be made (backup-every); 0: not by itself.",
             static_cast<double>(state.every_ms) * kSecondsPerMs);
  page.gauge("stave_backups_kept", "Backups of the schedule that are kept.", number(state.kept));
  if (raw(state.last_time) == 0) return;
  page.gauge("stave_backup_last_time_seconds",
             "When the newest good backup below backup-dir was made, in seconds since 1970.", moment(state.last_time));
  page.gauge("stave_backup_last_size_bytes", "Size of the newest good backup.", number(state.last_bytes));
  page.gauge("stave_backup_last_duration_seconds", "How long it took, when it was made since the start.",
             number(state.last_ns) * kSecondsPerNs);
}

}  // namespace stave::http
