#include "commands/command_answer.h"

#include "commands/dispatch.h"
#include "commands/fixture_for_test.h"

namespace stave::commands {
namespace {

constexpr Command kStoring{.name = "STORE",
                           .arity = at_least(4),
                           .keys = key_and_counted_keys_at(1),
                           .needs = Needs::kOtherKeys,
                           .flags = kWrite | kMovableKeys,
                           .group = "sorted-set",
                           .since = "0.2",
                           .cost = "O(1)",
                           .syntax = "destination numkeys key [key ...]",
                           .help = "Stores.",
                           .run = [](Call&) -> Result<void> { return {}; },
                           .key_flags = "OW update | RO access"};

class CommandAnswer : public CommandsTest {
 protected:
  std::string info_of(const Command& row) {
    ReplySink sink(*session_);
    answer_command_info(sink, row);
    EXPECT_TRUE(sink.complete());
    return spell(sink.take());
  }
};

TEST_F(CommandAnswer, tells_of_keys_that_an_argument_counts) {
  EXPECT_EQ(
      info_of(kStoring),
      "[\"store\", -4, [write, movablekeys], 1, 1, 1, [@write, @sortedset, @slow], [], [{\"flags\", [OW, update], "
      "\"begin_search\", {\"type\", \"index\", \"spec\", {\"index\", 1}}, \"find_keys\", {\"type\", \"range\", "
      "\"spec\", {\"lastkey\", 0, \"keystep\", 1, \"limit\", 0}}}, {\"flags\", [RO, access], \"begin_search\", "
      "{\"type\", \"index\", \"spec\", {\"index\", 2}}, \"find_keys\", {\"type\", \"keynum\", \"spec\", "
      "{\"keynumidx\", 0, \"firstkey\", 1, \"keystep\", 1}}}], []]");
  Command reading = kStoring;
  reading.keys = counted_keys_at(1);
  reading.flags = kReadOnly | kMovableKeys;
  reading.key_flags = {};
  reading.needs = Needs::kEveryKey;
  EXPECT_EQ(info_of(reading),
            "[\"store\", -4, [readonly, movablekeys], 0, 0, 0, [@read, @sortedset, @slow], [], [{\"flags\", [RO, "
            "access], \"begin_search\", {\"type\", \"index\", \"spec\", {\"index\", 1}}, \"find_keys\", {\"type\", "
            "\"keynum\", \"spec\", {\"keynumidx\", 0, \"firstkey\", 1, \"keystep\", 1}}}], []]");
}

TEST_F(CommandAnswer, tells_of_a_first_key_with_which_something_else_is_done) {
  Command row = kStoring;
  row.keys = keys_from(1, 2, 1);
  EXPECT_EQ(
      info_of(row),
      "[\"store\", -4, [write, movablekeys], 1, 2, 1, [@write, @sortedset, @slow], [], [{\"flags\", [OW, update], "
      "\"begin_search\", {\"type\", \"index\", \"spec\", {\"index\", 1}}, \"find_keys\", {\"type\", \"range\", "
      "\"spec\", {\"lastkey\", 0, \"keystep\", 1, \"limit\", 0}}}, {\"flags\", [RO, access], \"begin_search\", "
      "{\"type\", \"index\", \"spec\", {\"index\", 2}}, \"find_keys\", {\"type\", \"range\", \"spec\", "
      "{\"lastkey\", 0, \"keystep\", 1, \"limit\", 0}}}], []]");
}

TEST_F(CommandAnswer, says_which_specification_a_key_of_the_syntax_belongs_to) {
  ReplySink sink(*session_);
  answer_command_docs(sink, kStoring);
  const std::string docs = spell(sink.take());
  EXPECT_NE(docs.find("{\"name\", \"destination\", \"type\", \"key\", \"key_spec_index\", 0}"), std::string::npos);
  EXPECT_NE(docs.find("{\"name\", \"numkeys\", \"type\", \"integer\"}"), std::string::npos);
  EXPECT_NE(docs.find("{\"name\", \"key\", \"type\", \"key\", \"key_spec_index\", 1, \"flags\", [multiple]}"),
            std::string::npos)
      << docs;
}

TEST_F(CommandAnswer, needs_the_values_of_the_keys_that_are_counted_and_not_of_the_first) {
  const auto needed = [&](const Command& row, std::vector<std::string_view> arguments) {
    std::vector<store::KeyRef> keys;
    keys_needed(*session_, {.row = &row, .refusal = Resolved::Refusal::kNone}, arguments, keys);
    std::string names;
    for (const store::KeyRef& key : keys) names += std::string(key.key) + " ";
    return names;
  };
  EXPECT_EQ(needed(kStoring, {"STORE", "to", "2", "a", "b"}), "a b ");
  EXPECT_EQ(needed(kStoring, {"STORE", "to", "3", "a", "b"}), "");
  Command row = kStoring;
  row.needs = Needs::kEveryKey;
  EXPECT_EQ(needed(row, {"STORE", "to", "2", "a", "b"}), "to a b ");
  row.needs = Needs::kFirstKey;
  EXPECT_EQ(needed(row, {"STORE", "to", "2", "a", "b"}), "to ");
  row.keys = counted_keys_at(1);
  row.needs = Needs::kEveryKey;
  EXPECT_EQ(needed(row, {"STORE", "2", "a", "b"}), "a b ");
}

}  // namespace
}  // namespace stave::commands
