#include "store/collection.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "store/history.h"
#include "store/options_for_test.h"
#include "store/snapshot.h"
#include "store/transact.h"
#include "store/upkeep.h"
#include "testing/sim_file_system.h"

namespace stave::store {
namespace {

using Fields = std::map<std::string, std::string>;

class Collections : public ::testing::Test {
 protected:
  void SetUp() override { open(); }
  void open() {
    engine.reset();
    auto opened = Engine::open("/db", still_options(disk, clock, 2));
    ASSERT_TRUE(opened) << opened.error().describe();
    engine = std::move(*opened);
  }
  void restart() {
    ASSERT_TRUE(engine->close());
    open();
  }
  template <class Type, class Work>
  Result<void> within(KeyRef key, Work&& work) {
    Pending observed;
    const auto change = [&](Transaction& transaction) -> Result<void> {
      STAVE_ASSIGN(auto opened, open_collection<Type>(transaction, key));
      STAVE_TRY(work(opened));
      return keep_collection(transaction, key, opened);
    };
    const auto done = transact(*engine, std::span(&key, 1), change, Sync::kDefault, observed);
    if (!done) return fail(done.error().clone());
    return engine->wait(*done);
  }
  void set(const std::string& key, const std::string& field, const std::string& value) {
    const auto put = [&](Opened<Hash>& hash) -> Result<void> {
      hash.editor().set(field, value);
      return {};
    };
    const auto done = within<Hash>({0, key}, put);
    ASSERT_TRUE(done) << done.error().describe();
  }
  void fill(const std::string& key, int fields, const std::string& value = "a value of some length") {
    const auto put = [&](Opened<Hash>& hash) -> Result<void> {
      for (int i = 0; i < fields; ++i) hash.editor().set("field:" + std::to_string(i), value + std::to_string(i));
      return {};
    };
    const auto done = within<Hash>({0, key}, put);
    ASSERT_TRUE(done) << done.error().describe();
  }
  Fields fields_of(int database, const std::string& key) {
    Fields found;
    const KeyRef at{database, key};
    Transaction transaction(*engine, at);
    const auto opened = open_collection<Hash>(transaction, at);
    EXPECT_TRUE(opened) << opened.error().describe();
    if (!opened) return found;
    opened->reader().visit([&](const types::hash::Field& field) {
      EXPECT_TRUE(found.emplace(field.name, field.value).second) << "twice: " << field.name;
      return true;
    });
    EXPECT_TRUE(opened->whole());
    EXPECT_EQ(opened->reader().size(), found.size());
    return found;
  }
  [[nodiscard]] Fields filled(int fields, const std::string& value = "a value of some length") const {
    Fields all;
    for (int i = 0; i < fields; ++i) all["field:" + std::to_string(i)] = value + std::to_string(i);
    return all;
  }
  std::uint64_t pages() { return engine->size(pages_database(engine->keyspace())); }
  std::uint64_t sweep() {
    const auto removed = engine->orphans().sweep(*engine, never);
    EXPECT_TRUE(removed) << removed.error().describe();
    return removed.value_or(0);
  }

  void erase_all(int keys) {
    for (int i = 0; i < keys; ++i) {
      const std::string name = "h" + std::to_string(i);
      const KeyRef key{0, name};
      Transaction transaction(*engine, key);
      ASSERT_TRUE(transaction.erase(key));
      ASSERT_TRUE(transaction.commit());
    }
  }
  void remove_abandoned() {
    for (int i = 0; engine->orphans().remove_some(engine->keyspace(), engine->deadlines()); ++i) ASSERT_LT(i, 1000);
  }

