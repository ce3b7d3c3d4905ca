#include "log/segment.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/bytes.h"
#include "log/log_test_support.h"

namespace stave::log {
namespace {

StoreId sample_id() {
  StoreId id;
  for (std::size_t i = 0; i < id.size(); ++i) id[i] = static_cast<std::byte>(0xa0 + i);
  return id;
}

SegmentHeader sample_header() {
  return {sample_id(), Lsn{0x1234'5000}, 0x0123'4567'89ab'cdef, UnixMs{1'700'000'000'000}};
}

std::string hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte b : bytes) {
    text += "0123456789abcdef"[static_cast<unsigned>(b) >> 4];
    text += "0123456789abcdef"[static_cast<unsigned>(b) & 15];
  }
  return text;
}

TEST(SegmentHeader, comes_back_as_it_was_written) {
  const auto bytes = encode_segment_header(sample_header());
  const auto header = decode_segment_header(bytes, "f");
  ASSERT_TRUE(header);
  EXPECT_EQ(header->store_id, sample_id());
  EXPECT_EQ(header->base, Lsn{0x1234'5000});
  EXPECT_EQ(header->salt, 0x0123'4567'89ab'cdefu);
  EXPECT_EQ(header->created, UnixMs{1'700'000'000'000});
}

TEST(SegmentHeader, is_refused_when_any_bit_is_flipped) {
  auto bytes = encode_segment_header(sample_header());
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
    const auto header = decode_segment_header(bytes, "the file");
    ASSERT_FALSE(header) << "bit " << bit;
    EXPECT_EQ(header.error().file(), "the file");
    bytes[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
  }
}

TEST(SegmentHeader, of_a_newer_format_is_unsupported_and_not_corrupt) {
  auto bytes = encode_segment_header(sample_header());
  for (const std::uint32_t version : {kFormatVersion + 1, kFormatVersion - 1, kFormatVersion + 4096}) {
    base::store(bytes.data() + 8, version);
    EXPECT_EQ(decode_segment_header(bytes, "the file").error().code(), ErrorCode::kCorrupt)
        << "what fails its checksum is damaged, whatever it calls itself";
    set_format_version(bytes, version);
    const auto header = decode_segment_header(bytes, "the file");
    ASSERT_FALSE(header);
    EXPECT_EQ(header.error().code(), ErrorCode::kUnsupported);
    EXPECT_EQ(header.error().file(), "the file");
    EXPECT_NE(header.error().message().find(version > kFormatVersion ? "a newer one" : "an older one"),
              std::string::npos);
  }
}

TEST(SegmentHeader, that_is_cut_short_is_corrupt) {
  const auto bytes = encode_segment_header(sample_header());
  for (const std::size_t size : {0u, 7u, 11u, 64u, 4095u}) {
    const auto header = decode_segment_header(std::span(bytes).first(size), "f");
    ASSERT_FALSE(header);
    EXPECT_EQ(header.error().code(), ErrorCode::kCorrupt);
  }
}

TEST(Identity, comes_back_and_every_flipped_bit_is_noticed) {
  auto bytes = encode_identity({sample_id(), UnixMs{1'700'000'000'000}});
  const auto identity = decode_identity(bytes, "f");
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity->store_id, sample_id());
  EXPECT_EQ(identity->created, UnixMs{1'700'000'000'000});
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
    EXPECT_FALSE(decode_identity(bytes, "f")) << "bit " << bit;
    bytes[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
  }
}

TEST(SegmentName, is_the_base_in_sixteen_hex_digits_and_nothing_else_is_taken_for_one) {
  EXPECT_EQ(segment_name(Lsn{0x1000}), "0000000000001000.seg");
  EXPECT_EQ(parse_segment_name("0000000000001000.seg"), Lsn{0x1000});
  for (const char* name : {"1000.seg", "000000000000100g.seg", "0000000000001000.cut", "000000000000ABCD.seg",
                           "0000000000000000.seg", "+000000000001000.seg", "0000000000001000.seg2", "", "STAVE"}) {
    EXPECT_FALSE(parse_segment_name(name)) << name;
  }
}

TEST(SegmentFormat, is_pinned_to_these_bytes) {
  // If this fails the format has changed: old stores cannot be read any more. See docs/format.md.
  const auto header = encode_segment_header(sample_header());
  EXPECT_EQ(hex(std::span(header).first(64)),
            "5354415645534547"  // magic
            "01000000"
            "00100000"                          // version, size
            "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"  // store id
            "0050341200000000"                  // base
            "efcdab8967452301"                  // salt
            "0068e5cf8b010000"                  // created
            "5257ec14bbdec6bd");                // checksum
  EXPECT_EQ(std::ranges::count(std::span(header).subspan(64), std::byte{0}), 4096 - 64);
  EXPECT_EQ(hex(encode_identity({sample_id(), UnixMs{1'700'000'000'000}})),
            "53544156452d4944"
            "01000000"
            "40000000"
            "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
            "0068e5cf8b010000"
            "00000000000000000000000000000000"
            "e8b66e3a76a87ff4");
  EXPECT_EQ(record_seed(sample_id(), 0x0123'4567'89ab'cdef), 0xff8cf626cd4efe6eu);
}

}  // namespace
}  // namespace stave::log
