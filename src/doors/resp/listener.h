// A listening socket: where connections come from.
//
// Promises: running out of descriptors refuses a client, it does not make the server spin or stop accepting; over
// `maxclients` a client is told so.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "doors/resp/shared.h"
#include "doors/tls/context.h"
#include "stave/error.h"

namespace stave::resp {

struct Accepted {
  int descriptor = -1;
  std::string address;
  std::string local_address;
  tls::Context tls = nullptr;  ///< Null: it is not spoken.
};

class Listener {
 public:
  static constexpr int kAcceptsInTurn = 64;

  /// Listens on a numeric address or a name. `port` 0: any free one.
  /// Errors: kBusy (the port is taken), kPermission, kInvalidArgument (no such address here), kIo.
  static Result<std::unique_ptr<Listener>> open(const std::string& address, int port, int backlog);
  /// Listens on a socket of the file system, which takes the place of one that a former server has left. `mode`: its
  /// permissions; 0: those that the process gives. Errors: kBusy (a server answers there), kInvalidArgument,
  /// kPermission, kIo.
  static Result<std::unique_ptr<Listener>> open_local(const std::string& path, unsigned mode, int backlog);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// The next connection, set up; nullopt when none waits. One that cannot be served is refused and counted inside.
  std::optional<Accepted> accept(Shared& shared);
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  [[nodiscard]] int port() const noexcept { return port_; }
  [[nodiscard]] const std::string& address() const noexcept { return address_; }
  /// TLS is spoken on its connections.
  bool secure = false;

 private:
  Listener(int descriptor, std::string address, int port);
  void refuse_for_want_of_descriptors(Shared& shared);

  int descriptor_;
  int reserve_;  ///< A descriptor to give up when there are no others.
  int port_;
  std::string address_;
  bool local_ = false;  ///< `address_` is a path.
};

/// Whether `address` can only be reached from this machine.
bool is_loopback(std::string_view address) noexcept;

}  // namespace stave::resp
