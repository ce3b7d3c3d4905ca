// The door with its sockets: who waits for the disk, or for a command that takes long, and who does not.
#include "doors/http/server.h"

#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <random>
#include <thread>

#include "commands/fixture_for_test.h"
#include "testing/gated_file_system.h"

namespace stave::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr int kPatienceSeconds = 60;  ///< Until a test that hangs gives up.
constexpr std::size_t kValueBytes = 20'000;
constexpr int kColdKeys = 64;
constexpr std::size_t kRoomBytes = 20 * kValueBytes;  ///< In memory, for values.

/// One client, which reads what it is sent until it has a whole answer.
class Client {
 public:
  explicit Client(int port) : socket_(io_) {
    socket_.connect({asio::ip::address_v4::loopback(), static_cast<asio::ip::port_type>(port)});
    const timeval patience{.tv_sec = kPatienceSeconds, .tv_usec = 0};
    ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  void ask(const std::string& verb, const std::string& target, const std::string& content = {}) {
    std::string text = verb + ' ' + target + " HTTP/1.1\r\nHost: localhost\r\n";
    const bool raw = target.starts_with("/db/") && target != "/db/_batch" && verb == "PUT";
    if (!content.empty())
      text += std::string("Content-Type: application/") + (raw ? "octet-stream" : "json") +
              "\r\nContent-Length: " + std::to_string(content.size()) + "\r\n";
    asio::write(socket_, asio::buffer(text + "\r\n" + content));
  }
  /// The status; 0 when there was no answer. The body is then in `body`.
  int answer() {
    while (input_.find("\r\n\r\n") == std::string::npos)
      if (!receive()) return 0;
    const std::size_t head = input_.find("\r\n\r\n") + 4;
    const std::size_t at = input_.find("Content-Length: ");
    const std::size_t length = at < head ? std::stoul(input_.substr(at + 16)) : 0;
    while (input_.size() < head + length)
      if (!receive()) return 0;
    body = input_.substr(head, length);
    const int status = std::stoi(input_.substr(9, 3));
    input_.erase(0, head + length);
    return status;
  }
  std::string body;

 private:
  bool receive() {
    char piece[4096];
    const ssize_t count = ::recv(socket_.native_handle(), piece, sizeof piece, 0);
    if (count > 0) input_.append(piece, static_cast<std::size_t>(count));
    return count > 0;
  }

  asio::io_context io_;
  tcp::socket socket_;
  std::string input_;
};

/// A server with one thread over a store whose disk stands still when told to.
class ServerTest : public commands::CommandsTest {
 protected:
  void SetUp() override {
    memory_files_ = std::move(file_system_);
    file_system_ = sim::make_gated_file_system(*memory_files_, gate_);
    options_.sync = Sync::kOs;
    CommandsTest::SetUp();
    empty_bytes_ = engine_->budget().used();
    Config config;
    config.port = 0;
    config.stop_timeout_ms = 100;
    auto server = Server::start(config, descriptors_, Clock::system(), log_, [](std::string_view) {});
    ASSERT_TRUE(server) << server.error().describe();
    server_ = std::move(*server);
    server_->serve(*environment_);
  }
  void TearDown() override {
    gate_.open();
    server_.reset();
    CommandsTest::TearDown();
  }

