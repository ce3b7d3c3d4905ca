#include "base/edit.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/random.h"

namespace stave::base {
namespace {

/// What one replacement after the other makes of it.
std::string one_by_one(std::string run, Edits edits) {
  for (std::size_t i = edits.size(); i-- != 0;) run.replace(edits[i].at, edits[i].out, edits[i].in);
  return run;
}

TEST(Edit, in_place_and_copied_is_what_one_replacement_after_the_other_makes) {
  Random random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string run(random.below(60), '\0');
    for (char& byte : run) byte = static_cast<char>('a' + random.below(26));
    std::vector<std::string> in;
    in.reserve(6);
    std::vector<Edit> edits;
    std::size_t from = 0;
    for (auto left = random.below(6); left != 0; --left) {
      const std::size_t at = from + random.below(run.size() - from + 1);
      const std::size_t out = random.below(std::min<std::size_t>(12, run.size() - at) + 1);
      in.emplace_back(random.below(12), static_cast<char>('A' + random.below(26)));
      edits.push_back({.at = at, .out = out, .in = in.back()});
      from = at + out;
    }
    ASSERT_TRUE(well_formed(edits, run.size()));
    const std::string wanted = one_by_one(run, edits);
    ASSERT_EQ(edited_size(edits, run.size()), wanted.size());
    std::string copied(wanted.size(), '?');
    copy_edited(run, edits, copied.data());
    ASSERT_EQ(copied, wanted);
    std::string place(std::max(run.size(), wanted.size()), '?');
    run.copy(place.data(), run.size());
    edit_in_place(place.data(), run.size(), edits);
    ASSERT_EQ(place.substr(0, wanted.size()), wanted);
  }
}

TEST(Edit, out_of_order_into_another_or_behind_the_end_is_none) {
  const Edit first{.at = 2, .out = 3, .in = "x"};
  EXPECT_TRUE(well_formed(std::vector{first, Edit{.at = 5, .out = 0, .in = "y"}}, 5));
  EXPECT_FALSE(well_formed(std::vector{first, Edit{.at = 4, .out = 0, .in = "y"}}, 9));
  EXPECT_FALSE(well_formed(std::vector{first}, 4));
  EXPECT_FALSE(well_formed(std::vector{Edit{.at = 6, .out = 0, .in = "y"}}, 5));
}

}  // namespace
}  // namespace stave::base
