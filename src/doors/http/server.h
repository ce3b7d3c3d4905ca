// The HTTP door: its listening sockets and its threads.
//
// It can listen before the store is open; until `serve` it answers what needs no store, and that it is recovering.
// Threads: `stave-http-0` accepts and serves, `stave-http-1` … serve; nothing else runs.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/descriptor_budget.h"
#include "commands/environment.h"
#include "doors/http/config.h"
#include "stave/clock.h"
#include "stave/error.h"

namespace spdlog {
class logger;
}

namespace stave::http {

class Server {
 public:
  /// Listens and answers. `descriptors`, `clock` and `log` must outlive the server. `access_log` gets whole lines, from
  /// any thread. Errors: kBusy (port taken), kPermission, kInvalidArgument (no such address, TLS), kIo.
  static Result<std::unique_ptr<Server>> start(const Config& config, base::DescriptorBudget& descriptors, Clock& clock,
                                               spdlog::logger& log, std::function<void(std::string_view)> access_log);
  /// As `stop`.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// The store is open: serve it. It must outlive the server. Once.
  void serve(commands::Environment& environment);
  /// Reads the certificate and key again; connections that are open keep theirs. Errors: as `start`; then the old ones
  /// stay.
  Result<void> reload_tls();
  /// Not ready any more, no new connections; requests in flight finish, and the threads end. Idempotent.
  void stop();

  /// "http://127.0.0.1:8080"
  [[nodiscard]] const std::string& addresses() const noexcept { return addresses_; }
  [[nodiscard]] int port() const noexcept { return port_; }

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);
  Result<void> listen(const std::string& address, bool may_lack);
  void accept_next(std::size_t listener);
  void resume_accepting();

  std::unique_ptr<Parts> parts_;
  std::string addresses_;
  int port_ = 0;
  bool stopped_ = false;
};

}  // namespace stave::http
