#include "doors/http/metrics.h"

#include <array>
#include <charconv>
#include <utility>

#include "commands/client_registry.h"
#include "commands/policy_names.h"
#include "commands/statistics.h"
#include "commands/table.h"
#include "commands/version.h"
#include "doors/http/metrics_units.h"
#include "doors/http/metrics_upkeep.h"
#include "replication/group.h"
#include "store/upkeep.h"

namespace stave::http {

namespace {

void add_process(MetricsPage& page, commands::Environment& environment, const store::EngineStats& stats) {
  page.gauge("stave_build_info", "Always 1; the labels say which version this is.", 1,
             {{"version", commands::kStaveVersion}, {"redis_version", commands::kRedisVersion}});
  const std::uint64_t up_ns = environment.engine().clock().monotonic_ns() - environment.started_ns();
  page.gauge("stave_uptime_seconds", "Time since the store began to serve.", number(up_ns) * kSecondsPerNs);
  page.gauge("stave_start_time_seconds", "When the store was opened, in seconds since 1970.",
             static_cast<double>(raw(stats.opened)) * kSecondsPerMs);
}

/// What only the host knows comes as text, under the names that INFO gives it.
void add_host(MetricsPage& page, commands::Environment& environment) {
  struct Row {
    std::string_view section, field, name, help;
    bool grows;
  };
  static constexpr Row kRows[] = {
      {"clients", "maxclients", "stave_connections_max", "Connections of the Redis door that are served at once.",
       false},
      {"stats", "rejected_connections", "stave_connections_rejected_total",
       "Connections refused because there were too many.", true},
      {"stats", "total_net_input_bytes", "stave_network_receive_bytes_total", "Bytes received by the Redis door.",
       true},
      {"stats", "total_net_output_bytes", "stave_network_transmit_bytes_total", "Bytes sent by the Redis door.", true},
      {"stats", "protocol_errors", "stave_protocol_errors_total", "Connections closed because they broke the protocol.",
       true},
      {"stats", "client_query_buffer_limit_disconnections", "stave_query_limit_disconnections_total",
       "Connections closed because of client-query-buffer-limit.", true},
      {"stats", "client_output_buffer_limit_disconnections", "stave_output_limit_disconnections_total",
       "Connections closed because they did not read their replies.", true},
      {"stats", "client_idle_disconnections", "stave_idle_disconnections_total",
       "Connections closed because they were silent for longer than timeout.", true},
      {"cpu", "used_cpu_user", "process_cpu_user_seconds_total", "Processor time spent in the program.", true},
      {"cpu", "used_cpu_sys", "process_cpu_system_seconds_total", "Processor time spent in the kernel for it.", true},
  };
  for (const std::string_view section : {"clients", "stats", "cpu"}) {
    const commands::InfoFields fields = environment.host().info(section);
    for (const Row& row : kRows) {
      if (row.section != section) continue;
      for (const auto& [field, text] : fields) {
        double value = 0;
        if (field != row.field || std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc{})
          continue;
        row.grows ? page.counter(row.name, row.help, value) : page.gauge(row.name, row.help, value);
      }
    }
  }
}

void add_row(MetricsPage& page, const commands::Command& row, const commands::RowStatistics& seen) {
  if (seen.calls == 0 && seen.rejected == 0) return;
  const std::string name = commands::full_name(row);
  const MetricsPage::Labels labels = {{"command", name}};
  page.counter("stave_commands_total", "Calls, by command.", number(seen.calls), labels);
  page.counter("stave_commands_failed_total", "Calls that ran and answered an error, by command.", number(seen.failed),
               labels);
  page.counter("stave_commands_rejected_total", "Calls refused before they ran, by command.", number(seen.rejected),
               labels);
  page.counter("stave_commands_busy_seconds_total",
               "Time spent in calls, by command; of quick commands one call in 64 is measured and stands for all.",
               number(seen.total_ns) * kSecondsPerNs, labels);
  page.durations("stave_command_duration_seconds",
                 "How long calls took, without waiting for the disk; of quick commands one call in 64 is counted.",
                 seen.histogram.counts, seen.timed_ns, labels);
}

void add_commands(MetricsPage& page, commands::Environment& environment) {
  commands::CommandStatistics& statistics = environment.statistics();
  const auto rows = statistics.rows(environment.clients());
  for (const commands::Command& row : commands::command_table()) {
    add_row(page, row, rows[commands::row_index(row)]);
    for (const commands::Command& sub : row.subcommands) add_row(page, sub, rows[commands::row_index(sub)]);
  }
  for (const auto& [code, count] : statistics.errors())
    page.counter("stave_errors_total", "Errors answered, by code word.", number(count), {{"code", code}});
  const auto lookups = statistics.lookups(environment.clients());
  page.counter("stave_keyspace_hits_total", "Reads of a key that was there.", number(lookups.hits));
  page.counter("stave_keyspace_misses_total", "Reads of a key that was absent.", number(lookups.misses));
  page.gauge("stave_connections", "Sessions of all doors that are open now.", number(environment.clients().size()));
  page.counter("stave_connections_opened_total", "Sessions ever opened.", number(environment.clients().total()));
}

void add_keys(MetricsPage& page, commands::Environment& environment, const store::EngineStats& stats) {
  store::Engine& engine = environment.engine();
  // Every database, empty ones too: a series that comes and goes is hard to alert on.
  for (int database = 0; database < engine.options().databases; ++database) {
    const std::string name = std::to_string(database);
    page.gauge("stave_keys", "Keys, by database.", number(engine.count_keys(database)), {{"database", name}});
    page.gauge("stave_keys_expiring", "Keys that have an expiry, by database.",
               number(engine.memory(database).expiring), {{"database", name}});
  }
  page.counter("stave_expired_keys_total", "Keys removed because their time was over.", number(stats.expired_keys));
}

void add_log(MetricsPage& page, commands::Environment& environment, const log::LogStats& log) {
  for (const Sync policy : {Sync::kAlways, Sync::kInterval, Sync::kOs})
    page.gauge("stave_sync_policy", "1 for the policy that is in force: when a write counts as done.",
               flag(environment.engine().sync_policy() == policy), {{"policy", commands::policy_name(policy)}});
  page.counter("stave_log_appended_bytes_total", "Position of the log's end: all bytes since the store was born.",
               number(raw(log.tail)));
  page.counter("stave_log_written_bytes_total", "Position up to which the operating system has the log.",
               number(raw(log.written)));
  page.counter("stave_log_durable_bytes_total", "Position up to which the log is on disk.", number(raw(log.durable)));
  const std::uint64_t tail = raw(log.tail);
  const std::uint64_t durable = raw(log.durable);
  page.gauge("stave_log_durability_lag_bytes", "How much of the log is not on disk yet.",
             number(tail > durable ? tail - durable : 0));
  page.gauge("stave_log_disk_bytes", "Disk space that the log's segments take.", number(log.bytes_on_disk));
  page.gauge("stave_log_segments", "Segments of the log.", number(log.segments));
  page.counter("stave_log_writes_total", "Writes to the log's files.", number(log.writes));
  page.counter("stave_log_syncs_total", "Syncs of the log's files.", number(log.syncs));
  page.durations("stave_log_sync_duration_seconds", "How long the disk took for a sync.", log.sync_counts, log.sync_ns);
  page.gauge("stave_log_read_only", "1 after the disk failed: nothing is written until the store is reopened.",
             flag(log.read_only));
  page.gauge("stave_log_full", "1 while writes are refused for want of disk space.", flag(log.full));
  page.gauge("stave_log_low", "1 while the disk has less room than the reserve: large writes are refused already.",
             flag(!environment.engine().log().room()));
}

void add_changes(MetricsPage& page, commands::Environment& environment) {
  store::Upkeep& upkeep = environment.engine().upkeep();
  page.gauge("stave_change_readers_waiting", "Who waits for changes at this moment.",
             number(upkeep.change_feed().waiting()));
  const auto consumers = upkeep.consumers().list();
  if (!consumers) return;
  page.gauge("stave_consumers", "Consumers of the store's changes.", number(consumers->size()));
  for (const store::ConsumerInfo& consumer : *consumers)
    page.gauge("stave_consumer_lag_bytes", "How much of the log a consumer has not acknowledged.",
               number(consumer.lag_bytes), {{"name", consumer.name}});
  for (const store::ConsumerInfo& consumer : *consumers)
    page.gauge("stave_consumer_behind", "1: the log no longer reaches back to where the consumer is.",
               flag(consumer.behind), {{"name", consumer.name}});
}

void add_replication(MetricsPage& page, commands::Environment& environment, const log::LogStats& log) {
  replication::Group* const group = environment.group();
  page.gauge("stave_replication_follows", "1: the store follows another one; 0: it leads.",
             environment.engine().follows() || environment.engine().mirrors() ? 1 : 0);
  page.gauge("stave_replication_term", "Number of the term that the log is in; 0: it never had followers.",
             number(environment.engine().terms().number()));
  if (group == nullptr) return;
  if (const auto status = group->following()) {
    page.gauge("stave_replication_connected", "Whether the leader's log comes.", status->connected ? 1 : 0);
    page.gauge("stave_replication_lag_bytes", "How much of the leader's log is not here.",
               number(status->leader_end - status->end));
    page.gauge("stave_replication_lag_seconds", "For how long not all of the leader's log has been here.",
               number(status->lag_ms) * kSecondsPerMs);
  }
  if (const auto status = group->redis()) {
    page.gauge("stave_redis_connected", "Whether the commands of the Redis that is followed come.",
               flag(status->connected));
    page.gauge("stave_redis_sync_in_progress", "1 while its snapshot comes or is loaded.",
               flag(status->receiving || status->loading));
    page.gauge("stave_redis_lag_bytes", "What has come of its commands and is not applied.",
               number(status->received - status->position.offset));
    page.gauge("stave_redis_lag_seconds", "For how long not everything that was heard of has been here.",
               number(status->lag_ms) * kSecondsPerMs);
    page.counter("stave_redis_applied_commands_total", "Its commands that were applied.", number(status->applied));
    page.counter("stave_redis_full_syncs_total", "Snapshots that were asked for.", number(status->full_syncs));
    page.counter("stave_redis_partial_syncs_total", "Broken connections that went on where they were.",
                 number(status->partial_syncs));
  }
  const auto followers = group->followers().list();
  page.gauge("stave_replication_followers", "Followers that are connected.", number(followers.size()));
  for (const replication::FollowerInfo& follower : followers)
    page.gauge("stave_replication_follower_lag_bytes", "How much of the log a follower does not have.",
               number(log.tail - std::min(log.tail, follower.written)), {{"follower", follower.address}});
  for (const replication::FollowerInfo& follower : followers)
    page.gauge("stave_replication_follower_lag_seconds", "For how long a follower has not had all of the log.",
               number(follower.lag_ms) * kSecondsPerMs, {{"follower", follower.address}});
}

void add_recovery(MetricsPage& page, const store::EngineStats& stats) {
  page.gauge("stave_recovery_duration_seconds", "How long the last opening of the store took.",
             number(stats.recovery_ns) * kSecondsPerNs);
  page.gauge("stave_recovery_records", "Log records replayed when the store was opened.",
             number(stats.recovery.records));
  page.gauge("stave_recovery_keys", "Keys taken from an image of the index when the store was opened.",
             number(stats.recovered_keys));
  page.gauge("stave_recovery_bytes", "Bytes of log replayed when the store was opened.", number(stats.recovery.bytes));
  page.gauge("stave_recovery_torn_bytes", "Bytes of an unfinished last write that were cut off when it was opened.",
             number(stats.recovery.torn_bytes));
  page.gauge("stave_clock_offset_seconds", "How far the store's time is ahead of the wall clock, which was set.",
             static_cast<double>(stats.clock_offset_ms) / 1000);
  page.counter("stave_clock_jumps_total", "How often the wall clock was set by more than a small correction.",
               number(stats.clock_jumps));
  page.gauge("stave_recovery_clean", "1 when the store had been closed in good order.", flag(stats.recovery.clean));
}

}  // namespace

std::string render_metrics(commands::Environment& environment, base::FunctionRef<void(MetricsPage&)> more) {
  MetricsPage page;
  const store::EngineStats stats = environment.engine().stats();
  add_process(page, environment, stats);
  add_host(page, environment);
  add_commands(page, environment);
  add_keys(page, environment, stats);
  add_log(page, environment, stats.log);
  add_memory(page, stats);
  add_checkpoints(page, stats);
  add_cleaner(page, stats);
  add_snapshots(page, environment);
  add_backups(page, environment);
  add_replication(page, environment, stats.log);
  add_changes(page, environment);
  add_recovery(page, stats);
  more(page);
  return page.text();
}

std::string render_metrics(commands::Environment& environment) {
  return render_metrics(environment, [](MetricsPage&) {});
}

}  // namespace stave::http
