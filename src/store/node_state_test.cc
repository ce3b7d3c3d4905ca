#include "store/node_state.h"

#include <gtest/gtest.h>

#include "log/segment.h"
#include "store/terms.h"

namespace stave::store {
namespace {

NodeState sample() {
  NodeState state;
  state.id = {std::byte{1}, std::byte{2}, std::byte{0xff}};
  state.follows = true;
  state.leader = "db1.example:6379";
  state.told = "db1.example:6379";
  state.begins = Lsn{8192};
  state.whole = Lsn{70'000};
  state.promised = 9;
  state.terms = {{.number = 3, .leader = {std::byte{7}}, .first = Lsn{5000}},
                 {.number = 9, .leader = {std::byte{8}}, .first = Lsn{60'000}}};
  return state;
}

TEST(NodeState, is_written_as_the_format_says) {
  EXPECT_EQ(encode_node(sample()),
            "STAVE-NODE 1\n"
            "id 0102ff00000000000000000000000000\n"
            "role follower\n"
            "leader db1.example:6379\n"
            "told db1.example:6379\n"
            "begins 8192\n"
            "whole 70000\n"
            "promised 9\n"
            "term 3 07000000000000000000000000000000 5000\n"
            "term 9 08000000000000000000000000000000 60000\n"
            "checksum 2b029d4ef5b5a2d0\n");
}

TEST(NodeState, comes_back_as_it_was_saved_or_is_refused) {
  const auto files = make_memory_file_system();
  ASSERT_TRUE(files->create_directories("/s"));
  auto none = load_node(*files, "/s");
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->has_value());
  ASSERT_TRUE(save_node(*files, "/s", sample()));
  auto loaded = load_node(*files, "/s");
  ASSERT_TRUE(loaded && loaded->has_value());
  EXPECT_EQ(**loaded, sample());
  const std::string text = encode_node(sample());
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string damaged = text;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_FALSE(decode_node(damaged, "/s/NODE")) << i;
    EXPECT_FALSE(decode_node(text.substr(0, i), "/s/NODE")) << i;
  }
}

TEST(Terms, take_no_number_twice_whatever_was_lost_in_between) {
  const auto files = make_memory_file_system();
  ASSERT_TRUE(files->create_directories("/s"));
  NodeState state = sample();
  state.promised = 12;  // spent, though its record never came into the log
  state.follows = false;
  ASSERT_TRUE(save_node(*files, "/s", state));
  ManualClock clock;
  Options options;
  options.file_system = files.get();
  options.clock = &clock;
  options.background = false;
  auto log = log::Log::open("/s", options, nullptr, nullptr);
  ASSERT_TRUE(log);
  Terms terms(*files, "/s");
  ASSERT_TRUE(terms.load());
  terms.settle((*log)->tail());
  EXPECT_EQ(terms.number(), 9u) << "half a copy: what its leader told is still to come";
  EXPECT_FALSE(terms.whole((*log)->tail()));
  ASSERT_TRUE(terms.change([](NodeState& node) { node.whole = kNoLsn; }));
  terms.settle((*log)->tail());
  EXPECT_EQ(terms.number(), 0u) << "the log has lost them";
  EXPECT_EQ(terms.promised(), 12u);
  EXPECT_TRUE(terms.must_begin(true));
  ASSERT_TRUE(terms.begin(**log, UnixMs{5}));
  EXPECT_EQ(terms.number(), 13u);
  EXPECT_FALSE(terms.must_begin(true));
  EXPECT_TRUE(terms.must_begin(false));
  EXPECT_EQ(terms.state().terms.back().first, log::kFirstLsn);
  EXPECT_EQ(terms.state().terms.back().leader, state.id);
}

}  // namespace
}  // namespace stave::store
