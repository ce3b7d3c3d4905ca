#include "stave/client.h"

#include <array>
#include <utility>

#include "base/try.h"
#include "doors/client/reply_parser.h"
#include "doors/client/socket.h"

namespace stave {

namespace {

void append_request(std::string& to, std::span<const std::string_view> arguments) {
  to += '*' + std::to_string(arguments.size()) + "\r\n";
  for (const auto argument : arguments) {
    to += '$' + std::to_string(argument.size()) + "\r\n";
    to.append(argument) += "\r\n";
  }
}

}  // namespace

struct Client::Impl {
  Impl(std::string_view host_name, std::uint16_t port_number, const ClientOptions& given)
      : host(host_name), port(port_number), options(given), parser(limits()) {}

  [[nodiscard]] client::ReplyLimits limits() const {
    return {options.reply_bytes_max, options.reply_elements_max, options.reply_depth_max};
  }
  Result<void> open();
  Result<void> greet();
  Result<std::vector<Reply>> exchange(std::string_view request, std::size_t count);
  Result<void> take_replies(std::vector<Reply>& replies, std::size_t count);
  Result<void> receive();

  std::string host;
  std::uint16_t port;
  ClientOptions options;
  client::Socket socket;
  client::ReplyParser parser;
  std::function<void(Reply)> listener;
  std::array<char, 64 << 10> buffer;
};

Result<void> Client::Impl::open() {
  socket.close();
  parser = client::ReplyParser(limits());
  STAVE_ASSIGN(socket, client::Socket::connect(host, port, options.connect_timeout_ms));
  auto greeted = greet();
  if (!greeted) socket.close();
  return greeted;
}

/// Everything that must be said before the first command, in one round trip.
Result<void> Client::Impl::greet() {
  std::string request;
  std::size_t count = 0;
  const auto say = [&](std::initializer_list<std::string_view> arguments) {
    append_request(request, std::span(arguments.begin(), arguments.size()));
    ++count;
  };
  const std::string_view user = options.user.empty() ? std::string_view("default") : std::string_view(options.user);
  if (options.protocol == 3) {
    if (options.password.empty()) {
      say({"HELLO", "3"});
    } else {
      say({"HELLO", "3", "AUTH", user, options.password});
    }
  } else if (!options.password.empty()) {
    // Servers from before access lists know only the short form.
    if (options.user.empty()) {
      say({"AUTH", options.password});
    } else {
      say({"AUTH", user, options.password});
    }
  }
  const std::string database = std::to_string(options.database);
  if (options.database != 0) say({"SELECT", database});
  if (count == 0) return {};
  STAVE_ASSIGN(const auto replies, exchange(request, count));
  for (const Reply& reply : replies) {
    if (reply.is_error()) return fail(to_error(reply));
  }
  return {};
}

Result<void> Client::Impl::receive() {
  STAVE_ASSIGN(const std::size_t got, socket.receive(buffer, options.timeout_ms));
  parser.feed({buffer.data(), got});
  return {};
}

Result<void> Client::Impl::take_replies(std::vector<Reply>& replies, std::size_t count) {
  for (;;) {
    STAVE_ASSIGN(auto reply, parser.next());
    if (!reply) return {};
    if (reply->kind == Reply::Kind::kPush) {
      if (listener) listener(std::move(*reply));
      continue;
    }
    if (replies.size() == count) return fail(ErrorCode::kCorrupt, "the server sent a reply that nobody asked for");
    replies.push_back(std::move(*reply));
  }
}

/// Sends `request` and reads `count` replies. Reads while it sends: a server that is busy answering a long pipeline
/// stops reading, and both would wait for ever.
Result<std::vector<Reply>> Client::Impl::exchange(std::string_view request, std::size_t count) {
  if (!socket.is_open()) return fail(ErrorCode::kIo, "not connected; call reconnect()");
  std::vector<Reply> replies;
  const auto talk = [&]() -> Result<void> {
    while (!request.empty()) {
      STAVE_ASSIGN(const std::size_t sent, socket.send_some(request, options.timeout_ms));
      request.remove_prefix(sent);
      if (sent == 0) {
        STAVE_TRY(receive());
        STAVE_TRY(take_replies(replies, count));
      }
    }
    STAVE_TRY(take_replies(replies, count));
    while (replies.size() < count) {
      STAVE_TRY(receive());
      STAVE_TRY(take_replies(replies, count));
    }
    return {};
  };
  if (auto talked = talk(); !talked) {
    // A later reply could be taken for the answer to another command: never use this connection again.
    socket.close();
    return fail(std::move(talked).error());
  }
  return replies;
}

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

Result<Client> Client::connect(std::string_view host, std::uint16_t port, const ClientOptions& options) {
  if (options.protocol != 2 && options.protocol != 3)
    return fail(ErrorCode::kInvalidArgument, "the protocol is 2 or 3");
  auto impl = std::make_unique<Impl>(host, port, options);
  STAVE_TRY(impl->open());
  return Client(std::move(impl));
}

Result<void> Client::reconnect() {
  return impl_->open();
}
bool Client::connected() const noexcept {
  return impl_->socket.is_open();
}
void Client::on_push(std::function<void(Reply)> listener) {
  impl_->listener = std::move(listener);
}

Result<Reply> Client::command(std::span<const std::string_view> arguments) {
  if (arguments.empty()) return fail(ErrorCode::kInvalidArgument, "an empty command");
  std::string request;
  append_request(request, arguments);
  STAVE_ASSIGN(auto replies, impl_->exchange(request, 1));
  return std::move(replies.front());
}

Result<std::optional<std::string>> Client::get(std::string_view key) {
  STAVE_ASSIGN(Reply reply, command({"GET", key}));
  if (reply.is_error()) return fail(to_error(reply));
  if (reply.is_null()) return std::nullopt;
  return std::move(reply.text);
}

Result<void> Client::set(std::string_view key, std::string_view value) {
  STAVE_ASSIGN(const Reply reply, command({"SET", key, value}));
  if (reply.is_error()) return fail(to_error(reply));
  return {};
}

Result<void> Client::set(std::string_view key, std::string_view value, std::int64_t ttl_ms) {
  const std::string ttl = std::to_string(ttl_ms);
  STAVE_ASSIGN(const Reply reply, command({"SET", key, value, "PX", ttl}));
  if (reply.is_error()) return fail(to_error(reply));
  return {};
}

Result<bool> Client::remove(std::string_view key) {
  STAVE_ASSIGN(const Reply reply, command({"DEL", key}));
  if (reply.is_error()) return fail(to_error(reply));
  return reply.integer != 0;
}

Result<std::int64_t> Client::increment(std::string_view key, std::int64_t by) {
  const std::string step = std::to_string(by);
  STAVE_ASSIGN(const Reply reply, command({"INCRBY", key, step}));
  if (reply.is_error()) return fail(to_error(reply));
  return reply.integer;
}

Pipeline& Pipeline::add(std::span<const std::string_view> arguments) {
  if (arguments.empty()) return *this;  // The server would answer nothing to it.
  append_request(request_, arguments);
  ++count_;
  return *this;
}

Result<std::vector<Reply>> Pipeline::run() {
  const std::string request = std::exchange(request_, {});
  return client_->impl_->exchange(request, std::exchange(count_, 0));
}

Error to_error(const Reply& reply) {
  struct Word {
    std::string_view word;
    ErrorCode code;
  };
  static constexpr Word kWords[] = {
      {"WRONGTYPE", ErrorCode::kWrongType},  {"NOAUTH", ErrorCode::kPermission},
      {"WRONGPASS", ErrorCode::kPermission}, {"NOPERM", ErrorCode::kPermission},
      {"OOM", ErrorCode::kNoMemory},         {"BUSY", ErrorCode::kBusy},
      {"LOADING", ErrorCode::kBusy},         {"READONLY", ErrorCode::kReadOnly},
      {"MISCONF", ErrorCode::kReadOnly},     {"IOERR", ErrorCode::kIo},
      {"NOSPACE", ErrorCode::kNoSpace},      {"EXECABORT", ErrorCode::kAborted},
      {"NOPROTO", ErrorCode::kUnsupported},  {"BUSYKEY", ErrorCode::kConflict},
  };
  const std::string_view text = reply.text;
  const std::string_view word = text.substr(0, text.find(' '));
  for (const Word& row : kWords) {
    if (row.word == word) return {row.code, reply.text};
  }
  if (text.find("is not an integer") != std::string_view::npos ||
      text.find("is not a valid float") != std::string_view::npos)
    return {ErrorCode::kNotANumber, reply.text};
  if (text.find("would overflow") != std::string_view::npos) return {ErrorCode::kOverflow, reply.text};
  if (text.find("exceeds maximum") != std::string_view::npos) return {ErrorCode::kTooLarge, reply.text};
  if (text.starts_with("ERR unknown command")) return {ErrorCode::kUnsupported, reply.text};
  if (text.starts_with("ERR invalid password")) return {ErrorCode::kPermission, reply.text};
  return {ErrorCode::kInvalidArgument, reply.text};
}

}  // namespace stave
