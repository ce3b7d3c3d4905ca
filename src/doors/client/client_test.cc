// The client against a loopback server that says exactly what a script tells it to.
#include "stave/client.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <thread>

namespace stave {
namespace {

class ScriptedServer {
 public:
  /// `serve(descriptor)` is run for each connection in turn, `connections` times.
  explicit ScriptedServer(std::function<void(int)> serve, int connections = 1) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_, 8), 0);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this, serve = std::move(serve), connections] {
      for (int i = 0; i < connections; ++i) {
        const int connection = ::accept(listener_, nullptr, nullptr);
        if (connection < 0) return;
        serve(connection);
        ::close(connection);
      }
    });
  }
  ~ScriptedServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::jthread thread_;
};

void expect(int descriptor, std::string_view wanted) {
  std::string got(wanted.size(), '\0');
  std::size_t have = 0;
  while (have < got.size()) {
    const auto n = ::recv(descriptor, got.data() + have, got.size() - have, 0);
    if (n <= 0) break;
    have += static_cast<std::size_t>(n);
  }
  EXPECT_EQ(got, wanted);
}
void say(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}
/// Blocks until the client has hung up.
void until_closed(int descriptor) {
  char byte = 0;
  while (::recv(descriptor, &byte, 1, 0) > 0) {
  }
}

TEST(Client, round_trips_binary_values) {
  ScriptedServer server([](int d) {
    expect(d, std::string_view("*3\r\n$3\r\nSET\r\n$3\r\na\0b\r\n$4\r\n\r\n\0x\r\n", 32));
    say(d, "+OK\r\n");
    expect(d, std::string_view("*2\r\n$3\r\nGET\r\n$3\r\na\0b\r\n", 22));
    say(d, std::string_view("$4\r\n\r\n\0x\r\n", 10));
    expect(d, "*2\r\n$3\r\nGET\r\n$4\r\nnone\r\n");
    say(d, "$-1\r\n");
  });
  auto client = Client::connect("127.0.0.1", server.port());
  ASSERT_TRUE(client) << client.error().describe();
  const std::string key("a\0b", 3);
  const std::string value("\r\n\0x", 4);
  EXPECT_TRUE(client->set(key, value));
  EXPECT_EQ(client->get(key).value(), value);
  EXPECT_EQ(client->get("none").value(), std::nullopt);
}

TEST(Client, introduces_itself_before_the_first_command) {
  ScriptedServer server(
      [turn = 0](int d) mutable {
        if (turn++ == 0) {
          expect(d, "*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n");
          say(d, "+OK\r\n+OK\r\n");
        } else {
          expect(d, "*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$7\r\ndefault\r\n$2\r\npw\r\n");
          say(d, "%1\r\n+proto\r\n:3\r\n");
        }
      },
      2);
  EXPECT_TRUE(Client::connect("localhost", server.port(), {.password = "pw", .database = 3}));
  EXPECT_TRUE(Client::connect("127.0.0.1", server.port(), {.password = "pw", .protocol = 3}));
}

TEST(Client, a_wrong_password_fails_the_connection) {
  ScriptedServer server([](int d) {
    expect(d, "*2\r\n$4\r\nAUTH\r\n$2\r\nno\r\n");
    say(d, "-WRONGPASS invalid username-password pair\r\n");
  });
  const auto client = Client::connect("127.0.0.1", server.port(), {.password = "no"});
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code(), ErrorCode::kPermission);
}

TEST(Client, errors_of_the_server_are_replies_and_keep_the_connection) {
  ScriptedServer server([](int d) {
    expect(d, "*2\r\n$3\r\nGET\r\n$4\r\nlist\r\n");
    say(d, "-WRONGTYPE Operation against a key\r\n");
    expect(d, "*3\r\n$6\r\nINCRBY\r\n$4\r\nword\r\n$1\r\n1\r\n");
    say(d, "-ERR value is not an integer or out of range\r\n");
    expect(d, "*1\r\n$4\r\nPING\r\n");
    say(d, "+PONG\r\n");
  });
  auto client = Client::connect("127.0.0.1", server.port());
  ASSERT_TRUE(client);
  EXPECT_EQ(client->get("list").error().code(), ErrorCode::kWrongType);
  EXPECT_EQ(client->increment("word").error().code(), ErrorCode::kNotANumber);
  EXPECT_EQ(client->command({"PING"})->text, "PONG");
}

