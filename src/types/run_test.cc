#include "types/run.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace stave::types {
namespace {

std::string encoded(std::string_view text) {
  std::string form;
  EncodedItem(text).append_to(form);
  return form;
}

TEST(Item, keeps_a_text_and_has_one_form_of_it) {
  const std::vector<std::string> texts = {"",
                                          "0",
                                          "7",
                                          "12",
                                          "-1",
                                          "-12",
                                          "127",
                                          "128",
                                          "-128",
                                          "-129",
                                          "32767",
                                          "9223372036854775807",
                                          "007",
                                          "+1",
                                          "-0",
                                          "-9223372036854775808",
                                          "1.5",
                                          "a",
                                          "hello",
                                          "9223372036854775808",
                                          std::string(239, 'x'),
                                          std::string(240, 'x'),
                                          std::string(65535, 'x'),
                                          std::string(65536, 'x')};
  for (const std::string& text : texts) {
    const std::string form = encoded(text);
    ASSERT_EQ(item::checked_size(form), form.size()) << text.substr(0, 20);
    EXPECT_EQ(item::size_at(form.data()), form.size());
    EXPECT_EQ(item::read(form.data()).view(), text);
    EXPECT_LE(form.size(), text.size() + 5);
    EXPECT_EQ(item::checked_size(std::string_view(form).substr(0, form.size() - 1)), std::nullopt);
    for (const std::string& other : texts) EXPECT_EQ(EncodedItem(other).is_at(form.data()), other == text);
  }
  EXPECT_EQ(encoded("1000000000000").size(), 7u);
}

TEST(Item, tells_texts_of_the_same_size_apart) {
  for (std::size_t size = 1; size < 40; ++size) {
    for (const char first : {'a', '1', '-'}) {
      std::string text(size, '7');
      text[0] = first;
      // In memory of its own, so that a sanitizer sees a comparison beyond it.
      const std::string form = encoded(text);
      const std::vector<char> exact(form.begin(), form.end());
      EXPECT_TRUE(EncodedItem(text).is_at(exact.data())) << text;
      for (std::size_t at = 0; at < size; ++at) {
        std::string other = text;
        other[at] = '5';
        EXPECT_FALSE(EncodedItem(other).is_at(exact.data())) << text << " " << at;
      }
    }
  }
}

TEST(Item, refuses_bytes_that_no_text_has) {
  using namespace std::string_literals;
  for (const std::string& form : {""s, "\xfa"s, "\xff"s,
                                  "\x02"
                                  "12"s,
                                  "\xf0\x05"s, "\xf1\x05\x00"s,
                                  "\xf8\x01\x00"
                                  "a"s,
                                  "\xf9\x01\x00\x00\x00"
                                  "a"s,
                                  "\xf8\xff"s,
                                  "\xf9\xff\xff\xff\xff"
                                  "a"s,
                                  "\xf7\x01"s})
    EXPECT_EQ(item::checked_size(form), std::nullopt) << ::testing::PrintToString(form);
}

TEST(Run, holds_what_a_vector_would_after_random_changes) {
  std::mt19937_64 random(4711);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> model;
    std::string kept;
    for (int step = 0; step < 40; ++step) {
      types::Run run(kept);
      const int changes = static_cast<int>(random() % 4);
      for (int i = 0; i < changes; ++i) {
        const std::uint64_t number = random() % (model.size() + 1);
        std::size_t at = run.place(number);
        if (number < model.size() && random() % 3 == 0) {
          run.replace(at, run.next(at) - at, 0, -1);
          model.erase(model.begin() + static_cast<std::ptrdiff_t>(number));
        } else {
          for (int n = 0; n < (random() % 20 == 0 ? 100 : 1); ++n) {
            const std::string text =
                random() % 2 == 0 ? std::to_string(random() >> random() % 64) : std::string(random() % 300, 'a');
            const EncodedItem item(text);
            at = run.place(number);
            item.write_to(run.replace(at, 0, item.size(), 1));
            EXPECT_EQ(run.read(at).view(), text);
            model.insert(model.begin() + static_cast<std::ptrdiff_t>(number), text);
          }
        }
      }
      EXPECT_EQ(run.changed(), changes != 0);
      kept = std::string(run.form());
      const types::Run read(kept);
      ASSERT_EQ(read.count(), model.size());
      if (kept.empty()) continue;
      EXPECT_TRUE(types::Run::well_formed(kept));
      std::size_t at = read.begin();
      for (const std::string& text : model) {
        ASSERT_EQ(read.read(at).view(), text);
        at = read.next(at);
      }
      ASSERT_EQ(at, read.end());
    }
  }
}

TEST(Run, refuses_bytes_that_are_none) {
  using namespace std::string_literals;
  for (const std::string& form :
       {""s, "\0"s, "\1\0"s, "\0\1"s, "\0\1\2a"s, "\0\0x"s, "\0\x80"s, "\0\x80\0"s, "\0\x81\0\1a"s, "\0\2\1a"s})
    EXPECT_FALSE(types::Run::well_formed(form)) << ::testing::PrintToString(form);
  EXPECT_TRUE(types::Run::well_formed("\0\1\1a"s));
}

}  // namespace
}  // namespace stave::types
