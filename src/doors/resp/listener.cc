#include "doors/resp/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>

#include "base/assert.h"

namespace stave::resp {
namespace {

int spare_descriptor() noexcept {
  return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

std::string name_of(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "?";
  if (address.ss_family == AF_INET6) {
    const auto& six = reinterpret_cast<const sockaddr_in6&>(address);
    ::inet_ntop(AF_INET6, &six.sin6_addr, text, sizeof text);
    return "[" + std::string(text) + "]:" + std::to_string(ntohs(six.sin6_port));
  }
  const auto& four = reinterpret_cast<const sockaddr_in&>(address);
  ::inet_ntop(AF_INET, &four.sin_addr, text, sizeof text);
  return std::string(text) + ":" + std::to_string(ntohs(four.sin_port));
}

std::string local_name(int descriptor) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length) != 0) return {};
  return name_of(address);
}

void set_option(int descriptor, int level, int name, int value) noexcept {
  // Comfort only: a connection without it still works.
  [[maybe_unused]] const int done = ::setsockopt(descriptor, level, name, &value, sizeof value);
}

void set_up(int descriptor, std::int64_t keepalive_seconds) noexcept {
  set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
  if (keepalive_seconds <= 0) return;
  const int seconds = static_cast<int>(std::min<std::int64_t>(keepalive_seconds, 32767));
  set_option(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
  set_option(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, std::max(seconds / 3, 1));
  set_option(descriptor, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

ErrorCode code_of(int problem) noexcept {
  switch (problem) {
    case EADDRINUSE: return ErrorCode::kBusy;
    case EACCES: return ErrorCode::kPermission;
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT: return ErrorCode::kNotFound;
    default: return ErrorCode::kIo;
  }
}

}  // namespace

bool is_loopback(std::string_view address) noexcept {
  return address.starts_with("127.") || address == "::1" || address == "localhost";
}

Result<std::unique_ptr<Listener>> Listener::open(const std::string& address, int port, int backlog) {
  const std::string where = address + ":" + std::to_string(port);
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const char* const host = address == "*" ? "0.0.0.0" : address.c_str();
  if (const int problem = ::getaddrinfo(host, std::to_string(port).c_str(), &hints, &found); problem != 0)
    return stave::fail(ErrorCode::kNotFound, "cannot listen on " + where + ": " + ::gai_strerror(problem));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> guard(found, &::freeaddrinfo);
  const int descriptor = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return stave::fail(Error(code_of(errno), "cannot listen on " + where).with_errno(errno));
  set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
  if (found->ai_family == AF_INET6) set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (::bind(descriptor, found->ai_addr, found->ai_addrlen) != 0 || ::listen(descriptor, backlog) != 0) {
    const int problem = errno;
    ::close(descriptor);
    return stave::fail(Error(code_of(problem), "cannot listen on " + where).with_errno(problem));
  }
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound), &length) == 0) {
    port = ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(bound).sin6_port
                                             : reinterpret_cast<const sockaddr_in&>(bound).sin_port);
  }
  return std::unique_ptr<Listener>(new Listener(descriptor, address, port));
}

Listener::Listener(int descriptor, std::string address, int port)
    : descriptor_(descriptor), reserve_(spare_descriptor()), port_(port), address_(std::move(address)) {
  STAVE_ASSERT(descriptor_ >= 0);
}

Result<std::unique_ptr<Listener>> Listener::open_local(const std::string& path, unsigned mode, int backlog) {
  const auto refuse = [&](int problem) {
    return stave::fail(Error(code_of(problem), "cannot listen on " + path).with_errno(problem));
  };
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return stave::fail(ErrorCode::kInvalidArgument, "unixsocket is longer than the system allows: " + path);
  path.copy(address.sun_path, path.size());
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return refuse(errno);
  const auto* const name = reinterpret_cast<const sockaddr*>(&address);
  struct stat found{};
  if (::lstat(path.c_str(), &found) == 0) {
    // Only a socket at which nobody answers is out of the way.
    const bool taken = !S_ISSOCK(found.st_mode) || ::connect(descriptor, name, sizeof address) == 0;
    if (taken || ::unlink(path.c_str()) != 0) {
      ::close(descriptor);
      return refuse(EADDRINUSE);
    }
  }
  // The file is made with the rights that the socket has, so that nobody connects before it has those of `mode`.
  if (mode != 0) static_cast<void>(::fchmod(descriptor, mode));
  if (::bind(descriptor, name, sizeof address) != 0 || (mode != 0 && ::chmod(path.c_str(), mode) != 0) ||
      ::listen(descriptor, backlog) != 0) {
    const int problem = errno;
    ::close(descriptor);
    return refuse(problem);
  }
  std::unique_ptr<Listener> listener(new Listener(descriptor, path, 0));
  listener->local_ = true;
  return listener;
}

Listener::~Listener() {
  if (local_) ::unlink(address_.c_str());
  ::close(descriptor_);
  if (reserve_ >= 0) ::close(reserve_);
}

std::optional<Accepted> Listener::accept(Shared& shared) {
  for (;;) {
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    const int descriptor =
        ::accept4(descriptor_, reinterpret_cast<sockaddr*>(&peer), &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (descriptor < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EMFILE || errno == ENFILE) refuse_for_want_of_descriptors(shared);
      return std::nullopt;
    }
    if (shared.clients.load(std::memory_order_relaxed) >= shared.limits.clients_max.load(std::memory_order_relaxed) ||
        !shared.descriptors.take()) {
      static constexpr std::string_view kAnswer = "-ERR max number of clients reached\r\n";
      if (!secure) {
        [[maybe_unused]] const ssize_t sent = ::send(descriptor, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL);
      }
      ::close(descriptor);
      shared.counters.rejected.fetch_add(1, std::memory_order_relaxed);
      continue;
    }
    Accepted accepted{.descriptor = descriptor};
    try {
      accepted.address = local_ ? address_ + ":0" : name_of(peer);
      accepted.local_address = local_ ? accepted.address : local_name(descriptor);
    } catch (const std::bad_alloc&) {
      ::close(descriptor);
      shared.descriptors.give_back();
      shared.counters.rejected.fetch_add(1, std::memory_order_relaxed);
      continue;
    }
    if (secure && shared.tls != nullptr) accepted.tls = shared.tls->get();
    if (!local_) set_up(descriptor, shared.limits.keepalive_seconds.load(std::memory_order_relaxed));
    shared.counters.accepted.fetch_add(1, std::memory_order_relaxed);
    shared.clients.fetch_add(1, std::memory_order_relaxed);
    return accepted;
  }
}

void Listener::refuse_for_want_of_descriptors(Shared& shared) {
  // Left in the queue, the connection would be reported ready for ever. So: give up the reserve, take it, close it.
  if (reserve_ >= 0) ::close(reserve_);
  const int descriptor = ::accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC);
  if (descriptor >= 0) ::close(descriptor);
  reserve_ = spare_descriptor();
  shared.counters.rejected.fetch_add(1, std::memory_order_relaxed);
  shared.log.warn("Out of file descriptors: a connection was refused. Raise `ulimit -n` or lower maxclients.");
}

}  // namespace stave::resp
