#include "store/mutations.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "store/options_for_test.h"
#include "store/transaction.h"

namespace stave::store {
namespace {

using log::RecordKind;

class MutationsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    files_ = make_memory_file_system();
    reopen();
  }
  void reopen() {
    engine_.reset();
    auto opened = Engine::open("/store", still_options(*files_, clock_, 2));
    ASSERT_TRUE(opened) << opened.error().describe();
    engine_ = std::move(*opened);
  }
  Place place(KeyRef key) {
    keyspace::Keyspace& keyspace = engine_->keyspace();
    const std::uint64_t hash = keyspace.hash(key.key);
    const keyspace::ShardId id = keyspace.shard_id(key.database, hash);
    return {.hash = hash, .id = id, .shard = &keyspace.shard(id)};
  }
  void put(std::string_view key, std::string_view value, Expiry expiry = {}) {
    ASSERT_TRUE(engine_->put({0, key}, value, expiry));
  }
  /// Value and deadline of every key.
  std::map<std::string, std::pair<std::string, std::int64_t>> all() {
    std::map<std::string, std::pair<std::string, std::int64_t>> found;
    visit_all(*engine_, 0, [&](std::string_view key, const ValueView& view) {
      found[std::string(key)] = {std::string(view.value), raw(view.expiry.at)};
    });
    return found;
  }
  /// Every record of that key, oldest first.
  std::vector<log::RecordView> records(std::string_view key) {
    std::vector<log::RecordView> found;
    EXPECT_TRUE(engine_->log().wait_written(engine_->log().tail()));
    EXPECT_TRUE(engine_->log().scan(engine_->log().stats().first, engine_->log().written(),
                                    [&](std::span<const log::RecordView> run) -> Result<void> {
                                      for (log::RecordView record : run) {
                                        if (record.key != key) continue;
                                        record.key = {};
                                        record.payload = {};
                                        found.push_back(record);
                                      }
                                      return {};
                                    }));
    return found;
  }
  Expiry in_ms(std::int64_t ms) { return {.at = engine_->now() + ms}; }

