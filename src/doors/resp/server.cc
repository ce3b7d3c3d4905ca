#include "doors/resp/server.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "base/assert.h"
#include "base/try.h"
#include "commands/users.h"

namespace stave::resp {
namespace {

constexpr unsigned kThreadsMax = 8;

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

/// An address of `bind` and whether this machine may lack it.
std::pair<std::string, bool> split_optional(const std::string& word) {
  if (word.starts_with('-')) return {word.substr(1), true};
  return {word, false};
}

std::size_t thread_count(std::int64_t wanted) noexcept {
  if (wanted > 0) return static_cast<std::size_t>(wanted);
  // Half: clients on the same machine, the kernel's network work and the log's flusher want processors too.
  return std::clamp(std::thread::hardware_concurrency() / 2, 1u, kThreadsMax);
}

}  // namespace

Result<void> check_protected(const Settings& settings, bool open) {
  if (!settings.flag(option_id("protected-mode")) || !open) return {};
  const bool http = settings.number(option_id("http-port")) != 0;
  const std::string all = settings.text(option_id("bind")) + (http ? " " + settings.text(option_id("http-bind")) : "");
  for (const std::string& word : words_of(all)) {
    const std::string address = split_optional(word).first;
    if (is_loopback(address)) continue;
    return stave::fail(ErrorCode::kInvalidArgument,
                       "others could reach the store on " + address +
                           " without a password; set requirepass, or bind to 127.0.0.1, or say protected-mode no");
  }
  return {};
}

Server::Server(ServerHost& host, commands::Environment& environment, base::DescriptorBudget& descriptors,
               spdlog::logger& log)
    : shared_{.engine = environment.engine(),
              .environment = environment,
              .log = log,
              .limits = host.limits(),
              .counters = host.counters(),
              .descriptors = descriptors,
              .tls = &host.tls()} {}

Server::~Server() {
  stop();
}

Result<std::unique_ptr<Server>> Server::start(const Settings& settings, ServerHost& host,
                                              commands::Environment& environment, base::DescriptorBudget& descriptors,
                                              spdlog::logger& log) {
  STAVE_TRY(check_protected(settings, environment.users().open()));
  const std::int64_t wanted = settings.number(option_id("maxclients"));
  if (const std::int64_t most = descriptors.most(); most < wanted) {
    log.warn("The system allows {} clients instead of {}; raise `ulimit -n` for more.", most, wanted);
    host.cap_clients(most);
  }
  std::unique_ptr<Server> server(new Server(host, environment, descriptors, log));
  STAVE_TRY(host.reload_tls());
  STAVE_ASSIGN(auto listeners, server->listen(settings));
  const std::size_t count = thread_count(settings.number(option_id("threads")));
  host.set_serving(server->port_, count);
  for (std::size_t i = 0; i < count; ++i)
    server->threads_.push_back(std::make_unique<IoThread>(server->shared_, static_cast<int>(i)));
  Server* const self = server.get();
  STAVE_TRY(server->threads_[0]->listen(std::move(listeners),
                                        [self](Accepted accepted) { self->place(std::move(accepted)); }));
  for (const auto& thread : server->threads_) STAVE_TRY(thread->start());
  return server;
}

// Who reaches the server's first port finds the others open: that one is opened last.
Result<Server::Listeners> Server::listen(const Settings& settings) {
  Listeners listeners;
  if (const std::string& path = settings.text(option_id("unixsocket")); !path.empty()) {
    const std::string digits = std::to_string(settings.number(option_id("unixsocketperm")));
    unsigned mode = 0;
    const auto [stop, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), mode, 8);
    if (problem != std::errc{} || stop != digits.data() + digits.size())
      return stave::fail(ErrorCode::kInvalidArgument, "unixsocketperm is octal, such as 770");
    STAVE_ASSIGN(auto listener,
                 Listener::open_local(path, mode, static_cast<int>(settings.number(option_id("tcp-backlog")))));
    addresses_ = path;
    listeners.push_back(std::move(listener));
  }
  int tls_port = static_cast<int>(settings.number(option_id("tls-port")));
  port_ = static_cast<int>(settings.number(option_id("port")));
  if (tls_port != 0) STAVE_TRY(listen_at(settings, true, tls_port, listeners));
  if (port_ != 0) STAVE_TRY(listen_at(settings, false, port_, listeners));
  port_ = std::max(port_, 0);  // no address of bind may be there
  if (listeners.empty())
    return stave::fail(ErrorCode::kInvalidArgument,
                       "bind names no address to listen on, or none of port, tls-port and unixsocket is given; HTTP "
                       "alone is not possible");
  return listeners;
}

Result<void> Server::listen_at(const Settings& settings, bool secure, int& port, Listeners& listeners) {
  const std::string before = std::exchange(addresses_, {});
  for (const std::string& word : words_of(settings.text(option_id("bind")))) {
    const auto [address, may_lack] = split_optional(word);
    // -1 is any free one, which the system chooses when it is asked for 0.
    auto listener =
        Listener::open(address, std::max(port, 0), static_cast<int>(settings.number(option_id("tcp-backlog"))));
    if (!listener) {
      if (may_lack && listener.error().code() == ErrorCode::kNotFound) continue;
      return std::unexpected(std::move(listener).error());
    }
    // It is chosen once, for all addresses.
    port = (*listener)->port();
    (*listener)->secure = secure;
    addresses_ += (addresses_.empty() ? "" : ", ") + address + ":" + std::to_string(port) + (secure ? " (TLS)" : "");
    listeners.push_back(std::move(*listener));
  }
  if (!before.empty()) addresses_ += (addresses_.empty() ? "" : ", ") + before;
  return {};
}

void Server::place(Accepted accepted) {
  STAVE_ASSERT(!threads_.empty());
  const auto fewest = std::ranges::min_element(threads_, {}, [](const auto& thread) { return thread->connections(); });
  (*fewest)->adopt(std::move(accepted));
}

void Server::stop() {
  for (const auto& thread : threads_) thread->stop();
  for (const auto& thread : threads_) thread->join();
}

}  // namespace stave::resp
