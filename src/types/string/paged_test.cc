#include "types/string/paged.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "types/memory_pages.h"
#include "types/string/bitmap.h"
#include "types/string/bits_in.h"

namespace stave::types::text {
namespace {

std::string all_of(const sketch::Reader& bytes) {
  return sketch::Compact::form_of(bytes);
}

TEST(StringInPages, is_what_the_same_changes_make_of_a_string) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 40; ++round) {
    std::string model;
    MemoryPages pages;
    sketch::Compact run;
    Paged paged(pages, Paged::empty_root(0));
    if (round % 3 == 0) {
      model.assign(random() % 3'000'000, round % 2 == 0 ? 'f' : '\0');
      paged.fill(model);
      run.append(model);
    }
    for (int i = 0; i < 60; ++i) {
      const std::uint64_t dice = random() % 4;
      if (dice == 0) {
        const std::uint64_t count = random() % (i % 20 == 0 ? 400'000 : 9000);
        model.append(count, '\0');
        paged.extend(count);
        run.extend(count);
      } else if (dice == 1) {
        std::string bytes(random() % (i % 20 == 0 ? 30'000 : 300), i % 5 == 0 ? '\0' : 'a');
        model += bytes;
        paged.append(bytes);
        run.append(bytes);
      } else if (!model.empty()) {
        const std::uint64_t at = random() % model.size();
        std::string bytes(random() % std::min<std::uint64_t>(model.size() - at + 1, 9000), i % 5 == 0 ? '\0' : 'w');
        model.replace(at, bytes.size(), bytes);
        paged.write(at, bytes);
        run.write(at, bytes);
        std::string scratch;
        EXPECT_EQ(paged.read(at, bytes.size(), scratch), bytes);
      }
    }
    ASSERT_EQ(paged.size(), model.size());
    EXPECT_EQ(all_of(paged), model);
    EXPECT_EQ(run.form(), model);
    const std::string root = paged.root();
    EXPECT_EQ(Paged::size_of(root), model.size());
    EXPECT_EQ(all_of(Paged(pages, root)), model);
    std::size_t visited = 0;
    paged.visit_pages([&](PageId page) {
      EXPECT_LT(page, *Paged::page_end(root));
      ++visited;
      return true;
    });
    EXPECT_EQ(visited, pages.size());
  }
}

TEST(StringInPages, has_no_pages_for_many_zeros) {
  MemoryPages pages;
  Paged paged(pages, Paged::empty_root(0));
  paged.extend(std::uint64_t{512} << 20);
  EXPECT_LE(pages.size(), 4u);  // maps of 128 MiB each
  paged.write((std::uint64_t{512} << 20) - 1, "x");
  EXPECT_LE(pages.size(), 5u);
  EXPECT_EQ(bitmap::count(paged, 0, paged.size() * 8), 4u);
  EXPECT_EQ(bitmap::find(paged, true, 0, paged.size() * 8), paged.size() * 8 - 7);
  EXPECT_EQ(bitmap::find(paged, false, 5, paged.size() * 8), 5u);
  paged.append("tail");
  std::string scratch;
  EXPECT_EQ(paged.read(paged.size() - 6, 6, scratch), std::string_view("\0xtail", 6));
}

TEST(StringInPages, has_pages_that_append_fills_one_after_the_other) {
  MemoryPages pages;
  Paged paged(pages, Paged::empty_root(0));
  std::string model;
  for (int i = 0; i < 3000; ++i) {
    const std::string line = "line " + std::to_string(i) + "\n";
    paged.append(line);
    model += line;
  }
  EXPECT_EQ(all_of(paged), model);
  EXPECT_EQ(pages.size(), (model.size() + Paged::kStringCut.page - 1) / Paged::kStringCut.page);
}

TEST(StringInPages, is_told_and_laid_out_as_the_format_says) {
  MemoryPages pages;
  Paged paged(pages, Paged::empty_root(0));
  paged.append(std::string(5000, 'a'));
  EXPECT_EQ(paged.root(), std::string_view("\x03\x88\x13\0\0\0\0", 7));
  EXPECT_EQ(pages.read(0), std::string(4096, 'a'));
  EXPECT_EQ(pages.read(1), std::string(904, 'a'));
  paged.extend(1u << 20);
  paged.write(5000 + (1u << 20) - 1, "z");
  // From page 2 on there are maps; the last page is the 256th, which has the number behind its own.
  EXPECT_EQ(paged.root(), std::string_view("\x04\x88\x13\x10\0\0\0\x02\0\0\0\0\0", 13));
  EXPECT_EQ(pages.size(), 4u);
  EXPECT_EQ(pages.read(2).size(), 4096u);
  EXPECT_EQ(pages.read(2).find_first_not_of('\0'), 255u / 8);
  EXPECT_EQ(static_cast<unsigned char>(pages.read(2)[255 / 8]), 1u << (255 % 8));
  EXPECT_EQ(pages.read(258).size(), 904u);
  EXPECT_EQ(pages.read(258).back(), 'z');
}

TEST(BitsIn, a_string_in_pages_are_those_of_the_same_string_in_one_piece) {
  std::mt19937_64 random(3);
  std::string model(70'000, '\0');
  MemoryPages pages;
  Paged paged(pages, Paged::empty_root(0));
  paged.extend(model.size());
  for (int i = 0; i < 200; ++i) {
    const std::uint64_t at = random() % model.size();
    const std::string bytes(std::min<std::uint64_t>(random() % 50, model.size() - at), static_cast<char>(random()));
    model.replace(at, bytes.size(), bytes);
    paged.write(at, bytes);
  }
  for (int i = 0; i < 2000; ++i) {
    const std::uint64_t from = random() % (model.size() * 8);
    const std::uint64_t to = from + random() % (model.size() * 8 - from + 1);
    EXPECT_EQ(bitmap::get(paged, from), bitmap::get(model, from));
    EXPECT_EQ(bitmap::count(paged, from, to), bitmap::count(model, from, to));
    EXPECT_EQ(bitmap::find(paged, true, from, to), bitmap::find(model, true, from, to));
    EXPECT_EQ(bitmap::find(paged, false, from, to), bitmap::find(model, false, from, to));
  }
  EXPECT_FALSE(bitmap::get(paged, model.size() * 8));
}

}  // namespace
}  // namespace stave::types::text
