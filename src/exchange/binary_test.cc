#include "exchange/binary.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "exchange/big_endian.h"
#include "exchange/collect_for_test.h"
#include "exchange/files.h"

namespace stave::exchange {
namespace {

using namespace std::string_view_literals;

constexpr UnixMs kTime{1'705'314'600'123};

std::string write_binary1(const std::vector<Entry>& entries, std::optional<std::uint64_t> count = {}) {
  return write_all(Format::kBinary1, entries, {.time = kTime, .count = count});
}
std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    out += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    out += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
  }
  return out;
}
std::string write_binary2(const std::vector<Entry>& entries, Codec codec = Codec::kZstd) {
  MemoryOutput out;
  const auto writer = make_binary2_writer(out, codec);
  write_all(*writer, entries, {.time = kTime, .lsn = Lsn{77}});
  return out.bytes();
}

// The bytes of the simple form are pinned: other programs read and write them.
TEST(Binary1, is_written_exactly) {
  const std::string bytes = write_binary1({{.key = "a", .value = "one"}, {.key = "", .value = "\xff"}});
  EXPECT_EQ(bytes,
            "\x00\x4b\x56\xdb"
            "\x00\x00\x00\x01"
            "\x00\x00\x00\x00\x65\xa5\x09\x28"
            "\x00\x00\x00\x02"
            "\x00\x00\x00\x01"
            "a"
            "\x00\x00\x00\x03"
            "one"
            "\x00\x00\x00\x00"
            "\x00\x00\x00\x01"
            "\xff"sv);
}

TEST(Binary1, is_read_back) {
  const std::vector<Entry> entries = {{.key = "a", .value = "one"}, {.key = std::string(300, 'k'), .value = ""}};
  const auto read = read_text(write_binary1(entries));
  ASSERT_TRUE(read) << read.error().describe();
  EXPECT_EQ(read->entries, entries);
  EXPECT_EQ(read->summary.format, Format::kBinary1);
  EXPECT_EQ(read->summary.header.time, UnixMs{1'705'314'600'000});
  EXPECT_EQ(read->summary.header.count, 2u);
}

// A pipe cannot be patched: the count is right from the start when the caller knows it.
TEST(Binary1, needs_no_patch_when_the_count_is_known) {
  class Pipe final : public ByteOutput {
   public:
    Result<void> write(std::span<const std::byte>) override { return {}; }
  } pipe;
  const auto writer = make_binary1_writer(pipe);
  ASSERT_TRUE(writer->begin({.time = kTime, .count = 1}));
  ASSERT_TRUE(writer->take({.key = "a", .value = "b"}));
  EXPECT_TRUE(writer->finish());
  ASSERT_TRUE(writer->take({.key = "c", .value = "d"}));
  EXPECT_EQ(writer->finish().error().code(), ErrorCode::kUnsupported);
}

