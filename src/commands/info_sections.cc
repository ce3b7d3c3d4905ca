#include "commands/info_sections.h"

#include <algorithm>
#include <string>

#include "base/assert.h"
#include "commands/channels.h"
#include "commands/client_registry.h"
#include "commands/each_row.h"
#include "commands/info_text.h"
#include "commands/nanoseconds.h"
#include "commands/notices/tracking.h"
#include "commands/statistics.h"
#include "commands/table.h"
#include "commands/users.h"
#include "commands/version.h"
#include "commands/waiting/waiting.h"

namespace stave::commands {

namespace {

constexpr double kNsPerUsFigure = 1000.0;

std::string hex(std::span<const std::byte> bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : bytes) {
    text += kDigits[std::to_integer<std::size_t>(byte) >> 4];
    text += kDigits[std::to_integer<std::size_t>(byte) & 15];
  }
  return text;
}

}  // namespace

InfoFields server_fields(Environment& environment) {
  const std::uint64_t up = (environment.engine().clock().monotonic_ns() - environment.started_ns()) / kNsPerSecond;
  return {{"redis_version", std::string(kRedisVersion)},
          {"redis_mode", "standalone"},
          {"arch_bits", std::to_string(8 * sizeof(void*))},
          {"run_id", environment.run_id()},
          {"tcp_port", std::to_string(environment.host().port())},
          {"server_time_usec", std::to_string(raw(environment.engine().clock().wall()) * 1000)},
          {"uptime_in_seconds", std::to_string(up)},
          {"uptime_in_days", std::to_string(up / (24 * 3600))},
          {"stave_version", std::string(kStaveVersion)},
          {"stave_store_id", hex(environment.engine().log().store_id())},
          {"stave_directory", environment.engine().directory()}};
}

InfoFields clients_fields(Environment& environment) {
  return {{"connected_clients", std::to_string(environment.clients().size())},
          {"cluster_connections", "0"},
          {"blocked_clients",
           std::to_string(environment.waiting().calls() + environment.paused_calls().load(std::memory_order_relaxed))},
          {"tracking_clients", std::to_string(environment.tracking().counts().clients)},
          {"clients_in_timeout_table", std::to_string(environment.waiting().calls_with_deadline())},
          {"total_blocking_keys", std::to_string(environment.waiting().keys())},
          {"total_blocking_keys_on_nokey", std::to_string(environment.waiting().keys_that_may_go())}};
}

InfoFields stats_fields(Environment& environment) {
  CommandStatistics& statistics = environment.statistics();
  const CommandStatistics::Lookups lookups = statistics.lookups(environment.clients());
  const store::EngineStats stats = environment.engine().stats();
  const AclLog& denials = environment.users().log;
  const TrackingCounts tracked = environment.tracking().counts();
  return {{"total_connections_received", std::to_string(environment.clients().total())},
          {"total_commands_processed", std::to_string(statistics.calls(environment.clients()))},
          {"rejected_connections", "0"},
          {"expired_keys", std::to_string(stats.expired_keys)},
          {"evicted_keys", std::to_string(stats.budget.evicted_keys)},
          {"keyspace_hits", std::to_string(lookups.hits)},
          {"keyspace_misses", std::to_string(lookups.misses)},
          {"tracking_total_keys", std::to_string(tracked.keys)},
          {"tracking_total_items", std::to_string(tracked.items)},
          {"tracking_total_prefixes", std::to_string(tracked.prefixes)},
          {"pubsub_channels", std::to_string(environment.channels().count(ChannelKind::kChannel))},
          {"pubsub_patterns", std::to_string(environment.channels().count(ChannelKind::kPattern))},
          {"pubsubshard_channels", std::to_string(environment.channels().count(ChannelKind::kShard))},
          {"latest_fork_usec", "0"},
          {"total_error_replies", std::to_string(statistics.error_count())},
          {"acl_access_denied_auth", std::to_string(denials.denied(AclReason::kAuth))},
          {"acl_access_denied_cmd", std::to_string(denials.denied(AclReason::kCommand))},
          {"acl_access_denied_key", std::to_string(denials.denied(AclReason::kKey))},
          {"acl_access_denied_channel", std::to_string(denials.denied(AclReason::kChannel))},
          {"acl_access_denied_db", std::to_string(denials.denied(AclReason::kDatabase))}};
}

// Processor time belongs to the process, and thus to the host.
InfoFields cpu_fields(Environment&) {
  return {};
}

InfoFields commandstats_fields(Environment& environment) {
  const auto rows = environment.statistics().rows(environment.clients());
  STAVE_ASSERT(rows.size() == row_count());
  InfoFields fields;
  for_each_row([&](const Command& row) {
    const RowStatistics& s = rows[row_index(row)];
    if (s.calls == 0 && s.rejected == 0) return;
    const double us = static_cast<double>(s.total_ns) / kNsPerUsFigure;
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
      return fixed(static_cast<double>(histogram.quantile_ns(share)) / kNsPerUsFigure, 3);
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
    const std::uint64_t keys = environment.engine().count_keys(database);
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
