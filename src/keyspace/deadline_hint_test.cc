#include "keyspace/deadline_hint.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <string>
#include <string_view>
#include <thread>

#include "keyspace/keyspace.h"

namespace stave::keyspace {
namespace {

constexpr base::HashKey kKey{};

void put(Keyspace& keyspace, int database, std::string_view key, std::int64_t at) {
  const std::uint64_t hash = keyspace.hash(key);
  Shard& shard = keyspace.shard_of(database, hash);
  base::ShortLock lock(shard.mutex());
  ASSERT_TRUE(shard.put(hash, key, {.value = "v", .expiry = {.at = UnixMs{at}}, .address = Lsn{1}}));
}

void erase(Keyspace& keyspace, int database, std::string_view key) {
  const std::uint64_t hash = keyspace.hash(key);
  Shard& shard = keyspace.shard_of(database, hash);
  base::ShortLock lock(shard.mutex());
  ASSERT_TRUE(shard.erase(hash, key));
}

TEST(DeadlineHint, is_never_later_than_any_deadline) {
  Keyspace keyspace(2, 4, kKey);
  EXPECT_EQ(keyspace.next_deadline(), kNoDeadline);
  put(keyspace, 0, "a", 500);
  EXPECT_EQ(keyspace.next_deadline(), UnixMs{500});
  put(keyspace, 1, "b", 300);
  put(keyspace, 0, "c", 900);
  EXPECT_EQ(keyspace.next_deadline(), UnixMs{300});
  erase(keyspace, 1, "b");
  EXPECT_EQ(keyspace.next_deadline(), UnixMs{300}) << "early, until somebody looks";
  keyspace.find_next_deadline();
  EXPECT_EQ(keyspace.next_deadline(), UnixMs{500});
  put(keyspace, 0, "a", 700);
  put(keyspace, 0, "a", 400);
  EXPECT_EQ(keyspace.next_deadline(), UnixMs{400});
}

TEST(DeadlineHint, hears_of_deadlines_that_come_with_the_contents_of_another_shard) {
  Keyspace keyspace(2, 1, kKey);
  put(keyspace, 1, "k", 500);
  // Somebody has passed the first shard, and comes to the second when its contents are gone.
  keyspace.find_next_deadline();
  keyspace.shard(0).swap_contents(keyspace.shard(1));
  EXPECT_EQ(keyspace.next_deadline(), UnixMs{500});
  EXPECT_EQ(keyspace.shard(1).next_deadline(), kNoDeadline);
  EXPECT_EQ(keyspace.shard(0).next_deadline(), UnixMs{500});
}

// One thread looks all the time, the others set and take away deadlines: whenever all stand still, the hint is right.
TEST(DeadlineHint, forgets_nothing_while_somebody_looks) {
  constexpr int kRounds = 200;
  constexpr std::size_t kWriters = 2;
  Keyspace keyspace(1, 8, kKey);
  std::atomic<int> round{0};
  std::atomic<std::size_t> done{0};
  std::array<std::thread, kWriters> writers;
  for (std::size_t w = 0; w < kWriters; ++w) {
    writers[w] = std::thread([&, w] {
      for (int i = 1; i <= kRounds; ++i) {
        while (round.load() < i) std::this_thread::yield();
        const std::string key = std::to_string(w) + ":" + std::to_string(i % 7);
        put(keyspace, 0, key, 1'000'000 - i * 10 - static_cast<int>(w));
        if (i % 3 == 0) erase(keyspace, 0, key);
        done.fetch_add(1);
      }
    });
  }
  for (int i = 1; i <= kRounds; ++i) {
    done.store(0);
    round.store(i);
    while (done.load() != kWriters) keyspace.find_next_deadline();
    UnixMs first = kNoDeadline;
    for (ShardId id = 0; id < keyspace.shard_count(); ++id) first = std::min(first, keyspace.shard(id).next_deadline());
    ASSERT_LE(keyspace.next_deadline(), first) << "round " << i;
  }
  for (std::thread& writer : writers) writer.join();
}

}  // namespace
}  // namespace stave::keyspace
