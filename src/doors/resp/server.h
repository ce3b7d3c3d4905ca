// The Redis-protocol server: its listening sockets and its threads.
//
// Threads: `stave-io-0` accepts and serves, `stave-io-1` … serve; nothing else runs. Connections go to the thread that
// has the fewest. Must not know: files, options other than through `Settings`.
#pragma once

#include <memory>
#include <vector>

#include "base/descriptor_budget.h"
#include "doors/resp/io_thread.h"
#include "doors/resp/server_host.h"

namespace stave::resp {

class Server {
 public:
  /// Listens and serves. All must outlive the server.
  /// Errors: kBusy (port taken), kPermission, kInvalidArgument (protected mode), kIo.
  static Result<std::unique_ptr<Server>> start(const Settings& settings, ServerHost& host,
                                               commands::Environment& environment, base::DescriptorBudget& descriptors,
                                               spdlog::logger& log);
  /// As `stop`.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Stops accepting, finishes what is running, makes sure that everything that was answered is on disk, and ends the
  /// threads.
  void stop();
  /// "127.0.0.1:6379, ::1:6379"
  [[nodiscard]] const std::string& addresses() const noexcept { return addresses_; }
  [[nodiscard]] int port() const noexcept { return port_; }
  [[nodiscard]] std::size_t threads() const noexcept { return threads_.size(); }

 private:
  Server(ServerHost& host, commands::Environment& environment, base::DescriptorBudget& descriptors,
         spdlog::logger& log);
  using Listeners = std::vector<std::unique_ptr<Listener>>;
  Result<Listeners> listen(const Settings& settings);
  Result<void> listen_at(const Settings& settings, bool secure, int& port, Listeners& listeners);
  void place(Accepted accepted);

  Shared shared_;
  std::vector<std::unique_ptr<IoThread>> threads_;
  std::string addresses_;
  int port_ = 0;
};

/// `open`: whether everybody is let in. Errors: kInvalidArgument when the settings would then open the store to others.
Result<void> check_protected(const Settings& settings, bool open);

}  // namespace stave::resp
