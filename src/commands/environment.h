// What all sessions of one store share: the engine, the host, who is connected, slow log, latency events, counters.
// Owned by the library's Store or by the server; never global.
#pragma once

#include <cstdint>
#include <memory>

#include "commands/host.h"
#include "store/engine.h"

namespace stave::commands {

class ClientRegistry;
class SlowLog;
class LatencyMonitor;
class CommandStatistics;

class Environment {
 public:
  /// Both must outlive the environment.
  Environment(store::Engine& engine, Host& host);
  ~Environment();

  [[nodiscard]] store::Engine& engine() noexcept { return engine_; }
  [[nodiscard]] Host& host() noexcept { return host_; }
  [[nodiscard]] ClientRegistry& clients() noexcept { return *clients_; }
  [[nodiscard]] SlowLog& slow_log() noexcept { return *slow_log_; }
  [[nodiscard]] LatencyMonitor& latency() noexcept { return *latency_; }
  [[nodiscard]] CommandStatistics& statistics() noexcept { return *statistics_; }

 private:
  store::Engine& engine_;
  Host& host_;
  std::unique_ptr<ClientRegistry> clients_;
  std::unique_ptr<SlowLog> slow_log_;
  std::unique_ptr<LatencyMonitor> latency_;
  std::unique_ptr<CommandStatistics> statistics_;
};

}  // namespace stave::commands
