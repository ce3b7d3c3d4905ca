// What all sessions of one store share: the engine, the host, who is connected, slow log, latency events, counters,
// snapshots, backups and other work that takes long, who guesses passwords, scripts.
// Owned by the library's Store or by the server; never global.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "commands/encoding_limits.h"
#include "commands/host.h"
#include "store/engine.h"

namespace stave::replication {
class Group;
}

namespace stave::commands {

class AuthBackoff;
class Backups;
class Channels;
class ClientRegistry;
class Errands;
namespace script {
class Scripts;
}
class Snapshots;
class Tracking;
class SlowLog;
class HotKeys;
class LatencyMonitor;
class Monitors;
class Notices;
class Users;
class CommandStatistics;
class Waiting;

/// CLIENT PAUSE: until when, and whether only writes wait.
struct Pause {
  std::uint64_t until_ns = 0;  ///< On the monotonic clock; 0: none.
  bool writes_only = false;
};

class Environment {
 public:
  /// Both must outlive the environment.
  Environment(store::Engine& engine, Host& host);
  /// As `stop_work`.
  ~Environment();
  /// Gives up a snapshot and a backup of the schedule in progress and, if a command waits for it, the engine's upkeep;
  /// joins the threads. Before the engine is closed. Idempotent.
  void stop_work();

  [[nodiscard]] store::Engine& engine() noexcept { return engine_; }
  /// What the process is in the group that shares its store; null: it is in none.
  [[nodiscard]] replication::Group* group() const noexcept { return group_.load(std::memory_order_acquire); }
  /// It must outlive the environment, or be taken back when nobody runs commands any more.
  void set_group(replication::Group* group) noexcept { group_.store(group, std::memory_order_release); }
  [[nodiscard]] Host& host() noexcept { return host_; }
  [[nodiscard]] ClientRegistry& clients() noexcept { return *clients_; }
  [[nodiscard]] SlowLog& slow_log() noexcept { return *slow_log_; }
  /// Calls that were, or whose answers were, large (COMMANDLOG). Doors that know how large they are add them.
  [[nodiscard]] SlowLog& large_requests() noexcept { return *large_requests_; }
  [[nodiscard]] SlowLog& large_replies() noexcept { return *large_replies_; }
  [[nodiscard]] LatencyMonitor& latency() noexcept { return *latency_; }
  [[nodiscard]] CommandStatistics& statistics() noexcept { return *statistics_; }
  [[nodiscard]] Snapshots& snapshots() noexcept { return *snapshots_; }
  [[nodiscard]] Backups& backups() noexcept { return *backups_; }
  /// For doors that ask for a password: they share one memory of who failed.
  [[nodiscard]] AuthBackoff& auth_backoff() noexcept { return *auth_backoff_; }
  [[nodiscard]] Channels& channels() noexcept { return *channels_; }
  [[nodiscard]] Users& users() noexcept { return *users_; }
  [[nodiscard]] Monitors& monitors() noexcept { return *monitors_; }
  /// Which keys cost most.
  [[nodiscard]] HotKeys& hot_keys() noexcept { return *hot_keys_; }
  /// Calls that wait until somebody changes a key.
  [[nodiscard]] Waiting& waiting() noexcept { return *waiting_; }
  /// What is told of changes of keys.
  [[nodiscard]] Notices& notices() noexcept { return *notices_; }
  /// Who keeps copies of which keys.
  [[nodiscard]] Tracking& tracking() noexcept { return *tracking_; }
  /// Where commands send what takes long.
  [[nodiscard]] Errands& errands() noexcept { return *errands_; }
  [[nodiscard]] script::Scripts& scripts() noexcept { return *scripts_; }
  /// Whether any script takes long, so that others may have to wait for it: one relaxed load.
  [[nodiscard]] bool scripts_are_slow() const noexcept { return slow_scripts_.load(std::memory_order_relaxed) != 0; }
  [[nodiscard]] EncodingLimits& encoding_limits() noexcept { return encoding_limits_; }
  /// 40 hex digits that no other start of any server has.
  [[nodiscard]] const std::string& run_id() const noexcept { return run_id_; }
  /// When the environment was made, on the monotonic clock.
  [[nodiscard]] std::uint64_t started_ns() const noexcept { return started_ns_; }

  /// Whether a pause is, or was lately, asked for: one relaxed load, for doors to ask before every command.
  [[nodiscard]] bool pausing() const noexcept { return pause_.load(std::memory_order_relaxed) != 0; }
  /// The pause in force now. Clears one that is over.
  [[nodiscard]] Pause pause() noexcept;
  /// Replaces the pause. `until_ns` 0 ends it.
  void set_pause(const Pause& pause) noexcept;
  /// How many calls wait for the end of a pause: the doors count them.
  [[nodiscard]] std::atomic<std::size_t>& paused_calls() noexcept { return paused_calls_; }

 private:
  store::Engine& engine_;
  Host& host_;
  std::unique_ptr<ClientRegistry> clients_;
  std::unique_ptr<SlowLog> slow_log_;
  std::unique_ptr<SlowLog> large_requests_;
  std::unique_ptr<SlowLog> large_replies_;
  std::unique_ptr<LatencyMonitor> latency_;
  std::unique_ptr<CommandStatistics> statistics_;
  std::unique_ptr<Snapshots> snapshots_;
  std::unique_ptr<Backups> backups_;
  std::unique_ptr<Errands> errands_;
  std::unique_ptr<AuthBackoff> auth_backoff_;
  std::unique_ptr<Channels> channels_;
  std::unique_ptr<Users> users_;
  std::unique_ptr<Monitors> monitors_;
  std::unique_ptr<HotKeys> hot_keys_;
  std::unique_ptr<Waiting> waiting_;
  std::unique_ptr<Tracking> tracking_;
  std::unique_ptr<Notices> notices_;
  std::atomic<int> slow_scripts_{0};
  std::unique_ptr<script::Scripts> scripts_;
  EncodingLimits encoding_limits_;
  std::uint64_t started_ns_;
  const std::string run_id_;
  std::atomic<std::size_t> paused_calls_{0};
  std::atomic<replication::Group*> group_{nullptr};
  std::atomic<std::uint64_t> pause_{0};  ///< until_ns * 2, plus 1 when only writes wait
};

}  // namespace stave::commands
