#include "commands/channels.h"

#include "commands/fixture_for_test.h"
#include "commands/table.h"

namespace stave::commands {
namespace {

class ChannelsTest : public CommandsTest {
 protected:
  void SetUp() override {
    CommandsTest::SetUp();
    listener_ = listening_session(post_);
  }
  void TearDown() override {
    listener_.reset();
    CommandsTest::TearDown();
  }
  std::unique_ptr<Session> listening_session(Post& post) {
    auto session = new_session();
    session->post = &post;
    return session;
  }
  std::string listen(std::initializer_list<std::string_view> call) { return spell(run_in(*listener_, call)); }
  /// All that has come to the post: "3 a:text" is heard by session 3; "3 a~a*:text" by a pattern.
  static std::vector<std::string> heard(Post& post) {
    std::vector<std::string> all;
    post.drain([&](const Message& message, const std::string* pattern, Session& session) {
      all.push_back(std::to_string(session.id()) + " " + message.channel + (pattern != nullptr ? "~" + *pattern : "") +
                    ":" + message.payload);
    });
    return all;
  }
  using Heard = std::vector<std::string>;

  // Opened with the environment, and there until that goes.
  std::optional<Post> post_holder_;
  int wakes_ = 0;
  struct Late {
    ChannelsTest& test;
    operator Post&() {
      if (!test.post_holder_) test.post_holder_.emplace(test.environment_->channels(), [this] { ++test.wakes_; });
      return *test.post_holder_;
    }
  } post_{*this};
  std::unique_ptr<Session> listener_;
};

TEST_F(ChannelsTest, bring_a_message_to_all_who_listen) {
  EXPECT_EQ(run({"PUBLISH", "a", "nobody"}), "0");
  EXPECT_EQ(listen({"SUBSCRIBE", "a"}), "[\"subscribe\", \"a\", 1]");
  EXPECT_EQ(listen({"PSUBSCRIBE", "a*"}), "[\"psubscribe\", \"a*\", 2]");
  EXPECT_EQ(listen({"SSUBSCRIBE", "a"}), "[\"ssubscribe\", \"a\", 1]");
  Post other_post(environment_->channels(), [] {});
  auto other = listening_session(other_post);
  run_in(*other, {"SUBSCRIBE", "a"});
  EXPECT_EQ(run({"PUBLISH", "a", "one"}), "3");
  EXPECT_EQ(run({"PUBLISH", "ab", "two"}), "1");
  EXPECT_EQ(run({"SPUBLISH", "a", "three"}), "1");
  EXPECT_EQ(run({"PUBLISH", "b", "four"}), "0");
  EXPECT_EQ(heard(post_), (Heard{"2 a:one", "2 a~a*:one", "2 ab~a*:two", "2 a:three"}));
  EXPECT_EQ(heard(other_post), Heard{"3 a:one"});
  EXPECT_EQ(heard(post_), Heard{});
  other.reset();
  EXPECT_EQ(run({"PUBSUB", "NUMSUB", "a"}), "[\"a\", 1]");
}

TEST_F(ChannelsTest, wake_a_post_once_and_not_from_within) {
  listen({"SUBSCRIBE", "a"});
  run({"PUBLISH", "a", "1"});
  run({"PUBLISH", "a", "2"});
  EXPECT_EQ(wakes_, 1);
  EXPECT_TRUE(static_cast<Post&>(post_).waiting());
  EXPECT_EQ(heard(post_).size(), 2u);
  EXPECT_FALSE(static_cast<Post&>(post_).waiting());
  listen({"PUBLISH", "a", "3"});
  EXPECT_EQ(wakes_, 1);
  EXPECT_TRUE(static_cast<Post&>(post_).waiting());
}

TEST_F(ChannelsTest, are_forgotten_with_their_last_listener) {
  listen({"SUBSCRIBE", "a", "b"});
  listen({"PSUBSCRIBE", "*"});
  EXPECT_EQ(run({"PUBSUB", "NUMPAT"}), "1");
  EXPECT_NE(run({"CLIENT", "LIST", "TYPE", "pubsub"}).find("flags=P db=0 sub=2 psub=1 ssub=0"), std::string::npos);
  EXPECT_EQ(listen({"UNSUBSCRIBE", "a"}), "[\"unsubscribe\", \"a\", 2]");
  EXPECT_EQ(run({"PUBSUB", "CHANNELS"}), "[\"b\"]");
  EXPECT_EQ(listen({"RESET"}), "RESET");
  EXPECT_EQ(run({"PUBSUB", "CHANNELS"}), "[]");
  EXPECT_EQ(run({"PUBSUB", "NUMPAT"}), "0");
  EXPECT_EQ(run({"PUBLISH", "b", "x"}), "0");
  EXPECT_FALSE(listener_->listening);
  listener_->set_protocol(3);
  EXPECT_EQ(listen({"UNSUBSCRIBE"}), "[\"unsubscribe\", nil, 0]");
}

// A message that was on its way when its listener left reaches nobody.
TEST_F(ChannelsTest, a_message_that_comes_too_late_is_dropped) {
  listen({"SUBSCRIBE", "a"});
  run({"PUBLISH", "a", "late"});
  listen({"UNSUBSCRIBE"});
  EXPECT_EQ(heard(post_), Heard{});
}

TEST_F(ChannelsTest, with_the_older_protocol_little_else_may_be_sent) {
  listener_->set_protocol(2);
  EXPECT_EQ(listen({"SUBSCRIBE", "a"}), "[\"subscribe\", \"a\", 1]");
  EXPECT_EQ(listen({"SET", "a", "1"}).substr(0, 28), "-ERR Can't execute 'set': on");
  EXPECT_EQ(listen({"CLIENT", "LIST"}).substr(0, 36), "-ERR Can't execute 'client|list': on");
  EXPECT_EQ(listen({"NOSUCH"}).substr(0, 20), "-ERR unknown command");
  EXPECT_EQ(listen({"PING"}), "[\"pong\", \"\"]");
  EXPECT_EQ(run({"EXISTS", "a"}), "0");
  listen({"UNSUBSCRIBE"});
  EXPECT_EQ(listen({"PING"}), "PONG");
}

TEST_F(ChannelsTest, without_a_post_nobody_can_listen) {
  EXPECT_EQ(run({"SUBSCRIBE", "a"}),
            "-ERR messages come over a connection of the Redis protocol only, and this is none");
  EXPECT_EQ(run({"PUBSUB", "CHANNELS"}), "[]");
}

TEST_F(ChannelsTest, what_a_session_listens_to_has_a_bound) {
  listener_->queued_bytes_max = 10'000;
  std::string answer;
  int count = 0;
  do {
    answer = listen({"SUBSCRIBE", "channel" + std::to_string(count)});
    ++count;
  } while (answer[0] != '-' && count < 1000);
  EXPECT_EQ(answer, "-OOM there is no room to listen to more: see client-query-buffer-limit and maxmemory");
  EXPECT_EQ(run({"PUBLISH", "channel0", "x"}), "1");
  listen({"UNSUBSCRIBE"});
  EXPECT_EQ(listen({"SUBSCRIBE", "again"}), "[\"subscribe\", \"again\", 1]");
}

// Who hears of a write must find it, whatever happens.
TEST_F(ChannelsTest, a_message_waits_for_what_its_publisher_wrote) {
  listen({"SUBSCRIBE", "a"});
  run({"PUBLISH", "a", "nothing written"});
  run({"SET", "k", "1"});
  const Lsn written = session_->last_write;
  EXPECT_GT(written, kNoLsn);
  run({"PUBLISH", "a", "written"});
  run({"MULTI"});
  run({"SET", "k", "2"});
  run({"PUBLISH", "a", "committed"});
  run({"EXEC"});
  std::vector<Lsn> waits;
  static_cast<Post&>(post_).drain(
      [&](const Message& message, const std::string*, Session&) { waits.push_back(message.pending.durable); });
  EXPECT_EQ(waits, (std::vector<Lsn>{kNoLsn, written, session_->last_write}));
  EXPECT_GT(session_->last_write, written);
}

}  // namespace
}  // namespace stave::commands
