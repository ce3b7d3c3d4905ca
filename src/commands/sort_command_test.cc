#include "commands/sort_command.h"

#include <atomic>
#include <thread>

#include "commands/fixture_for_test.h"
#include "store/collection.h"

namespace stave::commands {
namespace {

class Sort : public CommandsTest {
 protected:
  /// Keys of types whose commands are not this family's business.
  template <class Type, class Fill>
  void make(std::string_view key, Fill fill) {
    typename Type::Compact collection;
    fill(collection);
    store::Transaction transaction(*engine_, {0, key});
    ASSERT_TRUE((store::put_collection<Type>(transaction, {0, key}, collection)));
    ASSERT_TRUE(transaction.commit());
  }
  void make_hash(std::string_view key, std::string_view field, std::string_view value) {
    make<store::Hash>(key, [&](types::hash::Compact& hash) { hash.set(field, value); });
  }
  void make_set(std::string_view key, std::initializer_list<std::string_view> members) {
    make<store::Set>(key, [&](types::set::Compact& set) {
      for (const std::string_view member : members) set.add(member);
    });
  }
};

constexpr const char* kWrongType = "-WRONGTYPE Operation against a key holding the wrong kind of value";
constexpr const char* kSyntax = "-ERR syntax error";
constexpr const char* kNoNumber = "-ERR One or more scores can't be converted into double";

TEST_F(Sort, by_number_and_by_text) {
  run({"RPUSH", "l", "10", "9", "-1", "1e1", "009"});
  EXPECT_EQ(run({"SORT", "l"}), R"(["-1", "009", "9", "10", "1e1"])");
  EXPECT_EQ(run({"SORT", "l", "DESC"}), R"(["1e1", "10", "9", "009", "-1"])");
  EXPECT_EQ(run({"SORT", "l", "ALPHA"}), R"(["-1", "009", "10", "1e1", "9"])");
  EXPECT_EQ(run({"SORT_RO", "l", "alpha", "desc", "LIMIT", "1", "2"}), R"(["1e1", "10"])");
  EXPECT_EQ(run({"SORT", "l", "LIMIT", "-5", "2"}), R"(["-1", "009"])");
  EXPECT_EQ(run({"SORT", "l", "LIMIT", "9223372036854775807", "9223372036854775807"}), "[]");
  EXPECT_EQ(run({"SORT", "none"}), "[]");
  run({"RPUSH", "l", "x"});
  EXPECT_EQ(run({"SORT", "l", "LIMIT", "0", "0"}), kNoNumber);
}

TEST_F(Sort, by_what_belongs_to_an_element) {
  run({"RPUSH", "l", "a", "b", "c", "d"});
  run({"MSET", "w_a", "3", "w_b", "1", "w_c", "2", "name_a", "Ann", "name_b", "Bob"});
  EXPECT_EQ(run({"SORT", "l", "BY", "w_*"}), R"(["d", "b", "c", "a"])");
  EXPECT_EQ(run({"SORT", "l", "BY", "w_*", "GET", "#", "GET", "name_*", "GET", "fixed", "DESC", "LIMIT", "0", "2"}),
            R"(["a", "Ann", nil, "c", nil, nil])");
  EXPECT_EQ(run({"SORT", "l", "BY", "name_*", "ALPHA", "DESC"}), R"(["b", "a", "c", "d"])");
  EXPECT_EQ(run({"SORT", "l", "BY", "name_*"}), kNoNumber);
  make_hash("o_a", "n", "1");
  make_hash("o_b", "n", "2");
  run({"SET", "o_c", "5"});
  EXPECT_EQ(run({"SORT", "l", "BY", "o_*->n", "DESC", "GET", "#", "GET", "o_*->n", "GET", "o_*->x"}),
            R"(["b", "2", nil, "a", "1", nil, "d", nil, nil, "c", nil, nil])");
  EXPECT_EQ(run({"SORT", "l", "BY", "nosort", "GET", "o_*"}), R"([nil, nil, "5", nil])");
}

TEST_F(Sort, leaves_the_order_alone_when_it_is_by_nothing) {
  run({"RPUSH", "l", "c", "a", "b"});
  EXPECT_EQ(run({"SORT", "l", "BY", "nosort"}), R"(["c", "a", "b"])");
  EXPECT_EQ(run({"SORT", "l", "BY", "nosort", "DESC", "LIMIT", "0", "2"}), R"(["b", "a"])");
  EXPECT_EQ(run({"SORT", "l", "BY", "nosort", "BY", "w_*"}), R"(["c", "a", "b"])");
  make<store::SortedSet>("z", [](types::sorted_set::Compact& set) {
    set.set("x", 3);
    set.set("y", 1);
    set.set("z", 2);
  });
  EXPECT_EQ(run({"SORT", "z", "BY", "nosort"}), R"(["y", "z", "x"])");
  EXPECT_EQ(run({"SORT", "z", "BY", "nosort", "DESC", "LIMIT", "1", "5"}), R"(["z", "y"])");
  EXPECT_EQ(run({"SORT", "z", "ALPHA", "DESC"}), R"(["z", "y", "x"])");
  make_set("s", {"3", "1", "2"});
  EXPECT_EQ(run({"SORT", "s"}), R"(["1", "2", "3"])");
  EXPECT_EQ(reply({"SORT", "s", "BY", "nosort", "DESC"}).elements.size(), 3u);
  // What is stored of a set is in an order that the same set would have elsewhere too.
  EXPECT_EQ(run({"SORT", "s", "BY", "nosort", "DESC", "STORE", "t"}), "3");
  EXPECT_EQ(run({"LRANGE", "t", "0", "-1"}), R"(["3", "2", "1"])");
}

TEST_F(Sort, stores_a_list_whatever_was_there) {
  run({"RPUSH", "l", "3", "1", "2"});
  run({"SET", "t", "x", "EX", "100"});
  run({"SET", "n_1", "one"});
  EXPECT_EQ(run({"SORT", "l", "STORE", "t", "GET", "n_*", "GET", "#"}), "6");
  EXPECT_EQ(run({"LRANGE", "t", "0", "-1"}), R"(["one", "1", "", "2", "", "3"])");
  EXPECT_EQ(run({"TTL", "t"}), "-1");
  EXPECT_EQ(run({"SORT", "l", "STORE", "l"}), "3");
  reopen();
  EXPECT_EQ(run({"LRANGE", "l", "0", "-1"}), R"(["1", "2", "3"])");
  EXPECT_EQ(run({"SORT", "l", "LIMIT", "9", "1", "STORE", "t"}), "0");
  EXPECT_EQ(run({"EXISTS", "t"}), "0");
  EXPECT_EQ(run({"SORT", "none", "STORE", "l"}), "0");
  EXPECT_EQ(run({"EXISTS", "l"}), "0");
}

TEST_F(Sort, refuses_what_it_cannot_do) {
  run({"SET", "s", "1"});
  run({"RPUSH", "l", "x"});
  EXPECT_EQ(run({"SORT", "s"}), kWrongType);
  make_hash("h", "f", "v");
  EXPECT_EQ(run({"SORT", "h"}), kWrongType);
  EXPECT_EQ(run({"SORT", "l", "STORE", "s"}), kNoNumber);
  EXPECT_EQ(run({"GET", "s"}), "\"1\"");
  EXPECT_EQ(run({"SORT_RO", "l", "STORE", "s"}), kSyntax);
  for (const char* const word : {"FOO", "BY", "GET", "STORE", "LIMIT"}) EXPECT_EQ(run({"SORT", "l", word}), kSyntax);
  EXPECT_EQ(run({"SORT", "l", "LIMIT", "1"}), kSyntax);
  EXPECT_EQ(run({"SORT", "l", "LIMIT", "x", "1"}), "-ERR value is not an integer or out of range");
  EXPECT_EQ(run({"SORT", "l", "LIMIT", "1", "9223372036854775808"}), "-ERR value is not an integer or out of range");
}

// Beside a writer that changes two weights together, a sorted answer is of one instant.
TEST_F(Sort, sees_one_instant_while_others_write) {
  run({"RPUSH", "l", "a", "b"});
  run({"MSET", "w_a", "1", "w_b", "2"});
  std::atomic<bool> stop = false;
  const auto session = new_session();
  const auto call = [&](std::initializer_list<std::string_view> words) {
    ReplySink sink(*session);
    dispatch(*session, std::span(words.begin(), words.size()), sink);
  };
  std::thread writer([&] {
    bool turned = false;
    while (!stop) {
      turned = !turned;
      call({"MSET", "w_a", turned ? "2" : "1", "w_b", turned ? "1" : "2"});
      call({"RPOPLPUSH", "l", "l"});
    }
  });
  for (int i = 0; i < 2000; ++i) {
    const std::string got = run({"SORT", "l", "BY", "w_*", "GET", "w_*"});
    EXPECT_EQ(got, R"(["1", "2"])");
    EXPECT_EQ(run({"SORT", "l", "BY", "w_*", "GET", "w_*", "STORE", "t"}), "2");
    EXPECT_EQ(run({"LRANGE", "t", "0", "-1"}), R"(["1", "2"])");
  }
  stop = true;
  writer.join();
}

}  // namespace
}  // namespace stave::commands
