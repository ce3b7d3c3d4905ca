#include "commands/info_sections.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "commands/client_registry.h"
#include "commands/statistics.h"
#include "commands/table.h"
#include "commands/version.h"

namespace stave::commands {

namespace {

constexpr std::uint64_t kNsPerSecond = 1'000'000'000;
constexpr double kNsPerUs = 1000.0;

std::string fixed(double value, int digits) {
  std::array<char, 64> text;
  const auto [end, error] =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, digits);
  return {text.data(), end};
}

std::string human(std::uint64_t bytes) {
  static constexpr std::array kUnits = {"B", "K", "M", "G", "T", "P", "E"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return (unit == 0 ? std::to_string(bytes) : fixed(value, 2)) + kUnits[unit];
}

std::string hex(std::span<const std::byte> bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : bytes) {
    text += kDigits[std::to_integer<std::size_t>(byte) >> 4];
    text += kDigits[std::to_integer<std::size_t>(byte) & 15];
  }
  return text;
}

std::string_view policy_name(Sync sync) noexcept {
  switch (sync) {
    case Sync::kAlways: return "always";
    case Sync::kInterval: return "interval";
    case Sync::kOs: return "os";
    case Sync::kDefault: break;
  }
  return "default";
}

std::string flag(bool yes) {
  return yes ? "1" : "0";
}

template <class Visit>
void for_each_row(Visit&& visit) {
  for (const Command& row : command_table()) {
    visit(row);
    for (const Command& sub : row.subcommands) visit(sub);
  }
}

}  // namespace

InfoFields server_fields(Environment& environment) {
  const std::uint64_t up = (environment.engine().clock().monotonic_ns() - environment.started_ns()) / kNsPerSecond;
  return {{"redis_version", std::string(kRedisVersion)},
          {"redis_mode", "standalone"},
          {"arch_bits", std::to_string(8 * sizeof(void*))},
          {"tcp_port", std::to_string(environment.host().port())},
          {"server_time_usec", std::to_string(raw(environment.engine().now()) * 1000)},
          {"uptime_in_seconds", std::to_string(up)},
          {"uptime_in_days", std::to_string(up / (24 * 3600))},
          {"stave_version", std::string(kStaveVersion)},
          {"stave_store_id", hex(environment.engine().log().store_id())},
          {"stave_directory", environment.engine().directory()}};
}

InfoFields clients_fields(Environment& environment) {
  return {{"connected_clients", std::to_string(environment.clients().size())},
          {"cluster_connections", "0"},
          {"blocked_clients", "0"},
          {"tracking_clients", "0"},
          {"clients_in_timeout_table", "0"}};
}

InfoFields memory_fields(Environment& environment) {
  const store::EngineStats stats = environment.engine().stats();
  const std::uint64_t used = stats.memory.total() + stats.memory_buffers;
  const std::uint64_t overhead = stats.memory.table + stats.memory.expiries + stats.memory_buffers;
  return {{"used_memory", std::to_string(used)},
          {"used_memory_human", human(used)},
          {"used_memory_overhead", std::to_string(overhead)},
          {"used_memory_startup", std::to_string(stats.memory_buffers)},
          {"used_memory_dataset", std::to_string(used - overhead)},
          {"maxmemory", "0"},
          {"maxmemory_human", "0B"},
          {"maxmemory_policy", "noeviction"},
          {"stave_memory_entries", std::to_string(stats.memory.entries)},
          {"stave_memory_slack", std::to_string(stats.memory.slack)},
          {"stave_memory_tables", std::to_string(stats.memory.table)},
          {"stave_memory_expiries", std::to_string(stats.memory.expiries)},
          {"stave_memory_buffers", std::to_string(stats.memory_buffers)}};
}

InfoFields persistence_fields(Environment& environment) {
  const store::EngineStats stats = environment.engine().stats();
  return {{"loading", "0"},
          {"async_loading", "0"},
          {"rdb_bgsave_in_progress", "0"},
          {"aof_enabled", "1"},
          {"aof_rewrite_in_progress", "0"},
          {"aof_last_bgrewrite_status", "ok"},
          {"aof_last_write_status", stats.log.read_only || stats.log.full ? "err" : "ok"},
          {"aof_current_size", std::to_string(stats.log.bytes_on_disk)},
          {"stave_sync", std::string(policy_name(environment.engine().sync_policy()))},
          {"stave_log_tail", std::to_string(raw(stats.log.tail))},
          {"stave_log_written", std::to_string(raw(stats.log.written))},
          {"stave_log_durable", std::to_string(raw(stats.log.durable))},
          {"stave_log_bytes", std::to_string(stats.log.bytes_on_disk)},
          {"stave_log_segments", std::to_string(stats.log.segments)},
          {"stave_log_writes", std::to_string(stats.log.writes)},
          {"stave_log_syncs", std::to_string(stats.log.syncs)},
          {"stave_read_only", flag(stats.log.read_only)},
          {"stave_disk_full", flag(stats.log.full)},
          {"stave_recovered_records", std::to_string(stats.recovery.records)},
          {"stave_recovered_bytes", std::to_string(stats.recovery.bytes)},
          {"stave_recovered_torn_bytes", std::to_string(stats.recovery.torn_bytes)},
          {"stave_recovery_clean", flag(stats.recovery.clean)},
          {"stave_recovery_ms", std::to_string(stats.recovery_ns / 1'000'000)}};
}

