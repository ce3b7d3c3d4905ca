#include "doors/http/server.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>

#include "base/assert.h"
#include "base/try.h"
#include "doors/http/io_thread.h"
#include "doors/http/tls.h"

namespace stave::http {
namespace {

using asio::ip::tcp;

constexpr int kBacklog = 1024;
constexpr std::string_view kFull =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nContent-Length: 153\r\n"
    "Retry-After: 1\r\nConnection: close\r\n\r\n"
    R"({"type":"about:blank","title":"Service Unavailable","status":503,"code":"too_many_connections","detail":"no more connections are taken","retryable":true})";
static_assert(kFull.size() - kFull.find("\r\n\r\n") - 4 == 153);

ErrorCode code_of(const ErrorCodeOfSystem& problem) noexcept {
  if (problem == asio::error::address_in_use) return ErrorCode::kBusy;
  if (problem == asio::error::access_denied) return ErrorCode::kPermission;
  if (problem == boost::system::errc::address_not_available || problem == asio::error::address_family_not_supported)
    return ErrorCode::kNotFound;
  return ErrorCode::kIo;
}

}  // namespace

struct Server::Parts {
  Parts(const Config& config, base::DescriptorBudget& descriptors, Clock& clock, spdlog::logger& log)
      : hub(config, descriptors, clock, log) {}

  struct Listener {
    tcp::acceptor acceptor;
    bool paused = false;
  };

