#include "base/descriptor_budget.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace stave::base {
namespace {

TEST(DescriptorBudget, gives_no_more_than_there_are_and_takes_them_back) {
  DescriptorBudget budget(2);
  EXPECT_TRUE(budget.take());
  EXPECT_TRUE(budget.take());
  EXPECT_FALSE(budget.take());
  budget.give_back();
  EXPECT_TRUE(budget.take());
  EXPECT_FALSE(budget.take());
  budget.give_back(2);
  EXPECT_TRUE(budget.take());
}

TEST(DescriptorBudget, leaves_the_store_its_own_under_every_limit) {
  for (const std::uint64_t limit : {16u, 64u, 128u, 256u, 1024u, 4096u, 1u << 30}) {
    EXPECT_LE(doors_share(limit) + files_share(limit), limit);
    EXPECT_GE(limit - doors_share(limit) - files_share(limit), std::min<std::uint64_t>(limit * 3 / 8, 128)) << limit;
    EXPECT_GE(doors_share(limit), limit / 2);
  }
  EXPECT_GE(files_kept_open(), 1u);
  EXPECT_GE(descriptors_for_doors(1), 1);
}

}  // namespace
}  // namespace stave::base
