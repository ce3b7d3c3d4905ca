// How bytes get to a client and from it: over a socket, or over TLS over it. The connection need not know which.
//
// Promises: as recv and sendmsg of a non-blocking socket: how many bytes, 0 at the end, or -1 with errno, EAGAIN when
// nothing can be done now. One thread.
#pragma once

#include <openssl/ssl.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <memory>
#include <optional>
#include <string>

#include "doors/tls/context.h"

namespace stave::resp {

class Wire {
 public:
  enum class Side : std::uint8_t { kServer, kClient };
  /// Takes the socket. `context`: null for no TLS. Throws std::bad_alloc.
  Wire(int descriptor, const tls::Context& context, Side side = Side::kServer);
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  ssize_t receive(char* into, std::size_t room) noexcept;
  /// Some of the pieces. When it could not, the same bytes must come first the next time.
  ssize_t send(iovec* pieces, std::size_t count) noexcept;
  /// Gives the connection to another wire; this one may only be destroyed then. Null: there is no descriptor for it.
  std::unique_ptr<Wire> hand_over();
  /// Nothing more will be sent; the peer is told.
  void finish() noexcept;
  /// Bytes that were taken from the socket and not received yet: it will not be reported readable for them.
  [[nodiscard]] bool has_more() const noexcept { return tls_ != nullptr && ::SSL_pending(tls_.get()) > 0; }
  [[nodiscard]] bool secure() const noexcept { return tls_ != nullptr; }
  /// After EAGAIN of a send: whether something has to come before it goes on.
  [[nodiscard]] bool wants_to_receive() const noexcept { return tls_ != nullptr && SSL_want_read(tls_.get()) != 0; }
  /// Once, when TLS has just been agreed on: the common name of the certificate that the client has shown, which was
  /// found good; empty: it has shown none.
  [[nodiscard]] std::optional<std::string> take_greeting();

 private:
  ssize_t outcome(int done) noexcept;

  struct Free {
    void operator()(SSL* tls) const noexcept { ::SSL_free(tls); }
  };
  int descriptor_;
  std::unique_ptr<SSL, Free> tls_;
  bool greeted_ = false;
};

}  // namespace stave::resp