  Hub hub;
  TlsHolder tls;
  std::vector<std::unique_ptr<IoThread>> threads;
  std::vector<Listener> listeners;  ///< Once the threads run, only of the first one.
};

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Server::~Server() {
  stop();
}

Result<std::unique_ptr<Server>> Server::start(const Config& config, base::DescriptorBudget& descriptors, Clock& clock,
                                              spdlog::logger& log, std::function<void(std::string_view)> access_log) {
  std::unique_ptr<Server> server(new Server(std::make_unique<Parts>(config, descriptors, clock, log)));
  Parts& parts = *server->parts_;
  parts.hub.access_log = std::move(access_log);
  if (!config.tls_certificate.empty() || !config.tls_key.empty()) STAVE_TRY(server->reload_tls());
  for (std::size_t i = 0; i < std::max<std::size_t>(config.threads, 1); ++i)
    parts.threads.push_back(std::make_unique<IoThread>(parts.hub, static_cast<int>(i)));
  server->port_ = config.port;
  for (const std::string& word : config.addresses) {
    const bool may_lack = word.starts_with('-');
    STAVE_TRY(server->listen(may_lack ? word.substr(1) : word, may_lack));
  }
  if (parts.listeners.empty()) return fail(ErrorCode::kInvalidArgument, "http-bind names no address to listen on");
  Server* const self = server.get();
  parts.threads[0]->on_tick = [self] { self->resume_accepting(); };
  for (std::size_t i = 0; i < parts.listeners.size(); ++i) server->accept_next(i);
  for (const auto& thread : parts.threads) thread->start();
  return server;
}

Result<void> Server::listen(const std::string& address, bool may_lack) {
  STAVE_ASSERT(!parts_->threads.empty());
  asio::io_context& io = parts_->threads[0]->context();
  ErrorCodeOfSystem problem;
  tcp::resolver resolver(io);
  const auto found = resolver.resolve(address == "*" ? "0.0.0.0" : address, std::to_string(port_),
                                      tcp::resolver::passive | tcp::resolver::numeric_service, problem);
  tcp::acceptor acceptor(io);
  if (!problem) {
    const tcp::endpoint endpoint = found.begin()->endpoint();
    acceptor.open(endpoint.protocol(), problem);
    if (!problem) acceptor.set_option(tcp::acceptor::reuse_address(true), problem);
    if (!problem && endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(true), problem);
    if (!problem) acceptor.bind(endpoint, problem);
    if (!problem) acceptor.listen(kBacklog, problem);
  }
  if (problem) {
    if (may_lack && code_of(problem) == ErrorCode::kNotFound) return {};
    return fail(code_of(problem),
                "cannot listen on " + address + ":" + std::to_string(port_) + ": " + problem.message());
  }
  const tcp::endpoint bound = acceptor.local_endpoint(problem);
  port_ = bound.port();
  const bool six = bound.address().is_v6();
  addresses_ += (addresses_.empty() ? "" : ", ") + std::string(parts_->tls.get() ? "https://" : "http://") +
                (six ? "[" : "") + bound.address().to_string() + (six ? "]" : "") + ":" + std::to_string(port_);
  parts_->listeners.push_back({std::move(acceptor)});
  return {};
}

void Server::accept_next(std::size_t listener) {
  STAVE_ASSERT(listener < parts_->listeners.size() && !parts_->listeners[listener].paused);
  auto& threads = parts_->threads;
  IoThread& target = **std::ranges::min_element(threads, {}, [](const auto& thread) { return thread->connections(); });
  parts_->listeners[listener].acceptor.async_accept(
      target.context(), [this, listener, &target](const ErrorCodeOfSystem& problem, tcp::socket socket) {
        Hub& hub = parts_->hub;
        if (problem == asio::error::operation_aborted) return;
        if (problem) {
          // Out of descriptors, most likely: a moment later there may be some.
          hub.log.warn("HTTP: a connection could not be accepted: {}", problem.message());
          parts_->listeners[listener].paused = true;
          return;
        }
        if (hub.connections.fetch_add(1, std::memory_order_relaxed) >= hub.config.connections_max ||
            !hub.descriptors.take()) {
          hub.connections.fetch_sub(1, std::memory_order_relaxed);
          hub.counters.rejected.fetch_add(1, std::memory_order_relaxed);
          ErrorCodeOfSystem ignored;
          socket.non_blocking(true, ignored);
          if (!parts_->tls.get()) socket.write_some(asio::buffer(kFull), ignored);
          socket.shutdown(tcp::socket::shutdown_send, ignored);
        } else {
          hub.counters.accepted.fetch_add(1, std::memory_order_relaxed);
          target.expect_one();
          asio::post(target.context(), [&target, taken = std::move(socket), tls = parts_->tls.get()]() mutable {
            target.adopt(std::move(taken), std::move(tls));
          });
        }
        accept_next(listener);
      });
}

void Server::resume_accepting() {
  for (std::size_t i = 0; i < parts_->listeners.size(); ++i) {
    if (!parts_->listeners[i].paused) continue;
    parts_->listeners[i].paused = false;
    accept_next(i);
  }
}

void Server::serve(commands::Environment& environment) {
  STAVE_ASSERT(!stopped_ && parts_->hub.environment.load() == nullptr);
  for (const auto& thread : parts_->threads) thread->attach(environment.engine());
  parts_->hub.environment.store(&environment, std::memory_order_release);
  parts_->hub.serving.store(Serving::kServing, std::memory_order_release);
}

Result<void> Server::reload_tls() {
  const Config& config = parts_->hub.config;
  if (config.tls_certificate.empty() && config.tls_key.empty()) return {};
  STAVE_ASSIGN(auto context, load_tls(config.tls_certificate, config.tls_key, config.tls_key_password));
  parts_->tls.set(std::move(context));
  return {};
}

void Server::stop() {
  if (stopped_) return;
  stopped_ = true;
  parts_->hub.serving.store(Serving::kStopping, std::memory_order_release);
  if (!parts_->threads.empty()) {
    // The listeners belong to the first thread.
    asio::post(parts_->threads[0]->context(), [this] {
      for (auto& listener : parts_->listeners) {
        ErrorCodeOfSystem ignored;
        listener.paused = false;
        listener.acceptor.close(ignored);
      }
    });
  }
  for (const auto& thread : parts_->threads) thread->stop();
  for (const auto& thread : parts_->threads) thread->join();
}

}  // namespace stave::http
