#include "log/record.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"

namespace stave::log {
namespace {

constexpr std::uint64_t kSeed = 0x1234'5678'9abc'def0;
constexpr Lsn kAt{0x1234'5678};

std::vector<std::byte> encoded(const RecordSpec& spec, std::uint8_t flags = kCommit) {
  std::vector<std::byte> bytes(encoded_size(spec));
  encode(spec, flags, kAt, kSeed, bytes.data());
  return bytes;
}

RecordSpec sample() {
  return {.kind = RecordKind::kString,
          .database = 3,
          .time = UnixMs{1'700'000'000'123},
          .expiry = {UnixMs{1'800'000'000'456}, 60'000},
          .prev = Lsn{0xffff'ffff'fffe},
          .key = "user:1",
          .payload = "Alice"};
}

std::string hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte b : bytes) {
    text += "0123456789abcdef"[static_cast<unsigned>(b) >> 4];
    text += "0123456789abcdef"[static_cast<unsigned>(b) & 15];
  }
  return text;
}

// Lengths on both sides of every step that the hash takes.
TEST(Record, in_two_pieces_is_the_same_as_in_one) {
  base::Random random(3);
  std::vector<std::size_t> sizes = {1'000, 1'023, 1'024, 1'025, 100'000, 3'000'000};
  for (std::size_t size = 0; size <= 300; ++size) sizes.push_back(size);
  for (const std::size_t size : sizes) {
    std::string payload(size, '\0');
    random.fill(std::as_writable_bytes(std::span(payload)));
    RecordSpec spec = sample();
    const std::string key(random.below(size % 10 == 0 ? 2'000 : 20), 'k');
    spec.key = key;
    spec.payload = payload;
    if (random.coin()) spec.expiry = {};
    if (random.coin()) spec.version = Lsn{77};
    spec.compressed = random.coin();
    const auto whole = encoded(spec, kCommit | kAfterSync);
    std::vector<std::byte> head(whole.size() - size);
    encode_head(spec, kCommit | kAfterSync, kAt, kSeed, head.data());
    ASSERT_TRUE(std::equal(head.begin(), head.end(), whole.begin())) << size;
    const auto extent = checked_extent(whole, kAt, kSeed);
    ASSERT_TRUE(extent.has_value());
    EXPECT_EQ(extent->length, whole.size());
    EXPECT_EQ(extent->payload_at, head.size());
    EXPECT_EQ(extent->compressed, spec.compressed);
    const auto one = decode(whole, kAt, kSeed);
    const auto two = decode(head, payload, kAt, kSeed);
    ASSERT_TRUE(one && two) << size;
    EXPECT_EQ(two->key, one->key);
    EXPECT_EQ(two->payload, one->payload);
    EXPECT_EQ(two->expiry, one->expiry);
    EXPECT_EQ(two->version, one->version);
    if (size == 0) continue;
    payload[random.below(size)] ^= 1;
    EXPECT_FALSE(decode(head, payload, kAt, kSeed)) << size;
    EXPECT_FALSE(decode(head, std::string_view(payload).substr(1), kAt, kSeed)) << size;
  }
}

TEST(Record, comes_back_as_it_was_written) {
  base::Random random(1);
  for (int round = 0; round < 2000; ++round) {
    const std::string key(random.below(round % 50 == 0 ? 70'000 : 40), 'k');
    const std::string payload(random.below(round % 50 == 1 ? 100'000 : 300), 'v');
    RecordSpec spec = sample();
    spec.key = key;
    spec.payload = payload;
    spec.database = static_cast<std::uint8_t>(random.below(256));
    spec.prev = Lsn{random.below(kLsnMax + 1)};
    spec.expiry = {};
    if (random.coin()) spec.expiry.at = UnixMs{1 + static_cast<std::int64_t>(random.below(1ull << 46))};
    if (!spec.expiry.never() && random.coin())
      spec.expiry.sliding_ms = 1 + static_cast<std::int64_t>(random.below(1u << 30));
    const auto bytes = encoded(spec, random.coin() ? kCommit : 0);
    ASSERT_EQ(checked_length(bytes, kAt, kSeed), bytes.size());
    const auto view = decode(bytes, kAt, kSeed);
    ASSERT_TRUE(view.has_value());
    EXPECT_EQ(view->kind, spec.kind);
    EXPECT_EQ(view->database, spec.database);
    EXPECT_EQ(view->time, spec.time);
    EXPECT_EQ(view->expiry, spec.expiry);
    EXPECT_EQ(view->prev, spec.prev);
    EXPECT_EQ(view->lsn, kAt);
    EXPECT_EQ(view->version, kAt);
    EXPECT_EQ(view->length, bytes.size());
    EXPECT_EQ(view->key, key);
    EXPECT_EQ(view->payload, payload);
  }
}

TEST(Record, keeps_its_version_when_it_is_moved_and_says_that_it_is_compressed) {
  for (const bool moved : {false, true}) {
    for (const bool compressed : {false, true}) {
      RecordSpec spec = sample();
      if (moved) spec.version = Lsn{0x1111'2222'3333};
      spec.compressed = compressed;
      const auto bytes = encoded(spec);
      const auto view = decode(bytes, kAt, kSeed);
      ASSERT_TRUE(view.has_value());
      EXPECT_EQ(view->version, moved ? spec.version : kAt);
      EXPECT_EQ(view->relocated(), moved);
      EXPECT_EQ(view->compressed(), compressed);
      EXPECT_EQ(view->expiry, spec.expiry);
      EXPECT_EQ(view->key, spec.key);
      EXPECT_EQ(view->payload, spec.payload) << "opaque";
    }
  }
}

TEST(Record, keeps_the_sign_of_a_time) {
  RecordSpec spec = sample();
  spec.time = UnixMs{-5};
  spec.expiry = {UnixMs{-7}, 0};
  const auto bytes = encoded(spec);
  const auto view = decode(bytes, kAt, kSeed);
  ASSERT_TRUE(view.has_value());
  EXPECT_EQ(view->time, UnixMs{-5});
  EXPECT_EQ(view->expiry.at, UnixMs{-7});
}

TEST(Record, is_refused_when_any_bit_is_flipped) {
  RecordSpec spec = sample();
  const std::string payload(400, 'p');
  for (const std::string_view body : {std::string_view{}, std::string_view("Alice"), std::string_view(payload)}) {
    spec.payload = body;
    auto bytes = encoded(spec);
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      bytes[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
      EXPECT_FALSE(decode(bytes, kAt, kSeed)) << "bit " << bit;
      bytes[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
    }
    ASSERT_TRUE(decode(bytes, kAt, kSeed));
  }
}

TEST(Record, is_refused_when_any_byte_changes_to_anything) {
  base::Random random(2);
  auto bytes = encoded(sample());
  for (int round = 0; round < 200'000; ++round) {
    const std::size_t at = random.below(bytes.size());
    const auto change = static_cast<std::byte>(1 + random.below(255));
    bytes[at] ^= change;
    ASSERT_FALSE(decode(bytes, kAt, kSeed)) << "byte " << at;
    bytes[at] ^= change;
  }
}

TEST(Record, is_refused_elsewhere_or_in_another_store) {
  const auto bytes = encoded(sample());
  EXPECT_FALSE(decode(bytes, kAt + 1, kSeed));
  EXPECT_FALSE(decode(bytes, Lsn{raw(kAt) - 1}, kSeed));
  EXPECT_FALSE(decode(bytes, kAt, kSeed + 1));
}

TEST(Record, is_refused_when_it_is_not_all_there) {
  const auto bytes = encoded(sample());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode(std::span(bytes).first(size), kAt, kSeed)) << size;
}

TEST(Record, length_is_trusted_only_after_the_header_check) {
  auto bytes = encoded(sample());
  bytes.back() ^= std::byte{1};
  EXPECT_EQ(checked_length(bytes, kAt, kSeed), bytes.size()) << "the body is none of its business";
  bytes[0] ^= std::byte{1};
  EXPECT_FALSE(checked_length(bytes, kAt, kSeed));
  const std::vector<std::byte> zeros(100);
  EXPECT_FALSE(checked_length(zeros, kAt, kSeed));
}

TEST(Record, takes_a_flag_afterwards) {
  auto bytes = encoded(sample());
  add_flag(bytes, kAfterSync, kAt, kSeed);
  const auto view = decode(bytes, kAt, kSeed);
  ASSERT_TRUE(view.has_value());
  EXPECT_EQ(view->flags & kAfterSync, kAfterSync);
  EXPECT_TRUE(view->commit());
  EXPECT_EQ(view->payload, "Alice");
}

TEST(Record, of_a_moved_record_carries_its_version) {
  // Nothing writes these yet; a reader must know them all the same.
  auto bytes = encoded({.kind = RecordKind::kString});
  for (const int c : {0x2a, 0, 0, 0, 0, 0, 0, 0, int{'k'}, int{'v'}}) bytes.push_back(static_cast<std::byte>(c));
  base::store(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
  base::store(bytes.data() + 12, std::uint16_t{1});
  add_flag(bytes, kRelocated, kAt, kSeed);
  const auto view = decode(bytes, kAt, kSeed);
  ASSERT_TRUE(view.has_value());
  EXPECT_EQ(view->version, Lsn{42});
  EXPECT_EQ(view->key, "k");
  EXPECT_EQ(view->payload, "v");
}

TEST(Record, with_fields_that_do_not_fit_is_refused_although_its_checks_hold) {
  auto bytes = encoded({.kind = RecordKind::kString, .key = "key"});
  base::store(bytes.data() + 12, std::uint16_t{4});
  add_flag(bytes, kCommit, kAt, kSeed);
  EXPECT_FALSE(decode(bytes, kAt, kSeed)) << "the key is longer than the record";
  base::store(bytes.data() + 12, std::uint16_t{3});
  add_flag(bytes, kSliding, kAt, kSeed);
  EXPECT_FALSE(decode(bytes, kAt, kSeed)) << "sliding without an expiry";
}

TEST(RecordFormat, is_pinned_to_these_bytes) {
  // If this fails the format has changed: old stores cannot be read any more. See docs/format.md.
  EXPECT_EQ(hex(encoded(sample())),
            "3b000000"  // length
            "10"
            "07"            // kind, flags
            "7b68e5cf8b01"  // time
            "0600"          // key length, low
            "feffffffffff"  // previous record
            "03"
            "00"                // database, key length, high
            "e0b2"              // header check
            "4d2127f79b9d172d"  // checksum
            "c8515c18a3010000"  // expiry
            "60ea000000000000"  // sliding
            "757365723a31"      // key
            "416c696365");      // payload
}

}  // namespace
}  // namespace stave::log
