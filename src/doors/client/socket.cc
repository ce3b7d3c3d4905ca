#include "doors/client/socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <memory>
#include <utility>

#include "base/try.h"
#include "stave/clock.h"

namespace stave::client {

namespace {

std::unexpected<Error> broken(const char* what, int system_errno) {
  return fail(Error(ErrorCode::kIo, what).with_errno(system_errno));
}
std::unexpected<Error> timed_out(const char* what) {
  return fail(ErrorCode::kBusy, std::string("timed out ") + what);
}

/// Waits for `events`; returns what came. `timeout_ms` 0: for ever. Interruptions by signals are waited through.
Result<short> wait_for(int descriptor, short events, std::int64_t timeout_ms, const char* what) {
  const std::uint64_t start = Clock::system().monotonic_ns();
  for (;;) {
    int left = -1;
    if (timeout_ms > 0) {
      const auto gone = static_cast<std::int64_t>((Clock::system().monotonic_ns() - start) / 1'000'000);
      left = static_cast<int>(std::clamp<std::int64_t>(timeout_ms - gone, 0, std::numeric_limits<int>::max()));
    }
    pollfd poll{descriptor, events, 0};
    const int ready = ::poll(&poll, 1, left);
    if (ready > 0) return poll.revents;
    if (ready == 0) return timed_out(what);
    if (errno != EINTR) return broken(what, errno);
  }
}

struct FreeAddresses {
  void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

Result<Addresses> resolve(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  if (code != 0) return fail(ErrorCode::kNotFound, "no address for host " + host + ": " + ::gai_strerror(code));
  return Addresses(list);
}

/// Connects to one address. Returns the errno, 0 on success.
Result<int> connect_to(int descriptor, const addrinfo& address, std::int64_t timeout_ms) {
  if (::connect(descriptor, address.ai_addr, address.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS && errno != EINTR) return errno;
  STAVE_TRY(wait_for(descriptor, POLLOUT, timeout_ms, "connecting"));
  int code = 0;
  socklen_t size = sizeof code;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) != 0) return errno;
  return code;
}

}  // namespace

Socket::Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    close();
    descriptor_ = std::exchange(other.descriptor_, -1);
  }
  return *this;
}

void Socket::close() noexcept {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

Result<Socket> Socket::connect(const std::string& host, std::uint16_t port, std::int64_t timeout_ms) {
  const std::string name = host + ":" + std::to_string(port);
  STAVE_ASSIGN(const Addresses addresses, resolve(host, port));
  const std::uint64_t start = Clock::system().monotonic_ns();
  int last = ECONNREFUSED;
  for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
    Socket socket(::socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, address->ai_protocol));
    if (!socket.is_open()) {
      last = errno;
      continue;
    }
    std::int64_t left = timeout_ms;
    if (timeout_ms > 0) {
      left -= static_cast<std::int64_t>((Clock::system().monotonic_ns() - start) / 1'000'000);
      if (left <= 0) return timed_out("connecting");
    }
    STAVE_ASSIGN(last, connect_to(socket.descriptor_, *address, left));
    if (last != 0) continue;
    const int yes = 1;
    ::setsockopt(socket.descriptor_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    ::setsockopt(socket.descriptor_, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
    return socket;
  }
  return fail(Error(ErrorCode::kIo, "cannot connect to " + name).with_errno(last));
}

Result<std::size_t> Socket::send_some(std::string_view bytes, std::int64_t timeout_ms) {
  for (;;) {
    const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return broken("the connection broke while sending", errno);
    STAVE_ASSIGN(const short ready, wait_for(descriptor_, POLLOUT | POLLIN, timeout_ms, "sending"));
    if ((ready & POLLOUT) == 0) return std::size_t{0};
  }
}

Result<std::size_t> Socket::receive(std::span<char> into, std::int64_t timeout_ms) {
  for (;;) {
    const ssize_t got = ::recv(descriptor_, into.data(), into.size(), 0);
    if (got > 0) return static_cast<std::size_t>(got);
    if (got == 0) return fail(ErrorCode::kIo, "the server closed the connection");
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return broken("the connection broke while receiving", errno);
    STAVE_TRY(wait_for(descriptor_, POLLIN, timeout_ms, "waiting for a reply"));
  }
}

}  // namespace stave::client
