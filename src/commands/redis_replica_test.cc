#include "commands/redis_replica.h"

#include "commands/fixture_for_test.h"
#include "store/mirror.h"
#include "store/own_values.h"

namespace stave::commands {
namespace {

using replication::RedisPosition;
using replication::RedisUnit;

/// A store that mirrors a master, and whoever applies what that sends.
class RedisReplicaTest : public CommandsTest {
 protected:
  void SetUp() override {
    CommandsTest::SetUp();
    begin();
  }
  void TearDown() override {
    replica_.reset();
    CommandsTest::TearDown();
  }
  void begin() {
    engine_->set_mirrors(true);
    replica_ = std::make_unique<RedisReplica>(*environment_);
  }
  void restart() {
    replica_.reset();
    reopen();
    begin();
  }
  static RedisUnit unit(std::uint64_t end, std::initializer_list<std::vector<std::string_view>> calls,
                        int database = 0) {
    RedisUnit made{.calls = {}, .end = end, .database = database};
    for (const auto& words : calls) made.calls.push_back({.database = database, .words = words});
    return made;
  }
  Result<void> apply(std::vector<RedisUnit> units) {
    const store::MirrorPass pass;
    return replica_->apply("line", units, at_);
  }
  /// What is found after a crash.
  std::optional<RedisPosition> found() {
    const store::MirrorPass pass;
    const auto position = replica_->position("line");
    EXPECT_TRUE(position);
    return position.value_or(std::nullopt);
  }
  [[nodiscard]] RedisPosition place(std::uint64_t offset, int database = 0) const {
    return {.replid = at_.replid, .offset = offset, .database = database};
  }

  RedisPosition at_{.replid = std::string(40, 'a'), .offset = 100, .database = 0};
  std::unique_ptr<RedisReplica> replica_;
};

TEST_F(RedisReplicaTest, applies_commands_and_keeps_their_place_with_them) {
  ASSERT_TRUE(apply({unit(110, {{"SET", "a", "1"}}), unit(120, {{"INCR", "n"}, {"RPUSH", "l", "x"}}),
                     unit(130, {{"SET", "b", "2"}}, 3), unit(140, {}, 3)}));
  EXPECT_EQ(at_, place(140, 3));
  restart();
  EXPECT_EQ(found(), place(140, 3));
  EXPECT_EQ(run({"GET", "n"}), "\"1\"");
  EXPECT_EQ(run({"DBSIZE"}), "3");
}

TEST_F(RedisReplicaTest, keeps_no_place_of_another_lineage) {
  ASSERT_TRUE(apply({unit(110, {{"SET", "a", "1"}})}));
  EXPECT_FALSE(replica_->position("other").value());
}

TEST_F(RedisReplicaTest, stops_at_what_cannot_be_applied_and_not_before) {
  const auto done = apply({unit(110, {{"SET", "a", "1"}}), unit(120, {{"SET", "b", "1"}, {"LPUSH", "a", "x"}}),
                           unit(130, {{"SET", "c", "1"}})});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), ErrorCode::kUnsupported);
  EXPECT_NE(done.error().message().find("`LPUSH a x`"), std::string::npos) << done.error().message();
  EXPECT_EQ(at_, place(110));
  EXPECT_EQ(run({"KEYS", "*"}), "[\"a\"]");
}

TEST_F(RedisReplicaTest, refuses_what_no_master_sends) {
  for (const std::vector<std::string_view>& call : {std::vector<std::string_view>{"EVAL", "return 1", "0"},
                                                    {"CONFIG", "SET", "port", "1"},
                                                    {"NONSENSE"},
                                                    {"GET"},
                                                    {"SHUTDOWN"},
                                                    {"BLPOP"}}) {
    const auto done = apply({RedisUnit{.calls = {{.database = 0, .words = call}}, .end = 110, .database = 0}});
    ASSERT_FALSE(done) << call[0];
    EXPECT_EQ(done.error().code(), ErrorCode::kUnsupported);
    EXPECT_EQ(at_, place(100));
  }
  const auto done = apply({unit(110, {{"SET", "a", "1"}}, 99)});
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message().find("database 99"), std::string::npos);
}

TEST_F(RedisReplicaTest, nobody_else_writes) {
  for (const auto& call : {std::vector<std::string_view>{"SET", "a", "1"},
                           {"FLUSHALL"},
                           {"SWAPDB", "0", "1"},
                           {"MSET", "a", "1", "b", "2"},
                           {"FUNCTION", "FLUSH"}})
    EXPECT_TRUE(run(call).starts_with("-READONLY")) << call[0];
  EXPECT_EQ(engine_->put({0, "a"}, "1", {}).error().code(), ErrorCode::kReadOnly);
  EXPECT_EQ(engine_->flush_all().error().code(), ErrorCode::kReadOnly);
  store::Transaction transaction(*engine_, store::KeyRef{0, "a"});
  ASSERT_TRUE(transaction.put({0, "a"}, "1", {}));
  EXPECT_EQ(transaction.commit().error().code(), ErrorCode::kReadOnly);
  EXPECT_EQ(run({"DBSIZE"}), "0");
}

