// A connection over a transport and a clock that the test holds in its hands.
#include "doors/http/connection.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>

namespace stave::http {
namespace {

/// Takes what it has room for, as a socket's buffer does, and says how much of that nobody has acknowledged.
class FakeTransport final : public Transport {
 public:
  struct Line {
    std::string input;
    std::size_t room = 0;
    std::uint64_t on_their_way = 0;
    bool closed = false;
  };
  explicit FakeTransport(Line& line) : line_(line) {}

  void wait_readable() override {}
  std::size_t read(char* into, std::size_t room, ErrorCodeOfSystem&) override {
    const std::size_t count = std::min(room, line_.input.size());
    line_.input.copy(into, count);
    line_.input.erase(0, count);
    return count;
  }
  std::optional<std::size_t> send(std::span<const asio::const_buffer> pieces, ErrorCodeOfSystem&) override {
    std::size_t size = 0;
    for (const asio::const_buffer& piece : pieces) size += piece.size();
    const std::size_t count = std::min(size, line_.room);
    line_.room -= count;
    line_.on_their_way += count;
    return count == 0 ? std::optional<std::size_t>() : count;
  }
  std::uint64_t unacknowledged() override { return line_.on_their_way; }
  void finish_sending() override {}
  void close() override { line_.closed = true; }

 private:
  Line& line_;
};

class FakeHost final : public ConnectionHost {
 public:
  explicit FakeHost(Clock& clock) : clock_(clock) {}
  void hold(Connection&) override {}
  void work(Connection&) override {}
  std::function<void()> way_back(Connection&) override { return {}; }
  void bury(Connection&) override {}
  void close_wanted() override {}
  [[nodiscard]] std::uint64_t now_ns() const override { return clock_.monotonic_ns(); }
  [[nodiscard]] std::string_view date() override { return "Thu, 01 Jan 1970 00:00:00 GMT"; }
  [[nodiscard]] std::string_view next_request_id() override { return "1"; }
  void log_access(const AccessEntry&, std::string_view) override {}
  [[nodiscard]] std::span<char> scratch() override { return scratch_; }

 private:
  Clock& clock_;
  std::array<char, 1024> scratch_{};
};

/// A client of a door that is not open yet: it may ask for the description, which is long.
class ConnectionTest : public testing::Test {
 protected:
  static constexpr std::size_t kBuffer = 8192;
  static constexpr std::size_t kStep = 2048;
  static constexpr std::int64_t kPatienceMs = 1000;
  static constexpr std::int64_t kIdleMs = 5000;

  ConnectionTest() {
    connection_.start(std::make_unique<FakeTransport>(line_));
    line_.input = "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
    line_.room = kBuffer;
    connection_.readable({});
  }
  void wait_ms(std::int64_t ms) {
    clock_.advance_ms(ms);
    connection_.check_time();
  }
  /// The client acknowledges everything, and the kernel has room for so much again.
  void take(std::size_t room) {
    line_.on_their_way = 0;
    line_.room = room;
    connection_.sent({}, 0);
  }

  ManualClock clock_;
  base::DescriptorBudget descriptors_{1000};
  spdlog::logger log_{"test", std::make_shared<spdlog::sinks::null_sink_mt>()};
  Hub hub_{Config{.body_timeout_ms = kPatienceMs, .idle_timeout_ms = kIdleMs}, descriptors_, clock_, log_};
  FakeHost host_{clock_};
  FakeTransport::Line line_;
  Connection connection_{hub_, host_, "127.0.0.1:1", "127.0.0.1:2"};
};

TEST_F(ConnectionTest, a_client_that_acknowledges_reads_though_the_kernel_has_no_room_for_more) {
  ASSERT_EQ(line_.on_their_way, kBuffer);
  for (; line_.on_their_way != 0; line_.on_their_way -= kStep) {
    wait_ms(kPatienceMs);
    ASSERT_FALSE(line_.closed) << line_.on_their_way;
  }
}

TEST_F(ConnectionTest, a_client_that_acknowledges_nothing_is_closed_and_counted) {
  wait_ms(1);
  wait_ms(kPatienceMs);
  EXPECT_FALSE(line_.closed);
  wait_ms(1);
  EXPECT_TRUE(line_.closed);
  EXPECT_EQ(hub_.counters.timed_out.load(), 1u);
}

TEST_F(ConnectionTest, is_idle_only_from_when_its_answer_has_left) {
  for (std::int64_t waited = 0; waited <= kIdleMs; waited += kPatienceMs) {
    take(kStep);
    wait_ms(kPatienceMs);
    ASSERT_FALSE(line_.closed) << waited;
  }
  take(1u << 30);
  wait_ms(kIdleMs);
  EXPECT_FALSE(line_.closed);
  wait_ms(1);
  EXPECT_TRUE(line_.closed);
  EXPECT_EQ(hub_.counters.timed_out.load(), 0u);
}

}  // namespace
}  // namespace stave::http