  sim::SimFileSystem disk;
  ManualClock clock{UnixMs{1'000'000}};
  std::unique_ptr<Engine> engine;
  std::atomic<bool> never{false};
};

TEST_F(Collections, become_pages_when_they_are_large_and_go_with_their_last_element) {
  fill("h", 20);
  EXPECT_EQ(pages(), 0u);
  EXPECT_EQ(fields_of(0, "h"), filled(20));
  fill("h", 500);
  EXPECT_GT(pages(), 10u);
  EXPECT_EQ(fields_of(0, "h"), filled(500));
  const auto empty = [](Opened<Hash>& hash) -> Result<void> {
    for (int i = 0; i < 500; ++i) EXPECT_TRUE(hash.editor().remove("field:" + std::to_string(i)));
    return {};
  };
  ASSERT_TRUE(within<Hash>({0, "h"}, empty));
  EXPECT_EQ(pages(), 0u);
  EXPECT_EQ(engine->size(0), 0u);
  EXPECT_EQ(sweep(), 0u);
}

TEST_F(Collections, are_the_same_after_a_restart_with_an_image_and_without) {
  fill("h", 1000);
  restart();
  EXPECT_EQ(fields_of(0, "h"), filled(1000));
  ASSERT_TRUE(engine->checkpoint());
  set("h", "field:7", "changed behind the image");
  Fields wanted = filled(1000);
  wanted["field:7"] = "changed behind the image";
  // The store is not closed, so no image is made of what came last.
  open();
  EXPECT_EQ(fields_of(0, "h"), wanted);
  ASSERT_TRUE(engine->clean());
  EXPECT_EQ(fields_of(0, "h"), wanted);
  restart();
  EXPECT_EQ(fields_of(0, "h"), wanted);
}

TEST_F(Collections, leave_memory_and_come_back) {
  fill("h", 1000);
  engine->budget().set(1, MemoryPolicy::kSpill);
  for (int i = 0; i < 20; ++i) engine->budget().settle();
  engine->budget().set(0, MemoryPolicy::kSpill);
  EXPECT_GT(engine->memory(pages_database(engine->keyspace())).spilled, 0u);
  EXPECT_EQ(fields_of(0, "h"), filled(1000));
}

TEST_F(Collections, are_undone_with_their_transaction) {
  fill("h", 500);
  {
    const KeyRef key{0, "h"};
    Transaction transaction(*engine, key);
    auto opened = open_collection<Hash>(transaction, key);
    ASSERT_TRUE(opened);
    for (int i = 0; i < 800; ++i) opened->editor().set("other:" + std::to_string(i), "x");
    for (int i = 0; i < 300; ++i) opened->editor().remove("field:" + std::to_string(i));
    ASSERT_TRUE(keep_collection(transaction, key, *opened));
  }
  EXPECT_EQ(fields_of(0, "h"), filled(500));
  restart();
  EXPECT_EQ(fields_of(0, "h"), filled(500));
}

// An element more costs what a page costs, and not all that came before: whoever adds many is given pages on the way.
TEST_F(Collections, that_get_many_elements_at_once_become_pages_on_the_way) {
  for (const bool keep : {true, false}) {
    const auto put = [&](Opened<Hash>& hash) -> Result<void> {
      EXPECT_FALSE(hash.existed());
      for (int i = 0; i < 3000; ++i)
        EXPECT_TRUE(
            hash.growing_editor().set("field:" + std::to_string(i), "a value of some length" + std::to_string(i)));
      EXPECT_TRUE(hash.in_pages());
      EXPECT_FALSE(hash.existed());
      EXPECT_EQ(hash.reader().size(), 3000u);
      for (int i = 0; !keep && i < 3000; ++i) hash.editor().remove("field:" + std::to_string(i));
      return {};
    };
    ASSERT_TRUE(within<Hash>({0, "many"}, put));
    EXPECT_EQ(fields_of(0, "many"), filled(keep ? 3000 : 0));
    restart();
    EXPECT_EQ(fields_of(0, "many"), filled(keep ? 3000 : 0));
    ASSERT_TRUE(engine->flush_all());
    EXPECT_EQ(pages(), 0u);
  }
}

TEST_F(Collections, that_grew_on_the_way_are_undone_with_their_transaction) {
  {
    const KeyRef key{0, "many"};
    Transaction transaction(*engine, key);
    auto opened = open_collection<Set>(transaction, key);
    ASSERT_TRUE(opened);
    for (int i = 0; i < 2000; ++i) opened->growing_editor().add("member:" + std::to_string(i));
    ASSERT_TRUE(keep_collection(transaction, key, *opened));
  }
  EXPECT_EQ(pages(), 0u);
  restart();
  EXPECT_EQ(pages(), 0u);
}

TEST_F(Collections, that_grew_and_emptied_in_one_change_leave_no_pages) {
  const auto put = [&](Opened<Set>& set) -> Result<void> {
    for (int i = 0; i < 1000; ++i) set.growing_editor().add("member:" + std::to_string(i));
    for (int i = 0; i < 1000; ++i) set.editor().remove("member:" + std::to_string(i));
    return {};
  };
  ASSERT_TRUE(within<Set>({0, "gone"}, put));
  EXPECT_EQ(pages(), 0u);
  EXPECT_FALSE(engine->orphans().waiting());
}

TEST_F(Collections, of_a_key_that_went_are_swept_and_no_others) {
  fill("a", 500);
  fill("b", 500, "another");
  fill("c", 500, "a third");
  const std::uint64_t before = pages();
  ASSERT_TRUE(engine->put({0, "a"}, "a string now", {}));
  EXPECT_TRUE(engine->orphans().waiting());
  remove_abandoned();
  EXPECT_LT(pages(), before);
  EXPECT_FALSE(engine->orphans().noted()) << "the root said which pages they were";
  const std::uint64_t living = pages();
  {
    const std::vector<KeyRef> keys = {{0, "b"}, {1, "moved"}};
    Transaction transaction(*engine, keys);
    const auto held = transaction.find(keys[0]);
    ASSERT_TRUE(held && held->paged && held->type == ValueType::kHash);
    ASSERT_TRUE(transaction.put(keys[1], held->value, {}, held->stored_type()));
    ASSERT_TRUE(transaction.erase(keys[0]));
    ASSERT_TRUE(transaction.commit());
  }
  EXPECT_FALSE(engine->orphans().waiting()) << "they are another key's now";
  EXPECT_EQ(sweep(), 0u);
  EXPECT_EQ(pages(), living);
  EXPECT_EQ(fields_of(1, "moved"), filled(500, "another"));
  EXPECT_EQ(fields_of(0, "c"), filled(500, "a third"));
  ASSERT_TRUE(engine->flush(0));
  EXPECT_GT(sweep(), 10u);
  restart();
  EXPECT_EQ(fields_of(1, "moved"), filled(500, "another"));
  EXPECT_EQ(fields_of(0, "c"), Fields{});
  ASSERT_TRUE(engine->flush_all());
  EXPECT_EQ(pages(), 0u);
}

// The first write after DEL of all that there was used to be refused until the next sweep.
TEST_F(Collections, that_were_deleted_make_room_for_the_next_write_at_once) {
  for (int i = 0; i < 20; ++i) fill("h" + std::to_string(i), 500);
  engine->budget().set(engine->budget().used() - 1, MemoryPolicy::kNoEviction);
  EXPECT_FALSE(engine->put({0, "text"}, "x", {}));
  erase_all(20);
  EXPECT_TRUE(engine->put({0, "text"}, "x", {}));
  remove_abandoned();
  EXPECT_EQ(pages(), 0u);
  EXPECT_FALSE(engine->orphans().noted());
  EXPECT_EQ(engine->size(0), 1u);
}

TEST_F(Collections, whose_roots_were_in_the_log_only_are_swept_soon_when_room_is_short) {
  for (int i = 0; i < 20; ++i) fill("h" + std::to_string(i), 500);
  ASSERT_TRUE(engine->sync());
  engine->budget().set(1, MemoryPolicy::kSpill);
  for (int i = 0; i < 40; ++i) engine->budget().settle();
  engine->budget().set(0, MemoryPolicy::kSpill);
  erase_all(20);
  ASSERT_TRUE(engine->orphans().noted());
  engine->tick();  // the first sweep is due
  EXPECT_EQ(pages(), 0u);
  const auto orphan_one = [this] {
    fill("h", 500);
    EXPECT_TRUE(engine->sync());
    const std::uint64_t hash = engine->keyspace().hash("h");
    keyspace::Shard& shard = engine->keyspace().shard_of(0, hash);
    {
      base::ShortLock lock(shard.mutex());
      EXPECT_TRUE(shard.spill(hash, shard.find(hash, "h")));
    }
    const KeyRef key{0, "h"};
    Transaction transaction(*engine, key);
    EXPECT_TRUE(transaction.erase(key));
    EXPECT_TRUE(transaction.commit());
  };
  orphan_one();
  clock.advance_ms(1);
  engine->tick();
  EXPECT_GT(pages(), 10u) << "there is room, and the next sweep can wait";
  engine->budget().set(engine->budget().used(), MemoryPolicy::kNoEviction);
  engine->tick();
  EXPECT_EQ(pages(), 0u);
}

TEST_F(Collections, that_are_evicted_go_with_their_pages_and_no_more_of_them_than_has_to) {
  for (int i = 0; i < 40; ++i) fill("h" + std::to_string(i), 300);
  const std::uint64_t each = engine->budget().used() / 40;
  // So that their pages cannot make way without them: as under load, where all of these are in use.
  for (int i = 0; i < 40; ++i) static_cast<void>(fields_of(0, "h" + std::to_string(i)));
  engine->budget().set(engine->budget().used() - each / 2, MemoryPolicy::kAllKeysRandom);
  for (int i = 0; i < 20; ++i) engine->budget().settle();
  EXPECT_FALSE(engine->orphans().waiting());
  EXPECT_GE(engine->size(0), 36u);
  EXPECT_LE(engine->budget().used(), engine->budget().max());
  EXPECT_FALSE(engine->orphans().noted());
}

TEST_F(Collections, that_are_abandoned_while_the_log_takes_nothing_are_left_to_a_sweep) {
  fill("a", 500);
  fill("b", 500);
  ASSERT_TRUE(engine->put({0, "a"}, "a string now", {}));
  engine->log().give_up(Error(ErrorCode::kReadOnly, "for a test"));
  remove_abandoned();
  EXPECT_TRUE(engine->orphans().noted());
  EXPECT_GT(pages(), 20u);
  open();
  EXPECT_EQ(fields_of(0, "b"), filled(500));
}

TEST_F(Collections, that_expire_or_come_and_go_in_one_transaction_leave_no_pages) {
  fill("a", 500);
  fill("b", 500);
  const std::vector<KeyRef> keys = {{0, "a"}, {0, "b"}, {0, "c"}};
  {
    Transaction transaction(*engine, keys);
    ASSERT_TRUE(transaction.set_expiry(keys[0], {.at = UnixMs{1}}));  // passed: the key goes
    const auto held = transaction.find(keys[1]);
    ASSERT_TRUE(held);
    ASSERT_TRUE(transaction.put(keys[2], held->value, {}, held->stored_type()));
    ASSERT_TRUE(transaction.erase(keys[1]));
    ASSERT_TRUE(transaction.erase(keys[2]));
    ASSERT_TRUE(transaction.commit());
  }
  remove_abandoned();
  static_cast<void>(sweep());
  EXPECT_EQ(pages(), 0u);
  fill("d", 500);
  {
    Transaction transaction(*engine, KeyRef{0, "d"});
    ASSERT_TRUE(transaction.erase({0, "d"}));
  }
  EXPECT_FALSE(engine->orphans().waiting()) << "it was not committed";
  EXPECT_EQ(fields_of(0, "d"), filled(500));
}

TEST_F(Collections, that_a_crash_orphaned_are_swept_after_the_next_start) {
  fill("a", 500);
  ASSERT_TRUE(engine->put({0, "a"}, "a string now", {}));
  ASSERT_TRUE(engine->sync());
  open();
  EXPECT_GT(pages(), 10u);
  EXPECT_TRUE(engine->orphans().noted());
  ASSERT_TRUE(engine->clean());
  EXPECT_EQ(pages(), 0u);
}

TEST_F(Collections, are_copied_with_their_pages) {
  fill("h", 500);
  const std::vector<KeyRef> keys = {{0, "h"}, {0, "copy"}};
  {
    Transaction transaction(*engine, keys);
    const auto held = transaction.find(keys[0]);
    ASSERT_TRUE(held && held->paged);
    const auto copy = copy_pages(transaction, held->type, std::string(held->value));
    ASSERT_TRUE(copy);
    ASSERT_TRUE(transaction.put(keys[1], *copy, {}, ValueType::kPagedHash));
    ASSERT_TRUE(transaction.commit());
  }
  set("copy", "field:3", "other");
  EXPECT_EQ(fields_of(0, "h"), filled(500));
  Fields wanted = filled(500);
  wanted["field:3"] = "other";
  EXPECT_EQ(fields_of(0, "copy"), wanted);
}

// In a transaction on several keys a page may be out of reach: then all of it is done anew.
TEST_F(Collections, whose_pages_cannot_be_had_in_order_are_not_copied_and_nothing_else_happens) {
  // Two whose pages lie in different shards, the first one's in the later one.
  std::vector<std::string> keys;
  const auto pages_of = [&](const std::string& key) {
    Transaction transaction(*engine, {0, key});
    const PageKey page(identity_of(transaction.find({0, key})->value), 0);
    const int database = pages_database(engine->keyspace());
    return std::pair(engine->keyspace().shard_id(database, engine->keyspace().hash(page.view()), page.view()),
                     std::string(page.view()));
  };
  for (int i = 0; keys.size() < 2; ++i) {
    const std::string key = "h" + std::to_string(i);
    fill(key, 300);
    if (keys.empty() ? pages_of(key).first % 2 == 1 : pages_of(key).first < pages_of(keys[0]).first)
      keys.push_back(key);
  }
  const auto [shard, page] = pages_of(keys[1]);
  const KeyRef at{pages_database(engine->keyspace()), page};
  std::optional<Transaction> other(std::in_place, *engine, at);
  const std::vector<KeyRef> named{{0, keys[0]}, {0, keys[1]}};
  Transaction transaction(*engine, named);
  const auto first = open_collection<Hash>(transaction, named[0]);
  ASSERT_TRUE(first && first->reader().find("field:1"));
  const auto held = transaction.find(named[1]);
  ASSERT_TRUE(held && held->paged);
  const auto copied = copy_pages(transaction, held->type, std::string(held->value));
  ASSERT_FALSE(copied);
  EXPECT_EQ(copied.error().code(), ErrorCode::kConflict);
  EXPECT_FALSE(transaction.commit());
}

TEST_F(Collections, are_in_a_snapshot_as_they_were_at_its_cut) {
  fill("h", 700);
  fill("small", 3);
  SnapshotWalk walk(*engine);
  set("h", "field:1", "behind the cut");
  fill("h", 900, "all of it behind the cut");
  ASSERT_TRUE(engine->put({0, "small"}, "a string now", {}));
  ASSERT_TRUE(engine->flush(0));
  sweep();
  std::map<std::string, Fields> found;
  const auto report = walk.run([&](const SnapshotItem& item) -> Result<void> {
    EXPECT_EQ(item.type, ValueType::kHash);
    types::hash::Compact(item.value).visit([&](const types::hash::Field& field) {
      found[std::string(item.key)][std::string(field.name)] = field.value;
      return true;
    });
    return {};
  });
  ASSERT_TRUE(report) << report.error().describe();
  EXPECT_EQ(report->keys, 2u);
  EXPECT_EQ(found["h"], filled(700));
  EXPECT_EQ(found["small"], filled(3));
}

TEST_F(Collections, come_back_from_the_past_as_they_were) {
  engine->upkeep().history_bytes.store(1u << 30);
  std::vector<std::pair<Lsn, Fields>> versions;
  base::Random random(11);
  const KeyRef key{0, "h"};
  for (int round = 0; round < 30; ++round) {
    const auto change = [&](Opened<Hash>& hash) -> Result<void> {
      for (int i = 0; i < 60; ++i) {
        const std::string field = "field:" + std::to_string(random.below(400));
        if (random.below(4) == 0) {
          hash.editor().remove(field);
        } else {
          hash.editor().set(field, "of round " + std::to_string(round));
        }
      }
      return {};
    };
    ASSERT_TRUE(within<Hash>(key, change));
    Pending pending;
    const auto newest = History(*engine).versions(key, 1, pending);
    ASSERT_TRUE(newest && newest->size() == 1);
    versions.emplace_back(newest->front().version, fields_of(0, "h"));
    if (round == 15) {
      ASSERT_TRUE(engine->clean());
    }
    if (round == 20) {
      ASSERT_TRUE(engine->flush_all());
      restart();
      engine->upkeep().history_bytes.store(1u << 30);
    }
  }
  EXPECT_GT(pages(), 3u);
  for (const auto& [version, fields] : versions) {
    Pending pending;
    const auto past = History(*engine).value_at(key, Point(version), pending);
    ASSERT_TRUE(past && *past) << raw(version) << (past ? "" : past.error().describe());
    EXPECT_EQ((*past)->type, ValueType::kHash);
    Fields found;
    types::hash::Compact((*past)->value).visit([&](const types::hash::Field& field) {
      return found.emplace(field.name, field.value).second;
    });
    EXPECT_EQ(found, fields) << raw(version);
  }
  Pending pending;
  const auto reverted = History(*engine).revert(key, Point(versions[10].first), pending);
  ASSERT_TRUE(reverted) << reverted.error().describe();
  EXPECT_TRUE(reverted->changed);
  // The pages that it got have the fields in another order; they are the same all the same.
  for (int i = 0; i < 2; ++i) {
    const auto again = History(*engine).revert(key, Point(versions[10].first), pending);
    ASSERT_TRUE(again) << again.error().describe();
    EXPECT_FALSE(again->changed);
  }
  EXPECT_EQ(fields_of(0, "h"), versions[10].second);
  sweep();
  restart();
  EXPECT_EQ(fields_of(0, "h"), versions[10].second);
}

TEST_F(Collections, whose_page_is_missing_are_told_to_be_damaged) {
  fill("h", 500);
  const int database = pages_database(engine->keyspace());
  std::string victim;
  for (keyspace::ShardId id = 0; id < engine->keyspace().shard_count(); ++id) {
    keyspace::Shard& shard = engine->keyspace().shard(id);
    base::ShortLock lock(shard.mutex());
    shard.scan(0, 1000, [&](keyspace::Entry entry) {
      if (entry.type() == ValueType::kPage) victim = entry.key();
    });
  }
  ASSERT_FALSE(victim.empty());
  {
    Transaction transaction(*engine, KeyRef{database, victim});
    ASSERT_TRUE(transaction.erase({database, victim}));
    ASSERT_TRUE(transaction.commit());
  }
  int missing = 0;
  for (int i = 0; i < 500; ++i) {
    const auto look = [&](Opened<Hash>& hash) -> Result<void> {
      static_cast<void>(hash.reader().find("field:" + std::to_string(i)));
      return {};
    };
    const auto done = within<Hash>({0, "h"}, look);
    if (done) continue;
    EXPECT_EQ(done.error().code(), ErrorCode::kCorrupt);
    ++missing;
  }
  EXPECT_GT(missing, 0);
  EXPECT_LT(missing, 400);
}

TEST(PagePlace, is_the_stores_own_database_and_nowhere_else) {
  const std::string page(PageKey(Lsn{77}, 5).view());
  EXPECT_TRUE(check_place(0, ValueType::kString, "k"));
  EXPECT_TRUE(check_place(254, ValueType::kPagedHash, page));
  EXPECT_TRUE(check_place(kPagesNumber, ValueType::kPage, page));
  EXPECT_EQ(check_place(kPagesNumber, ValueType::kPage, "short").error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(check_place(3, ValueType::kPage, page).error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(check_place(kPagesNumber, ValueType::kString, page).error().code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace stave::store
