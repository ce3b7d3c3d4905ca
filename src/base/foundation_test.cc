// The smallest headers: bytes.h, try.h, function_ref.h, assert.h.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/function_ref.h"
#include "base/try.h"

namespace stave::base {
namespace {

TEST(Bytes, integers_are_little_endian_at_any_alignment) {
  std::array<unsigned char, 16> buffer{};
  store<std::uint32_t>(buffer.data() + 1, 0x01020304);
  EXPECT_EQ(buffer[1], 4);
  EXPECT_EQ(buffer[4], 1);
  EXPECT_EQ(load<std::uint32_t>(buffer.data() + 1), 0x01020304u);
}

TEST(Bytes, forty_eight_bits_touch_six_bytes) {
  std::array<unsigned char, 8> buffer{};
  buffer.fill(0xee);
  store48(buffer.data() + 1, 0x0000'a1b2'c3d4'e5f6);
  EXPECT_EQ(buffer[0], 0xee);
  EXPECT_EQ(buffer[7], 0xee);
  EXPECT_EQ(load48(buffer.data() + 1), 0xa1b2'c3d4'e5f6u);
  store48(buffer.data(), ~std::uint64_t{0});
  EXPECT_EQ(load48(buffer.data()), (std::uint64_t{1} << 48) - 1);
}

TEST(Bytes, text_and_bytes_are_two_views_of_one_thing) {
  const std::string text("a\0b", 3);
  EXPECT_EQ(as_bytes(text).size(), 3u);
  EXPECT_EQ(as_text(as_bytes(text)), text);
  EXPECT_EQ(static_cast<const void*>(as_bytes(text).data()), text.data());
}

Result<int> half(int n) {
  if (n % 2 != 0) return fail(ErrorCode::kInvalidArgument, "odd");
  return n / 2;
}
Result<int> quarter(int n, int* reached) {
  STAVE_ASSIGN(const int once, half(n));
  ++*reached;
  STAVE_ASSIGN(const int twice, half(once));
  ++*reached;
  return twice;
}
Result<void> check_both(int a, int b, int* reached) {
  STAVE_TRY(half(a));
  ++*reached;
  STAVE_TRY(half(b));
  ++*reached;
  return {};
}
Result<std::unique_ptr<int>> moved(Result<std::unique_ptr<int>> from) {
  STAVE_ASSIGN(auto value, std::move(from));
  return value;
}

TEST(Try, hands_on_the_first_failure_and_nothing_after_it_runs) {
  int reached = 0;
  EXPECT_EQ(*quarter(12, &reached), 3);
  EXPECT_EQ(reached, 2);
  reached = 0;
  EXPECT_EQ(quarter(6, &reached).error().message(), "odd");
  EXPECT_EQ(reached, 1);
  reached = 0;
  EXPECT_EQ(check_both(1, 2, &reached).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(reached, 0);
  EXPECT_TRUE(check_both(2, 4, &reached));
}

TEST(Try, moves_what_cannot_be_copied) {
  EXPECT_EQ(**moved(std::make_unique<int>(5)), 5);
}

int apply(FunctionRef<int(int, const std::string&)> function) {
  return function(2, "abc");
}

TEST(FunctionRef, calls_what_it_views) {
  int offset = 10;
  const auto lambda = [&offset](int n, const std::string& text) {
    offset += 1;
    return offset * n + static_cast<int>(text.size());
  };
  EXPECT_EQ(apply(lambda), 25);
  EXPECT_EQ(offset, 11);
  EXPECT_EQ(apply([](int n, std::string_view) { return n; }), 2);
  EXPECT_EQ(sizeof(FunctionRef<void()>), 2 * sizeof(void*));
}

TEST(AssertionDeathTest, ends_the_process_and_says_where) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  STAVE_ASSERT(1 + 1 == 2);
  EXPECT_DEATH(STAVE_ASSERT(1 + 1 == 3), "assertion failed: 1 \\+ 1 == 3 .*foundation_test");
}

}  // namespace
}  // namespace stave::base
