// The client: a blocking connection to a running server of the Redis protocol.
//
//     auto client = stave::Client::connect("127.0.0.1", 6379);
//     if (!client) return report(client.error());
//     client->set("user:1", "Alice");
//     auto reply = client->command({"SET", "user:1", "Alice"});
//
// Promises: values are binary-safe; a reply is handed to the command it answers or to nobody: after a time-out or a
// broken protocol the connection is closed, and every later call says so until `reconnect`. A hostile server can cost
// bounded memory and time, no more. Nothing is retried: a command that may have run twice is the caller's decision.
// Threads: one at a time; make as many clients as you like.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stave/error.h"
#include "stave/reply.h"

namespace stave {

struct ClientOptions {
  std::int64_t connect_timeout_ms = 5'000;
  /// Longest wait for a reply, or for the server to take more of a request, without any progress. 0: for ever.
  std::int64_t timeout_ms = 30'000;
  /// Sent with AUTH (or HELLO) when `password` is not empty.
  std::string user;
  std::string password;
  int database = 0;
  /// 2 or 3. With 3 the connection begins with HELLO, and fails when the server knows no HELLO.
  int protocol = 2;
  /// A reply that is larger, nested deeper, or made of more parts is an error.
  std::uint64_t reply_bytes_max = std::uint64_t{1} << 30;
  std::uint64_t reply_elements_max = 64'000'000;
  int reply_depth_max = 64;
};

class Client;

/// Several commands sent at once, answered in order. Valid while its client lives and is not moved.
class Pipeline {
 public:
  Pipeline& add(std::initializer_list<std::string_view> arguments) {
    return add(std::span(arguments.begin(), arguments.size()));
  }
  Pipeline& add(std::span<const std::string_view> arguments);
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  /// Sends everything, reads all replies and empties the pipeline. Errors of single commands are replies among the
  /// others.
  Result<std::vector<Reply>> run();

 private:
  friend class Client;
  explicit Pipeline(Client& client) : client_(&client) {}
  Client* client_;
  std::string request_;
  std::size_t count_ = 0;
};

class Client {
 public:
  /// Errors: kNotFound (no such host), kIo (refused or unreachable), kBusy (timed out), kPermission (wrong password),
  /// kInvalidArgument (options), kUnsupported (protocol).
  static Result<Client> connect(std::string_view host, std::uint16_t port, const ClientOptions& options = {});
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  /// The reply; an error the server answered is a reply too. Errors: kBusy (timed out), kIo (connection lost), kCorrupt
  /// (not the protocol), kTooLarge (limits above): whether the command ran is unknown, and the connection is closed.
  Result<Reply> command(std::span<const std::string_view> arguments);
  Result<Reply> command(std::initializer_list<std::string_view> arguments) {
    return command(std::span(arguments.begin(), arguments.size()));
  }

  // The common ones. An error that the server answered comes back as an Error: kWrongType, kPermission, …
  Result<std::optional<std::string>> get(std::string_view key);
  Result<void> set(std::string_view key, std::string_view value);
  /// The same with an expiry in milliseconds from now.
  Result<void> set(std::string_view key, std::string_view value, std::int64_t ttl_ms);
  /// False when it was not there.
  Result<bool> remove(std::string_view key);
  Result<std::int64_t> increment(std::string_view key, std::int64_t by = 1);

  [[nodiscard]] Pipeline pipeline() { return Pipeline(*this); }
  /// Receives pushes of protocol 3 (they are dropped otherwise), from within calls that read replies.
  void on_push(std::function<void(Reply)> listener);

  [[nodiscard]] bool connected() const noexcept;
  /// Connects anew to the same server with the same options.
  Result<void> reconnect();

 private:
  friend class Pipeline;
  struct Impl;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// What the server's error means to a caller: "WRONGTYPE …" is kWrongType, and so on.
[[nodiscard]] Error to_error(const Reply& reply);

}  // namespace stave