TEST(Client, a_pipeline_answers_in_order_errors_included) {
  ScriptedServer server([](int d) {
    expect(d, "*1\r\n$4\r\nPING\r\n*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n*1\r\n$3\r\nBAD\r\n");
    say(d, "+PONG\r\n:1\r\n-ERR unknown command\r\n");
  });
  auto client = Client::connect("127.0.0.1", server.port());
  ASSERT_TRUE(client);
  auto pipeline = client->pipeline();
  pipeline.add({"PING"}).add({"INCR", "n"}).add({"BAD"});
  EXPECT_EQ(pipeline.size(), 3u);
  const auto replies = pipeline.run();
  ASSERT_TRUE(replies) << replies.error().describe();
  ASSERT_EQ(replies->size(), 3u);
  EXPECT_EQ((*replies)[1].integer, 1);
  EXPECT_TRUE((*replies)[2].is_error());
  EXPECT_EQ(pipeline.size(), 0u);
}

// The server answers while it is still being written to, and reads no further until its answers are taken.
TEST(Client, a_long_pipeline_does_not_deadlock_with_a_server_that_answers_at_once) {
  constexpr int kCommands = 20'000;
  const std::string value(1000, 'v');
  const std::string request = "*2\r\n$4\r\nECHO\r\n$1000\r\n" + value + "\r\n";
  ScriptedServer server([&](int d) {
    for (int i = 0; i < kCommands; ++i) {
      expect(d, request);
      say(d, "$1000\r\n" + value + "\r\n");
    }
  });
  auto client = Client::connect("127.0.0.1", server.port());
  ASSERT_TRUE(client);
  auto pipeline = client->pipeline();
  for (int i = 0; i < kCommands; ++i) pipeline.add({"ECHO", value});
  const auto replies = pipeline.run();
  ASSERT_TRUE(replies) << replies.error().describe();
  EXPECT_EQ(replies->size(), static_cast<std::size_t>(kCommands));
}

TEST(Client, a_silent_server_times_out_and_the_connection_is_not_used_again) {
  ScriptedServer server(until_closed);
  auto client = Client::connect("127.0.0.1", server.port(), {.timeout_ms = 20});
  ASSERT_TRUE(client);
  EXPECT_EQ(client->get("a").error().code(), ErrorCode::kBusy);
  EXPECT_FALSE(client->connected());
  EXPECT_EQ(client->get("a").error().code(), ErrorCode::kIo);
}

TEST(Client, reconnects_when_told_to) {
  ScriptedServer server(
      [turn = 0](int d) mutable {
        if (turn++ == 0) return;  // Hangs up at once.
        expect(d, "*1\r\n$4\r\nPING\r\n");
        say(d, "+PONG\r\n");
      },
      2);
  auto client = Client::connect("127.0.0.1", server.port());
  ASSERT_TRUE(client);
  EXPECT_EQ(client->command({"PING"}).error().code(), ErrorCode::kIo);
  EXPECT_FALSE(client->connected());
  ASSERT_TRUE(client->reconnect());
  EXPECT_EQ(client->command({"PING"})->text, "PONG");
}

TEST(Client, nonsense_and_unasked_replies_end_the_connection) {
  ScriptedServer server(
      [turn = 0](int d) mutable {
        expect(d, "*1\r\n$4\r\nPING\r\n");
        say(d, turn++ == 0 ? "HTTP/1.1 400 Bad Request\r\n\r\n" : "+PONG\r\n+PONG\r\n");
        until_closed(d);
      },
      2);
  auto client = Client::connect("127.0.0.1", server.port());
  ASSERT_TRUE(client);
  EXPECT_EQ(client->command({"PING"}).error().code(), ErrorCode::kCorrupt);
  ASSERT_TRUE(client->reconnect());
  EXPECT_EQ(client->command({"PING"}).error().code(), ErrorCode::kCorrupt);
  EXPECT_FALSE(client->connected());
}

TEST(Client, pushes_go_to_the_listener_and_not_among_the_replies) {
  ScriptedServer server([](int d) {
    expect(d, "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n");
    say(d, "%0\r\n");
    expect(d, "*1\r\n$4\r\nPING\r\n");
    say(d, ">2\r\n+invalidate\r\n*0\r\n+PONG\r\n");
  });
  auto client = Client::connect("127.0.0.1", server.port(), {.protocol = 3});
  ASSERT_TRUE(client);
  std::vector<std::string> pushed;
  client->on_push([&](const Reply& push) { pushed.push_back(push.elements.at(0).text); });
  EXPECT_EQ(client->command({"PING"})->text, "PONG");
  EXPECT_EQ(pushed, std::vector<std::string>{"invalidate"});
}

TEST(Client, nobody_listening_is_an_error_that_names_the_address) {
  const auto client = Client::connect("127.0.0.1", 1, {.connect_timeout_ms = 1000});
  ASSERT_FALSE(client);
  EXPECT_NE(client.error().describe().find("127.0.0.1:1"), std::string::npos);
  EXPECT_EQ(Client::connect("no.such.host.invalid", 1).error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace stave
