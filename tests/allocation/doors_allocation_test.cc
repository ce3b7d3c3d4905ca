// Memory runs out at every moment it can in a connection of either door, while a command that takes long or a value in
// the log makes it wait. It gets an answer, or its connection ends; nothing is thrown at the thread, and what is asked
// next is answered for itself.
#include <gtest/gtest.h>
#include <poll.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>

#include "allocation/failing_allocation.h"
#include "allocation/uncounted_files.h"
#include "base/mutex.h"
#include "commands/fixture_for_test.h"
#include "doors/http/connection.h"
#include "doors/resp/connection.h"

namespace stave {
namespace {

using sim::AllocationsPass;
using sim::FailingAllocation;

constexpr int kPatienceMs = 60'000;
constexpr std::uint64_t kPointsMax = 10'000;

/// A store whose disk takes no memory, with a key "cold" whose value is in the log only.
class DoorsAllocation : public commands::CommandsTest {
 protected:
  void SetUp() override {
    memory_files_ = std::move(file_system_);
    file_system_ = sim::make_uncounted_file_system(*memory_files_);
    options_.sync = Sync::kOs;
    options_.disk_reserve_bytes = 0;
    commands::CommandsTest::SetUp();
    run({"SET", "cold", std::string(4000, 'c')});
    ASSERT_TRUE(engine_->sync());
  }
  void spill() {
    engine_->budget().set(1, MemoryPolicy::kSpill);
    const store::KeyRef cold{0, "cold"};
    // The engine's own thread may have the hand at the moment.
    for (int i = 0; i < 100'000 && !engine_->must_fetch(std::span(&cold, 1)); ++i) engine_->budget().settle();
    engine_->budget().set(0, MemoryPolicy::kSpill);
    ASSERT_TRUE(engine_->must_fetch(std::span(&cold, 1)));
  }

  std::unique_ptr<FileSystem> memory_files_;
  spdlog::logger log_{"test", std::make_shared<spdlog::sinks::null_sink_mt>()};
};

// --- the Redis door ---------------------------------------------------------------------------

class RedisClient {
 public:
  explicit RedisClient(resp::Shared& shared) : bench_(shared), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    bench_.waker = std::make_shared<resp::Waker>(wake_);
    bench_.call = [](resp::Connection&) {};
    int pair[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    peer_ = pair[1];
    connection_ = std::make_unique<resp::Connection>(bench_, pair[0], "192.0.2.1:1", "192.0.2.2:2");
  }
  ~RedisClient() {
    connection_.reset();
    bench_.waker->retire();
    ::close(peer_);
    ::close(wake_);
  }
  void write(std::string_view text) {
    EXPECT_EQ(::send(peer_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  int waits = 0;
  /// What a thread does with it until it is answered; false: the connection has ended.
  bool serve() {
    connection_->on_readable();
    while (!connection_->dead() && connection_->parked_until_ns() != 0) {
      if (!wait()) return false;
      if (connection_->fetched()) connection_->resume();
    }
    if (!connection_->dead()) connection_->send();
    return !connection_->dead();
  }
  std::string answer() {
    char text[8192];
    const ssize_t count = ::recv(peer_, text, sizeof text, 0);
    return count > 0 ? std::string(text, static_cast<std::size_t>(count)) : std::string();
  }

 private:
  bool wait() {
    const AllocationsPass pass;
    pollfd wake{.fd = wake_, .events = POLLIN, .revents = 0};
    if (!connection_->fetched() && ::poll(&wake, 1, kPatienceMs) != 1)
      return ADD_FAILURE() << "nobody came back", false;
    ++waits;
    std::uint64_t count = 0;
    return ::read(wake_, &count, sizeof count) > 0 || errno == EAGAIN;
  }

  resp::Workbench bench_;
  int wake_;
  int peer_ = -1;
  std::unique_ptr<resp::Connection> connection_;
};

TEST_F(DoorsAllocation, of_a_redis_client_that_waits_fails_and_it_is_answered_or_closed) {
  resp::Limits limits;
  limits.query_bytes_max = 1u << 30;
  limits.replies.hard_bytes = 1u << 30;
  limits.replies.soft_bytes = 1u << 30;
  limits.bulk_bytes_max = 1 << 20;
  resp::Counters counters;
  base::DescriptorBudget descriptors(10);
  resp::Shared shared{.engine = *engine_,
                      .environment = *environment_,
                      .log = log_,
                      .limits = limits,
                      .counters = counters,
                      .descriptors = descriptors};
  for (const auto how : {FailingAllocation::How::kOnce, FailingAllocation::How::kForGood}) {
    bool hit = true;
    std::uint64_t answered = 0;
    for (std::uint64_t nth = 1; hit && nth < kPointsMax; ++nth) {
      SCOPED_TRACE(std::to_string(nth) + (how == FailingAllocation::How::kOnce ? ", once" : ", for good"));
      spill();
      RedisClient client(shared);
      client.write("*2\r\n$3\r\nGET\r\n$4\r\ncold\r\n*1\r\n$16\r\nSTAVE.CHECKPOINT\r\n");
      bool alive = false;
      {
        FailingAllocation failing(nth, how);
        EXPECT_NO_THROW(alive = client.serve());
        hit = failing.hit();
      }
      if (HasFailure()) return;
      if (!alive) continue;
      ++answered;
      // For the value; the checkpoint may be over before anybody can wait for it.
      if (!hit) {
        EXPECT_GE(client.waits, 1);
      }
      ASSERT_NE(client.answer(), "");
      client.write("*1\r\n$4\r\nSAVE\r\n");
      if (client.serve()) {
        EXPECT_EQ(client.answer(), "+OK\r\n");
      }
    }
    EXPECT_FALSE(hit);
    EXPECT_GT(answered, 0u);
  }
}

// --- the HTTP door ----------------------------------------------------------------------------

/// The thread of one connection and its transport, by hand.
class HttpClient final : public http::ConnectionHost {
 public:
  explicit HttpClient(http::Hub& hub) : hub_(hub) {
    connection_ = std::make_unique<http::Connection>(hub, *this, "192.0.2.1:1", "192.0.2.2:2");
    connection_->start(std::make_unique<Wire>(*this));
  }
  ~HttpClient() override { connection_.reset(); }
  void write(const std::string& command) {
    const std::string body = "[\"" + command + "\"]";
    input_ = "POST /command HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " +
             std::to_string(body.size()) + "\r\n\r\n" + body;
    output_.clear();
  }
  /// False: the connection has ended.
  bool serve() {
    connection_->readable({});
    while (!closed_ && output_.empty()) {
      if (std::exchange(works_, false)) {
        connection_->step();
      } else if (std::exchange(holds_, false)) {
        connection_->pump();
      } else if (!wait()) {
        return false;
      }
    }
    return !closed_;
  }
  [[nodiscard]] const std::string& answer() const { return output_; }

  void hold(http::Connection&) override { holds_ = true; }
  void work(http::Connection&) override { works_ = true; }
  std::function<void()> way_back(http::Connection& connection) override {
    return [post = post_, parking = connection.parking()] {
      const base::MutexLock lock(post->mutex);
      post->parking = parking;
      post->came = true;
      post->told.notify_all();
    };
  }
  void bury(http::Connection&) override {}
  void close_wanted() override {}
  [[nodiscard]] std::uint64_t now_ns() const override { return hub_.clock.monotonic_ns(); }
  [[nodiscard]] std::string_view date() override { return "Thu, 01 Jan 1970 00:00:00 GMT"; }
  [[nodiscard]] std::string_view next_request_id() override { return "1"; }
  void log_access(const http::AccessEntry&, std::string_view) override {}
  [[nodiscard]] std::span<char> scratch() override { return scratch_; }

 private:
  class Wire final : public http::Transport {
   public:
    explicit Wire(HttpClient& client) : client_(client) {}
    void wait_readable() override {}
    std::size_t read(char* into, std::size_t room, http::ErrorCodeOfSystem&) override {
      const std::size_t count = client_.input_.copy(into, room);
      client_.input_.clear();
      return count;
    }
    std::optional<std::size_t> send(std::span<const http::asio::const_buffer> pieces,
                                    http::ErrorCodeOfSystem&) override {
      const AllocationsPass pass;
      std::size_t count = 0;
      for (const auto& piece : pieces) {
        client_.output_.append(static_cast<const char*>(piece.data()), piece.size());
        count += piece.size();
      }
      return count;
    }
    std::uint64_t unacknowledged() override { return 0; }
    void finish_sending() override {}
    void close() override { client_.closed_ = true; }

   private:
    HttpClient& client_;
  };
  /// Where other threads leave word.
  struct Post {
    base::Mutex mutex;
    base::ConditionVariable told;
    bool came STAVE_GUARDED_BY(mutex) = false;
    std::weak_ptr<http::Connection*> parking STAVE_GUARDED_BY(mutex);
  };

  bool wait() {
    if (connection_->parking().expired()) return ADD_FAILURE() << "it waits for nothing", false;
    std::weak_ptr<http::Connection*> parking;
    {
      const base::MutexLock lock(post_->mutex);
      while (!post_->came)
        if (!post_->told.wait_for_ms(post_->mutex, kPatienceMs)) return ADD_FAILURE() << "nobody came back", false;
      post_->came = false;
      parking = post_->parking;
    }
    if (const auto waiting = parking.lock()) (*waiting)->resume();
    return true;
  }

  http::Hub& hub_;
  std::string input_;
  std::string output_;
  std::array<char, 4096> scratch_;
  bool works_ = false;
  bool holds_ = false;
  bool closed_ = false;
  const std::shared_ptr<Post> post_ = std::make_shared<Post>();
  std::unique_ptr<http::Connection> connection_;
};

// The command asked for next took the other one's result, or ended the process because that was of another kind.
TEST_F(DoorsAllocation, of_an_http_client_that_waits_fails_and_it_is_answered_or_closed) {
  base::DescriptorBudget descriptors(10);
  http::Hub hub({}, descriptors, clock_, log_);
  hub.environment = environment_.get();
  hub.serving = http::Serving::kServing;
  for (const auto how : {FailingAllocation::How::kOnce, FailingAllocation::How::kForGood}) {
    bool hit = true;
    std::uint64_t answered = 0;
    for (std::uint64_t nth = 1; hit && nth < kPointsMax; ++nth) {
      SCOPED_TRACE(std::to_string(nth) + (how == FailingAllocation::How::kOnce ? ", once" : ", for good"));
      HttpClient client(hub);
      client.write("STAVE.CHECKPOINT");
      bool alive = false;
      {
        FailingAllocation failing(nth, how);
        EXPECT_NO_THROW(alive = client.serve());
        hit = failing.hit();
      }
      if (HasFailure()) return;
      if (!alive) continue;
      ++answered;
      client.write("SAVE");
      ASSERT_TRUE(client.serve());
      EXPECT_NE(client.answer().find("{\"result\":\"OK\"}"), std::string::npos) << client.answer();
    }
    EXPECT_FALSE(hit);
    EXPECT_GT(answered, 0u);
  }
}

}  // namespace
}  // namespace stave
