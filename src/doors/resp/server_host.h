// The process as the commands see it: CONFIG, AUTH, SHUTDOWN and what INFO tells about sockets.
//
// Owns the settings while the server runs; hands changes to whoever lives by them. Never shows or logs the password.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "base/mutex.h"
#include "commands/environment.h"
#include "doors/resp/settings.h"
#include "doors/resp/shared.h"
#include "doors/resp/wire_link.h"
#include "stave/file_system.h"

namespace stave::commands {
class Users;
}

namespace stave::resp {

class ServerHost final : public commands::Host {
 public:
  struct Process {
    std::string config_file;               ///< Empty: none.
    std::string memory_source = "option";  ///< Where maxmemory comes from: option, cgroup or machine.
    std::function<void()> shut_down;       ///< Asks the process to end in good order. Threads: any.
  };
  ServerHost(Settings settings, Process process, FileSystem& files, spdlog::logger& log);

  /// Once the store is open: from now on changes reach it, and its users are those of the settings. `environment` must
  /// outlive the host's use. Errors: as load_users.
  Result<void> attach(commands::Environment& environment);
  /// The environment goes; another one may be attached.
  void let_go() STAVE_EXCLUDES(mutex_);
  /// How to present oneself to a leader.
  [[nodiscard]] Result<DialConfig> dial_config() const STAVE_EXCLUDES(mutex_);
  void set_serving(int port, std::size_t threads) noexcept {
    port_.store(port, std::memory_order_relaxed);
    threads_.store(threads, std::memory_order_relaxed);
  }
  [[nodiscard]] const Limits& limits() const noexcept { return limits_; }
  [[nodiscard]] Counters& counters() noexcept { return counters_; }
  /// The context of connections over TLS.
  [[nodiscard]] tls::ContextHolder& tls() noexcept { return tls_; }
  /// Makes it anew of the options and the files, if there is a port for it. Errors: as tls::make_context; it stays.
  Result<void> reload_tls() STAVE_EXCLUDES(mutex_);
  /// Lowers maxclients to what the system allows.
  void cap_clients(std::int64_t most);

  Result<void> request_shutdown() override;
  std::vector<std::pair<std::string, std::string>> config() override;
  Result<void> set_config(std::string_view name, std::string_view value) override;
  Result<void> settle_config() override;
  Result<void> rewrite_config() override;
  Result<void> load_users() override;
  Result<void> save_users() override;
  commands::InfoFields info(std::string_view section) override;
  void reset_statistics() override { counters_.reset(); }
  [[nodiscard]] int port() const override { return port_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool trusts_paths() const override { return false; }
  [[nodiscard]] std::string backup_root() const override { return backup_root_; }

 private:
  void apply() STAVE_REQUIRES(mutex_);
  void apply_to_store() STAVE_REQUIRES(mutex_);
  void refresh() STAVE_REQUIRES(mutex_);
  [[nodiscard]] std::string user_lines() const STAVE_REQUIRES(mutex_);

  Process process_;
  FileSystem& files_;
  spdlog::logger& log_;
  const std::string backup_root_;
  mutable base::Mutex mutex_;
  Settings settings_ STAVE_GUARDED_BY(mutex_);
  commands::Environment* environment_ STAVE_GUARDED_BY(mutex_) = nullptr;
  std::string password_in_force_ STAVE_GUARDED_BY(mutex_);  ///< As SHA-256; empty: none.
  tls::ContextHolder tls_;
  tls::Config tls_in_force_ STAVE_GUARDED_BY(mutex_);
  Limits limits_;
  Counters counters_;
  std::atomic<int> port_{0};
  std::atomic<std::size_t> threads_{0};
};

/// Makes `users` those of the settings: requirepass, the configuration's lines, the file of users. Errors: as
/// FileSystem, and kInvalidArgument.
Result<void> load_users(const Settings& settings, FileSystem& files, commands::Users& users);
/// Reads a configuration file. Errors: as FileSystem, and kTooLarge.
Result<std::string> read_config_file(FileSystem& files, const std::string& path);
/// The logger's level for the option `loglevel`.
void set_log_level(spdlog::logger& log, const Settings& settings);

}  // namespace stave::resp
