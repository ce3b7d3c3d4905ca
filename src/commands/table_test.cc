#include "commands/table.h"

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <random>
#include <set>
#include <sstream>

#include "commands/call.h"
#include "commands/reference.h"
#include "commands/syntax.h"
#include "commands/table_build.h"

namespace stave::commands {
namespace {

template <class Visit>
void for_each_row(Visit&& visit) {
  for (const Command& row : command_table()) {
    visit(row);
    for (const Command& sub : row.subcommands) visit(sub);
  }
}

TEST(Table, is_sorted_unique_and_well_formed) {
  EXPECT_TRUE(build::well_formed(command_table()));
}

TEST(Table, gives_every_row_categories_help_and_a_number_of_its_own) {
  std::set<std::size_t> numbers;
  for_each_row([&](const Command& row) {
    EXPECT_FALSE(access_categories(row).empty()) << full_name(row);
    EXPECT_LT(row_index(row), row_count());
    EXPECT_TRUE(numbers.insert(row_index(row)).second) << full_name(row);
    EXPECT_EQ(row.help.back(), '.') << full_name(row);
  });
  EXPECT_EQ(numbers.size(), row_count());
}

TEST(Table, finds_every_command_in_any_case_and_nothing_else) {
  std::mt19937_64 random(3);
  for (const Command& row : command_table()) {
    EXPECT_EQ(find_command(row.name), &row);
    EXPECT_EQ(find_command(lower(row.name)), &row);
    std::string mixed(row.name);
    for (char& c : mixed) c = random() % 2 == 0 ? to_lower(c) : c;
    EXPECT_EQ(find_command(mixed), &row);
    EXPECT_EQ(find_command(mixed + "?"), nullptr);
    EXPECT_EQ(find_command(mixed + std::string(1, '\0')), nullptr);
  }
  for (const std::string_view name :
       {"", "G", "GE", "GETT", "g\x05t", "\xc7\x45T", "NOSUCHCOMMANDATALL", "STAVE.SYNCSTAVE.SYNC"})
    EXPECT_EQ(find_command(name), nullptr) << name;
}

TEST(Table, finds_no_command_by_chance) {
  constexpr std::uint64_t kSeed = 5;
  std::mt19937_64 random(kSeed);
  std::set<std::string> names;
  for (const Command& row : command_table()) names.insert(std::string(row.name));
  for (int i = 0; i < 200'000; ++i) {
    std::string name;
    for (auto n = 1 + random() % 4; n > 0; --n) name += static_cast<char>(random());
    ASSERT_EQ(find_command(name) != nullptr, names.contains(upper(name))) << "seed " << kSeed;
  }
}

TEST(Table, finds_subcommands_and_their_containers) {
  const Command* client = find_command("client");
  ASSERT_NE(client, nullptr);
  const Command* list = find_subcommand(*client, "List");
  ASSERT_NE(list, nullptr);
  EXPECT_EQ(container_of(*list), client);
  EXPECT_EQ(container_of(*client), nullptr);
  EXPECT_EQ(full_name(*list), "client|list");
  EXPECT_EQ(find_subcommand(*client, "nothing"), nullptr);
}

TEST(Table, says_where_the_keys_are) {
  const auto positions = [](std::vector<std::string_view> arguments) {
    const Command* row = find_row(arguments);
    return row == nullptr ? std::vector<std::size_t>{99} : key_positions(*row, arguments);
  };
  EXPECT_EQ(positions({"GET", "a"}), (std::vector<std::size_t>{1}));
  EXPECT_EQ(positions({"MSET", "a", "1", "b", "2"}), (std::vector<std::size_t>{1, 3}));
  EXPECT_EQ(positions({"DEL", "a", "b", "c"}), (std::vector<std::size_t>{1, 2, 3}));
  EXPECT_EQ(positions({"RENAME", "a", "b"}), (std::vector<std::size_t>{1, 2}));
  EXPECT_EQ(positions({"OBJECT", "ENCODING", "a"}), (std::vector<std::size_t>{2}));
  EXPECT_EQ(positions({"XREAD", "COUNT", "1", "streams", "a", "b", "0", "0"}), (std::vector<std::size_t>{4, 5}));
  EXPECT_EQ(positions({"XREAD", "STREAMS", "a", "b", "0"}), (std::vector<std::size_t>{2})) << "as Redis has it";
  EXPECT_EQ(positions({"XREAD", "COUNT", "1", "a"}), (std::vector<std::size_t>{}));
  EXPECT_EQ(positions({"XREADGROUP", "GROUP", "STREAMS", "c", "STREAMS", "a", ">"}), (std::vector<std::size_t>{5}));
  EXPECT_EQ(positions({"GET"}), (std::vector<std::size_t>{}));
  EXPECT_EQ(positions({"PING"}), (std::vector<std::size_t>{}));
  EXPECT_EQ(positions({"CLIENT"}), (std::vector<std::size_t>{99}));
}

constexpr Command kCounting{.name = "FIRST",
                            .arity = between(3, 6),
                            .keys = counted_keys_at(1),
                            .flags = kReadOnly | kMovableKeys,
                            .group = "set",
                            .since = "0.2",
                            .cost = "O(1)",
                            .syntax = "numkeys key [key ...] [LIMIT limit]",
                            .help = "Counts.",
                            .run = [](Call&) -> Result<void> { return {}; }};
constexpr Command kStoring = [] {
  Command row = kCounting;
  row.keys = key_and_counted_keys_at(1);
  row.arity = at_least(4);
  row.flags = kWrite | kMovableKeys;
  return row;
}();

TEST(Table, finds_keys_that_an_argument_counts) {
  using Positions = std::vector<std::size_t>;
  const auto counted = [](std::vector<std::string_view> arguments) { return key_positions(kCounting, arguments); };
  EXPECT_EQ(counted({"FIRST", "1", "a"}), (Positions{2}));
  EXPECT_EQ(counted({"FIRST", "2", "a", "b", "LIMIT", "1"}), (Positions{2, 3}));
  EXPECT_EQ(counted({"FIRST", "4", "a", "b", "LIMIT", "1"}), (Positions{2, 3, 4, 5}));
  for (const std::string_view count : {"0", "2", "-1", "x", "", " 1", "1.0", "18446744073709551615"})
    EXPECT_EQ(counted({"FIRST", count, "a"}), Positions{}) << count;
  EXPECT_EQ(counted({"FIRST", "1"}), Positions{});
  EXPECT_EQ(counted({"FIRST", "1", "a", "b", "c", "d", "e"}), Positions{});
  const auto stored = [](std::vector<std::string_view> arguments) { return key_positions(kStoring, arguments); };
  EXPECT_EQ(stored({"FIRST", "to", "1", "a"}), (Positions{1, 3}));
  EXPECT_EQ(stored({"FIRST", "to", "2", "a", "b", "c"}), (Positions{1, 3, 4}));
  EXPECT_EQ(stored({"FIRST", "to", "3", "a", "b"}), Positions{});
  const auto paired = [](std::vector<std::string_view> arguments) {
    Command row = kCounting;
    row.keys = counted_pairs_at(1);
    row.arity = at_least(4);
    return key_positions(row, arguments);
  };
  EXPECT_EQ(paired({"FIRST", "1", "a", "v"}), (Positions{2}));
  EXPECT_EQ(paired({"FIRST", "2", "a", "v", "b", "v", "NX"}), (Positions{2, 4}));
  EXPECT_EQ(paired({"FIRST", "2", "a", "v", "b"}), Positions{});
  EXPECT_EQ(paired({"FIRST", "9223372036854775808", "a", "v", "b"}), Positions{});
}

TEST(Table, names_keys_in_the_syntax_of_rows_that_have_them) {
  for_each_row([&](const Command& row) {
    auto arguments = parse_syntax(row.syntax);
    if (row.keys.word_from != 0) {
      EXPECT_NE(row.syntax.find("STREAMS key [key ...]"), std::string_view::npos) << full_name(row);
      return;
    }
    if (!arguments.empty() && row.keys.count_at != 0 && row.keys.step == 0) {
      const auto before = static_cast<std::size_t>(row.keys.count_at);
      ASSERT_GE(arguments.size(), before) << full_name(row);
      EXPECT_EQ(arguments[before - 1].name, "numkeys") << full_name(row);
      arguments.erase(arguments.begin(), arguments.begin() + row.keys.count_at);
    }
    // BITOP and PFDEBUG are told what to do before they are told with which keys.
    if (row.keys.first == 2 && row.arity.least > 2 && container_of(row) == nullptr && !arguments.empty())
      arguments.erase(arguments.begin());
    const bool first_is_key =
        !arguments.empty() &&
        (arguments[0].type == "key" || (!arguments[0].parts.empty() && arguments[0].parts[0].type == "key"));
    EXPECT_EQ(first_is_key, !row.keys.none()) << full_name(row) << ": " << row.syntax;
  });
}

TEST(WellFormed, notices_each_kind_of_mistake) {
  constexpr Command kGood{.name = "GET",
                          .arity = exactly(2),
                          .keys = key_at(1),
                          .flags = kReadOnly,
                          .group = "string",
                          .since = "0.1",
                          .cost = "O(1)",
                          .syntax = "key",
                          .help = "Gets.",
                          .run = [](Call&) -> Result<void> { return {}; }};
  const auto ok = [](const Command& row) { return build::row_well_formed(row, false); };
  EXPECT_TRUE(ok(kGood));
  const auto with = [&](auto&& change) {
    Command row = kGood;
    change(row);
    return ok(row);
  };
  EXPECT_FALSE(with([](Command& row) { row.name = "get"; }));
  EXPECT_FALSE(with([](Command& row) { row.flags |= kWrite; }));
  EXPECT_FALSE(with([](Command& row) { row.flags |= kGrows; }));
  EXPECT_FALSE(with([](Command& row) { row.help = "Gets"; }));
  EXPECT_FALSE(with([](Command& row) { row.arity = exactly(1); }));
  EXPECT_FALSE(with([](Command& row) { row.keys = keys_from(1, 2, 1); }));
  EXPECT_FALSE(with([](Command& row) { row.keys.count_step = 2; }));
  EXPECT_FALSE(with([](Command& row) { row.run = nullptr; }));
  EXPECT_FALSE(with([](Command& row) { row.group = ""; }));
  EXPECT_TRUE(ok(kCounting));
  EXPECT_TRUE(ok(kStoring));
  const auto counting = [&](auto&& change) {
    Command row = kStoring;
    change(row);
    return ok(row);
  };
  EXPECT_FALSE(counting([](Command& row) { row.keys.count_at = 1; }));
  EXPECT_FALSE(counting([](Command& row) { row.keys.count_at = 4; }));
  EXPECT_FALSE(counting([](Command& row) { row.keys.count_at = -1; }));
  EXPECT_FALSE(counting([](Command& row) { row.keys.count_step = 0; }));
  EXPECT_FALSE(counting([](Command& row) { row.keys.last = -1; }));
  EXPECT_FALSE(counting([](Command& row) { row.keys.step = 0; }));
  EXPECT_FALSE(counting([](Command& row) { row.flags &= ~kMovableKeys; }));
  const std::array unsorted = {kGood, kGood};
  EXPECT_FALSE(build::well_formed(unsorted));
}

TEST(Syntax, becomes_a_tree) {
  const auto set = parse_syntax("key value [NX | XX | IFEQ comparison-value] [GET] [EX seconds [SLIDING] | KEEPTTL]");
  ASSERT_EQ(set.size(), 5u);
  EXPECT_EQ(set[0].type, "key");
  EXPECT_EQ(set[2].type, "oneof");
  EXPECT_TRUE(set[2].optional);
  ASSERT_EQ(set[2].parts.size(), 3u);
  EXPECT_EQ(set[2].parts[2].token, "IFEQ");
  EXPECT_EQ(set[2].parts[2].type, "string");
  EXPECT_EQ(set[3].type, "pure-token");
  EXPECT_TRUE(set[3].optional);
  ASSERT_EQ(set[4].parts.size(), 2u);
  EXPECT_EQ(set[4].parts[0].type, "block");
  const auto mset = parse_syntax("key value [key value ...]");
  ASSERT_EQ(mset.size(), 1u);
  EXPECT_EQ(mset[0].type, "block");
  EXPECT_TRUE(mset[0].multiple);
  EXPECT_FALSE(mset[0].optional);
  const auto del = parse_syntax("key [key ...]");
  ASSERT_EQ(del.size(), 1u);
  EXPECT_TRUE(del[0].multiple);
  const auto weights = parse_syntax("[WEIGHTS weight [weight ...]]");
  ASSERT_EQ(weights.size(), 1u);
  EXPECT_EQ(weights[0].token, "WEIGHTS");
  EXPECT_EQ(weights[0].type, "integer");
  EXPECT_TRUE(weights[0].multiple);
  EXPECT_TRUE(weights[0].optional);
  EXPECT_TRUE(parse_syntax("").empty());
  for (const std::string_view odd : {"[", "]", "|", "[|", "<a", "...", "[...]", "a | ", "] b"}) parse_syntax(odd);
}

}  // namespace
}  // namespace stave::commands
