#include "keyspace/shard.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "keyspace/keyspace.h"
#include "keyspace/keyspace_test_support.h"

// One thread has each shard unless a test says otherwise: the locks guard nothing here.
#define UNLOCKED STAVE_NO_THREAD_SAFETY_ANALYSIS

namespace stave::keyspace {
namespace {

using Contents = std::map<std::string, std::pair<std::string, Expiry>>;

Contents contents_of(const Shard& shard) UNLOCKED {
  Contents contents;
  for (std::uint64_t at = 0; at != Shard::kScanEnd;)
    at = shard.scan(at, 100, [&](Entry entry) {
      contents[std::string(entry.key())] = {std::string(entry.value()), entry.expiry()};
    });
  return contents;
}

Result<Entry> put(Shard& shard, const std::string& key, std::string_view value, Expiry expiry = {}) UNLOCKED {
  return shard.put(test_hash(key), key, {.value = value, .expiry = expiry, .address = Lsn{7}});
}
Entry find(const Shard& shard, const std::string& key) UNLOCKED {
  return shard.find(test_hash(key), key);
}
std::string key_of(std::size_t i) {
  return "key:" + std::to_string(i);
}

void fill(Shard& shard, std::size_t from, std::size_t to) {
  for (std::size_t i = from; i < to; ++i) ASSERT_TRUE(put(shard, key_of(i), "value " + std::to_string(i)).has_value());
}

TEST(Shard, is_small_and_takes_nothing_while_empty) {
  CountedSource source;
  const Shard shard(kTestKey, source);
  EXPECT_LE(sizeof(Shard), 256u);
  EXPECT_EQ(source.bytes(), 0u);
}

TEST(Shard, holds_the_longest_keys_and_large_values) {
  CountedSource source;
  Shard shard(kTestKey, source);
  for (const std::size_t key_size :
       std::initializer_list<std::size_t>{0, 1, 127, 128, 1015, 2030, 2040, 16383, 16384, 16 << 20}) {
    for (const std::size_t value_size :
         std::initializer_list<std::size_t>{0, 1, 127, 128, 1000, 1024, 16384, 3 << 20}) {
      const std::string key(key_size, 'k');
      const std::string value(value_size, 'v');
      ASSERT_TRUE(put(shard, key, value, {.at = UnixMs{kUnixMsMax}, .sliding_ms = 5}).has_value());
      const Entry entry = find(shard, key);
      ASSERT_TRUE(entry);
      EXPECT_EQ(entry.key(), key);
      EXPECT_EQ(entry.value(), value);
      EXPECT_EQ(entry.expiry(), (Expiry{.at = UnixMs{kUnixMsMax}, .sliding_ms = 5}));
      EXPECT_GE(entry.memory_bytes(), key_size + value_size);
    }
  }
  EXPECT_EQ(shard.size(), 10u);
}

TEST(Shard, keeps_every_bit_of_an_entry_apart) UNLOCKED {
  CountedSource source;
  Shard shard(kTestKey, source);
  const auto made = shard.put(
      test_hash("k"), "k", {.type = ValueType{15}, .value = "v", .expiry = {.at = UnixMs{9}}, .address = Lsn{kLsnMax}});
  Entry entry = *made;
  EXPECT_EQ(entry.heat(), 0u);
  for (unsigned uses = 1; uses < 20; ++uses) {
    entry.touch();
    EXPECT_EQ(entry.heat(), std::min(uses, Entry::kHeatMax));
  }
  EXPECT_EQ(entry.type(), ValueType{15});
  EXPECT_EQ(entry.address(), Lsn{kLsnMax});
  entry.set_written(Lsn{1});
  EXPECT_EQ(entry.version(), Lsn{1});
  EXPECT_EQ(entry.heat(), Entry::kHeatMax);
  EXPECT_TRUE(entry.resident());
  EXPECT_FALSE(entry.detached());
  EXPECT_EQ(entry.expiry().at, UnixMs{9});
}

TEST(Shard, overwrites_a_value_of_the_same_size_in_place_and_without_memory) {
  CountedSource source;
  Shard shard(kTestKey, source);
  for (const std::size_t size : std::initializer_list<std::size_t>{0, 5, 500, 5000}) {
    for (const Expiry expiry : {Expiry{}, Expiry{.at = UnixMs{50}}, Expiry{.at = UnixMs{50}, .sliding_ms = 9}}) {
      const std::byte* const before = put(shard, "key", std::string(size, 'a'), expiry)->data();
      source.fail_after(0);
      Expiry later = expiry;
      if (!later.never()) later.at = later.at + 10;
      const auto after = put(shard, "key", std::string(size, 'b'), later);
      ASSERT_TRUE(after.has_value());
      EXPECT_EQ(after->data(), before);
      EXPECT_EQ(after->value(), std::string(size, 'b'));
      source.fail_never();
    }
  }
}

TEST(Shard, overwrites_in_place_when_the_slot_is_large_enough) {
  CountedSource source;
  Shard shard(kTestKey, source);
  const std::byte* const before = put(shard, "key", std::string(501, 'a'))->data();
  EXPECT_EQ(put(shard, "key", std::string(520, 'b'))->data(), before);
}

// Each operation is tried with memory for 0, 1, 2, … requests until it succeeds; each refusal must leave no trace.
template <class Operation>
void refuse_at_every_request(std::size_t keys, const Operation& operation) UNLOCKED {
  for (std::uint64_t granted = 0;; ++granted) {
    CountedSource source;
    Shard shard(kTestKey, source);
    fill(shard, 0, keys);
    const Contents before = contents_of(shard);
    source.fail_after(granted);
    const bool done = operation(shard);
    source.fail_never();
    EXPECT_EQ(shard.memory().total(), source.bytes());
    if (done) return;
    EXPECT_EQ(contents_of(shard), before);
    EXPECT_EQ(shard.size(), keys);
    EXPECT_EQ(shard.next_deadline(), kNoDeadline);
    EXPECT_EQ(shard.memory().expiries, 0u);
    EXPECT_TRUE(operation(shard));
    ASSERT_LT(granted, 20u);
  }
}

TEST(Shard, leaves_no_trace_of_a_put_that_found_no_memory) {
  for (const std::size_t keys : std::initializer_list<std::size_t>{0, 1, 13, 14, 100, 5000}) {
    refuse_at_every_request(keys, [](Shard& s) { return put(s, "new", "value").has_value(); });
    refuse_at_every_request(
        keys, [](Shard& s) { return put(s, "new", std::string(5000, 'v'), {.at = UnixMs{5}}).has_value(); });
    refuse_at_every_request(keys, [](Shard& s) { return put(s, std::string(5000, 'k'), "v").has_value(); });
  }
  refuse_at_every_request(100, [](Shard& s) { return put(s, key_of(5), std::string(100, 'v')).has_value(); });
  refuse_at_every_request(100, [](Shard& s) { return put(s, key_of(5), "value 5", {.at = UnixMs{5}}).has_value(); });
}

TEST(Shard, leaves_no_trace_of_edits_that_found_no_memory) UNLOCKED {
  // The value goes to a block; the longest key takes one of its own.
  static const std::string kMore(6000, 'm');
  for (const std::string& key : {key_of(0), std::string(5000, 'k')}) {
    for (const std::size_t keys : std::initializer_list<std::size_t>{1, 12, 13, 100}) {
      refuse_at_every_request(keys, [&key](Shard& s) UNLOCKED {
        const bool is_new = !find(s, key);
        if (is_new && !put(s, key, "v")) return false;
        const base::Edit edit{.at = 1, .out = 0, .in = kMore};
        const Entry entry = find(s, key);
        EXPECT_FALSE(Shard::edits_fit(entry, std::span(&edit, 1)));
        Detached previous;
        const bool done = s.exchange_edited(test_hash(key), entry, std::span(&edit, 1), previous).has_value();
        EXPECT_EQ(previous.empty(), !done);
        s.discard(previous);
        if (!done && is_new) s.erase(test_hash(key), key);
        return done;
      });
    }
  }
}

TEST(Shard, leaves_no_trace_of_an_exchange_or_an_expiry_that_found_no_memory) UNLOCKED {
  // The longest key takes a block of its own, and so asks for memory when it moves.
  refuse_at_every_request(1, [](Shard& s) UNLOCKED {
    const std::string key(5000, 'k');
    if (!find(s, key) && !put(s, key, "v")) return false;
    const bool done = s.set_expiry(test_hash(key), find(s, key), {.at = UnixMs{5}}).has_value();
    if (!done) s.erase(test_hash(key), key);
    return done;
  });
  for (const std::size_t keys : std::initializer_list<std::size_t>{1, 12, 13, 100}) {
    refuse_at_every_request(keys, [](Shard& s) UNLOCKED {
      Detached previous;
      const bool done =
          s.exchange(test_hash(key_of(0)), key_of(0), {.value = "other", .expiry = {.at = UnixMs{5}}}, previous)
              .has_value();
      EXPECT_EQ(previous.empty(), !done);
      s.discard(previous);
      return done;
    });
    refuse_at_every_request(keys, [](Shard& s) UNLOCKED {
      return s.set_expiry(test_hash(key_of(0)), find(s, key_of(0)), {.at = UnixMs{5}, .sliding_ms = 6}).has_value();
    });
  }
}

TEST(Shard, restores_without_memory_whatever_happened_in_between) UNLOCKED {
  for (std::size_t keys = 1; keys < 200; ++keys) {
    CountedSource source;
    Shard shard(kTestKey, source);
    fill(shard, 0, keys);
    const Contents before = contents_of(shard);
    std::vector<Detached> detached;
    for (std::size_t i = 0; i < keys; ++i) {
      detached.push_back(shard.detach(test_hash(key_of(i)), key_of(i)));
      ASSERT_FALSE(detached.back().empty());
    }
    EXPECT_EQ(shard.size(), 0u);
    EXPECT_TRUE(contents_of(shard).empty());
    EXPECT_FALSE(shard.random_entry(keys));
    // Newcomers take every slot there is, and then memory runs out.
    fill(shard, keys / 2, keys / 2 + 3 * keys);
    source.fail_after(0);
    for (std::size_t i = keys; i < keys / 2 + 3 * keys; ++i) shard.erase(test_hash(key_of(i)), key_of(i));
    for (std::size_t i = 0; i < keys; ++i) shard.restore(test_hash(key_of(i)), detached[i]);
    EXPECT_EQ(contents_of(shard), before);
    EXPECT_EQ(shard.size(), keys);
    EXPECT_EQ(shard.memory().total(), source.bytes());
  }
}

TEST(Shard, goes_on_without_memory_to_grow) UNLOCKED {
  CountedSource source;
  Shard shard(kTestKey, source);
  fill(shard, 0, 5000);
  source.fail_after(0);
  std::size_t added = 5000;
  while (added < 20'000 && put(shard, key_of(added), "v").has_value()) ++added;
  for (std::size_t i = 0; i < added; ++i) ASSERT_TRUE(find(shard, key_of(i)));
  for (std::size_t i = 0; i < added; ++i) ASSERT_TRUE(shard.erase(test_hash(key_of(i)), key_of(i)));
  EXPECT_EQ(source.bytes(), 0u);
}

TEST(Shard, takes_a_step_of_growth_back_that_found_no_memory) UNLOCKED {
  CountedSource source;
  Shard shard(kTestKey, source);
  constexpr std::size_t kBegin = 12'000;
  fill(shard, 0, kBegin);
  std::size_t keys = kBegin;
  for (int round = 0; round < 4; ++round) {
    // Growth begins when the table takes a run of chunks.
    for (std::uint64_t table = shard.memory().table; shard.memory().table < table + table / 4; ++keys) {
      table = std::min(table, shard.memory().table);
      ASSERT_TRUE(put(shard, key_of(keys), "v"));
    }
    // Eat what is left in chunks, and what is left in pages of the size of overflow nodes.
    source.fail_after(0);
    const std::size_t eaten = keys;
    while (put(shard, key_of(keys), std::string(900, 'v'))) ++keys;
    const auto padding = [](std::size_t i) { return std::string(32 - 10 - key_of(i).size(), 'v'); };
    while (put(shard, key_of(keys), padding(keys))) ++keys;
    ASSERT_LT(keys - eaten, 1000u);
    for (std::size_t i = 0; i < 3000; ++i) ASSERT_TRUE(put(shard, key_of(i), "value " + std::to_string(i)));
    for (std::size_t i = 0; i < keys; ++i) ASSERT_TRUE(find(shard, key_of(i)));
    EXPECT_EQ(contents_of(shard).size(), keys);
    source.fail_never();
    EXPECT_EQ(shard.memory().total(), source.bytes());
  }
  for (std::size_t i = 0; i < keys; ++i) ASSERT_TRUE(shard.erase(test_hash(key_of(i)), key_of(i)));
  EXPECT_EQ(source.bytes(), 0u);
}

TEST(Shard, does_not_grow_on_the_way_to_the_keys_it_was_made_for) UNLOCKED {
  for (const std::size_t keys : {100u, 5'000u, 60'000u}) {
    CountedSource source;
    Shard shard(kTestKey, source);
    shard.reserve(keys);
    const std::uint64_t made = shard.memory().table;
    EXPECT_EQ(shard.memory().total(), source.bytes());
    fill(shard, 0, keys);
    const std::uint64_t nodes = shard.memory().table - made;
    EXPECT_LT(nodes, made / 2) << "overflow only";
    EXPECT_LT(shard.memory().table, keys * 64 / 5) << "and not too large either";
    EXPECT_EQ(contents_of(shard).size(), keys);
    const std::uint64_t before = source.requests();
    shard.trim();
    EXPECT_EQ(source.requests(), before) << "it fits";
  }
}

TEST(Shard, takes_room_for_more_keys_at_once_while_it_has_some) UNLOCKED {
  CountedSource source;
  Shard shard(kTestKey, source);
  fill(shard, 0, 1000);
  shard.reserve(100);
  shard.reserve(50'000);
  const std::uint64_t made = shard.memory().table;
  fill(shard, 1000, 50'000);
  EXPECT_LT(shard.memory().table, made * 3 / 2);
  EXPECT_EQ(shard.memory().total(), source.bytes());
  EXPECT_EQ(contents_of(shard).size(), 50'000u);
}

TEST(Shard, gives_back_the_room_of_keys_that_did_not_come) UNLOCKED {
  CountedSource source;
  Shard shard(kTestKey, source);
  fill(shard, 0, 1000);
  const std::uint64_t snug = shard.memory().table;
  shard.reserve(100'000);
  EXPECT_GT(shard.memory().table, 10 * snug);
  fill(shard, 1000, 2000);
  EXPECT_GT(shard.memory().table, 10 * snug) << "a key that comes is no reason to shrink";
  shard.trim();
  EXPECT_LE(shard.memory().table, 3 * snug);
  EXPECT_EQ(shard.memory().total(), source.bytes());
  EXPECT_EQ(contents_of(shard).size(), 2000u);

  Shard empty(kTestKey, source);
  empty.reserve(1000);
  empty.trim();
  EXPECT_EQ(empty.memory().total(), 0u);
}

TEST(Shard, does_without_memory_for_what_is_expected) UNLOCKED {
  CountedSource source;
  Shard shard(kTestKey, source);
  source.fail_after(0);
  shard.reserve(1000);
  EXPECT_EQ(shard.memory().total(), 0u);
  source.fail_never();
  fill(shard, 0, 3000);
  source.fail_after(0);
  shard.reserve(100'000);
  shard.trim();
  for (std::size_t i = 0; i < 3000; ++i) ASSERT_TRUE(find(shard, key_of(i)));
  source.fail_never();
  EXPECT_EQ(shard.memory().total(), source.bytes());
}

TEST(Shard, finds_keys_whose_tags_and_buckets_are_all_the_same) UNLOCKED {
  CountedSource source;
  Shard shard(kTestKey, source);
  // Of half a million keys, those with one tag; and of these many in one narrow range of positions.
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < 500'000; ++i)
    if (const auto hash = test_hash(key_of(i)); (hash & 0xff) <= 1 && (hash >> 32) < (1u << 28))
      keys.push_back(key_of(i));
  ASSERT_GT(keys.size(), 150u);
  for (const std::string& key : keys) ASSERT_TRUE(put(shard, key, key));
  for (const std::string& key : keys) ASSERT_EQ(find(shard, key).value(), key);
  EXPECT_EQ(contents_of(shard).size(), keys.size());
  for (std::size_t i = 0; i < keys.size(); i += 2) EXPECT_TRUE(shard.erase(test_hash(keys[i]), keys[i]));
  for (std::size_t i = 0; i < keys.size(); ++i) EXPECT_EQ(static_cast<bool>(find(shard, keys[i])), i % 2 == 1);
  EXPECT_EQ(shard.memory().total(), source.bytes());
}

TEST(Shard, gives_its_memory_back_as_it_empties) UNLOCKED {
  CountedSource source;
  Shard shard(kTestKey, source);
  constexpr std::size_t kKeys = 50'000;
  for (std::size_t i = 0; i < kKeys; i += 100) {
    fill(shard, i, i + 100);
    ASSERT_EQ(shard.memory().total(), source.bytes());
  }
  const std::uint64_t full = source.bytes();
  // In the order of insertion, so that pages empty one after the other.
  for (std::size_t i = 0; i < kKeys - 100; ++i) ASSERT_TRUE(shard.erase(test_hash(key_of(i)), key_of(i)));
  EXPECT_LT(source.bytes(), full / 10);
  EXPECT_EQ(shard.memory().total(), source.bytes());
  for (std::size_t i = kKeys - 100; i < kKeys; ++i) EXPECT_TRUE(find(shard, key_of(i)));
}

TEST(Shard, scans_every_key_that_stays_while_it_grows_and_shrinks) UNLOCKED {
  CountedSource source;
  Shard shard(kTestKey, source);
  for (const std::size_t stay : std::initializer_list<std::size_t>{1, 20, 500}) {
    for (const bool grows : {true, false}) {
      fill(shard, 0, stay);
      std::size_t next = stay;
      const std::size_t others = 20'000;
      if (!grows) fill(shard, stay, others);
      std::set<std::string> seen;
      for (std::uint64_t at = 0; at != Shard::kScanEnd;) {
        const std::uint64_t was = at;
        at = shard.scan(at, 10, [&](Entry entry) { seen.insert(std::string(entry.key())); });
        ASSERT_GT(at, was);
        for (int i = 0; i < 200 && next < others; ++i, ++next) {
          if (grows) {
            ASSERT_TRUE(put(shard, key_of(next), "v"));
          } else {
            shard.erase(test_hash(key_of(next)), key_of(next));
          }
        }
      }
      for (std::size_t i = 0; i < stay; ++i) EXPECT_TRUE(seen.contains(key_of(i)));
      for (std::size_t i = 0; i < others; ++i) shard.erase(test_hash(key_of(i)), key_of(i));
      EXPECT_EQ(source.bytes(), 0u);
    }
  }
}

TEST(Shard, scans_about_as_many_entries_as_asked) UNLOCKED {
  CountedSource source;
  Shard shard(kTestKey, source);
  fill(shard, 0, 10'000);
  std::size_t seen = 0;
  shard.scan(0, 10, [&](Entry) { ++seen; });
  EXPECT_GE(seen, 10u);
  EXPECT_LE(seen, 60u);
}

TEST(Shard, picks_random_entries_nearly_evenly) UNLOCKED {
  CountedSource source;
  Shard shard(kTestKey, source);
  constexpr std::size_t kKeys = 500;
  fill(shard, 0, kKeys);
  base::Random random(1);
  std::map<std::string, int> picks;
  for (std::size_t i = 0; i < 100 * kKeys; ++i) ++picks[std::string(shard.random_entry(random.next()).key())];
  // All but the few that overflow far were hit about a hundred times.
  EXPECT_GT(picks.size(), kKeys * 95 / 100);
  const auto even =
      std::count_if(picks.begin(), picks.end(), [](const auto& p) { return p.second > 40 && p.second < 250; });
  EXPECT_GT(static_cast<std::size_t>(even), kKeys * 90 / 100);
}

TEST(Shard, notices_a_deadline_that_was_put_off_when_the_old_one_comes) UNLOCKED {
  CountedSource source;
  Shard shard(kTestKey, source);
  put(shard, "a", "v", {.at = UnixMs{100}, .sliding_ms = 50})->set_deadline(UnixMs{150});
  ASSERT_TRUE(put(shard, "b", "v", {.at = UnixMs{120}}));
  std::vector<std::string> keys;
  EXPECT_EQ(shard.next_deadline(), UnixMs{100});
  shard.collect_due(UnixMs{110}, 10, keys);
  EXPECT_TRUE(keys.empty());
  EXPECT_EQ(shard.next_deadline(), UnixMs{120});
  shard.collect_due(UnixMs{150}, 10, keys);
  EXPECT_EQ(keys, (std::vector<std::string>{"b", "a"}));
}

TEST(Shard, hands_out_what_is_due_until_it_is_erased) UNLOCKED {
  CountedSource source;
  Shard shard(kTestKey, source);
  for (std::size_t i = 0; i < 5000; ++i)
    ASSERT_TRUE(put(shard, key_of(i), "v", {.at = UnixMs{static_cast<int>(i) + 1}}));
  for (int round = 0; round < 2; ++round) {
    std::vector<std::string> keys;
    shard.collect_due(UnixMs{500}, 64, keys);
    EXPECT_EQ(keys.size(), 64u);
  }
  std::size_t erased = 0;
  while (shard.next_deadline() <= UnixMs{500}) {
    std::vector<std::string> keys;
    shard.collect_due(UnixMs{500}, 64, keys);
    for (const auto& key : keys) erased += shard.erase(test_hash(key), key) ? 1 : 0;
  }
  EXPECT_EQ(erased, 500u);
  EXPECT_EQ(shard.next_deadline(), UnixMs{501});
}

TEST(Shard, hands_its_contents_out_and_swaps_them) UNLOCKED {
  CountedSource source;
  Shard shard(kTestKey, source);
  Shard other(kTestKey, source);
  fill(shard, 0, 1000);
  ASSERT_TRUE(put(shard, "large", std::string(5000, 'v'), {.at = UnixMs{5}}));
  ASSERT_TRUE(put(other, "small", "v", {.at = UnixMs{6}}));
  const Contents first = contents_of(shard);
  const Contents second = contents_of(other);
  shard.swap_contents(other);
  EXPECT_EQ(contents_of(shard), second);
  EXPECT_EQ(contents_of(other), first);
  EXPECT_EQ(shard.next_deadline(), UnixMs{6});
  EXPECT_EQ(other.size(), 1001u);
  std::unique_ptr<Shard> taken = other.take_contents();
  EXPECT_EQ(other.size(), 0u);
  EXPECT_EQ(other.next_deadline(), kNoDeadline);
  EXPECT_FALSE(find(other, key_of(5)));
  EXPECT_EQ(other.memory().total(), 0u);
  EXPECT_EQ(contents_of(*taken), first);
  EXPECT_EQ(taken->memory().total() + shard.memory().total(), source.bytes());
  fill(other, 0, 10);
  taken.reset();
  EXPECT_EQ(other.memory().total() + shard.memory().total(), source.bytes());
}

TEST(Keyspace, lets_threads_write_prefetch_swap_and_flush_at_once) UNLOCKED {
  Keyspace keyspace(2, 2, kTestKey);
  constexpr int kRounds = 3000;
  std::atomic<bool> failed = false;
  const auto work = [&](std::uint64_t seed) UNLOCKED {
    base::Random random(seed);
    for (int i = 0; i < kRounds; ++i) {
      const std::string key = key_of(random.below(2000));
      const std::uint64_t hash = keyspace.hash(key);
      const ShardId id = keyspace.shard_id(static_cast<int>(random.below(2)), hash);
      Shard& shard = keyspace.shard(id);
      shard.prefetch_bucket(hash);
      if (shard.next_deadline() < UnixMs{0} || keyspace.size(0) > 10'000) failed = true;
      std::unique_ptr<Shard> taken;
      if (random.one_in(500)) {
        base::ShortLock lock(shard.mutex());
        taken = shard.take_contents();
      } else if (random.one_in(500)) {
        Shard& low = keyspace.shard(id % 2);
        Shard& high = keyspace.shard(id % 2 + 2);
        base::ShortLock first(low.mutex());
        base::ShortLock second(high.mutex());
        low.swap_contents(high);
      } else {
        base::ShortLock lock(shard.mutex());
        shard.prefetch_entry(hash);
        if (random.one_in(3)) shard.erase(hash, key);
        const Expiry expiry{.at = UnixMs{static_cast<std::int64_t>(random.below(3))}};
        if (!shard.put(hash, key, {.value = key, .expiry = expiry})) failed = true;
        if (shard.find(hash, key).value() != key) failed = true;
      }
    }
  };
  std::thread other(work, 1);
  work(2);
  other.join();
  EXPECT_FALSE(failed);
  MemoryUse use = keyspace.memory(0);
  use += keyspace.memory(1);
  EXPECT_EQ(use.keys, keyspace.size(0) + keyspace.size(1));
}

TEST(Keyspace, gives_a_key_the_same_number_of_shard_in_every_database) {
  const Keyspace keyspace(16, 64, kTestKey);
  for (std::size_t i = 0; i < 1000; ++i) {
    const std::uint64_t hash = keyspace.hash(key_of(i));
    for (int database = 0; database < 16; ++database)
      EXPECT_EQ(keyspace.shard_id(database, hash), keyspace.shard_id(0, hash) + static_cast<ShardId>(database) * 64);
  }
  EXPECT_EQ(keyspace.shard_count(), 16u * 64);
}

// What is written over an entry is what putting it would have made of it, and cannot fail.
TEST(Shard, writes_over_an_entry_what_fits_there) UNLOCKED {
  CountedSource source;
  base::Random random(7);
  const auto expiry = [&]() -> Expiry {
    switch (random.below(3)) {
      case 0: return {};
      case 1: return {.at = UnixMs{1000 + static_cast<std::int64_t>(random.below(1000))}};
      default: return {.at = UnixMs{5000}, .sliding_ms = 77};
    }
  };
  Shard shard(kTestKey, source);
  std::size_t fitted = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string key = key_of(random.below(50)) + std::string(random.below(4) == 0 ? 120 : 0, 'k');
    const std::string value(random.below(8) == 0 ? random.below(3000) : random.below(140),
                            static_cast<char>('a' + i % 26));
    const EntrySpec spec{.type = i % 3 == 0 ? ValueType::kJson : ValueType::kString,
                         .value = value,
                         .expiry = expiry(),
                         .address = Lsn{static_cast<std::uint64_t>(i) + 100}};
    const Entry entry = shard.find(test_hash(key), key);
    const std::uint64_t size = shard.size();
    if (entry && shard.fits_over(entry, spec)) {
      ++fitted;
      source.fail_after(0);
      shard.write_over(entry, key, spec);
      source.fail_never();
      ASSERT_EQ(shard.size(), size);
    } else {
      ASSERT_TRUE(shard.put(test_hash(key), key, spec));
    }
    const Entry now = shard.find(test_hash(key), key);
    ASSERT_TRUE(now);
    ASSERT_EQ(now.value(), value);
    ASSERT_EQ(now.type(), spec.type);
    ASSERT_EQ(now.expiry(), spec.expiry);
    ASSERT_EQ(now.address(), spec.address);
    ASSERT_EQ(now.version(), spec.address);
    ASSERT_FALSE(now.delta());
    if (i % 500 == 0) shard.check();
  }
  EXPECT_GT(fitted, 100u);
}

}  // namespace
}  // namespace stave::keyspace
