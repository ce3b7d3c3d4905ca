#include "exchange/collection.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>

#include "exchange/collect_for_test.h"
#include "types/hash/compact.h"
#include "types/list/compact.h"
#include "types/set/compact.h"
#include "types/sorted_set/compact.h"

namespace stave::exchange {
namespace {

using Added = CollectionBuilder::Added;

// The same bytes as an editor makes of the same elements: what is loaded is what was saved.
TEST(CollectionBuilder, makes_what_an_editor_would) {
  std::mt19937_64 random(17);
  CollectionBuilder builder;
  for (int round = 0; round < 300; ++round) {
    types::hash::Compact hash;
    types::list::Compact list;
    types::set::Compact set;
    types::sorted_set::Compact sorted;
    for (const Kind kind : {Kind::kHash, Kind::kList, Kind::kSet, Kind::kSortedSet}) {
      std::set<std::string> seen;
      builder.begin(kind, 1u << 30);
      for (auto n = 1 + random() % 40; n > 0; --n) {
        const std::string one = random_element(random);
        const std::string other = random_element(random);
        const double score = random_score(random);
        const UnixMs deadline{random() % 3 == 0 ? 1 + static_cast<std::int64_t>(random() % 1000) : 0};
        if (kind == Kind::kList) {
          list.push_back(one);
          ASSERT_EQ(builder.add(one), Added::kYes);
          continue;
        }
        if (!seen.insert(one).second) continue;
        if (kind == Kind::kHash) {
          hash.set(one, other, deadline);
          ASSERT_EQ(builder.add(one, other, deadline), Added::kYes);
        } else if (kind == Kind::kSet) {
          set.add(one);
          ASSERT_EQ(builder.add(one), Added::kYes);
        } else {
          sorted.set(one, score);
          ASSERT_EQ(builder.add(one, score), Added::kYes);
        }
      }
      const std::string_view form = builder.finish();
      ASSERT_TRUE(well_formed(kind, form));
      switch (kind) {
        case Kind::kString:
        case Kind::kStream:
        case Kind::kSketch: FAIL();  // not built of elements
        case Kind::kHash: {
          const Expiry expiry = hash.settle({});
          // What comes from outside is settled by who keeps it.
          types::hash::Compact kept(form);
          ASSERT_EQ(kept.settle({}), expiry);
          ASSERT_EQ(kept.form(), hash.form());
          break;
        }
        case Kind::kList: ASSERT_EQ(form, list.form()); break;
        case Kind::kSet: ASSERT_EQ(form, set.form()); break;
        case Kind::kSortedSet: ASSERT_EQ(form, sorted.form()); break;
      }
    }
  }
}

TEST(CollectionBuilder, finds_what_is_there_twice) {
  CollectionBuilder builder;
  builder.begin(Kind::kSet, 1000);
  EXPECT_EQ(builder.add("12"), Added::kYes);
  EXPECT_EQ(builder.add("012"), Added::kYes);
  EXPECT_EQ(builder.add("12"), Added::kTwice);
  builder.begin(Kind::kHash, 1000);
  EXPECT_EQ(builder.add("a", "b"), Added::kYes);
  EXPECT_EQ(builder.add("b", "a"), Added::kYes);
  EXPECT_EQ(builder.add("a", "c"), Added::kTwice);
  builder.begin(Kind::kSortedSet, 1000);
  EXPECT_EQ(builder.add("a", 1.0), Added::kYes);
  EXPECT_EQ(builder.add("a", 2.0), Added::kTwice);
  builder.begin(Kind::kList, 1000);
  EXPECT_EQ(builder.add("a"), Added::kYes);
  EXPECT_EQ(builder.add("a"), Added::kYes);
}

TEST(CollectionBuilder, keeps_to_its_limit) {
  for (const Kind kind : {Kind::kHash, Kind::kList, Kind::kSet, Kind::kSortedSet}) {
    CollectionBuilder builder;
    builder.begin(kind, 10'000);
    int added = 0;
    for (;; ++added) {
      const std::string one = "member:" + std::to_string(added);
      const auto result = kind == Kind::kHash        ? builder.add(one, one)
                          : kind == Kind::kSortedSet ? builder.add(one, 0.1 + added)
                                                     : builder.add(one);
      if (result == Added::kTooLarge) break;
      ASSERT_EQ(result, Added::kYes);
    }
    const std::size_t size = builder.finish().size();
    EXPECT_LE(size, 10'000u);
    EXPECT_GT(size, 9'900u);
  }
}

TEST(CollectionBuilder, takes_very_many_in_linear_time) {
  constexpr int kCount = 200'000;
  CollectionBuilder builder;
  builder.begin(Kind::kSortedSet, 1u << 30);
  for (int i = kCount; i-- > 0;)
    ASSERT_EQ(builder.add("m" + std::to_string(i), static_cast<double>(i % 1000)), Added::kYes);
  EXPECT_TRUE(well_formed(Kind::kSortedSet, builder.finish()));
}

}  // namespace
}  // namespace stave::exchange
