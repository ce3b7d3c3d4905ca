// Entries whose value leaves memory and comes back, whose record moves, and that move themselves.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "keyspace/keyspace_test_support.h"
#include "keyspace/shard.h"

// One thread has each shard: the locks guard nothing here.
#define UNLOCKED STAVE_NO_THREAD_SAFETY_ANALYSIS

namespace stave::keyspace {
namespace {

struct Expected {
  std::string value;
  Expiry expiry;
  Lsn address;
  Lsn version;
};

void check(Entry entry, const std::string& key, const Expected& expected) {
  ASSERT_TRUE(entry) << key;
  EXPECT_EQ(entry.key(), key);
  EXPECT_EQ(entry.value_size(), expected.value.size());
  if (entry.resident()) {
    EXPECT_EQ(entry.value(), expected.value);
  }
  EXPECT_EQ(entry.expiry(), expected.expiry);
  EXPECT_EQ(entry.address(), expected.address);
  EXPECT_EQ(entry.version(), expected.version);
}

class Residency : public ::testing::Test {
 protected:
  Entry find(const std::string& key) UNLOCKED { return shard.find(test_hash(key), key); }
  void put(const std::string& key, const std::string& value, Expiry expiry = {}, Lsn address = Lsn{7}) UNLOCKED {
    ASSERT_TRUE(shard.put(test_hash(key), key, {.value = value, .expiry = expiry, .address = address}).has_value());
  }
  bool spill(const std::string& key) UNLOCKED { return shard.spill(test_hash(key), find(key)); }