TEST(Binary1, refuses_what_it_cannot_hold) {
  MemoryOutput out;
  const auto writer = make_binary1_writer(out);
  ASSERT_TRUE(writer->begin({}));
  EXPECT_EQ(writer->take({.database = 1, .key = "a"}).error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(writer->take({.key = "a", .expiry = {.at = UnixMs{1}}}).error().code(), ErrorCode::kUnsupported);
}

TEST(Binary1, believes_no_length_before_its_bytes_came) {
  std::string bytes = write_binary1({{.key = "a", .value = "one"}});
  bytes[20] = '\x7f';
  EXPECT_EQ(read_text(bytes).error().code(), ErrorCode::kTooLarge);
  bytes[20] = '\0';
  bytes[25] = '\x10';  // 256 MiB of value, of which 3 bytes are there
  const auto error = read_text(bytes);
  EXPECT_EQ(error.error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(error.error().offset(), static_cast<std::int64_t>(bytes.size()));
  EXPECT_EQ(error.error().file(), "test");
}

TEST(Binary2, is_pinned_byte_by_byte) {
  const std::string bytes =
      write_binary2({{.database = 3, .key = "k", .value = "v", .expiry = {UnixMs{258}, 5}}}, Codec::kNone);
  EXPECT_EQ(hex(bytes),
            "004b56db000000020000018d0cabc4bb000000000000004d00000000000000008cda72aabad22529"
            "0100000000000001000000170000001768d81349b8fc036fa94780f3e3c33fb3"
            "70000300000000000001020000000000000005016b0176"
            "020000000000000000000010000000101408771cd6acfce488c3bd3d53975878"
            "00000000000000010000000000000001");
}

TEST(Binary2, every_entry_survives) {
  for (const unsigned seed : {1u, 2u, 3u}) {
    SCOPED_TRACE(seed);
    const std::vector<Entry> entries = random_entries(seed, 3000);
    for (const Codec codec : {Codec::kNone, Codec::kZstd}) {
      const auto read = read_text(write_binary2(entries, codec));
      ASSERT_TRUE(read) << read.error().describe();
      EXPECT_EQ(read->entries, entries);
      EXPECT_EQ(read->summary.header.time, kTime);
      EXPECT_EQ(read->summary.header.lsn, Lsn{77});
      EXPECT_EQ(read->summary.header.count, entries.size());
    }
  }
}

TEST(Binary2, holds_nothing_and_values_larger_than_a_block) {
  EXPECT_TRUE(read_text(write_binary2({}))->entries.empty());
  const std::vector<Entry> large = {{.key = "a", .value = std::string(5'000'000, 'x')}, {.key = "b", .value = "y"}};
  const std::string bytes = write_binary2(large);
  EXPECT_LT(bytes.size(), 100'000u) << "it is compressed";
  EXPECT_EQ(read_text(bytes)->entries, large);
  EXPECT_EQ(read_text(bytes, {.value_bytes_max = 1 << 20}).error().code(), ErrorCode::kTooLarge);
}

TEST(Binary2, a_version_of_the_future_is_told_from_a_flipped_bit) {
  std::string bytes = write_binary2({{.key = "k", .value = "v"}});
  for (const char version : {'\0', '\3', '\6', '\x42'}) {
    bytes[7] = version;
    EXPECT_EQ(read_text(bytes).error().code(), ErrorCode::kCorrupt) << static_cast<int>(version);
  }
  std::string check;
  append_big(check, base::xxh3(base::as_bytes(std::string_view(bytes).substr(0, 32)), 0));
  bytes.replace(32, 8, check);
  EXPECT_EQ(read_text(bytes).error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(read_text(bytes.substr(0, 20)).error().code(), ErrorCode::kCorrupt);
}

// Blocks know their place: one that is dropped, doubled or taken from another file is found out.
TEST(Binary2, blocks_do_not_change_places) {
  std::vector<Entry> entries;
  for (int i = 0; i < 3; ++i) entries.push_back({.key = std::to_string(i), .value = std::string(140'000, 'a')});
  const std::string bytes = write_binary2(entries, Codec::kNone);
  constexpr std::size_t kBlock = 32 + 140'000 + 6;
  const std::string head = bytes.substr(0, 40);
  const std::string first = bytes.substr(40, kBlock);
  const std::string second = bytes.substr(40 + kBlock, kBlock);
  const std::string rest = bytes.substr(40 + 2 * kBlock);
  EXPECT_TRUE(read_text(head + first + second + rest));
  EXPECT_FALSE(read_text(head + second + first + rest));
  EXPECT_FALSE(read_text(head + first + first + second + rest));
  EXPECT_FALSE(read_text(head + first + rest));
  EXPECT_FALSE(read_text(head + first + second));
}

// A later type passes through an older reader: counted, named, not lost in silence.
TEST(Binary2, a_kind_it_does_not_know_is_skipped_and_named) {
  MemoryOutput out;
  const auto writer = make_binary2_writer(out);
  ASSERT_TRUE(writer->begin({}));
  ASSERT_TRUE(writer->take({.key = "stream", .kind = static_cast<Kind>(9), .value = "whatever"}));
  ASSERT_TRUE(writer->take({.key = "text", .value = "v"}));
  ASSERT_TRUE(writer->finish());
  const auto read = read_text(out.bytes());
  ASSERT_TRUE(read) << read.error().describe();
  EXPECT_EQ(read->entries, (std::vector<Entry>{{.key = "text", .value = "v"}}));
  EXPECT_EQ(read->skipped, std::vector<std::string>{"stream: type 9"});
  EXPECT_EQ(read->summary.skipped, 1u);
}

TEST(Binary2, every_collection_survives) {
  for (const unsigned seed : {1u, 2u}) {
    SCOPED_TRACE(seed);
    const std::vector<Entry> entries = random_collections(seed, 300);
    const auto read = read_text(write_binary2(entries));
    ASSERT_TRUE(read) << read.error().describe();
    EXPECT_EQ(read->entries, entries);
  }
}

// What is in a file is not believed: bytes that are no collection would be found out much later, by an assertion.
TEST(Binary2, a_malformed_collection_is_refused) {
  const std::string twice = [] {
    types::Items items;
    items.add("a");
    items.add("a");
    return items.take_form();
  }();
  const struct {
    Kind kind;
    std::string value;
  } cases[] = {{Kind::kList, ""},
               {Kind::kList, std::string("\0\0", 2)},
               {Kind::kList, "x"},
               {Kind::kSet, twice},
               {Kind::kHash, collection(Kind::kList, {"a"})},
               {Kind::kHash, collection(Kind::kList, {"a", "b", "a", "c"})},
               {Kind::kSortedSet, collection(Kind::kList, {"a", "b"})},
               {Kind::kSortedSet, collection(Kind::kList, {"2", "b", "1", "c"})}};
  for (const auto& [kind, value] : cases) {
    const auto read = read_text(write_binary2({{.key = "k", .value = value, .kind = kind}}));
    ASSERT_FALSE(read) << to_string(kind);
    EXPECT_EQ(read.error().code(), ErrorCode::kCorrupt);
    EXPECT_NE(read.error().message().find("a malformed " + std::string(to_string(kind))), std::string::npos);
  }
}

TEST(Binary1, collections_are_refused_with_a_sentence) {
  MemoryOutput out;
  const auto writer = make_writer(Format::kBinary1, out);
  ASSERT_TRUE(writer->begin({}));
  const auto done = writer->take({.key = "l", .kind = Kind::kList, .value = collection(Kind::kList, {"a"})});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), ErrorCode::kUnsupported);
}

TEST(Binary, no_damage_is_read_as_other_data) {
  const std::vector<Entry> entries = {
      {.key = "a", .value = "one"},
      {.database = 2, .key = "b", .value = std::string(50, 'z'), .expiry = {UnixMs{9}, 0}},
      {.key = "l", .value = collection(Kind::kList, {"a", "a", "12"}), .kind = Kind::kList},
      {.key = "z", .value = sorted_set({{"a", 1}, {"b", 0.5}}), .kind = Kind::kSortedSet}};
  expect_damage_is_found(write_binary2(entries), entries, true);
  const std::vector<Entry> plain = {{.key = "a", .value = "one"}, {.key = "bb", .value = ""}};
  expect_damage_is_found(write_binary1(plain), plain, false);
}

}  // namespace
}  // namespace stave::exchange