TEST_F(RedisReplicaTest, the_master_sees_what_has_expired_here_and_nobody_else_does) {
  ASSERT_TRUE(apply({unit(110, {{"SET", "n", "1", "PXAT", "1700000001000"},
                                {"HSET", "h", "f", "1", "g", "2"},
                                {"HPEXPIREAT", "h", "1700000001000", "FIELDS", "1", "f"}})}));
  clock_.advance_ms(5000);
  engine_->tick();
  EXPECT_EQ(run({"GET", "n"}), "nil");
  EXPECT_EQ(run({"HGET", "h", "f"}), "nil");
  EXPECT_EQ(run({"DBSIZE"}), "2");
  ASSERT_TRUE(apply({unit(
      120, {{"INCR", "n"}, {"PERSIST", "n"}, {"HINCRBY", "h", "f", "1"}, {"HPERSIST", "h", "FIELDS", "1", "f"}})}));
  EXPECT_EQ(run({"GET", "n"}), "\"2\"");
  EXPECT_EQ(run({"HGET", "h", "f"}), "\"2\"");
}

TEST_F(RedisReplicaTest, an_ordinary_store_expires_again) {
  ASSERT_TRUE(apply({unit(110, {{"SET", "n", "1", "PXAT", "1700000001000"}})}));
  clock_.advance_ms(5000);
  engine_->set_mirrors(false);
  engine_->tick();
  EXPECT_EQ(run({"DBSIZE"}), "0");
  EXPECT_EQ(run({"SET", "a", "1"}), "OK");
}

TEST_F(RedisReplicaTest, what_has_no_place_in_a_transaction_may_come_twice) {
  constexpr std::string_view kLibrary =
      "#!lua name=lib\nredis.register_function('f', function(keys, args) return 1 end)";
  const RedisPosition before = at_;
  for (int i = 0; i < 2; ++i) {
    at_ = before;  // as after a crash before the place was written
    ASSERT_TRUE(apply({unit(110, {{"FUNCTION", "LOAD", kLibrary}})}));
  }
  EXPECT_EQ(run({"FCALL", "f", "0"}), "1");
  for (int i = 0; i < 2; ++i) {
    at_ = place(110);
    ASSERT_TRUE(apply({unit(120, {{"FUNCTION", "DELETE", "lib"}}), unit(130, {{"FLUSHALL"}}),
                       unit(140, {{"PUBLISH", "c", "m"}}), unit(150, {{"FLUSHDB", "ASYNC"}})}));
  }
  EXPECT_EQ(found(), place(150));
}

TEST_F(RedisReplicaTest, a_transaction_with_a_library_is_applied_whole) {
  constexpr std::string_view kLibrary =
      "#!lua name=lib\nredis.register_function('f', function(keys, args) return 1 end)";
  ASSERT_TRUE(apply({unit(110, {{"SET", "a", "1"}, {"FUNCTION", "LOAD", kLibrary}, {"INCR", "a"}})}));
  EXPECT_EQ(run({"GET", "a"}), "\"2\"");
  EXPECT_EQ(run({"FCALL", "f", "0"}), "1");
  restart();
  EXPECT_EQ(found(), place(110));
}

TEST_F(RedisReplicaTest, databases_change_places_once_whenever_it_crashes) {
  ASSERT_TRUE(apply({unit(110, {{"SET", "a", "1"}}), unit(120, {{"SET", "b", "1"}}, 1)}));
  ASSERT_TRUE(apply({unit(130, {{"SWAPDB", "0", "1"}})}));
  EXPECT_EQ(run({"KEYS", "*"}), "[\"b\"]");
  EXPECT_EQ(found(), place(130));
  // A crash right behind the note, and one behind the swap.
  const auto note = [&](std::uint64_t from, std::uint64_t end) {
    const store::MirrorPass pass;
    Lsn version = kNoLsn;
    ASSERT_TRUE(engine_->read({0, run({"EXISTS", "a"}) == "1" ? "a" : "b"}, store::Access::kMeta,
                              [&](const store::ValueView* view) { version = view->version; }));
    const std::string key = run({"EXISTS", "a"}) == "1" ? "a" : "b";
    ASSERT_TRUE(store::write_own(*engine_, store::OwnValue::kMasterPosition,
                                 replication::encode_position("line", place(from)) + "\nswap 0 1 0 " +
                                     std::to_string(raw(version)) + " " + std::to_string(end) + " 0 " + key,
                                 Sync::kDefault));
  };
  note(130, 140);
  restart();
  EXPECT_EQ(found(), place(130));
  note(130, 140);
  {
    const store::MirrorPass pass;
    ASSERT_TRUE(engine_->swap(0, 1));
  }
  restart();
  EXPECT_EQ(found(), place(140));
  EXPECT_EQ(run({"KEYS", "*"}), "[\"a\"]");
}

TEST_F(RedisReplicaTest, empty_databases_change_places_as_often_as_they_like) {
  ASSERT_TRUE(apply({unit(110, {{"SWAPDB", "0", "1"}}), unit(120, {{"SWAPDB", "2", "2"}})}));
  EXPECT_EQ(found(), place(120));
}

}  // namespace
}  // namespace stave::commands
