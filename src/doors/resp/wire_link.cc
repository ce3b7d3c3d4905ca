#include "doors/resp/wire_link.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

#include "base/try.h"

namespace stave::resp {

namespace {

/// A peer that takes nothing for so long is gone.
constexpr int kSendMs = 60'000;
constexpr int kConnectMs = 5'000;
constexpr std::int64_t kAnswerMs = 10'000;
constexpr std::size_t kLineMax = 4096;

struct FreeAddresses {
  void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
};

std::unexpected<Error> broken(int problem) {
  return fail(Error(ErrorCode::kIo, "the connection is broken").with_errno(problem));
}

/// Whether `events` came within so long.
bool await(int descriptor, short events, int wait_ms) noexcept {
  pollfd poll{descriptor, events, 0};
  return ::poll(&poll, 1, wait_ms) > 0;
}

/// A socket that is connected; -1 with errno.
int connect_to(const addrinfo& address) noexcept {
  const int descriptor = ::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, address.ai_protocol);
  if (descriptor < 0) return -1;
  int problem = 0;
  if (::connect(descriptor, address.ai_addr, address.ai_addrlen) != 0) {
    problem = errno;
    if (problem == EINPROGRESS) {
      socklen_t size = sizeof problem;
      problem = ETIMEDOUT;
      if (await(descriptor, POLLOUT, kConnectMs)) ::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &problem, &size);
    }
  }
  if (problem != 0) {
    ::close(descriptor);
    errno = problem;
    return -1;
  }
  const int yes = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  ::setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
  return descriptor;
}

void add_word(std::string& call, std::string_view word) {
  call.append("$").append(std::to_string(word.size())).append("\r\n").append(word).append("\r\n");
}

/// Calls, and reads the one line that is the answer, and no byte behind it.
Result<std::string> ask(replication::Link& link, std::initializer_list<std::string_view> words) {
  std::string call = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string_view word : words) add_word(call, word);
  STAVE_TRY(link.send(std::as_bytes(std::span(call))));
  std::string line;
  while (!line.ends_with("\r\n")) {
    std::byte byte{};
    STAVE_ASSIGN(const std::size_t got, link.receive(std::span(&byte, 1), kAnswerMs));
    if (got == 0) return fail(ErrorCode::kBusy, "the leader does not answer");
    line += static_cast<char>(byte);
    if (line.size() > kLineMax) return fail(ErrorCode::kCorrupt, "what answers is no leader");
  }
  line.resize(line.size() - 2);
  return line;
}

}  // namespace

WireLink::WireLink(std::unique_ptr<Wire> wire, std::string peer)
    : wire_(std::move(wire)), peer_(std::move(peer)), nudge_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

WireLink::~WireLink() {
  if (nudge_ >= 0) ::close(nudge_);
}

void WireLink::nudge() noexcept {
  const std::uint64_t one = 1;
  // Only a full counter can refuse, and then whoever waits is being woken anyway.
  if (nudge_ < 0) return;
  [[maybe_unused]] const ssize_t done = ::write(nudge_, &one, sizeof one);
}

Result<void> WireLink::send(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    iovec piece{const_cast<std::byte*>(bytes.data()), bytes.size()};
    const ssize_t count = wire_->send(&piece, 1);
    if (count > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(count));
      continue;
    }
    if (count == 0 || (errno != EAGAIN && errno != EINTR)) return broken(count == 0 ? ECONNRESET : errno);
    if (!await(wire_->descriptor(), wire_->wants_to_receive() ? POLLIN : POLLOUT, kSendMs))
      return fail(ErrorCode::kBusy, "the other side takes nothing any more");
  }
  return {};
}

