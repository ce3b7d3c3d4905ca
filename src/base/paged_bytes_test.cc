#include "base/paged_bytes.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "base/bytes.h"
#include "base/random.h"

namespace stave::base {
namespace {

std::string text_of(const PagedBytes& bytes) {
  std::string text(static_cast<std::size_t>(bytes.size()), '?');
  EXPECT_EQ(bytes.read(0, std::as_writable_bytes(std::span(text))), text.size());
  return text;
}

TEST(PagedBytes, a_copy_keeps_what_it_had) {
  PagedBytes a;
  a.write(4090, as_bytes("across a page"));
  PagedBytes b = a;
  a.write(4095, as_bytes("XX"));
  b.write(0, as_bytes("b"));
  EXPECT_EQ(text_of(a), std::string(4090, '\0') + "acrosXXa page");
  EXPECT_EQ(text_of(b), "b" + std::string(4089, '\0') + "across a page");
}

TEST(PagedBytes, what_was_cut_off_does_not_come_back) {
  PagedBytes a;
  a.write(0, as_bytes(std::string(10'000, 'x')));
  const PagedBytes before = a;
  a.resize(5000);
  a.resize(10'000);
  EXPECT_EQ(text_of(a), std::string(5000, 'x') + std::string(5000, '\0'));
  EXPECT_EQ(text_of(before), std::string(10'000, 'x'));
}

TEST(PagedBytes, agrees_with_a_string_and_so_do_its_copies) {
  const std::uint64_t seed = 99;
  SCOPED_TRACE(seed);
  Random random(seed);
  std::vector<std::pair<PagedBytes, std::string>> family(1);
  for (int step = 0; step < 3000; ++step) {
    auto& [bytes, model] = family[random.below(family.size())];
    const auto offset = static_cast<std::size_t>(random.below(15'000));
    switch (random.below(10)) {
      case 0:
        bytes.resize(offset);
        model.resize(offset);
        break;
      case 1: {
        auto copy = family[random.below(family.size())];
        if (family.size() < 8) {
          family.push_back(std::move(copy));
        } else {
          family[random.below(family.size())] = std::move(copy);
        }
        break;
      }
      default: {
        std::string text(1 + random.below(6000), static_cast<char>('a' + random.below(26)));
        bytes.write(offset, as_bytes(text));
        if (offset + text.size() > model.size()) model.resize(offset + text.size());
        model.replace(offset, text.size(), text);
      }
    }
    if (step % 50 != 0) continue;
    for (const auto& [one, expected] : family) ASSERT_EQ(text_of(one), expected) << step;
  }
}

TEST(PagedBytes, copies_that_share_pages_are_used_by_different_threads) {
  PagedBytes origin;
  origin.write(0, as_bytes(std::string(100'000, 'o')));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([copy = origin, t]() mutable {
      for (int i = 0; i < 100; ++i) {
        PagedBytes mine = copy;
        mine.write(static_cast<std::uint64_t>(i) * 900, as_bytes(std::string(2000, static_cast<char>('a' + t))));
        copy = mine;
      }
    });
  }
  origin.write(50'000, as_bytes("origin"));
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(text_of(origin), std::string(50'000, 'o') + "origin" + std::string(49'994, 'o'));
}

}  // namespace
}  // namespace stave::base