InfoFields stats_fields(Environment& environment) {
  CommandStatistics& statistics = environment.statistics();
  const CommandStatistics::Lookups lookups = statistics.lookups(environment.clients());
  return {{"total_connections_received", std::to_string(environment.clients().total())},
          {"total_commands_processed", std::to_string(statistics.calls(environment.clients()))},
          {"rejected_connections", "0"},
          {"expired_keys", std::to_string(environment.engine().stats().expired_keys)},
          {"evicted_keys", "0"},
          {"keyspace_hits", std::to_string(lookups.hits)},
          {"keyspace_misses", std::to_string(lookups.misses)},
          {"pubsub_channels", "0"},
          {"pubsub_patterns", "0"},
          {"latest_fork_usec", "0"},
          {"total_error_replies", std::to_string(statistics.error_count())}};
}

InfoFields replication_fields(Environment& environment) {
  return {{"role", "master"},
          {"connected_slaves", "0"},
          {"master_repl_offset", std::to_string(raw(environment.engine().log().tail()))}};
}

// Processor time belongs to the process, and thus to the host.
InfoFields cpu_fields(Environment&) {
  return {};
}

InfoFields commandstats_fields(Environment& environment) {
  const auto rows = environment.statistics().rows(environment.clients());
  InfoFields fields;
  for_each_row([&](const Command& row) {
    const RowStatistics& s = rows[row_index(row)];
    if (s.calls == 0 && s.rejected == 0) return;
    const double us = static_cast<double>(s.total_ns) / kNsPerUs;
    fields.emplace_back("cmdstat_" + full_name(row),
                        "calls=" + std::to_string(s.calls) + ",usec=" + fixed(us, 0) +
                            ",usec_per_call=" + fixed(s.calls == 0 ? 0 : us / static_cast<double>(s.calls), 2) +
                            ",rejected_calls=" + std::to_string(s.rejected) +
                            ",failed_calls=" + std::to_string(s.failed));
  });
  return fields;
}

InfoFields errorstats_fields(Environment& environment) {
  InfoFields fields;
  for (const auto& [word, count] : environment.statistics().errors())
    fields.emplace_back("errorstat_" + word, "count=" + std::to_string(count));
  return fields;
}

InfoFields latencystats_fields(Environment& environment) {
  const auto rows = environment.statistics().rows(environment.clients());
  InfoFields fields;
  for_each_row([&](const Command& row) {
    const Histogram& histogram = rows[row_index(row)].histogram;
    if (histogram.total() == 0) return;
    const auto us = [&](double share) {
      return fixed(static_cast<double>(histogram.quantile_ns(share)) / kNsPerUs, 3);
    };
    fields.emplace_back("latency_percentiles_usec_" + full_name(row),
                        "p50=" + us(0.5) + ",p99=" + us(0.99) + ",p99.9=" + us(0.999));
  });
  return fields;
}

InfoFields cluster_fields(Environment&) {
  return {{"cluster_enabled", "0"}};
}

InfoFields keyspace_fields(Environment& environment) {
  InfoFields fields;
  for (int database = 0; database < environment.engine().options().databases; ++database) {
    const std::uint64_t keys = environment.engine().size(database);
    if (keys == 0) continue;
    fields.emplace_back("db" + std::to_string(database),
                        "keys=" + std::to_string(keys) + ",expires=" +
                            std::to_string(environment.engine().memory(database).expiring) + ",avg_ttl=0");
  }
  return fields;
}

InfoFields section_fields(Environment& environment, const InfoSection& section) {
  InfoFields fields = section.fields(environment);
  for (auto& [name, value] : environment.host().info(section.name)) {
    const auto same =
        std::find_if(fields.begin(), fields.end(), [&](const auto& field) { return field.first == name; });
    if (same == fields.end()) {
      fields.emplace_back(std::move(name), std::move(value));
    } else {
      same->second = std::move(value);
    }
  }
  return fields;
}

}  // namespace stave::commands
