// A blocking TCP connection with time-outs. The only place of the client that knows a descriptor.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "stave/error.h"

namespace stave::client {

class Socket {
 public:
  Socket() = default;
  ~Socket() { close(); }
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;

  /// Tries every address of the host in turn, within `timeout_ms` in all.
  static Result<Socket> connect(const std::string& host, std::uint16_t port, std::int64_t timeout_ms);

  /// Sends what the peer takes now, at least one byte; waits up to `timeout_ms` (0: for ever). While the peer will not
  /// take more but has something to say, returns 0 so that the caller can read.
  Result<std::size_t> send_some(std::string_view bytes, std::int64_t timeout_ms);
  /// Receives at least one byte, within `timeout_ms` (0: for ever). Errors: kBusy (timed out), kIo (closed by the peer,
  /// or broken).
  Result<std::size_t> receive(std::span<char> into, std::int64_t timeout_ms);
  [[nodiscard]] bool is_open() const noexcept { return descriptor_ >= 0; }
  void close() noexcept;

 private:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
};

}  // namespace stave::client
