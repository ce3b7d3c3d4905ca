#include "commands/latency_commands.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/try.h"
#include "commands/arguments.h"
#include "commands/client_registry.h"
#include "commands/latency_monitor.h"
#include "commands/statistics.h"

namespace stave::commands {

namespace {

Result<LatencyEvent> find_event(Call& call, std::string_view name) {
  for (LatencyEvent& event : call.environment().latency().events())
    if (event.name == name) return std::move(event);
  return answer_error("ERR No samples available for event '" + quoted(name) + "'");
}

/// The samples as columns, newest at the right, each as high as its share of the worst.
std::string picture(const LatencyEvent& event) {
  constexpr std::size_t kRows = 6;
  constexpr std::size_t kColumnsMax = 80;
  STAVE_ASSERT(!event.samples.empty());
  const std::size_t count = std::min(event.samples.size(), kColumnsMax);
  const std::span<const LatencySample> shown = std::span(event.samples).last(count);
  std::int64_t high = 1;
  for (const LatencySample& sample : shown) high = std::max(high, sample.milliseconds);
  std::string text = event.name + " - high " + std::to_string(high) + " ms (all time high " +
                     std::to_string(event.worst_ms) + " ms)\n" + std::string(count, '-') + "\n";
  for (std::size_t row = kRows; row > 0; --row) {
    for (const LatencySample& sample : shown) {
      const auto level = static_cast<std::size_t>(sample.milliseconds * static_cast<std::int64_t>(kRows) / high);
      STAVE_ASSERT(level <= kRows);
      text += level >= row ? '#' : row == 1 ? '_' : ' ';
    }
    text += '\n';
  }
  return text;
}

void answer_histogram(Sink& reply, const std::string& name, const RowStatistics& row) {
  // Cumulated, by powers of two of microseconds; empty ends are left out.
  std::vector<std::pair<std::int64_t, std::int64_t>> buckets;
  constexpr std::size_t kFirstBucket = 10;  // 1024 ns count as one microsecond
  static_assert(Histogram::kBuckets - kFirstBucket < 63);
  const std::uint64_t total = row.histogram.total();
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < Histogram::kBuckets && seen < total; ++i) {
    seen += row.histogram.counts[i];
    if (seen == 0 || i < kFirstBucket) continue;
    buckets.emplace_back(std::int64_t{1} << (i - kFirstBucket), static_cast<std::int64_t>(seen));
  }
  if (buckets.empty()) buckets.emplace_back(1, static_cast<std::int64_t>(total));
  reply.bulk(name);
  reply.map(2);
  reply.bulk("calls");
  reply.integer(static_cast<std::int64_t>(row.calls));
  reply.bulk("histogram_usec");
  reply.map(buckets.size());
  for (const auto& [us, count] : buckets) {
    reply.integer(us);
    reply.integer(count);
  }
}

std::vector<const Command*> wanted_rows(const Call& call) {
  std::vector<const Command*> rows;
  const auto add = [&](const Command& row) {
    if (row.subcommands.empty() || row.run != nullptr) rows.push_back(&row);
    for (const Command& sub : row.subcommands) rows.push_back(&sub);
  };
  if (call.size() == 2) {
    for (const Command& row : command_table()) add(row);
  }
  for (std::size_t i = 2; i < call.size(); ++i) {
    const std::size_t bar = call[i].find('|');
    const Command* row = find_command(call[i].substr(0, bar));
    if (row == nullptr) continue;
    if (bar == std::string_view::npos) {
      add(*row);
    } else if (const Command* sub = find_subcommand(*row, call[i].substr(bar + 1))) {
      rows.push_back(sub);
    }
  }
  return rows;
}

}  // namespace

Result<void> latency_latest_command(Call& call) {
  const auto events = call.environment().latency().events();
  call.reply().array(events.size());
  for (const LatencyEvent& event : events) {
    STAVE_ASSERT(!event.samples.empty());
    call.reply().array(4);
    call.reply().bulk(event.name);
    call.reply().integer(event.samples.back().unix_seconds);
    call.reply().integer(event.samples.back().milliseconds);
    call.reply().integer(event.worst_ms);
  }
  return {};
}

Result<void> latency_history_command(Call& call) {
  const auto event = find_event(call, call[2]);
  if (!event) {
    call.reply().array(0);
    return {};
  }
  call.reply().array(event->samples.size());
  for (const LatencySample& sample : event->samples) {
    call.reply().array(2);
    call.reply().integer(sample.unix_seconds);
    call.reply().integer(sample.milliseconds);
  }
  return {};
}

Result<void> latency_reset_command(Call& call) {
  std::size_t count = call.size() == 2 ? call.environment().latency().reset({}) : 0;
  for (std::size_t i = 2; i < call.size(); ++i)
    if (!call[i].empty()) count += call.environment().latency().reset(call[i]);
  call.reply().integer(static_cast<std::int64_t>(count));
  return {};
}

Result<void> latency_graph_command(Call& call) {
  STAVE_ASSIGN(const LatencyEvent event, find_event(call, call[2]));
  call.reply().verbatim("txt", picture(event));
  return {};
}

Result<void> latency_doctor_command(Call& call) {
  LatencyMonitor& monitor = call.environment().latency();
  const auto events = monitor.events();
  std::string text;
  if (monitor.threshold_ms() == 0 && events.empty()) {
    text =
        "Latency monitoring is off. \"CONFIG SET latency-monitor-threshold <milliseconds>\" lets events that take "
        "longer be "
        "kept.\n";
  } else if (events.empty()) {
    text = "No event took longer than " + std::to_string(monitor.threshold_ms()) + " ms.\n";
  } else {
    for (const LatencyEvent& event : events) {
      std::int64_t sum = 0;
      for (const LatencySample& sample : event.samples) sum += sample.milliseconds;
      text += event.name + ": " + std::to_string(event.samples.size()) + " samples, " +
              std::to_string(sum / static_cast<std::int64_t>(event.samples.size())) + " ms on average, " +
              std::to_string(event.worst_ms) + " ms at worst.\n";
    }
    text +=
        "SLOWLOG GET names the commands. KEYS on large databases, large values and many keys in one call are what "
        "takes long.\n";
  }
  call.reply().verbatim("txt", text);
  return {};
}

Result<void> latency_histogram_command(Call& call) {
  const auto statistics = call.environment().statistics().rows(call.environment().clients());
  auto rows = wanted_rows(call);
  std::erase_if(rows, [&](const Command* row) { return statistics[row_index(*row)].histogram.total() == 0; });
  call.reply().map(rows.size());
  for (const Command* row : rows) answer_histogram(call.reply(), full_name(*row), statistics[row_index(*row)]);
  return {};
}

}  // namespace stave::commands
