#include "doors/http/draft.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstring>
#include <string>

#include "base/encoding.h"

namespace stave::http {
namespace {

using commands::SharedBytes;
using keyspace::Block;
using Refusal = Draft::Refusal;

class LimitedMeter final : public store::BufferMeter {
 public:
  explicit LimitedMeter(std::uint64_t most) : most_(most) {}
  bool take_buffer(std::uint64_t bytes) noexcept override {
    if (taken + bytes > most_) return false;
    taken += bytes;
    most_taken = std::max(most_taken, taken);
    return true;
  }
  void force_buffer(std::uint64_t bytes) noexcept override { taken += bytes; }
  void give_buffer(std::uint64_t bytes) noexcept override { taken -= bytes; }
  std::uint64_t taken = 0;
  std::uint64_t most_taken = 0;

 private:
  std::uint64_t most_;
};

class DraftTest : public ::testing::Test {
 protected:
  SharedBytes shared(std::string_view bytes) {
    Block block = Block::make(source_, bytes.size());
    std::memcpy(block.data(), bytes.data(), bytes.size());
    return {.block = std::move(block), .at = 0, .size = bytes.size()};
  }
  /// Steps until it is over; how many it took is in `steps_`.
  std::string finish(Draft& draft) {
    steps_ = 1;
    while (!draft.write_some()) ++steps_;
    return draft.take();
  }
  static std::string every_byte(std::size_t times) {
    std::string bytes;
    for (std::size_t i = 0; i < 256 * times; ++i) bytes += static_cast<char>(i);
    return bytes;
  }

  keyspace::SystemChunkSource source_;
  int steps_ = 0;
};

TEST_F(DraftTest, puts_large_values_where_they_were_named) {
  Draft draft;
  draft.text("[");
  draft.string("a");
  draft.text(",");
  draft.string(shared("l\"arge"));
  draft.text(",");
  draft.string("b");
  draft.text("]");
  EXPECT_EQ(finish(draft), R"(["a","l\"arge","b"])");
}

TEST_F(DraftTest, writes_a_large_value_in_bounded_steps_however_its_characters_fall) {
  // Characters of one to four bytes, so that cuts at any number of bytes meet all of them.
  std::string bytes = "x";
  while (bytes.size() < 3'000'000) bytes += "é€𝄞a\n";
  Draft draft;
  draft.string(shared(bytes));
  const std::string text = finish(draft);
  EXPECT_GE(steps_, 10);
  boost::system::error_code error;
  const boost::json::value value = boost::json::parse(text, error);
  ASSERT_FALSE(error) << error.message();
  EXPECT_TRUE(value.get_string() == bytes);
}

TEST_F(DraftTest, writes_bytes_that_are_no_text_in_base64_and_says_so) {
  const std::string bytes = every_byte(1);
  const std::string large = every_byte(5000);
  for (const std::string* each : {&bytes, &large}) {
    for (const bool as_shared : {false, true}) {
      const auto put = [&](Draft& draft, std::string_view name) {
        as_shared ? draft.string(shared(*each), name) : draft.string(std::string_view(*each), name);
      };
      Draft alone;
      put(alone, {});
      EXPECT_EQ(finish(alone), R"({"base64":")" + base::to_base64(*each) + "\"}");
      Draft named;
      put(named, "value");
      EXPECT_EQ(finish(named), R"("value_base64":")" + base::to_base64(*each) + '"');
      Draft asked({.base64 = true});
      put(asked, {});
      EXPECT_EQ(finish(asked), '"' + base::to_base64(*each) + '"');
    }
  }
  // The last byte alone decides.
  Draft late;
  late.string(shared(std::string(1'000'000, 'x') + '\xff'), "v");
  EXPECT_EQ(finish(late), R"("v_base64":")" + base::to_base64(std::string(1'000'000, 'x') + '\xff') + '"');
}

TEST_F(DraftTest, a_verdict_tells_of_what_stands_since_the_one_before) {
  Draft draft;
  const auto verdict = [&] { draft.if_escaped("!"); };
  draft.string("a");
  verdict();
  draft.string("\xff");
  verdict();
  draft.string(shared("b"));
  verdict();
  draft.string(shared("\xfe"));
  draft.string("c");
  verdict();
  verdict();
  EXPECT_EQ(finish(draft), R"("a"{"base64":"/w=="}!"b"{"base64":"/g=="}"c"!)");
  EXPECT_TRUE(draft.escaped());
}

TEST_F(DraftTest, forgets_what_was_drafted_since_a_mark) {
  Draft draft;
  draft.text("[1");
  const Draft::Mark mark = draft.mark();
  draft.string("\xff");
  draft.string(shared("large"));
  draft.rewind(mark);
  draft.if_escaped("!");
  draft.text("]");
  EXPECT_EQ(finish(draft), "[1]");
  EXPECT_FALSE(draft.escaped());
}

TEST_F(DraftTest, is_refused_once_it_is_over_its_limit_before_anything_is_written) {
  const std::uint64_t empty = source_.held_bytes();
  Draft draft({.bytes_max = 10'000'000});
  const SharedBytes large = shared(std::string(Block::kMappedFrom, 'x'));
  for (int i = 0; i < 1000; ++i) draft.string(large);
  EXPECT_EQ(draft.refusal(), Refusal::kLimit);
  draft.text("more");
  draft.string("more");
  EXPECT_TRUE(draft.write_some());
  EXPECT_EQ(draft.take(), "");
  EXPECT_GT(source_.held_bytes(), empty);
}

TEST_F(DraftTest, is_refused_when_escapes_make_it_longer_than_its_limit) {
  Draft draft({.bytes_max = 100'000});
  draft.string(shared(std::string(50'000, '\0')));
  EXPECT_EQ(draft.refusal(), Refusal::kNone);
  finish(draft);
  EXPECT_EQ(draft.refusal(), Refusal::kLimit);
}

TEST_F(DraftTest, counts_what_it_takes_and_is_refused_when_that_is_too_much) {
  LimitedMeter meter(4'000'000);
  {
    Draft draft({.meter = &meter});
    const SharedBytes large = shared(std::string(1'000'000, 'x'));
    draft.string(large);
    EXPECT_LT(meter.taken, 100'000u);
    EXPECT_EQ(finish(draft).size(), 1'000'002u);
    EXPECT_GE(meter.taken, 1'000'000u);
    EXPECT_LE(meter.most_taken, 1'100'000u);
  }
  EXPECT_EQ(meter.taken, 0u);
  Draft draft({.meter = &meter});
  const SharedBytes large = shared(std::string(1'000'000, 'x'));
  for (int i = 0; i < 10; ++i) draft.string(large);
  finish(draft);
  EXPECT_EQ(draft.refusal(), Refusal::kMemory);
  EXPECT_EQ(meter.taken, 0u);
}

}  // namespace
}  // namespace stave::http