  ManualClock clock_;
  std::unique_ptr<FileSystem> files_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(MutationsTest, deltas_of_one_key_in_one_batch_name_each_other_and_replay) {
  put("k", "before");
  const KeyRef key{0, "k"};
  const Place at = place(key);
  const Expiry last = in_ms(90'000);
  {
    ShardLocks locks(engine_->keyspace());
    locks.add(at.id);
    locks.lock();
    Mutations mutations(engine_->keyspace(), locks);
    ASSERT_TRUE(mutations.put(key, at, {.value = "after"}));
    ASSERT_TRUE(mutations.set_expiry(key, at, in_ms(60'000), true));
    ASSERT_TRUE(mutations.set_expiry(key, at, last, true));
    ASSERT_TRUE(mutations.log(engine_->log(), engine_->compression(), engine_->now()));
    EXPECT_TRUE(mutations.empty());
  }
  const auto chain = records("k");
  ASSERT_EQ(chain.size(), 4u);
  EXPECT_EQ(chain[1].kind, RecordKind::kString);
  EXPECT_EQ(chain[2].kind, RecordKind::kSetExpiry);
  EXPECT_EQ(chain[3].kind, RecordKind::kSetExpiry);
  for (std::size_t i = 1; i < chain.size(); ++i) EXPECT_EQ(chain[i].prev, chain[i - 1].lsn) << i;
  const auto now = all();
  EXPECT_EQ(now.at("k"), (std::pair<std::string, std::int64_t>("after", raw(last.at))));
  reopen();
  EXPECT_EQ(all(), now);
  EXPECT_TRUE(engine_->put(key, "later", {}));
  EXPECT_EQ(records("k").back().prev, chain.back().lsn);
}

TEST_F(MutationsTest, whole_changes_of_one_key_are_one_record) {
  put("k", "before");
  Transaction transaction(*engine_, {0, "k"});
  std::string value;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(transaction.put({0, "k"}, value += 'x', in_ms(i + 1000)));
  EXPECT_TRUE(transaction.erase({0, "k"}));
  ASSERT_TRUE(transaction.put({0, "k"}, "last", {}));
  ASSERT_TRUE(transaction.set_expiry({0, "k"}, in_ms(5000)));
  ASSERT_TRUE(transaction.commit());
  const auto chain = records("k");
  ASSERT_EQ(chain.size(), 2u);
  EXPECT_EQ(chain[1].prev, chain[0].lsn);
  EXPECT_EQ(chain[1].expiry, in_ms(5000));
}

TEST_F(MutationsTest, a_whole_change_silences_the_deltas_before_it) {
  put("k", "before");
  const KeyRef key{0, "k"};
  const Place at = place(key);
  const auto before = all();
  for (const bool undone : {true, false}) {
    ShardLocks locks(engine_->keyspace());
    locks.add(at.id);
    locks.lock();
    Mutations mutations(engine_->keyspace(), locks);
    ASSERT_TRUE(mutations.set_expiry(key, at, in_ms(60'000), true));
    ASSERT_TRUE(mutations.set_expiry(key, at, in_ms(70'000), true));
    ASSERT_TRUE(mutations.remove(key, at, RecordKind::kDelete));
    if (undone) {
      mutations.undo();
      locks.unlock();
      EXPECT_EQ(all(), before);
    } else {
      ASSERT_TRUE(mutations.log(engine_->log(), engine_->compression(), engine_->now()));
    }
  }
  const auto chain = records("k");
  ASSERT_EQ(chain.size(), 2u);
  EXPECT_EQ(chain[1].kind, RecordKind::kDelete);
  EXPECT_EQ(chain[1].prev, chain[0].lsn);
  EXPECT_TRUE(all().empty());
}

TEST_F(MutationsTest, a_key_that_came_and_went_leaves_no_record) {
  const Lsn tail = engine_->log().tail();
  Transaction transaction(*engine_, {0, "k"});
  ASSERT_TRUE(transaction.put({0, "k"}, "v", in_ms(1000)));
  ASSERT_TRUE(transaction.set_expiry({0, "k"}, {}));
  EXPECT_TRUE(transaction.erase({0, "k"}));
  ASSERT_TRUE(transaction.commit());
  EXPECT_EQ(engine_->log().tail(), tail);
  EXPECT_EQ(engine_->size(0), 0u);
}

// Every change of expiry there is, undone: in place, and by another entry; of values in the entry, in a block of the
// arena, and in one that is shared.
TEST_F(MutationsTest, an_undone_change_of_expiry_leaves_everything_as_it_was) {
  const std::array<Expiry, 4> expiries = {Expiry{}, in_ms(60'000), in_ms(70'000),
                                          Expiry{.at = engine_->now() + 80'000, .sliding_ms = 80'000}};
  for (const std::size_t size : {1u, 900u, 2000u, 20'000u}) {
    for (const Expiry& from : expiries) {
      put("k", std::string(size, 'v'), from);
      const auto before = all();
      const keyspace::MemoryUse memory = engine_->memory(0);
      for (const Expiry& first : expiries) {
        for (const Expiry& second : expiries) {
          Transaction transaction(*engine_, {0, "k"});
          ASSERT_TRUE(transaction.set_expiry({0, "k"}, first));
          ASSERT_TRUE(transaction.set_expiry({0, "k"}, second));
          ASSERT_EQ(transaction.find({0, "k"})->value.size(), size);
          ASSERT_EQ(transaction.find({0, "k"})->expiry, second);
          if (first.sliding_ms != 0) {
            ASSERT_TRUE(transaction.put({0, "k"}, "other", second));
          }
          transaction.rollback();
          ASSERT_EQ(all(), before);
          ASSERT_EQ(engine_->memory(0).entries, memory.entries);
          ASSERT_EQ(engine_->memory(0).expiring, memory.expiring);
        }
      }
    }
  }
}

// A value changed in a batch has to be found before its record can be read.
TEST_F(MutationsTest, a_spilled_value_is_found_again_after_its_expiry_was_changed_in_the_same_transaction) {
  const std::string value(3000, 'v');
  put("k", value);
  ASSERT_TRUE(engine_->sync());
  for (int round = 0; round < 2; ++round) {
    const KeyRef key{0, "k"};
    const Place at = place(key);
    {
      base::ShortLock lock(at.shard->mutex());
      ASSERT_TRUE(at.shard->spill(at.hash, at.shard->find(at.hash, key.key)));
    }
    engine_->residence().note_spilled();
    engine_->budget().set(1, MemoryPolicy::kSpill);  // nothing that was read stays
    Transaction transaction(*engine_, key);
    transaction.excuse();
    ASSERT_EQ(transaction.find(key)->value, value);
    ASSERT_TRUE(transaction.set_expiry(key, in_ms(60'000 + round)));
    ASSERT_EQ(transaction.find(key)->value, value);
    ASSERT_TRUE(transaction.set_expiry(key, {}));
    ASSERT_EQ(transaction.find(key)->value, value);
    ASSERT_TRUE(transaction.commit());
    engine_->budget().set(0, MemoryPolicy::kSpill);
    EXPECT_EQ(all().at("k").first, value);
  }
  reopen();
  EXPECT_EQ(all().at("k").first, value);
}

TEST_F(MutationsTest, many_keys_in_one_transaction_are_told_apart) {
  std::vector<std::string> names;
  for (int i = 0; i < 300; ++i) names.push_back("key" + std::to_string(i));
  std::vector<KeyRef> keys;
  for (const std::string& name : names) keys.push_back({0, name});
  for (const bool undone : {true, false}) {
    Transaction transaction(*engine_, keys);
    for (int round = 0; round < 3; ++round)
      for (const KeyRef& key : keys)
        ASSERT_TRUE(transaction.put(key, std::to_string(round) + std::string(key.key), {}));
    for (std::size_t i = 0; i < keys.size(); i += 3) EXPECT_TRUE(transaction.erase(keys[i]));
    if (undone) {
      transaction.rollback();
      EXPECT_TRUE(all().empty());
    } else {
      ASSERT_TRUE(transaction.commit());
    }
  }
  reopen();
  const auto now = all();
  EXPECT_EQ(now.size(), 200u);
  for (const auto& [key, what] : now) EXPECT_EQ(what.first, "2" + key);
  EXPECT_EQ(engine_->stats().recovery.records, 201u);  // and one that marks the clean end
}

}  // namespace
}  // namespace stave::store
