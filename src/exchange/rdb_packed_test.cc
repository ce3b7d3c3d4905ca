#include "exchange/rdb_packed.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace stave::exchange {
namespace {

using namespace std::string_literals;
using Words = std::vector<std::string>;
using Walk = bool (*)(std::string_view, VisitPacked);

std::optional<Words> walk(Walk one, std::string_view bytes) {
  Words words;
  const bool whole = one(bytes, [&](const types::ItemText& element) {
    words.emplace_back(element.view());
    return true;
  });
  return whole ? std::optional(words) : std::nullopt;
}

template <class Integer>
std::string little(Integer value, std::size_t bytes = sizeof(Integer)) {
  std::string text(sizeof value, '\0');
  base::store(text.data(), value);
  return text.substr(0, bytes);
}

/// A listpack of encoded elements.
std::string listpack(const std::vector<std::string>& elements) {
  std::string body;
  for (const std::string& e : elements) {
    body += e;
    std::string back;
    for (std::size_t size = e.size();; size >>= 7) {
      back.insert(back.begin(), static_cast<char>(size & 0x7f));
      if (size < 0x80) break;
    }
    for (std::size_t i = 1; i < back.size(); ++i) back[i] = static_cast<char>(back[i] | 0x80);
    body += back;
  }
  return little(static_cast<std::uint32_t>(body.size() + 7)) + little(static_cast<std::uint16_t>(elements.size())) +
         body + "\xff";
}

/// A ziplist of encoded elements.
std::string ziplist(const std::vector<std::string>& elements) {
  std::string body;
  std::size_t before = 0;
  std::size_t last = 10;
  for (const std::string& e : elements) {
    last = 10 + body.size();
    body +=
        before < 254 ? std::string(1, static_cast<char>(before)) : "\xfe" + little(static_cast<std::uint32_t>(before));
    body += e;
    before = 10 + body.size() - last;
  }
  return little(static_cast<std::uint32_t>(body.size() + 11)) + little(static_cast<std::uint32_t>(last)) +
         little(static_cast<std::uint16_t>(elements.size())) + body + "\xff";
}

TEST(Listpack, every_encoding_is_read) {
  const std::string text(5000, 'x');
  EXPECT_EQ(walk(walk_listpack, listpack({"\x7f", "\x83"s + "abc", "\xdf\xff", "\xd0\x00"s, "\xcf\xff",
                                          "\xe1\x2c" + text.substr(0, 300), "\xf0" + little(std::uint32_t{5000}) + text,
                                          "\xf1" + little(std::int16_t{-2}), "\xf2\x00\x00\x80"s,
                                          "\xf3" + little(std::int32_t{1 << 30}),
                                          "\xf4" + little(std::numeric_limits<std::int64_t>::min()), "\x80"})),
            (Words{"127", "abc", "-1", "-4096", "4095", text.substr(0, 300), text, "-2", "-8388608", "1073741824",
                   "-9223372036854775808", ""}));
  EXPECT_EQ(walk(walk_listpack, listpack({})), Words{});
}

TEST(Ziplist, every_encoding_is_read) {
  const std::string text(20'000, 'x');
  EXPECT_EQ(
      walk(walk_ziplist, ziplist({"\x03"s + "abc", "\x41\x2c" + text.substr(0, 300), "\x80\x00\x00\x4e\x20"s + text,
                                  "\xc0" + little(std::int16_t{-2}), "\xd0" + little(std::int32_t{1 << 30}),
                                  "\xe0" + little(std::numeric_limits<std::int64_t>::min()), "\xf0\x00\x00\x80"s,
                                  "\xfe\x85", "\xf1", "\xfd", "\x00"s})),
      (Words{"abc", text.substr(0, 300), text, "-2", "1073741824", "-9223372036854775808", "-8388608", "-123", "0",
             "12", ""}));
  EXPECT_EQ(walk(walk_ziplist, ziplist({})), Words{});
}

TEST(Intset, every_width_is_read_and_order_is_demanded) {
  const auto intset = [](std::uint32_t width, std::uint32_t count, const std::string& members) {
    return little(width) + little(count) + members;
  };
  EXPECT_EQ(walk(walk_intset, intset(2, 2, "\xff\xff\x05\x00"s)), (Words{"-1", "5"}));
  EXPECT_EQ(walk(walk_intset, intset(4, 1, little(std::int32_t{-70'000}))), Words{"-70000"});
  EXPECT_EQ(walk(walk_intset, intset(8, 1, little(std::int64_t{1} << 40))), Words{"1099511627776"});
  EXPECT_EQ(walk(walk_intset, intset(2, 0, "")), Words{});
  for (const std::string& bad :
       {intset(2, 2, "\x05\x00\x05\x00"s), intset(2, 2, "\x05\x00\x04\x00"s), intset(2, 2, "\x05\x00"s),
        intset(2, 1, "\x05\x00\x06\x00"s), intset(3, 1, "\x05\x00\x06"s), intset(0, 1, ""), intset(1, 1, "\x05"),
        intset(8, 0x20000000, ""), intset(8, 0xffffffff, little(std::int64_t{1}))})
    EXPECT_EQ(walk(walk_intset, bad), std::nullopt) << testing::PrintToString(bad);
}

TEST(Zipmap, is_read_with_the_room_that_values_left) {
  const std::string text(300, 'v');
  EXPECT_EQ(walk(walk_zipmap, "\x02\x01"s + "a" + "\x02\x03" + "bcxxx" + "\x01" + "d" + "\xfe" +
                                  little(std::uint32_t{300}) + "\x00"s + text + "\xff"),
            (Words{"a", "bc", "d", text}));
  EXPECT_EQ(walk(walk_zipmap, "\x00\xff"s), Words{});
  for (const std::string& bad : {"\x01\x01"s + "a" + "\xff", "\x02\x01"s + "a" + "\x01\x00"s + "b" + "\xff", "\x00"s,
                                 "\x00\xff\xff"s, "\x01\xfe\xff\xff\xff\xff"s + "a" + "\xff", ""s})
    EXPECT_EQ(walk(walk_zipmap, bad), std::nullopt) << testing::PrintToString(bad);
}

// Whatever is said about sizes, counts and places is held against what is there.
TEST(Packed, what_contradicts_itself_is_refused) {
  const std::string one = listpack({"\x83"s + "abc", "\x05"});
  const std::string other = ziplist({"\x03"s + "abc", "\xf6"});
  for (const auto& [walker, good] :
       std::initializer_list<std::pair<Walk, std::string>>{{walk_listpack, one}, {walk_ziplist, other}}) {
    ASSERT_TRUE(walk(walker, good));
    for (std::size_t size = 0; size < good.size(); ++size)
      EXPECT_EQ(walk(walker, std::string_view(good).substr(0, size)), std::nullopt) << size;
    EXPECT_EQ(walk(walker, good + "\xff"), std::nullopt);
    const std::size_t head = walker == walk_listpack ? 6 : 10;
    for (std::size_t at = 0; at < head; ++at) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] + 1);
      EXPECT_EQ(walk(walker, bad), std::nullopt) << at;
    }
  }
  // A count of 65,535 says that there are at least as many; then they are counted.
  std::string many = one;
  many[4] = many[5] = '\xff';
  EXPECT_TRUE(walk(walk_listpack, many));
}

TEST(Packed, nothing_outside_is_read_whatever_the_bytes_say) {
  constexpr std::uint64_t kSeed = 5;
  std::mt19937_64 random(kSeed);
  const std::string seeds[] = {listpack({"\x7f", "\x83"s + "abc", "\xdf\xff", "\xf1\x01\x02"}),
                               ziplist({"\x03"s + "abc", "\xc0\x01\x02", "\xf4", "\xfe\x85"}),
                               "\x02\x00\x00\x00\x02\x00\x00\x00\xff\xff\x05\x00"s,
                               "\x02\x01"s + "a" + "\x02\x03" + "bcxxx" + "\x01" + "d" + "\x00\x00\xff"s};
  const Walk walks[] = {walk_listpack, walk_ziplist, walk_intset, walk_zipmap};
  for (int round = 0; round < 100'000; ++round) {
    const std::size_t which = random() % std::size(walks);
    // In memory of its own size, so that a sanitizer sees every step too far.
    std::vector<char> bytes(seeds[which].begin(), seeds[which].end());
    for (auto n = 1 + random() % 3; n > 0; --n) bytes[random() % bytes.size()] = static_cast<char>(random());
    std::size_t total = 0;
    walks[which]({bytes.data(), bytes.size()}, [&](const types::ItemText& element) {
      total += element.view().size();
      return true;
    });
    ASSERT_LE(total, 20 * bytes.size());
  }
}

}  // namespace
}  // namespace stave::exchange
