#include "types/hyperloglog/hyperloglog.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace stave::types::hyperloglog {
namespace {

constexpr std::size_t kSparseMax = 3000;

Mark mark(std::uint64_t number) {
  return mark_of(std::to_string(number));
}

TEST(HyperLogLog, begins_as_the_bytes_that_redis_makes) {
  const std::string empty = make();
  EXPECT_EQ(empty, std::string("HYLL\x01\0\0\0\0\0\0\0\0\0\0\0\x7f\xff", 18));
  EXPECT_TRUE(is_one(empty));
  EXPECT_TRUE(is_sparse(empty));
  EXPECT_EQ(count(empty), 0u);
  EXPECT_EQ(describe(empty), "Z:16384");
}

TEST(HyperLogLog, counts_about_what_was_added_in_either_form) {
  std::string either = make();
  std::string dense = make();
  ASSERT_TRUE(make_dense(dense));
  std::uint64_t checked = 1;
  for (std::uint64_t i = 1; i <= 200'000; ++i) {
    const Mark one = mark(i);
    const Added would = would_add(either, one);
    EXPECT_EQ(would_add(dense, one), would);
    ASSERT_EQ(add(either, one, kSparseMax), would);
    ASSERT_EQ(add(dense, one, kSparseMax), would);
    ASSERT_EQ(add(dense, one, kSparseMax), Added::kNothing);
    if (i != checked) continue;
    checked = checked * 3 + 1;
    const auto counted = count(dense);
    ASSERT_TRUE(counted.has_value());
    EXPECT_EQ(count(either), counted);
    EXPECT_LE(std::fabs(static_cast<double>(*counted) - static_cast<double>(i)), 0.04 * static_cast<double>(i) + 2);
    EXPECT_TRUE(is_one(either));
    EXPECT_LE(is_sparse(either) ? either.size() : 0, kSparseMax);
  }
  EXPECT_FALSE(is_sparse(either));
}

TEST(HyperLogLog, notes_its_count_until_it_changes) {
  std::string value = make();
  ASSERT_EQ(add(value, mark(1), kSparseMax), Added::kChanged);
  EXPECT_EQ(noted_count(value), std::nullopt);
  note_count(value, 17);
  EXPECT_EQ(noted_count(value), 17u);
  ASSERT_EQ(add(value, mark(1), kSparseMax), Added::kNothing);
  EXPECT_EQ(noted_count(value), 17u);
  ASSERT_EQ(add(value, mark(2), kSparseMax), Added::kChanged);
  EXPECT_EQ(noted_count(value), std::nullopt);
}

TEST(HyperLogLog, becomes_dense_when_a_run_cannot_hold_it) {
  std::string value = make();
  ASSERT_EQ(add(value, {5, 32}, kSparseMax), Added::kChanged);
  EXPECT_TRUE(is_sparse(value));
  ASSERT_EQ(add(value, {5, 33}, kSparseMax), Added::kChanged);
  EXPECT_FALSE(is_sparse(value));
  Union all;
  ASSERT_TRUE(all.take(value));
  EXPECT_EQ(all.registers()[5], 33);
  EXPECT_EQ(all.registers()[4], 0);
}

TEST(HyperLogLog, is_united_with_others) {
  std::string a = make();
  std::string b = make();
  std::string both = make();
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    ASSERT_NE(add(i % 2 == 0 ? a : b, mark(i), i < 10'000 ? kSparseMax : 0), Added::kCorrupt);
    ASSERT_NE(add(both, mark(i), kSparseMax), Added::kCorrupt);
  }
  Union all;
  ASSERT_TRUE(all.take(a) && all.take(b));
  EXPECT_EQ(all.count(), count(both));
}

// Whatever the bytes: an answer or a refusal, and nothing beyond them is touched.
TEST(HyperLogLog, refuses_what_is_none) {
  std::mt19937_64 random(1);
  std::string good = make();
  for (std::uint64_t i = 0; i < 300; ++i) ASSERT_NE(add(good, mark(i), kSparseMax), Added::kCorrupt);
  EXPECT_FALSE(is_one(""));
  EXPECT_FALSE(is_one("HYLL"));
  EXPECT_FALSE(is_one(std::string("HYLL\0", 5) + std::string(20, '\0')));
  EXPECT_FALSE(is_one(std::string("HYLL\2", 5) + std::string(kDenseBytes - 5, '\0')));
  EXPECT_EQ(count(good + "x"), std::nullopt);
  EXPECT_EQ(count(good.substr(0, good.size() - 1)), std::nullopt);
  EXPECT_EQ(count(good.substr(0, kHeaderBytes)), std::nullopt);
  for (int round = 0; round < 20'000; ++round) {
    std::string bad = good;
    for (std::uint64_t i = random() % 4; i > 0; --i)
      bad[kHeaderBytes + random() % (bad.size() - kHeaderBytes)] = static_cast<char>(random());
    if (random() % 3 == 0) bad.resize(kHeaderBytes + random() % (bad.size() - kHeaderBytes));
    ASSERT_TRUE(is_one(bad));
    Union all;
    const bool whole = all.take(bad);
    EXPECT_EQ(count(bad).has_value(), whole);
    EXPECT_EQ(describe(bad).has_value(), whole);
    std::string changed = bad;
    EXPECT_EQ(make_dense(changed), whole);
    const Mark one{static_cast<std::uint32_t>(random() % kRegisters), static_cast<std::uint8_t>(1 + random() % 51)};
    if (would_add(bad, one) != Added::kChanged) continue;
    const bool added = add(bad, one, kSparseMax) == Added::kChanged;
    EXPECT_TRUE(!added || count(bad).has_value() == whole);
  }
  std::string dense = make();
  ASSERT_TRUE(make_dense(dense));
  dense[kHeaderBytes] = 63;  // no text has that rank
  EXPECT_EQ(count(dense), std::nullopt);
  Union all;
  EXPECT_FALSE(all.take(dense));
}

}  // namespace
}  // namespace stave::types::hyperloglog
