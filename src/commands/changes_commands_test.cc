// The words of STAVE.CHANGES and its kin; what is told is the store's (change_reader_test.cc), and the doors' tests'.
#include "commands/changes_commands.h"

#include <gtest/gtest.h>

#include <string>

#include "commands/fixture_for_test.h"

namespace stave::commands {
namespace {

class ChangesCommands : public CommandsTest {
 protected:
  /// The changes of an answer, each as "kind key".
  static std::string told(const Reply& answer) {
    if (answer.is_error()) return answer.text;
    std::string text;
    for (const Reply& change : answer.elements.at(1).elements) {
      const auto field = [&](std::string_view name) -> const Reply& {
        for (std::size_t i = 0; i < change.elements.size(); i += 2)
          if (change.elements[i].text == name) return change.elements[i + 1];
        static const Reply kNone;
        return kNone;
      };
      text += field("kind").text + " " + field("key").text + (field("last").integer != 0 ? "; " : ", ");
    }
    return text;
  }
};

TEST_F(ChangesCommands, tell_what_happened_and_where_to_go_on) {
  run({"SET", "a", "1"});
  run({"MSET", "b", "1", "c", "1"});
  run({"DEL", "a"});
  const Reply answer = reply({"STAVE.CHANGES", "FROM", "-"});
  EXPECT_EQ(told(answer), "set a; set b, set c; delete a; ");
  const std::string position = std::to_string(answer.elements[0].integer);
  EXPECT_EQ(run({"STAVE.CHANGES", "FROM", position}), "[" + position + ", []]");
  EXPECT_EQ(told(reply({"STAVE.CHANGES", "FROM", "-", "COUNT", "2"})), "set a; set b, ");
}

TEST_F(ChangesCommands, show_values_as_their_types_reading_commands_do) {
  session_->set_protocol(2);
  run({"RPUSH", "l", "a", "b"});
  const Reply answer = reply({"STAVE.CHANGES", "FROM", "-", "VALUES"});
  const Reply& change = answer.elements.at(1).elements.at(0);
  ASSERT_EQ(change.elements.size(), 20u);
  EXPECT_EQ(change.elements[18].text, "value");
  EXPECT_EQ(spell(change.elements[19]), "[\"a\", \"b\"]");
}

TEST_F(ChangesCommands, do_not_wait_where_nobody_may) {
  EXPECT_EQ(told(reply({"STAVE.CHANGES", "FROM", "$", "BLOCK", "0"})), "");
  run({"MULTI"});
  run({"SET", "a", "1"});
  run({"STAVE.CHANGES", "FROM", "$", "BLOCK", "0"});
  run({"STAVE.WAITLSN", "99999999", "0"});
  const Reply done = reply({"EXEC"});
  ASSERT_EQ(done.elements.size(), 3u);
  EXPECT_EQ(done.elements[2].integer, 0);
}

TEST_F(ChangesCommands, refuse_what_they_do_not_understand) {
  EXPECT_EQ(run({"STAVE.CHANGES", "SINCE", "0"}), "-ERR syntax error");
  EXPECT_EQ(run({"STAVE.CHANGES", "FROM", "0", "PREFIX", "a", "MATCH", "b"}), "-ERR syntax error");
  EXPECT_EQ(run({"STAVE.CHANGES", "FROM", "0", "COUNT"}), "-ERR syntax error");
  EXPECT_EQ(run({"STAVE.CHANGES", "FROM", "0", "TYPE", "nope"}), "-ERR unknown type name 'nope'");
  EXPECT_EQ(run({"STAVE.CHANGES", "FROM", "0", "BLOCK", "-1"}), "-ERR timeout is negative");
  EXPECT_NE(run({"STAVE.CHANGES", "FROM", "x"}).find("an LSN is a whole number"), std::string::npos);
  EXPECT_NE(run({"STAVE.CHANGES", "FROM", "99999999"}).find("the log ends at LSN"), std::string::npos);
  EXPECT_NE(run({"STAVE.CHANGES", "CONSUMER", "c"}).find("there is no consumer"), std::string::npos);
  EXPECT_EQ(run({"STAVE.CONSUMER", "CREATE", "c", "FROM"}), "-ERR syntax error");
}

TEST_F(ChangesCommands, consumers_begin_behind_what_they_acknowledged_also_after_a_restart) {
  run({"SET", "a", "1"});
  run({"STAVE.CONSUMER", "CREATE", "c", "FROM", "-"});
  run({"SET", "b", "1"});
  const Reply answer = reply({"STAVE.CHANGES", "CONSUMER", "c", "COUNT", "1"});
  EXPECT_EQ(told(answer), "set a; ");
  const std::string position = std::to_string(answer.elements[0].integer);
  EXPECT_EQ(run({"STAVE.CONSUMER", "ACK", "c", position}), position);
  reopen();
  EXPECT_EQ(told(reply({"STAVE.CHANGES", "CONSUMER", "c"})), "set b; ");
  EXPECT_EQ(reply({"STAVE.CONSUMER", "LIST"}).elements.size(), 1u);
  EXPECT_EQ(run({"STAVE.CONSUMER", "DROP", "c"}), "1");
  EXPECT_EQ(run({"STAVE.CONSUMER", "DROP", "c"}), "0");
}

TEST_F(ChangesCommands, a_session_knows_how_far_its_writes_go) {
  EXPECT_EQ(run({"STAVE.LASTLSN"}), "0");
  run({"SET", "a", "1"});
  const std::string last = run({"STAVE.LASTLSN"});
  EXPECT_EQ(run({"STAVE.WAITLSN", last, "0"}), "1");
  EXPECT_EQ(told(reply({"STAVE.CHANGES", "FROM", last})), "");
}

TEST_F(ChangesCommands, a_user_is_shown_what_it_may_read) {
  run({"ACL", "SETUSER", "some", "on", "nopass", "~mine:*", "+stave.changes", "+auth"});
  run({"SET", "mine:1", "1"});
  run({"SET", "yours", "1"});
  run({"AUTH", "some", "x"});
  EXPECT_EQ(told(reply({"STAVE.CHANGES", "FROM", "-"})), "set mine:1; ");
}

}  // namespace
}  // namespace stave::commands
