#include "commands/memory_commands.h"

#include <algorithm>
#include <optional>
#include <string>

#include "base/try.h"
#include "commands/answer_pair.h"
#include "commands/arguments.h"
#include "commands/part.h"
#include "commands/policy_names.h"
#include "store/collection.h"

namespace stave::commands {

using store::EngineStats;

namespace {

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

Result<void> memory_usage_command(Call& call) {
  for (std::size_t i = 3; i < call.size(); i += 2) {
    if (i + 1 >= call.size() || !call.is(i, "SAMPLES")) return syntax_error();
    STAVE_ASSIGN(const std::int64_t samples, integer_argument(call, i + 1));
    if (samples < 0) return syntax_error();
  }
  const store::KeyRef key = call.key(2);
  Part part(call.session(), key);
  std::uint64_t bytes = part.transaction().memory_of(key);
  if (const auto held = part.find(key, store::Access::kMetaRoot); held && held->paged) {
    // The root, which is needed now.
    if (const auto root = part.find(key, store::Access::kPeekRoot); root && root->here) {
      STAVE_ASSIGN(const std::uint64_t pages, store::memory_of_pages(part.transaction(), *root));
      bytes += pages;
    }
  }
  STAVE_TRY(call.commit(part));
  if (bytes != 0) {
    call.reply().integer(static_cast<std::int64_t>(bytes));
  } else {
    call.reply().null();
  }
  return {};
}

Result<void> memory_stats_command(Call& call) {
  const EngineStats stats = call.engine().stats();
  call.wait_for(call.engine().observe_all());
  const std::uint64_t total = stats.budget.used;
  const std::uint64_t overhead =
      stats.memory.table + stats.memory.expiries + stats.memory_buffers + stats.budget.buffers + stats.budget.outside;
  const std::uint64_t dataset = total - std::min(total, overhead);
  Sink& reply = call.reply();
  reply.map(15);
  answer_pair(reply, "peak.allocated", stats.budget.peak);
  answer_pair(reply, "total.allocated", total);
  answer_pair(reply, "startup.allocated", stats.memory_buffers);
  answer_pair(reply, "replication.backlog", 0);
  answer_pair(reply, "clients.normal", stats.budget.buffers);
  answer_pair(reply, "aof.buffer", stats.memory_buffers);
  answer_pair(reply, "overhead.hashtable.main", stats.memory.table);
  answer_pair(reply, "overhead.hashtable.expires", stats.memory.expiries);
  answer_pair(reply, "overhead.total", overhead);
  answer_pair(reply, "keys.count", stats.memory.keys);
  answer_pair(reply, "keys.bytes-per-key", stats.memory.keys == 0 ? 0 : stats.memory.total() / stats.memory.keys);
  answer_pair(reply, "keys.spilled", stats.memory.spilled);
  answer_pair(reply, "values.bytes", stats.memory.data);
  answer_pair(reply, "dataset.bytes", dataset);
  reply.bulk("dataset.percentage");
  reply.real(100 * share(dataset, total));
  return {};
}

Result<void> memory_malloc_stats_command(Call& call) {
  const EngineStats stats = call.engine().stats();
  const auto line = [](std::string_view name, std::uint64_t value) {
    return std::string(name) + ": " + std::to_string(value) + "\n";
  };
  call.reply().verbatim("txt", line("entries", stats.memory.entries) + line("slack", stats.memory.slack) +
                                   line("tables", stats.memory.table) + line("expiries", stats.memory.expiries) +
                                   line("buffers", stats.memory_buffers) + line("clients", stats.budget.buffers) +
                                   line("process", stats.budget.outside));
  return {};
}

Result<void> memory_doctor_command(Call& call) {
  const EngineStats stats = call.engine().stats();
  // Below this, fixed costs are most of what there is and shares mean nothing.
  constexpr std::uint64_t kWorthLooking = 16u << 20;
  constexpr double kSlackMax = 0.4;
  constexpr double kSpilledMax = 0.5;
  std::string text;
  if (stats.budget.exhausted) {
    text = "Writes are refused: " + std::to_string(stats.budget.used) + " bytes are in use, maxmemory is " +
           std::to_string(stats.budget.limit) + ", and under " +
           std::string(policy_name(call.engine().budget().policy())) +
           " there is nothing left to take out. Raise maxmemory, delete keys, or choose another maxmemory-policy.\n";
  } else if (stats.memory.total() < kWorthLooking) {
    text = "The store holds little data; there is nothing to say about it yet.\n";
  } else if (share(stats.memory.slack, stats.memory.total()) > kSlackMax) {
    text = "Much memory is held in gaps (" + std::to_string(stats.memory.slack) +
           " bytes): many keys were removed, or values changed their size. New keys will use it.\n";
  } else if (share(stats.memory.spilled, stats.memory.keys) > kSpilledMax) {
    text =
        "Of " + std::to_string(stats.memory.keys) + " values " + std::to_string(stats.memory.spilled) +
        " lie in the log only: most reads of cold keys go to the disk. More maxmemory would keep more of them here.\n";
  } else {
    text = "Nothing unusual.\n";
  }
  call.reply().verbatim("txt", text);
  return {};
}

Result<void> memory_purge_command(Call& call) {
  call.reply().status("OK");
  return {};
}

}  // namespace stave::commands
