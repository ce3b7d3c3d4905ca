#include "commands/environment.h"

#include <array>
#include <cstddef>

#include "base/random.h"
#include "commands/auth_backoff.h"
#include "commands/backups.h"
#include "commands/channels.h"
#include "commands/client_registry.h"
#include "commands/errands.h"
#include "commands/hot_keys.h"
#include "commands/latency_monitor.h"
#include "commands/monitors.h"
#include "commands/notices/notices.h"
#include "commands/notices/tracking.h"
#include "commands/script/scripts.h"
#include "commands/session.h"
#include "commands/slow_log.h"
#include "commands/snapshots.h"
#include "commands/statistics.h"
#include "commands/table.h"
#include "commands/users.h"
#include "commands/waiting/waiting.h"
#include "store/upkeep.h"

namespace stave::commands {

namespace {

std::string draw_run_id() {
  std::array<std::byte, 20> bytes{};
  base::system_entropy(bytes);
  std::string digits;
  for (const std::byte byte : bytes) {
    digits += "0123456789abcdef"[std::to_integer<unsigned>(byte) >> 4];
    digits += "0123456789abcdef"[std::to_integer<unsigned>(byte) & 15];
  }
  return digits;
}

}  // namespace

Environment::Environment(store::Engine& engine, Host& host)
    : engine_(engine),
      host_(host),
      clients_(std::make_unique<ClientRegistry>()),
      slow_log_(std::make_unique<SlowLog>()),
      large_requests_(std::make_unique<SlowLog>(SlowLog::kLargeDefault)),
      large_replies_(std::make_unique<SlowLog>(SlowLog::kLargeDefault)),
      latency_(std::make_unique<LatencyMonitor>()),
      statistics_(std::make_unique<CommandStatistics>(row_count())),
      snapshots_(std::make_unique<Snapshots>(engine, [this] { return statistics_->changes(*clients_); })),
      backups_(std::make_unique<Backups>(engine)),
      errands_(std::make_unique<Errands>()),
      auth_backoff_(std::make_unique<AuthBackoff>()),
      channels_(std::make_unique<Channels>(&engine.budget())),
      users_(std::make_unique<Users>()),
      monitors_(std::make_unique<Monitors>()),
      hot_keys_(std::make_unique<HotKeys>()),
      waiting_(std::make_unique<Waiting>(*this)),
      tracking_(std::make_unique<Tracking>(*this)),
      notices_(std::make_unique<Notices>(*this)),
      scripts_(std::make_unique<script::Scripts>(engine, slow_scripts_)),
      started_ns_(engine.clock().monotonic_ns()),
      run_id_(draw_run_id()) {
  users_->changed = [this] { clients_->visit([](Session& session) { session.set_plain(false); }); };
}

Environment::~Environment() {
  stop_work();
}

void Environment::stop_work() {
  scripts_->stop();
  snapshots_->stop();
  backups_->stop();
  // A cleaning may take minutes. It is safe to give up at any moment, and the store is about to be closed.
  if (errands_->busy()) engine_.upkeep().stop();
  errands_->stop();
}

Pause Environment::pause() noexcept {
  std::uint64_t packed = pause_.load(std::memory_order_relaxed);
  if (packed == 0) return {};
  if (packed >> 1 <= engine_.clock().monotonic_ns()) {
    // Unless somebody has asked for another one meanwhile.
    pause_.compare_exchange_strong(packed, 0, std::memory_order_relaxed);
    return {};
  }
  return {.until_ns = packed >> 1, .writes_only = (packed & 1) != 0};
}

void Environment::set_pause(const Pause& pause) noexcept {
  pause_.store(pause.until_ns << 1 | (pause.writes_only && pause.until_ns != 0 ? 1 : 0), std::memory_order_relaxed);
}

}  // namespace stave::commands
