// One thread of the server: who is taken in, and who is turned away when it ends.
#include "doors/resp/io_thread.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include "commands/fixture_for_test.h"

namespace stave::resp {
namespace {

class IoThreadTest : public commands::CommandsTest {
 protected:
  void SetUp() override {
    commands::CommandsTest::SetUp();
    shared_.reset(new Shared{.engine = *engine_,
                             .environment = *environment_,
                             .log = log_,
                             .limits = limits_,
                             .counters = counters_,
                             .descriptors = descriptors_});
  }
  void TearDown() override {
    if (peer_ >= 0) ::close(peer_);
    commands::CommandsTest::TearDown();
  }

  /// A connection as a listener counts it, before it is anybody's. There is one descriptor for it.
  Accepted accepted() {
    int pair[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    peer_ = pair[1];
    EXPECT_TRUE(descriptors_.take());
    ++shared_->clients;
    return {.descriptor = pair[0], .address = "192.0.2.1:1", .local_address = "192.0.2.2:2"};
  }
  void expect_turned_away(const IoThread& thread) {
    char byte = 0;
    EXPECT_EQ(::recv(peer_, &byte, 1, 0), 0) << "the connection is open";
    EXPECT_EQ(thread.connections(), 0u);
    EXPECT_EQ(shared_->clients, 0);
    EXPECT_TRUE(descriptors_.take()) << "the descriptor was not given back";
  }

  spdlog::logger log_{"test", std::make_shared<spdlog::sinks::null_sink_mt>()};
  Limits limits_;
  Counters counters_;
  base::DescriptorBudget descriptors_{1};
  std::unique_ptr<Shared> shared_;
  int peer_ = -1;
};

// It stayed open, and its descriptor was never given back.
TEST_F(IoThreadTest, turns_away_at_its_end_whom_it_was_given_and_did_not_take_in) {
  IoThread thread(*shared_, 0);
  thread.stop();
  thread.adopt(accepted());
  ASSERT_TRUE(thread.start());
  thread.join();
  expect_turned_away(thread);
}

TEST_F(IoThreadTest, turns_away_whom_another_thread_accepts_after_its_end) {
  IoThread thread(*shared_, 0);
  ASSERT_TRUE(thread.start());
  thread.stop();
  thread.join();
  thread.adopt(accepted());
  expect_turned_away(thread);
}

TEST_F(IoThreadTest, that_never_ran_gives_back_what_it_was_given) {
  {
    IoThread thread(*shared_, 0);
    thread.adopt(accepted());
  }
  char byte = 0;
  EXPECT_EQ(::recv(peer_, &byte, 1, 0), 0);
  EXPECT_TRUE(descriptors_.take());
}

TEST_F(IoThreadTest, gives_back_whom_it_served) {
  IoThread thread(*shared_, 0);
  ASSERT_TRUE(thread.start());
  thread.adopt(accepted());
  thread.stop();
  thread.join();
  expect_turned_away(thread);
}

}  // namespace
}  // namespace stave::resp