Result<std::size_t> WireLink::receive(std::span<std::byte> into, std::int64_t wait_ms) {
  for (bool waited = false;; waited = true) {
    const ssize_t count = wire_->receive(reinterpret_cast<char*>(into.data()), into.size());
    if (count > 0) return static_cast<std::size_t>(count);
    if (count == 0) return fail(ErrorCode::kIo, "the other side has closed the connection");
    if (errno != EAGAIN && errno != EINTR) return broken(errno);
    if (waited || wait_ms == 0) return std::size_t{0};
    pollfd polls[2] = {{wire_->descriptor(), POLLIN, 0}, {nudge_, POLLIN, 0}};
    if (::poll(polls, 2, static_cast<int>(wait_ms)) <= 0) return std::size_t{0};
    if (polls[1].revents != 0) {
      std::uint64_t nudges = 0;
      [[maybe_unused]] const ssize_t done = ::read(nudge_, &nudges, sizeof nudges);
    }
    if (polls[0].revents == 0) return std::size_t{0};
  }
}

void WireLink::shut() noexcept {
  ::shutdown(wire_->descriptor(), SHUT_RDWR);
}

namespace {

/// Connected, and nothing said.
Result<std::unique_ptr<WireLink>> connect_link(const std::string& leader, const DialConfig& config) {
  const std::size_t colon = leader.rfind(':');
  if (colon == std::string::npos)
    return stave::fail(ErrorCode::kInvalidArgument, "a leader is named as host:port, such as db1.example:6379");
  std::string host = leader.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* list = nullptr;
  if (const int code = ::getaddrinfo(host.c_str(), leader.substr(colon + 1).c_str(), &hints, &list); code != 0)
    return stave::fail(ErrorCode::kNotFound, "no address for host " + host + ": " + ::gai_strerror(code));
  const std::unique_ptr<addrinfo, FreeAddresses> addresses(list);
  int descriptor = -1;
  for (const addrinfo* address = addresses.get(); address != nullptr && descriptor < 0; address = address->ai_next)
    descriptor = connect_to(*address);
  if (descriptor < 0) return stave::fail(Error(ErrorCode::kIo, "cannot connect to " + leader).with_errno(errno));
  return std::make_unique<WireLink>(std::make_unique<Wire>(descriptor, config.tls, Wire::Side::kClient), leader);
}

/// Connected, and known to the leader.
Result<std::unique_ptr<WireLink>> enter(const std::string& leader, const DialConfig& config) {
  STAVE_ASSIGN(auto link, connect_link(leader, config));
  if (config.password.empty()) return link;
  // As replicas of Redis do: one that has no users knows no other form.
  auto answered =
      config.user.empty() ? ask(*link, {"AUTH", config.password}) : ask(*link, {"AUTH", config.user, config.password});
  STAVE_ASSIGN(const std::string answer, std::move(answered));
  if (!answer.starts_with("+")) return stave::fail(ErrorCode::kPermission, "the leader answers AUTH: " + answer);
  return link;
}

/// What it answers to who wants its log, which only a Stave knows of.
Result<std::string> ask_to_follow(replication::Link& link) {
  return ask(link, {"STAVE.FOLLOW", "1"});
}

}  // namespace

Result<std::unique_ptr<replication::Link>> dial_redis(const std::string& master, const DialConfig& config) {
  STAVE_ASSIGN(auto link, enter(master, config));
  return std::unique_ptr<replication::Link>(std::move(link));
}

Result<replication::Peer> identify_leader(const std::string& leader, const DialConfig& config) {
  STAVE_ASSIGN(const auto link, enter(leader, config));
  STAVE_ASSIGN(const std::string answer, ask_to_follow(*link));
  if (answer.starts_with("-ERR unknown command")) return replication::Peer::kRedis;
  if (answer.starts_with("-NOAUTH"))
    return stave::fail(ErrorCode::kPermission, "the leader wants a password (masteruser, masterauth): " + answer);
  if (answer.starts_with("-LOADING")) return stave::fail(ErrorCode::kBusy, "the leader answers: " + answer);
  return replication::Peer::kStave;
}

Result<std::unique_ptr<replication::Link>> dial_leader(const std::string& leader, const DialConfig& config) {
  STAVE_ASSIGN(auto link, enter(leader, config));
  STAVE_ASSIGN(const std::string answer, ask_to_follow(*link));
  if (answer != "+CONTINUE")
    return stave::fail(answer.starts_with("-NO") ? ErrorCode::kPermission : ErrorCode::kConflict,
                       "the leader answers: " + answer);
  return std::unique_ptr<replication::Link>(std::move(link));
}

}  // namespace stave::resp
