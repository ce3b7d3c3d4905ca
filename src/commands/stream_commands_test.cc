#include "commands/stream_commands.h"

#include <string>
#include <vector>

#include "commands/fixture_for_test.h"

namespace stave::commands {
namespace {

class StreamCommands : public CommandsTest {
 protected:
  /// Entries 1-0, 2-0, … with two fields, enough of them for pages.
  void fill(int entries, std::string_view key = "s") {
    for (int i = 1; i <= entries; ++i)
      run({"XADD", key, std::to_string(i) + "-0", "f", std::to_string(i), "field", "value of " + std::to_string(i)});
  }
  std::string first(std::string_view key = "s") { return run({"XRANGE", key, "-", "+", "COUNT", "1"}); }
};

constexpr const char* kWrongType = "-WRONGTYPE Operation against a key holding the wrong kind of value";

TEST_F(StreamCommands, add_entries_under_ids_that_grow) {
  EXPECT_EQ(run({"XADD", "s", "1-1", "f", "v"}), "\"1-1\"");
  EXPECT_EQ(run({"XADD", "s", "1-*", "f", "v", "g", "12"}), "\"1-2\"");
  EXPECT_EQ(run({"XADD", "s", "5", "f", "v"}), "\"5-0\"");
  for (const std::string_view id : {"5", "5-0", "4-*", "1-1"})
    EXPECT_EQ(run({"XADD", "s", id, "f", "v"}),
              "-ERR The ID specified in XADD is equal or smaller than the target stream top item");
  EXPECT_EQ(run({"XADD", "s", "0-0", "f", "v"}), "-ERR The ID specified in XADD must be greater than 0-0");
  for (const std::string_view id : {"x", "1-x", "1-1-*", "-*", "+", "18446744073709551616-0"})
    EXPECT_EQ(run({"XADD", "s", id, "f", "v"}), "-ERR Invalid stream ID specified as stream command argument") << id;
  EXPECT_EQ(run({"XADD", "s", "9", "f", "v", "g"}), "-ERR wrong number of arguments for 'xadd' command");
  EXPECT_EQ(run({"XLEN", "s"}), "3");
  EXPECT_EQ(run({"XRANGE", "s", "-", "+"}),
            R"([["1-1", ["f", "v"]], ["1-2", ["f", "v", "g", "12"]], ["5-0", ["f", "v"]]])");
  const std::string now = run({"XADD", "s", "*", "f", "v"});
  EXPECT_EQ(run({"XADD", "s", "*", "f", "v"}), now.substr(0, now.size() - 2) + "1\"") << "the clock stands still";
  EXPECT_EQ(run({"XADD", "none", "NOMKSTREAM", "1", "f", "v"}), "nil");
  EXPECT_EQ(run({"EXISTS", "none"}), "0");
  EXPECT_EQ(run({"TYPE", "s"}), "stream");
  EXPECT_EQ(run({"OBJECT", "ENCODING", "s"}), "\"stream\"");
}

TEST_F(StreamCommands, have_no_id_behind_the_last_one) {
  EXPECT_EQ(run({"XADD", "s", "18446744073709551615-18446744073709551615", "f", "v"}),
            "\"18446744073709551615-18446744073709551615\"");
  EXPECT_EQ(run({"XADD", "s", "*", "f", "v"}),
            "-ERR The stream has exhausted the last possible ID, unable to add more items");
  EXPECT_EQ(run({"XREAD", "STREAMS", "s", "18446744073709551615-18446744073709551615"}), "nil");
}

TEST_F(StreamCommands, read_ranges_forwards_and_backwards_in_both_forms) {
  for (const int entries : {5, 500}) {
    run({"FLUSHALL"});
    fill(entries);
    EXPECT_EQ(run({"XLEN", "s"}), std::to_string(entries));
    EXPECT_EQ(run({"XRANGE", "s", "2", "(4-0"}),
              R"([["2-0", ["f", "2", "field", "value of 2"]], ["3-0", ["f", "3", "field", "value of 3"]]])");
    EXPECT_EQ(run({"XREVRANGE", "s", "(4-0", "2", "COUNT", "1"}), R"([["3-0", ["f", "3", "field", "value of 3"]]])");
    EXPECT_EQ(reply({"XRANGE", "s", "-", "+"}).elements.size(), static_cast<std::size_t>(entries));
    EXPECT_EQ(reply({"XREVRANGE", "s", "+", "-"}).elements.size(), static_cast<std::size_t>(entries));
    EXPECT_EQ(run({"XRANGE", "s", "9", "2"}), "[]");
    EXPECT_EQ(run({"XRANGE", "s", "-", "+", "COUNT", "0"}), "nil");
    EXPECT_EQ(run({"XRANGE", "none", "-", "+", "COUNT", "0"}), "[]");
    const std::string all = run({"XRANGE", "s", "-", "+"});
    reopen();
    EXPECT_EQ(run({"XRANGE", "s", "-", "+"}), all);
  }
  EXPECT_EQ(run({"XRANGE", "s", "(18446744073709551615-18446744073709551615", "+"}),
            "-ERR invalid start ID for the interval");
  EXPECT_EQ(run({"XRANGE", "s", "-", "(0-0"}), "-ERR invalid end ID for the interval");
}

TEST_F(StreamCommands, delete_entries_and_stay_when_none_is_left) {
  for (const int entries : {3, 300}) {
    run({"FLUSHALL"});
    fill(entries);
    EXPECT_EQ(run({"XDEL", "s", "2-0", "2-0", "9999"}), "1");
    EXPECT_EQ(run({"XRANGE", "s", "2", "2"}), "[]");
    for (int i = 1; i <= entries; ++i) run({"XDEL", "s", std::to_string(i)});
    EXPECT_EQ(run({"XLEN", "s"}), "0");
    EXPECT_EQ(run({"EXISTS", "s"}), "1");
    const std::string last = std::to_string(entries) + "-0";
    EXPECT_EQ(run({"XADD", "s", last, "f", "v"}),
              "-ERR The ID specified in XADD is equal or smaller than the target stream top item");
    reopen();
    EXPECT_EQ(run({"EXISTS", "s"}), "1");
    EXPECT_EQ(run({"XADD", "s", std::to_string(entries) + "-*", "f", "v"}), "\"" + std::to_string(entries) + "-1\"");
  }
}

TEST_F(StreamCommands, trim_to_a_length_and_to_an_id) {
  for (const int entries : {20, 1000}) {
    run({"FLUSHALL"});
    fill(entries);
    EXPECT_EQ(run({"XTRIM", "s", "MINID", "8"}), "7");
    EXPECT_EQ(first(), R"([["8-0", ["f", "8", "field", "value of 8"]]])");
    EXPECT_EQ(run({"XTRIM", "s", "MAXLEN", "=", "10"}), std::to_string(entries - 17));
    EXPECT_EQ(run({"XLEN", "s"}), "10");
    EXPECT_EQ(run({"XADD", "s", "MAXLEN", "3", std::to_string(entries + 1), "f", "v"}),
              "\"" + std::to_string(entries + 1) + "-0\"");
    EXPECT_EQ(run({"XLEN", "s"}), "3");
    EXPECT_EQ(run({"XADD", "s", "MAXLEN", "0", std::to_string(entries + 2), "f", "v"}),
              "\"" + std::to_string(entries + 2) + "-0\"");
    EXPECT_EQ(run({"XLEN", "s"}), "0");
  }
  EXPECT_EQ(run({"XTRIM", "none", "MAXLEN", "0"}), "0");
  EXPECT_EQ(run({"XTRIM", "s", "MAXLEN", "5", "LIMIT", "1"}),
            "-ERR syntax error, LIMIT cannot be used without the special ~ option");
}

// As Redis does with nodes of that many entries.
TEST_F(StreamCommands, trim_about_right_in_pieces) {
  fill(1000);
  EXPECT_EQ(run({"XTRIM", "s", "MAXLEN", "~", "555"}), "400");
  EXPECT_EQ(run({"XTRIM", "s", "MINID", "~", "650"}), "200");
  EXPECT_EQ(first(), R"([["601-0", ["f", "601", "field", "value of 601"]]])");
  EXPECT_EQ(run({"XTRIM", "s", "MAXLEN", "~", "0", "LIMIT", "99"}), "0");
  EXPECT_EQ(run({"XTRIM", "s", "MAXLEN", "~", "0", "LIMIT", "250"}), "200");
  run({"CONFIG", "SET", "stream-node-max-entries", "1"});
  EXPECT_EQ(run({"XTRIM", "s", "MAXLEN", "~", "1"}), "100") << "a hundred pieces at most";
  EXPECT_EQ(run({"XTRIM", "s", "MAXLEN", "~", "1", "LIMIT", "0"}), "99");
}

TEST_F(StreamCommands, keep_count_of_what_was_added_and_deleted) {
  fill(4);
  run({"XDEL", "s", "4", "2"});
  EXPECT_EQ(run({"XINFO", "STREAM", "s"}),
            R"({"length", 2, "radix-tree-keys", 1, "radix-tree-nodes", 2, "last-generated-id", "4-0", )"
            R"("max-deleted-entry-id", "4-0", "entries-added", 4, "recorded-first-entry-id", "1-0", "groups", 0, )"
            R"("first-entry", ["1-0", ["f", "1", "field", "value of 1"]], )"
            R"("last-entry", ["3-0", ["f", "3", "field", "value of 3"]]})");
  EXPECT_EQ(run({"XSETID", "s", "3-0"}),
            "-ERR The ID specified in XSETID is smaller than current max_deleted_entry_id");
  EXPECT_EQ(run({"XSETID", "s", "9-9", "ENTRIESADDED", "1"}),
            "-ERR The entries_added specified in XSETID is smaller than the target stream length");
  EXPECT_EQ(run({"XSETID", "s", "9-9", "ENTRIESADDED", "50", "MAXDELETEDID", "8-0"}), "OK");
  EXPECT_EQ(run({"XADD", "s", "9-*", "f", "v"}), "\"9-10\"");
  EXPECT_EQ(run({"XREAD", "COUNT", "5", "STREAMS", "s", "+"}), R"({"s", [["9-10", ["f", "v"]]]})");
  EXPECT_EQ(run({"XSETID", "none", "1-1"}), "-ERR no such key");
}

TEST_F(StreamCommands, read_what_is_behind_an_id_of_several_streams) {
  fill(3, "a");
  fill(300, "b");
  EXPECT_EQ(run({"XREAD", "COUNT", "1", "STREAMS", "a", "b", "none", "2", "100", "0"}),
            R"({"a", [["3-0", ["f", "3", "field", "value of 3"]]], )"
            R"("b", [["101-0", ["f", "101", "field", "value of 101"]]]})");
  EXPECT_EQ(run({"XREAD", "STREAMS", "a", "$"}), "nil");
  EXPECT_EQ(run({"XREAD", "BLOCK", "1", "STREAMS", "none", "$"}), "nil");
  EXPECT_EQ(run({"XREAD", "STREAMS", "b", "+"}), R"({"b", [["300-0", ["f", "300", "field", "value of 300"]]]})");
  EXPECT_EQ(run({"XREAD", "STREAMS", "a", ">"}),
            "-ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.");
  run({"HELLO", "2"});
  EXPECT_EQ(run({"XREAD", "STREAMS", "a", "2"}), R"([["a", [["3-0", ["f", "3", "field", "value of 3"]]]]])");
}

TEST_F(StreamCommands, refuse_keys_that_hold_something_else) {
  run({"SET", "k", "text"});
  using Words = std::vector<std::string_view>;
  for (const Words& call : {Words{"XADD", "k", "1", "f", "v"},
                            {"XLEN", "k"},
                            {"XDEL", "k", "1"},
                            {"XTRIM", "k", "MAXLEN", "1"},
                            {"XRANGE", "k", "-", "+"},
                            {"XREVRANGE", "k", "+", "-"},
                            {"XSETID", "k", "1"},
                            {"XREAD", "STREAMS", "k", "0"},
                            {"XREAD", "STREAMS", "none", "k", "0", "0"},
                            {"XREADGROUP", "GROUP", "g", "c", "STREAMS", "k", ">"},
                            {"XACK", "k", "g", "1"},
                            {"XPENDING", "k", "g"},
                            {"XCLAIM", "k", "g", "c", "0", "1"},
                            {"XAUTOCLAIM", "k", "g", "c", "0", "0"},
                            {"XGROUP", "CREATE", "k", "g", "0", "MKSTREAM"},
                            {"XGROUP", "DESTROY", "k", "g"},
                            {"XINFO", "STREAM", "k"}})
    EXPECT_EQ(run(call), kWrongType) << call[0];
}

// --- groups ----------------------------------------------------------------------------------------------------------

class GroupCommands : public StreamCommands {
 protected:
  std::string pending() { return run({"XPENDING", "s", "g", "-", "+", "10"}); }
};

TEST_F(GroupCommands, are_given_what_is_new_once) {
  for (const int entries : {5, 400}) {
    run({"FLUSHALL"});
    fill(entries);
    EXPECT_EQ(run({"XGROUP", "CREATE", "s", "g", "1"}), "OK");
    EXPECT_EQ(run({"XGROUP", "CREATE", "s", "g", "1"}), "-BUSYGROUP Consumer Group name already exists");
    EXPECT_EQ(run({"XREADGROUP", "GROUP", "g", "alice", "COUNT", "1", "STREAMS", "s", ">"}),
              R"({"s", [["2-0", ["f", "2", "field", "value of 2"]]]})");
    EXPECT_EQ(run({"XREADGROUP", "GROUP", "g", "bob", "COUNT", "2", "STREAMS", "s", ">"}),
              R"({"s", [["3-0", ["f", "3", "field", "value of 3"]], ["4-0", ["f", "4", "field", "value of 4"]]]})");
    EXPECT_EQ(pending(), R"([["2-0", "alice", 0, 1], ["3-0", "bob", 0, 1], ["4-0", "bob", 0, 1]])");
    EXPECT_EQ(run({"XPENDING", "s", "g"}), R"([3, "2-0", "4-0", [["alice", "1"], ["bob", "2"]]])");
    reopen();
    EXPECT_EQ(run({"XACK", "s", "g", "3-0", "3-0", "9-9"}), "1");
    EXPECT_EQ(run({"XREADGROUP", "GROUP", "g", "bob", "STREAMS", "s", "0"}),
              R"({"s", [["4-0", ["f", "4", "field", "value of 4"]]]})");
    EXPECT_EQ(pending(), R"([["2-0", "alice", 0, 1], ["4-0", "bob", 0, 2]])");
    EXPECT_EQ(run({"XPENDING", "s", "g", "-", "+", "10", "alice"}), R"([["2-0", "alice", 0, 1]])");
    EXPECT_EQ(run({"XPENDING", "s", "g", "IDLE", "1", "-", "+", "10"}), "[]");
    EXPECT_EQ(run({"XGROUP", "DELCONSUMER", "s", "g", "bob"}), "1");
    EXPECT_EQ(run({"XGROUP", "DESTROY", "s", "g"}), "1");
    EXPECT_EQ(run({"XGROUP", "DESTROY", "s", "g"}), "0");
    EXPECT_EQ(run({"XREADGROUP", "GROUP", "g", "bob", "STREAMS", "s", ">"}),
              "-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option");
  }
}

TEST_F(GroupCommands, lag_behind_their_stream) {
  fill(5);
  run({"XGROUP", "CREATE", "s", "g", "0"});
  const auto lag = [&] {
    const Reply groups = reply({"XINFO", "GROUPS", "s"});
    const auto& group = groups.elements.at(0).elements;
    return spell(group.at(9)) + " " + spell(group.at(11));
  };
  EXPECT_EQ(lag(), "nil 5");
  run({"XREADGROUP", "GROUP", "g", "c", "COUNT", "2", "STREAMS", "s", ">"});
  EXPECT_EQ(lag(), "2 3");
  run({"XDEL", "s", "4"});
  EXPECT_EQ(lag(), "2 nil");
  run({"XREADGROUP", "GROUP", "g", "c", "NOACK", "STREAMS", "s", ">"});
  EXPECT_EQ(lag(), "5 0");
  EXPECT_EQ(run({"XPENDING", "s", "g"}), R"([2, "1-0", "2-0", [["c", "2"]]])");
  run({"XTRIM", "s", "MAXLEN", "0"});
  EXPECT_EQ(lag(), "5 0");
}

TEST_F(GroupCommands, claim_what_others_left) {
  for (const int entries : {5, 400}) {
    run({"FLUSHALL"});
    fill(entries);
    run({"XGROUP", "CREATE", "s", "g", "0"});
    run({"XREADGROUP", "GROUP", "g", "a", "COUNT", "4", "STREAMS", "s", ">"});
    clock_.advance_ms(1000);
    EXPECT_EQ(run({"XCLAIM", "s", "g", "b", "5000", "1"}), "[]");
    EXPECT_EQ(run({"XCLAIM", "s", "g", "b", "500", "1"}), R"([["1-0", ["f", "1", "field", "value of 1"]]])");
    EXPECT_EQ(run({"XCLAIM", "s", "g", "b", "0", "2", "JUSTID", "IDLE", "300", "RETRYCOUNT", "7"}), R"(["2-0"])");
    EXPECT_EQ(run({"XCLAIM", "s", "g", "b", "0", "5"}), "[]");
    EXPECT_EQ(run({"XCLAIM", "s", "g", "b", "0", "5", "FORCE", "JUSTID"}), R"(["5-0"])");
    EXPECT_EQ(pending(), R"([["1-0", "b", 0, 2], ["2-0", "b", 300, 7], ["3-0", "a", 1000, 1], ["4-0", "a", 1000, 1], )"
                         R"(["5-0", "b", 0, 1]])");
    run({"XDEL", "s", "3"});
    EXPECT_EQ(run({"XAUTOCLAIM", "s", "g", "c", "200", "-", "COUNT", "2"}),
              R"(["4-0", [["2-0", ["f", "2", "field", "value of 2"]]], ["3-0"]])");
    EXPECT_EQ(run({"XAUTOCLAIM", "s", "g", "c", "0", "4", "JUSTID"}), R"(["0-0", ["4-0", "5-0"], []])");
    EXPECT_EQ(run({"XPENDING", "s", "g"}), R"([4, "1-0", "5-0", [["b", "1"], ["c", "3"]]])");
    EXPECT_EQ(run({"XCLAIM", "s", "g", "b", "0", "1", "FOO"}), "-ERR Unrecognized XCLAIM option 'FOO'");
  }
}

TEST_F(GroupCommands, show_what_is_gone_as_gone) {
  fill(2);
  run({"XGROUP", "CREATE", "s", "g", "0"});
  run({"XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">"});
  run({"XDEL", "s", "1"});
  EXPECT_EQ(run({"XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", "0"}),
            R"({"s", [["1-0", nil], ["2-0", ["f", "2", "field", "value of 2"]]]})");
  EXPECT_EQ(run({"XCLAIM", "s", "g", "d", "0", "1"}), "[]");
  EXPECT_EQ(run({"XPENDING", "s", "g"}), R"([1, "2-0", "2-0", [["c", "1"]]])");
}

TEST_F(GroupCommands, delete_with_or_without_what_is_pending) {
  for (const int entries : {6, 400}) {
    run({"FLUSHALL"});
    fill(entries);
    run({"XGROUP", "CREATE", "s", "g", "0"});
    run({"XGROUP", "CREATE", "s", "h", "0"});
    run({"XREADGROUP", "GROUP", "g", "c", "COUNT", "4", "STREAMS", "s", ">"});
    run({"XREADGROUP", "GROUP", "h", "c", "NOACK", "COUNT", "3", "STREAMS", "s", ">"});
    EXPECT_EQ(run({"XDELEX", "s", "IDS", "2", "1", "9999"}), "[1, -1]");
    EXPECT_EQ(run({"XPENDING", "s", "g"}), R"([4, "1-0", "4-0", [["c", "4"]]])");
    EXPECT_EQ(run({"XDELEX", "s", "ACKED", "IDS", "2", "2", "5"}), "[2, 2]");
    EXPECT_EQ(run({"XDELEX", "s", "DELREF", "IDS", "1", "2"}), "[1]");
    EXPECT_EQ(run({"XPENDING", "s", "g"}), R"([3, "1-0", "4-0", [["c", "3"]]])");
    EXPECT_EQ(run({"XACKDEL", "s", "g", "ACKED", "IDS", "3", "3", "4", "5"}), "[1, 2, -1]") << "h has not seen 4";
    EXPECT_EQ(run({"XPENDING", "s", "g"}), R"([1, "1-0", "1-0", [["c", "1"]]])");
    EXPECT_EQ(run({"XACKDEL", "s", "g", "IDS", "1", "1"}), "[1]");
    EXPECT_EQ(run({"XACKDEL", "s", "none", "IDS", "1", "1"}), "[-1]");
    EXPECT_EQ(first(), R"([["4-0", ["f", "4", "field", "value of 4"]]])");
    run({"XREADGROUP", "GROUP", "h", "c", "COUNT", "1", "STREAMS", "s", ">"});
    EXPECT_EQ(run({"XTRIM", "s", "MAXLEN", "0", "ACKED"}), "0");
    EXPECT_EQ(run({"XTRIM", "s", "MINID", "5", "DELREF"}), "1");
    EXPECT_EQ(run({"XPENDING", "s", "h"}), "[0, nil, nil, nil]");
    EXPECT_EQ(run({"XDELEX", "s", "IDS", "2", "5"}), "-ERR The `numids` parameter must match the number of arguments");
    EXPECT_EQ(run({"XDELEX", "s", "IDS", "0", "5"}), "-ERR Number of IDs must be a positive integer");
    EXPECT_EQ(run({"XDELEX", "s", "FOO", "IDS", "1", "5"}), "-ERR syntax error");
  }
}

TEST_F(GroupCommands, tell_who_is_active) {
  run({"XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"});
  EXPECT_EQ(run({"XGROUP", "CREATECONSUMER", "s", "g", "c"}), "1");
  EXPECT_EQ(run({"XGROUP", "CREATECONSUMER", "s", "g", "c"}), "0");
  clock_.advance_ms(50);
  EXPECT_EQ(run({"XINFO", "CONSUMERS", "s", "g"}), R"([{"name", "c", "pending", 0, "idle", 50, "inactive", -1}])");
  run({"XADD", "s", "1", "f", "v"});
  run({"XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">"});
  clock_.advance_ms(20);
  run({"XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">"});
  clock_.advance_ms(5);
  EXPECT_EQ(run({"XINFO", "CONSUMERS", "s", "g"}), R"([{"name", "c", "pending", 1, "idle", 5, "inactive", 25}])");
}

TEST_F(GroupCommands, go_through_a_dump) {
  for (const int entries : {3, 500}) {
    run({"FLUSHALL"});
    fill(entries);
    run({"XDEL", "s", "2"});
    run({"XGROUP", "CREATE", "s", "g", "1", "ENTRIESREAD", "1"});
    run({"XREADGROUP", "GROUP", "g", "c", "COUNT", "1", "STREAMS", "s", ">"});
    run({"XGROUP", "CREATECONSUMER", "s", "g", "d"});
    const std::string before = run({"XINFO", "STREAM", "s", "FULL", "COUNT", "0"});
    const std::string dumped = reply({"DUMP", "s"}).text;
    EXPECT_EQ(run({"RESTORE", "t", "0", dumped}), "OK");
    EXPECT_EQ(run({"XINFO", "STREAM", "t", "FULL", "COUNT", "0"}), before);
    EXPECT_EQ(run({"COPY", "s", "u"}), "1");
    EXPECT_EQ(run({"XINFO", "STREAM", "u", "FULL", "COUNT", "0"}), before);
    reopen();
    EXPECT_EQ(run({"XINFO", "STREAM", "u", "FULL", "COUNT", "0"}), before);
  }
}

}  // namespace
}  // namespace stave::commands