  /// Keys "cold:N", of which all but a few are in the log only, and "warm", which stays in memory.
  void spill() {
    std::mt19937 random(1);  // so that nothing packs well
    for (int i = 0; i < kColdKeys; ++i) {
      std::string value(kValueBytes, ' ');
      for (char& c : value) c = static_cast<char>('a' + random() % 26);
      run({"SET", "cold:" + std::to_string(i), value});
    }
    ASSERT_TRUE(engine_->sync());
    engine_->budget().set(empty_bytes_ + kRoomBytes, MemoryPolicy::kSpill);
    engine_->budget().settle();
    ASSERT_EQ(run({"SET", "warm", "here"}), "OK");
  }
  /// What the store's own thread does on the side.
  void relieve_until_spilled(std::string_view key) {
    const std::array<store::KeyRef, 1> keys = {store::KeyRef{0, key}};
    for (int i = 0; i < 1000 && !engine_->must_fetch(keys); ++i) engine_->budget().settle();
    ASSERT_TRUE(engine_->must_fetch(keys));
  }
  /// One that is in the log only.
  std::string cold_key() {
    std::string found;
    store::Pending pending;
    std::uint64_t cursor = 0;
    do {
      cursor = engine_->scan(
          0, cursor, 100,
          [&](std::string_view key, const store::ValueView& value) {
            if (!value.here && key.starts_with("cold:") && !asked_for_.contains(std::string(key))) found = key;
          },
          pending);
    } while (cursor != 0 && found.empty());
    EXPECT_FALSE(found.empty());
    asked_for_.insert(found);
    return found;
  }
  /// From here on such calls wait; what others ask for is in memory, and in too much demand to leave it.
  void close_gate(sim::Gate::Call call, std::string_view path) {
    // What the former answer took is given back once it is sent, and so a moment after it was received.
    std::string set;
    for (int i = 0; i < 1'000'000 && set != "OK"; ++i) {
      if (i != 0) std::this_thread::yield();
      set = run({"MSET", "warm", "here", "n", "1"});
    }
    ASSERT_EQ(set, "OK");
    for (unsigned i = 0; i < 2 * keyspace::Entry::kHeatMax; ++i) run({"MGET", "warm", "n"});
    const std::array<store::KeyRef, 2> warm = {store::KeyRef{0, "warm"}, store::KeyRef{0, "n"}};
    ASSERT_FALSE(engine_->must_fetch(warm)) << "what the former answer took is not given back";
    gate_.close(call, std::string(path));
  }
  /// While one client waits at the gate, another, on the same thread, is served.
  void expect_others_served() {
    EXPECT_TRUE(gate_.await()) << "nobody waits for the disk";
    Client other(server_->port());
    other.ask("GET", "/get?key=warm");
    EXPECT_EQ(other.answer(), 200);
    EXPECT_EQ(other.body, "here");
    other.ask("PUT", "/db/new", "value");
    EXPECT_NE(other.answer(), 0);
    other.ask("POST", "/pipeline", R"([["INCR", "n"], ["GET", "warm"]])");
    EXPECT_EQ(other.answer(), 200);
  }

