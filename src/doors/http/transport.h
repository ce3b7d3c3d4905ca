// How bytes get to a client and from it: over TCP, or over TLS over TCP. The connection need not know which.
//
// Promises: whatever was begun ends with exactly one call to the owner, also after `close`; so an owner that counts can
// tell when nothing refers to it any more. One thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace stave::http {

namespace asio = boost::asio;
using ErrorCodeOfSystem = boost::system::error_code;

class TransportOwner {
 public:
  virtual ~TransportOwner() = default;
  /// There is something to read, or the peer is gone (`problem`).
  virtual void readable(const ErrorCodeOfSystem& problem) = 0;
  /// A send that could not be finished at once has taken `count` bytes; 0: try again now.
  virtual void sent(const ErrorCodeOfSystem& problem, std::size_t count) = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;
  /// Calls `owner.readable` once there is something to read. One at a time.
  virtual void wait_readable() = 0;
  /// Takes what is there; 0 with `would_block` when nothing is.
  virtual std::size_t read(char* into, std::size_t room, ErrorCodeOfSystem& problem) = 0;
  /// Sends some of the pieces. A value: so many bytes are gone. nullopt: `owner.sent` will tell, and until then the
  /// pieces stay where they are.
  virtual std::optional<std::size_t> send(std::span<const asio::const_buffer> pieces, ErrorCodeOfSystem& problem) = 0;
  /// Bytes on their way, TLS's own included, that the peer's side has not acknowledged; 0 when nobody can tell.
  [[nodiscard]] virtual std::uint64_t unacknowledged() = 0;
  /// Nothing more will be sent; the peer is told.
  virtual void finish_sending() = 0;
  virtual void close() = 0;
};

std::unique_ptr<Transport> make_plain_transport(asio::ip::tcp::socket socket, TransportOwner& owner);
/// Greets on the first `wait_readable`.
std::unique_ptr<Transport> make_tls_transport(asio::ip::tcp::socket socket, std::shared_ptr<asio::ssl::context> context,
                                              TransportOwner& owner);

}  // namespace stave::http