  CountedSource source;
  Shard shard{kTestKey, source};
};

TEST_F(Residency, a_spilled_value_leaves_memory_and_its_length_stays) {
  put("small", std::string(100, 's'));
  put("large", std::string(100'000, 'l'));
  const std::uint64_t before = source.bytes();
  ASSERT_TRUE(spill("small") && spill("large"));
  EXPECT_LE(source.bytes() + 100'000, before);
  EXPECT_EQ(shard.spilled(), 2u);
  EXPECT_EQ(shard.data_bytes(), 100'110u);
  EXPECT_FALSE(find("large").resident());
  EXPECT_EQ(find("large").value_size(), 100'000u);
  EXPECT_FALSE(spill("large")) << "twice";
}

TEST_F(Residency, what_would_save_nothing_is_not_spilled) {
  put("k", "");
  EXPECT_FALSE(spill("k"));
  EXPECT_EQ(find("k").value(), "");
}

TEST_F(Residency, a_filled_value_is_what_it_was) UNLOCKED {
  for (const std::size_t size : {20u, 500u, 1000u, 1100u, 1u << 20}) {
    const std::string value(size, 'v');
    put("k", value, Expiry{.at = UnixMs{5000}, .sliding_ms = 77}, Lsn{99});
    ASSERT_TRUE(spill("k")) << size;
    ASSERT_TRUE(shard.fill(test_hash("k"), find("k"), value)) << size;
    check(find("k"), "k", {value, {.at = UnixMs{5000}, .sliding_ms = 77}, Lsn{99}, Lsn{99}});
    EXPECT_EQ(shard.spilled(), 0u);
    EXPECT_EQ(shard.next_deadline(), UnixMs{5000});
  }
}

TEST_F(Residency, an_entry_whose_record_moved_keeps_its_version_until_it_is_written_again) UNLOCKED {
  put("k", "value", {}, Lsn{100});
  const std::uint64_t before = shard.memory().total();
  source.fail_after(0);
  find("k").set_moved(Lsn{500});
  check(find("k"), "k", {"value", {}, Lsn{500}, Lsn{100}});
  find("k").set_moved(Lsn{900});
  check(find("k"), "k", {"value", {}, Lsn{900}, Lsn{100}});
  put("k", "VALUE", {}, Lsn{910});
  check(find("k"), "k", {"VALUE", {}, Lsn{910}, Lsn{910}});
  find("k").set_moved(Lsn{920});
  check(find("k"), "k", {"VALUE", {}, Lsn{920}, Lsn{910}});
  EXPECT_EQ(shard.memory().total(), before) << "moving a record costs no memory, and cannot lack any";
  source.fail_never();
  ASSERT_TRUE(shard.set_expiry(test_hash("k"), find("k"), {.at = UnixMs{50}}).has_value());
  check(find("k"), "k", {"VALUE", {.at = UnixMs{50}}, Lsn{920}, Lsn{910}});
  find("k").set_changed_expiry(Lsn{950});
  check(find("k"), "k", {"VALUE", {.at = UnixMs{50}}, Lsn{920}, Lsn{950}});
  EXPECT_TRUE(find("k").delta());
  EXPECT_EQ(find("k").newest_record(), Lsn{950});
  find("k").set_moved(Lsn{960});
  check(find("k"), "k", {"VALUE", {.at = UnixMs{50}}, Lsn{960}, Lsn{950}});
  EXPECT_FALSE(find("k").delta());
  EXPECT_EQ(find("k").newest_record(), Lsn{960});
  find("k").set_changed_expiry(Lsn{970});
  EXPECT_TRUE(find("k").delta());
  put("k", "other", {}, Lsn{1000});
  check(find("k"), "k", {"other", {}, Lsn{1000}, Lsn{1000}});
  EXPECT_FALSE(find("k").delta());
}

TEST_F(Residency, tidying_gives_the_room_of_spilled_values_back) UNLOCKED {
  constexpr int kKeys = 20'000;
  const auto name = [](int i) { return "key:" + std::to_string(i); };
  for (int i = 0; i < kKeys; ++i) put(name(i), std::string(300, 'v'));
  // Every second value goes, so that pages are half empty all over.
  for (int i = 0; i < kKeys; i += 2) ASSERT_TRUE(spill(name(i)));
  const MemoryUse before = shard.memory();
  EXPECT_GT(before.slack, before.entries / 4);
  for (int pass = 0; pass < 3; ++pass)
    for (int i = 0; i < kKeys; ++i) static_cast<void>(shard.tidy(test_hash(name(i)), find(name(i))));
  const MemoryUse after = shard.memory();
  EXPECT_EQ(after.entries, before.entries);
  EXPECT_LT(after.slack, after.entries / 10);
  for (int i = 1; i < kKeys; i += 2) ASSERT_EQ(find(name(i)).value(), std::string(300, 'v'));
}

// Pages of many sizes, of which a few stay in every chunk: whole chunks go back all the same.
TEST_F(Residency, tidying_gives_whole_chunks_back_when_values_of_many_sizes_left) UNLOCKED {
  constexpr int kKeys = 20'000;
  const auto name = [](int i) { return "key:" + std::to_string(i); };
  const auto value = [](int i) { return std::string(static_cast<std::size_t>(20 + i * 7 % 800), 'v'); };
  for (int i = 0; i < kKeys; ++i) put(name(i), value(i));
  for (int i = 0; i < kKeys; ++i) ASSERT_TRUE(i % 40 == 0 || spill(name(i)));
  const MemoryUse before = shard.memory();
  int passes = 0;
  for (bool moved = true; moved; ++passes) {
    ASSERT_LT(passes, 50) << "it comes to an end";
    moved = false;
    for (int i = 0; i < kKeys; ++i) moved |= shard.tidy(test_hash(name(i)), find(name(i)));
  }
  const MemoryUse after = shard.memory();
  EXPECT_EQ(after.entries, before.entries);
  EXPECT_LT(after.slack, before.slack / 2) << before.slack << " before";
  shard.check();
  for (int i = 0; i < kKeys; i += 40) ASSERT_EQ(find(name(i)).value(), value(i));
}

TEST_F(Residency, without_memory_nothing_changes) UNLOCKED {
  put("k", std::string(2000, 'v'), {.at = UnixMs{9}}, Lsn{3});
  ASSERT_TRUE(spill("k"));
  for (std::uint64_t granted = 0; granted < 2; ++granted) {
    source.fail_after(granted);
    const Entry filled = shard.fill(test_hash("k"), find("k"), std::string(2000, 'v'));
    if (!filled) check(find("k"), "k", {std::string(2000, 'v'), {.at = UnixMs{9}}, Lsn{3}, Lsn{3}});
  }
  source.fail_never();
}

TEST_F(Residency, agrees_with_a_map_through_everything_at_random) UNLOCKED {
  base::Random random(2026);
  std::map<std::string, Expected> model;
  std::uint64_t lsn = 4096;
  for (int step = 0; step < 60'000; ++step) {
    const std::string key = "key" + std::to_string(random.below(500));
    const std::uint64_t hash = test_hash(key);
    const Entry entry = find(key);
    const auto held = model.find(key);
    ASSERT_EQ(static_cast<bool>(entry), held != model.end());
    if (entry) check(entry, key, held->second);
    switch (random.below(entry ? 8 : 2)) {
      case 0:
      case 1: {
        const Expiry expiry =
            random.below(3) == 0 ? Expiry{.at = UnixMs{static_cast<std::int64_t>(1 + random.below(1000))}} : Expiry{};
        const std::string value(random.below(random.below(2) == 0 ? 40 : 3000), static_cast<char>('a' + step % 26));
        put(key, value, expiry, Lsn{++lsn});
        model[key] = {value, expiry, Lsn{lsn}, Lsn{lsn}};
        break;
      }
      case 2:
      case 3: static_cast<void>(shard.spill(hash, entry)); break;
      case 4:
        if (!entry.resident()) {
          ASSERT_TRUE(shard.fill(hash, entry, held->second.value));
        }
        break;
      case 5:
        find(key).set_moved(Lsn{++lsn});
        held->second.address = Lsn{lsn};
        break;
      case 6: {
        const Expiry expiry = random.below(2) == 0
                                  ? Expiry{.at = UnixMs{static_cast<std::int64_t>(1 + random.below(1000))},
                                           .sliding_ms = static_cast<std::int64_t>(random.below(2))}
                                  : Expiry{};
        auto changed = shard.set_expiry(hash, entry, expiry);
        ASSERT_TRUE(changed.has_value());
        changed->set_changed_expiry(Lsn{++lsn});
        held->second.expiry = expiry;
        held->second.version = Lsn{lsn};
        break;
      }
      default:
        if (random.below(2) == 0) {
          static_cast<void>(shard.tidy(hash, entry));
        } else {
          ASSERT_TRUE(shard.erase(hash, key));
          model.erase(key);
        }
    }
  }
  std::uint64_t data = 0;
  for (const auto& [key, expected] : model) {
    check(find(key), key, expected);
    data += key.size() + expected.value.size();
  }
  EXPECT_EQ(shard.data_bytes(), data);
  for (const auto& [key, expected] : model) ASSERT_TRUE(shard.erase(test_hash(key), key));
  EXPECT_EQ(shard.spilled(), 0u);
  EXPECT_EQ(shard.data_bytes(), 0u);
}

}  // namespace
}  // namespace stave::keyspace
