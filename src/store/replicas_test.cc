#include "store/replicas.h"

#include <gtest/gtest.h>

#include <vector>

namespace stave::store {
namespace {

TEST(Replicas, says_what_so_many_have_and_never_takes_it_back) {
  Replicas replicas;
  EXPECT_TRUE(replicas.holds(Lsn{100}, 0));
  EXPECT_TRUE(replicas.holds(kNoLsn, 3));
  EXPECT_FALSE(replicas.holds(Lsn{1}, 1));
  replicas.acknowledge(std::vector{Lsn{90}, Lsn{50}});
  EXPECT_TRUE(replicas.holds(Lsn{90}, 1));
  EXPECT_FALSE(replicas.holds(Lsn{91}, 1));
  EXPECT_TRUE(replicas.holds(Lsn{50}, 2));
  EXPECT_FALSE(replicas.holds(Lsn{51}, 2));
  EXPECT_FALSE(replicas.holds(Lsn{1}, 3));
  // One has left.
  replicas.acknowledge(std::vector{Lsn{50}});
  EXPECT_TRUE(replicas.holds(Lsn{90}, 1));
  EXPECT_TRUE(replicas.holds(Lsn{50}, 2));
  EXPECT_FALSE(replicas.holds(Lsn{1}, Replicas::kMost + 1));
}

TEST(Replicas, calls_listeners_when_there_is_news) {
  Replicas replicas;
  int called = 0;
  const std::uint64_t handle = replicas.add_listener([&] { ++called; });
  replicas.acknowledge(std::vector{Lsn{9}});
  EXPECT_EQ(called, 1);
  const std::uint64_t news = replicas.news();
  replicas.acknowledge(std::vector{Lsn{9}});
  replicas.acknowledge({});
  EXPECT_EQ(called, 1);
  EXPECT_EQ(replicas.news(), news);
  replicas.acknowledge(std::vector{Lsn{9}, Lsn{9}});
  EXPECT_EQ(called, 2);
  replicas.remove_listener(handle);
  replicas.acknowledge(std::vector{Lsn{10}});
  EXPECT_EQ(called, 2);
}

TEST(Replicas, lack_when_fewer_are_present_than_anybody_asks_for) {
  Replicas replicas;
  EXPECT_FALSE(replicas.lacking());
  EXPECT_TRUE(replicas.lacking(1));
  replicas.ask(0, 2);
  EXPECT_TRUE(replicas.lacking());
  replicas.set_present(2);
  EXPECT_FALSE(replicas.lacking());
  EXPECT_TRUE(replicas.lacking(3));
  replicas.ask(3, 0);
  EXPECT_TRUE(replicas.lacking());
  replicas.ask(100, 0);
  EXPECT_EQ(replicas.durable(), Replicas::kMost);
}

TEST(Replicas, are_waited_for_until_time_is_up) {
  Replicas replicas;
  EXPECT_FALSE(replicas.too_late(1, ~std::uint64_t{0}));
  replicas.set_timeout_ns(10);
  EXPECT_FALSE(replicas.too_late(5, 14));
  EXPECT_FALSE(replicas.too_late(15, 14));
  EXPECT_TRUE(replicas.too_late(5, 15));
}

}  // namespace
}  // namespace stave::store
