// Random operations on a shard, beside the same on std::unordered_map. A failure prints its seed; STAVE_SEED replays
// it.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/random.h"
#include "keyspace/keyspace_test_support.h"
#include "keyspace/shard.h"

namespace stave::keyspace {
namespace {

std::uint64_t first_seed() {
  const char* const given = std::getenv("STAVE_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 0) : base::thread_random();
}

struct Held {
  std::string value;
  Expiry expiry;
  Lsn address;
};
using Model = std::unordered_map<std::string, Held>;

/// One shard and what it ought to hold.
class ShardModel {
 public:
  ShardModel(std::uint64_t seed, std::size_t keys) : random_(seed), keys_(keys) {}

  void run(int steps) STAVE_NO_THREAD_SAFETY_ANALYSIS {
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) {
      step();
      if (i % 256 == 0) check_sums();
    }
    check_all();
    drain();
  }

  /// Probability, in percent, that a write is a removal: above 50 the shard shrinks.
  int removals = 30;

 private:
  std::string random_key() {
    std::string key = "key:" + std::to_string(random_.below(keys_));
    // Some keys too long for one byte of length, for a slot, for anything but a block of their own.
    switch (key.back()) {
      case '7': key.append(200, 'k'); break;
      case '8':
        if (random_.one_in(4)) key.append(3000, 'k');
        break;
      default: break;
    }
    return key;
  }

  std::string random_value() {
    static constexpr std::size_t kEdges[] = {0,   1,   64,  126,  127,  128,  129,  255,  511,
                                             512, 990, 999, 1000, 1020, 1024, 4096, 70000};
    std::size_t size = random_.below(200);
    if (random_.one_in(4)) size = kEdges[random_.below(std::size(kEdges))];
    if (size > 2000 && !random_.one_in(8)) size = 40;
    return std::string(size, static_cast<char>('a' + random_.below(26)));
  }

  Expiry random_expiry() {
    switch (random_.below(4)) {
      case 0: return {.at = now_ + 1 + static_cast<std::int64_t>(random_.below(500))};
      case 1: {
        const auto period = static_cast<std::int64_t>(1 + random_.below(500));
        return {.at = now_ + period, .sliding_ms = period};
      }
      default: return {};
    }
  }

  void step() STAVE_NO_THREAD_SAFETY_ANALYSIS {
    const std::string key = random_key();
    const auto dice = static_cast<int>(random_.below(100));
    if (dice < 20) return read(key);
    if (dice < 24) return change_expiry(key);
    if (dice < 28) return refresh(key);
    if (dice < 32) return advance_time();
    if (dice < 42) return transaction();
    if (dice < 43) return scan_some();
    if (dice < 44) return pick();
    if (dice < 45) return expect_keys();
    if (dice < 55) return edit(key);
    if (static_cast<int>(random_.below(100)) < removals) return erase(key);
    put(key);
  }

  void check(Entry entry, const std::string& key) STAVE_NO_THREAD_SAFETY_ANALYSIS {
    const auto found = model_.find(key);
    ASSERT_EQ(static_cast<bool>(entry), found != model_.end()) << key.substr(0, 20);
    if (!entry) return;
    EXPECT_EQ(entry.key(), key);
    EXPECT_EQ(entry.value(), found->second.value);
    EXPECT_EQ(entry.expiry(), found->second.expiry);
    EXPECT_EQ(entry.has_expiry(), !found->second.expiry.never());
    EXPECT_EQ(entry.address(), found->second.address);
    EXPECT_EQ(entry.type(), ValueType::kString);
  }
  void read(const std::string& key) STAVE_NO_THREAD_SAFETY_ANALYSIS {
    shard_.prefetch_bucket(test_hash(key));
    shard_.prefetch_entry(test_hash(key));
    Entry entry = shard_.find(test_hash(key), key);
    if (entry) entry.touch();
    check(entry, key);
  }
  EntrySpec spec(const Held& held) { return {.value = held.value, .expiry = held.expiry, .address = held.address}; }
  Held random_held() {
    address_ = address_ + 1 + random_.below(1u << 30);
    return {random_value(), random_expiry(), address_};
  }

  void put(const std::string& key) STAVE_NO_THREAD_SAFETY_ANALYSIS {
    const Held held = random_held();
    const auto entry = shard_.put(test_hash(key), key, spec(held));
    ASSERT_TRUE(entry.has_value());
    model_[key] = held;
    check(*entry, key);
    check(shard_.find(test_hash(key), key), key);
  }
  void erase(const std::string& key) STAVE_NO_THREAD_SAFETY_ANALYSIS {
    EXPECT_EQ(shard_.erase(test_hash(key), key), model_.erase(key) != 0);
    stayed_.erase(key);
    check({}, key);
    EXPECT_FALSE(shard_.find(test_hash(key), key));
  }
  void change_expiry(const std::string& key) STAVE_NO_THREAD_SAFETY_ANALYSIS {
    const Entry entry = shard_.find(test_hash(key), key);
    if (!entry) return;
    const Expiry expiry = random_expiry();
    const auto changed = shard_.set_expiry(test_hash(key), entry, expiry);
    ASSERT_TRUE(changed.has_value());
    model_[key].expiry = expiry;
    check(*changed, key);
  }
  void refresh(const std::string& key) STAVE_NO_THREAD_SAFETY_ANALYSIS {
    Entry entry = shard_.find(test_hash(key), key);
    if (!entry || entry.expiry().sliding_ms == 0) return;
    const UnixMs later = std::max(entry.expiry().at, now_ + entry.expiry().sliding_ms);
    entry.set_deadline(later);
    model_[key].expiry.at = later;
  }

  void advance_time() STAVE_NO_THREAD_SAFETY_ANALYSIS {
    now_ = now_ + static_cast<std::int64_t>(random_.below(20));
    std::unordered_set<std::string> due;
    UnixMs earliest = kNoDeadline;
    for (const auto& [key, held] : model_) {
      if (held.expiry.passed(now_)) due.insert(key);
      if (!held.expiry.never()) earliest = std::min(earliest, held.expiry.at);
    }
    EXPECT_LE(shard_.next_deadline(), earliest);
    // Handed out but not erased, as when the log refuses: they come again.
    std::vector<std::string> keys;
    shard_.collect_due(now_, 1 + random_.below(8), keys);
    for (const std::string& key : keys) EXPECT_TRUE(due.contains(key));
    std::size_t rounds = 0;
    while (shard_.next_deadline() <= now_) {
      ASSERT_LT(++rounds, 10 * keys_);
      keys.clear();
      shard_.collect_due(now_, 1 + random_.below(8), keys);
      for (const std::string& key : keys) {
        EXPECT_EQ(due.erase(key), 1u) << key.substr(0, 20);
        erase(key);
      }
    }
    EXPECT_TRUE(due.empty());
  }

  /// Changes parts of a value, and sometimes takes that back.
  void edit(const std::string& key) STAVE_NO_THREAD_SAFETY_ANALYSIS {
    const std::uint64_t hash = test_hash(key);
    const Entry entry = shard_.find(hash, key);
    if (!entry || entry.has_expiry() || entry.value_size() >= Block::kBytesMin / 2) return;
    const std::string before(entry.value());
    const std::string first(random_.below(40), 'e');
    const std::string second(random_.below(random_.one_in(4) ? 900 : 4), 'E');
    const std::size_t at = random_.below(before.size() + 1);
    const std::size_t out = random_.below(before.size() - at + 1);
    const std::size_t behind = at + out + random_.below(before.size() - at - out + 1);
    const std::size_t more = std::min(random_.below(60), before.size() - behind);
    const std::array edits{base::Edit{.at = at, .out = out, .in = first},
                           base::Edit{.at = behind, .out = more, .in = second}};
    std::string after = before;
    after.replace(behind, more, second).replace(at, out, first);
    const bool back = random_.coin();
    const Held held = model_.at(key);
    model_[key].value = after;
    if (Shard::edits_fit(entry, edits)) {
      shard_.edit(entry, edits);
      check(shard_.find(hash, key), key);
      if (!back) return;
      const base::Edit all{.at = 0, .out = after.size(), .in = before};
      ASSERT_TRUE(Shard::edits_fit(entry, std::span(&all, 1)));
      shard_.edit(entry, std::span(&all, 1));
    } else {
      Detached previous;
      const auto edited = shard_.exchange_edited(hash, entry, edits, previous);
      ASSERT_TRUE(edited.has_value());
      check(*edited, key);
      check(shard_.find(hash, key), key);
      EXPECT_EQ(shard_.view(previous).value(), before);
      if (!back) return shard_.discard(previous);
      shard_.restore(hash, previous);
    }
    model_[key] = held;
    check(shard_.find(hash, key), key);
  }

  /// Changes some keys keeping what they held, and then either keeps the changes or takes them back, last one first.
  void transaction() STAVE_NO_THREAD_SAFETY_ANALYSIS {
    struct Undo {
      std::string key;
      Detached previous;
      bool was_there;
      Held before;
    };
    std::vector<Undo> undo;
    for (std::uint64_t i = 0; i <= random_.below(12); ++i) {
      const std::string key = random_key();
      const auto found = model_.find(key);
      const bool was_there = found != model_.end();
      const Held before = was_there ? found->second : Held{};
      Detached previous;
      if (random_.coin()) {
        const Held held = random_held();
        ASSERT_TRUE(shard_.exchange(test_hash(key), key, spec(held), previous).has_value());
        model_[key] = held;
      } else {
        previous = shard_.detach(test_hash(key), key);
        model_.erase(key);
      }
      EXPECT_EQ(previous.empty(), !was_there);
      if (was_there) {
        EXPECT_EQ(shard_.view(previous).key(), key);
      }
      check(shard_.find(test_hash(key), key), key);
      // Only what a key held before the transaction is worth keeping.
      const bool first = std::none_of(undo.begin(), undo.end(), [&](const Undo& u) { return u.key == key; });
      if (first) {
        undo.push_back({key, previous, was_there, before});
      } else if (!previous.empty()) {
        shard_.discard(previous);
      }
    }
    if (random_.coin()) {
      for (const Undo& u : undo) {
        shard_.discard(u.previous);
        if (!model_.contains(u.key)) stayed_.erase(u.key);
      }
      return;
    }
    for (auto u = undo.rbegin(); u != undo.rend(); ++u) {
      if (u->was_there) {
        shard_.restore(test_hash(u->key), u->previous);
        model_[u->key] = u->before;
      } else {
        shard_.erase(test_hash(u->key), u->key);
        model_.erase(u->key);
      }
    }
    for (const Undo& u : undo) check(shard_.find(test_hash(u.key), u.key), u.key);
  }

  /// A scan that other operations interrupt: what is there from its first to its last call must be seen.
  void scan_some() STAVE_NO_THREAD_SAFETY_ANALYSIS {
    if (position_ == 0) {
      seen_.clear();
      stayed_ = model_;
    }
    position_ = shard_.scan(position_, 1 + random_.below(50), [&](Entry entry) {
      check(entry, std::string(entry.key()));
      seen_.insert(std::string(entry.key()));
    });
    if (position_ != Shard::kScanEnd) return;
    for (const auto& [key, held] : stayed_) EXPECT_TRUE(seen_.contains(key)) << key.substr(0, 20);
    position_ = 0;
  }
  void pick() STAVE_NO_THREAD_SAFETY_ANALYSIS {
    const Entry entry = shard_.random_entry(random_.next());
    ASSERT_EQ(static_cast<bool>(entry), !model_.empty());
    if (entry) check(entry, std::string(entry.key()));
  }

  /// Makes room for keys that may come or not, or gives such room back.
  void expect_keys() STAVE_NO_THREAD_SAFETY_ANALYSIS {
    if (model_.empty() || random_.coin()) return shard_.trim();
    shard_.reserve(random_.below(8 * model_.size()));
  }

  void check_sums() STAVE_NO_THREAD_SAFETY_ANALYSIS {
    const MemoryUse use = shard_.memory();
    EXPECT_EQ(use.keys, model_.size());
    EXPECT_EQ(shard_.size(), model_.size());
    EXPECT_EQ(use.total(), source_.bytes());
    shard_.check();
    std::uint64_t entries = 0;
    std::uint64_t expiring = 0;
    std::size_t found = 0;
    for (std::uint64_t at = 0; at != Shard::kScanEnd;) {
      at = shard_.scan(at, 100, [&](Entry entry) {
        ++found;
        entries += entry.memory_bytes();
        expiring += entry.has_expiry() ? 1 : 0;
      });
    }
    EXPECT_EQ(found, model_.size());
    EXPECT_EQ(use.entries, entries);
    EXPECT_EQ(use.expiring, expiring);
  }
  void check_all() STAVE_NO_THREAD_SAFETY_ANALYSIS {
    for (const auto& [key, held] : model_) check(shard_.find(test_hash(key), key), key);
  }
  void drain() STAVE_NO_THREAD_SAFETY_ANALYSIS {
    while (!model_.empty()) erase(std::string(model_.begin()->first));
    EXPECT_EQ(shard_.size(), 0u);
    EXPECT_EQ(shard_.next_deadline(), kNoDeadline);
    EXPECT_EQ(shard_.memory().total(), 0u);
    EXPECT_EQ(source_.bytes(), 0u);
  }

  base::Random random_;
  std::size_t keys_;
  CountedSource source_;
  Shard shard_{kTestKey, source_};
  Model model_;
  UnixMs now_{1'700'000'000'000};
  Lsn address_{1};
  std::uint64_t position_ = 0;
  std::unordered_set<std::string> seen_;
  Model stayed_;
};

void run(std::size_t keys, int steps, int removals) {
  const std::uint64_t seed = first_seed();
  SCOPED_TRACE("STAVE_SEED=" + std::to_string(seed));
  ShardModel model(seed, keys);
  model.removals = removals;
  model.run(steps);
}

TEST(ShardModel, agrees_with_a_map_when_tiny) {
  run(5, 50'000, 50);
}
TEST(ShardModel, agrees_with_a_map_when_it_grows) {
  run(3'000, 60'000, 10);
}
TEST(ShardModel, agrees_with_a_map_when_keys_come_and_go) {
  run(300, 100'000, 50);
}

}  // namespace
}  // namespace stave::keyspace