  std::set<std::string>
      asked_for_;  // one that something was appended to lies in pages, which are read where they are needed
  sim::Gate gate_;
  std::uint64_t empty_bytes_ = 0;
  std::unique_ptr<FileSystem> memory_files_;
  spdlog::logger log_{"test", std::make_shared<spdlog::sinks::null_sink_mt>()};
  base::DescriptorBudget descriptors_{1000};
  std::unique_ptr<Server> server_;
};

struct Asked {
  const char* verb;
  const char* target;
  const char* body;
};

// Every way to a value: `{}` stands for a key whose value is in the log only.
TEST_F(ServerTest, a_value_that_comes_from_the_disk_holds_up_only_who_asked) {
  spill();
  for (const Asked& asked : {
           Asked{"GET", "/db/{}", ""},
           Asked{"GET", "/db/{}?format=json", ""},
           Asked{"GET", "/get?key={}", ""},
           Asked{"GET", "/db?values=true&limit=100", ""},
           Asked{"PATCH", "/db/{}", R"({"append": "x"})"},
           Asked{"POST", "/db/_batch", R"({"operations": [{"op": "get", "key": "{}"}]})"},
           Asked{"POST", "/command", R"(["GET", "{}"])"},
           Asked{"POST", "/command", R"(["MGET", "warm", "{}"])"},
           Asked{"POST", "/command", R"(["APPEND", "{}", "x"])"},
           Asked{"POST", "/pipeline", R"([["GET", "warm"], ["GET", "{}"], ["SET", "other", "1"]])"},
           Asked{"POST", "/transaction", R"([["GET", "warm"], ["GET", "{}"]])"},
       }) {
    const std::string key = cold_key();
    const auto with_key = [&](std::string text) {
      const std::size_t at = text.find("{}");
      return at == std::string::npos ? text : text.replace(at, 2, key);
    };
    SCOPED_TRACE(std::string(asked.verb) + " " + asked.target + " " + asked.body);
    close_gate(sim::Gate::Call::kRead, "store/");
    Client client(server_->port());
    client.ask(asked.verb, with_key(asked.target), with_key(asked.body));
    expect_others_served();
    gate_.open();
    EXPECT_EQ(client.answer(), std::string_view(asked.target).ends_with("json") ? 409 : 200);
    EXPECT_FALSE(client.body.empty());
  }
}

// A value for which there is no room: what was fetched does not stay, and is read by a thread that may wait.
TEST_F(ServerTest, a_value_larger_than_the_memory_holds_up_only_who_asked) {
  std::string value(2 * kRoomBytes, ' ');
  std::mt19937 random(2);
  for (char& c : value) c = static_cast<char>('a' + random() % 26);
  value.front() = value.back() = '"';
  ASSERT_EQ(run({"SET", "large", value}), "OK");
  spill();
  for (const char* target : {"/db/large", "/db/large?format=json"}) {
    SCOPED_TRACE(target);
    relieve_until_spilled("large");
    close_gate(sim::Gate::Call::kRead, "store/");
    Client client(server_->port());
    client.ask("GET", target);
    expect_others_served();
    gate_.open();
    EXPECT_EQ(client.answer(), 200);
    EXPECT_TRUE(client.body == value);
  }
}

TEST_F(ServerTest, a_command_that_takes_long_holds_up_only_who_asked) {
  run({"SET", "warm", "here"});
  for (const auto& [target, body, answer] :
       {std::array{"/command", R"(["SAVE"])", "{\"result\":\"OK\"}\n"},
        std::array{
            "/pipeline", R"([["SET", "a", "1"], ["SAVE"], ["NONE"], ["SAVE"], ["GET", "a"]])",
            "[{\"result\":\"OK\"},{\"result\":\"OK\"},{\"error\":\"ERR unknown command 'NONE', with args beginning "
            "with: \"},{\"result\":\"OK\"},{\"result\":\"1\"}]\n"}}) {
    SCOPED_TRACE(body);
    close_gate(sim::Gate::Call::kWrite, "snapshots");
    Client client(server_->port());
    client.ask("POST", target, body);
    expect_others_served();
    gate_.open();
    EXPECT_EQ(client.answer(), 200);
    EXPECT_EQ(client.body, answer);
  }
}

TEST_F(ServerTest, a_client_that_leaves_in_the_middle_harms_nobody) {
  spill();
  const std::string key = cold_key();
  close_gate(sim::Gate::Call::kRead, "store/");
  for (const std::string& body : {"[\"GET\", \"" + key + "\"]", std::string("[\"SAVE\"]")}) {
    Client client(server_->port());
    client.ask("POST", "/command", body);
    gate_.await();
  }
  expect_others_served();
  gate_.open();
  Client other(server_->port());
  other.ask("GET", "/db/" + key);
  EXPECT_EQ(other.answer(), 200);
  EXPECT_EQ(other.body.size(), kValueBytes);
}

// What is under way outlives the connection and the thread that waited for it.
TEST_F(ServerTest, stops_although_a_connection_waits_for_the_disk) {
  spill();
  close_gate(sim::Gate::Call::kRead, "store/");
  Client reader(server_->port());
  reader.ask("POST", "/command", "[\"GET\", \"" + cold_key() + "\"]");
  Client lister(server_->port());
  lister.ask("GET", "/db?values=true");
  gate_.await();
  server_->stop();
  EXPECT_EQ(reader.answer(), 0);
  EXPECT_EQ(lister.answer(), 0);
  server_.reset();
}

}  // namespace
}  // namespace stave::http
