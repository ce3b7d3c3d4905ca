#include "types/string/bitmap.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <random>
#include <vector>

#include "types/string/bit_field.h"

namespace stave::types::bitmap {
namespace {

std::string random_bytes(std::mt19937_64& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

std::uint64_t slow_count(std::string_view bytes, std::uint64_t from, std::uint64_t to) {
  std::uint64_t sum = 0;
  for (std::uint64_t i = from; i < to; ++i) sum += get(bytes, i) ? 1 : 0;
  return sum;
}

TEST(Bitmap, has_its_first_bit_highest_in_its_first_byte) {
  std::string bytes(2, '\0');
  set(bytes.data(), 0, true);
  EXPECT_EQ(bytes, std::string("\x80\x00", 2));
  set(bytes.data(), 15, true);
  set(bytes.data(), 0, false);
  EXPECT_EQ(bytes, std::string("\x00\x01", 2));
  EXPECT_TRUE(get(bytes, 15));
  EXPECT_FALSE(get(bytes, 16));
  EXPECT_FALSE(get(bytes, std::numeric_limits<std::uint64_t>::max()));
}

TEST(Bitmap, counts_the_same_whatever_the_processor_has) {
  std::mt19937_64 random(1);
  for (std::size_t size = 0; size < 200; ++size) {
    const std::string bytes = random_bytes(random, size);
    const std::uint64_t expected = slow_count(bytes, 0, size * 8);
    EXPECT_EQ(count(bytes), expected);
    EXPECT_EQ(count_portably(bytes), expected);
    if (has_fast_count()) {
      EXPECT_EQ(count_fast(bytes), expected);
    }
  }
  // All bits set, for more vectors than a byte's sum holds.
  const std::string ones(100000 + 17, '\xff');
  for (std::size_t skip = 0; skip < 33; ++skip) {
    const std::string_view part = std::string_view(ones).substr(skip);
    EXPECT_EQ(count(part), part.size() * 8);
    EXPECT_EQ(count_portably(part), part.size() * 8);
  }
  const std::string many = random_bytes(random, 1 << 20);
  EXPECT_EQ(count(many), count_portably(many));
}

TEST(Bitmap, counts_and_finds_in_any_range_of_bits) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 3000; ++round) {
    std::string bytes(random() % 40, random() % 2 == 0 ? '\0' : '\xff');
    if (!bytes.empty() && random() % 4 != 0) bytes[random() % bytes.size()] = static_cast<char>(random());
    const std::uint64_t bits = bytes.size() * 8;
    std::uint64_t from = random() % (bits + 1);
    std::uint64_t to = random() % (bits + 1);
    if (from > to) std::swap(from, to);
    EXPECT_EQ(count(bytes, from, to), slow_count(bytes, from, to));
    for (const bool bit : {false, true}) {
      std::optional<std::uint64_t> expected;
      for (std::uint64_t i = from; i < to && !expected; ++i)
        if (get(bytes, i) == bit) expected = i;
      EXPECT_EQ(find(bytes, bit, from, to), expected) << bit << ' ' << from << ' ' << to;
    }
  }
}

bool combined_bit(Operation operation, const std::vector<bool>& bits) {
  std::size_t ones = 0;
  for (const bool bit : bits) ones += bit ? 1 : 0;
  const std::size_t others = ones - (bits[0] ? 1 : 0);
  switch (operation) {
    case Operation::kAnd: return ones == bits.size();
    case Operation::kOr: return ones > 0;
    case Operation::kXor: return ones % 2 == 1;
    case Operation::kNot: return !bits[0];
    case Operation::kDiff: return bits[0] && others == 0;
    case Operation::kDiff1: return !bits[0] && others > 0;
    case Operation::kAndOr: return bits[0] && others > 0;
    case Operation::kOne: return ones == 1;
  }
  return false;
}

TEST(Bitmap, combines_strings_of_any_length) {
  std::mt19937_64 random(3);
  for (const Operation operation : {Operation::kAnd, Operation::kOr, Operation::kXor, Operation::kNot, Operation::kDiff,
                                    Operation::kDiff1, Operation::kAndOr, Operation::kOne}) {
    for (int round = 0; round < 50; ++round) {
      std::vector<std::string> sources(operation == Operation::kNot ? 1 : 1 + random() % 4);
      std::size_t longest = 0;
      for (std::string& source : sources) {
        source = random_bytes(random, random() % 30);
        longest = std::max(longest, source.size());
      }
      const std::vector<std::string_view> views(sources.begin(), sources.end());
      std::string result = "what was there before";
      combine(operation, views, result);
      ASSERT_EQ(result.size(), longest);
      for (std::uint64_t i = 0; i < longest * 8; ++i) {
        std::vector<bool> bits;
        for (const std::string_view view : views) bits.push_back(get(view, i));
        EXPECT_EQ(get(result, i), combined_bit(operation, bits));
      }
    }
  }
}

TEST(BitField, has_types_of_these_names) {
  for (const char* text : {"", "i", "u", "i0", "u64", "i65", "x8", "I8", "i08", "i 8", "u-1", "8"})
    EXPECT_FALSE(parse_field_type(text).has_value()) << text;
  EXPECT_EQ(parse_field_type("i64")->bits, 64u);
  EXPECT_TRUE(parse_field_type("i1")->is_signed);
  EXPECT_FALSE(parse_field_type("u63")->is_signed);
}

TEST(BitField, reads_what_was_written_and_leaves_the_rest) {
  std::mt19937_64 random(4);
  for (int round = 0; round < 5000; ++round) {
    FieldType type{random() % 2 == 0, 0};
    type.bits = 1 + static_cast<unsigned>(random() % (type.is_signed ? 64 : 63));
    std::string bytes = random_bytes(random, 20);
    const std::string before = bytes;
    const std::uint64_t at = random() % (bytes.size() * 8 - type.bits + 1);
    const auto value = static_cast<std::int64_t>(random());
    const auto fit = add_to_field(value, 0, type, Overflow::kWrap);
    set_field(bytes.data(), at, type, value);
    EXPECT_EQ(get_field(bytes, at, type), *fit);
    for (std::uint64_t i = 0; i < bytes.size() * 8; ++i)
      EXPECT_TRUE((i >= at && i < at + type.bits) || get(bytes, i) == get(before, i));
  }
  EXPECT_EQ(get_field("\xff", 4, {true, 8}), -16);
  EXPECT_EQ(get_field("\xff", 4, {false, 8}), 0xf0);
  EXPECT_EQ(get_field("", std::numeric_limits<std::uint64_t>::max(), {true, 64}), 0);
}

TEST(BitField, wraps_saturates_or_fails) {
  const FieldType i8{true, 8};
  const FieldType u8{false, 8};
  const FieldType i64{true, 64};
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(add_to_field(100, 100, i8, Overflow::kWrap), -56);
  EXPECT_EQ(add_to_field(100, 100, i8, Overflow::kSaturate), 127);
  EXPECT_EQ(add_to_field(100, 100, i8, Overflow::kFail), std::nullopt);
  EXPECT_EQ(add_to_field(-100, -100, i8, Overflow::kSaturate), -128);
  EXPECT_EQ(add_to_field(-100, 227, i8, Overflow::kFail), 127);
  EXPECT_EQ(add_to_field(200, 100, u8, Overflow::kWrap), 44);
  EXPECT_EQ(add_to_field(200, 100, u8, Overflow::kSaturate), 255);
  EXPECT_EQ(add_to_field(10, -11, u8, Overflow::kSaturate), 0);
  EXPECT_EQ(add_to_field(10, -11, u8, Overflow::kWrap), 255);
  EXPECT_EQ(add_to_field(-1, 0, u8, Overflow::kSaturate), 255);
  EXPECT_EQ(add_to_field(kMax, 1, i64, Overflow::kWrap), kMin);
  EXPECT_EQ(add_to_field(kMax, 1, i64, Overflow::kSaturate), kMax);
  EXPECT_EQ(add_to_field(kMin, -1, i64, Overflow::kFail), std::nullopt);
  EXPECT_EQ(add_to_field(kMin, -1, i64, Overflow::kSaturate), kMin);
  EXPECT_EQ(add_to_field(kMin, kMin, {false, 63}, Overflow::kWrap), 0);
}

}  // namespace
}  // namespace stave::types::bitmap
