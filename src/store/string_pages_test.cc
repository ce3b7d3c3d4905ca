// Strings that are changed in parts: in pages to who asks for their root, whole strings to everybody else.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "store/collection.h"
#include "store/history.h"
#include "store/options_for_test.h"
#include "store/snapshot.h"
#include "store/transact.h"
#include "store/upkeep.h"
#include "testing/sim_file_system.h"

namespace stave::store {
namespace {

class StringPages : public ::testing::Test {
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
  template <class Work>
  void change(const std::string& name, Work&& work) {
    const KeyRef key{0, name};
    Pending observed;
    const auto done = transact(
        *engine, std::span(&key, 1),
        [&](Transaction& transaction) -> Result<void> {
          STAVE_ASSIGN(auto opened, open_collection<String>(transaction, key));
          work(opened);
          return keep_collection(transaction, key, opened);
        },
        Sync::kDefault, observed);
    ASSERT_TRUE(done) << done.error().describe();
    ASSERT_TRUE(engine->wait(*done));
  }
  void append(const std::string& name, std::string_view bytes) {
    change(name,
           [&](Opened<String>& string) { string.editor_for(string.reader().size() + bytes.size()).append(bytes); });
    model[name] += bytes;
  }
  void write(const std::string& name, std::uint64_t at, std::string_view bytes) {
    change(name, [&](Opened<String>& string) { string.editor_for(string.reader().size()).write(at, bytes); });
    model[name].replace(at, bytes.size(), bytes);
  }
  std::string value(const std::string& name, Access access = Access::kTouch) {
    std::string found = "nothing";
    const auto done = engine->read({0, name}, access, [&](const ValueView* view) {
      if (view == nullptr) return;
      EXPECT_EQ(view->type, ValueType::kString);
      EXPECT_FALSE(view->paged);
      EXPECT_TRUE(view->here);
      EXPECT_EQ(view->size, view->value.size());
      found = view->value;
    });
    EXPECT_TRUE(done) << done.error().describe();
    return found;
  }
  void spill() {
    engine->budget().set(1, MemoryPolicy::kSpill);
    for (int i = 0; i < 20; ++i) engine->budget().settle();
    engine->budget().set(0, MemoryPolicy::kSpill);
  }
  std::uint64_t pages() { return engine->size(pages_database(engine->keyspace())); }

  sim::SimFileSystem disk;
  ManualClock clock{UnixMs{1'000'000}};
  std::unique_ptr<Engine> engine;
  std::atomic<bool> never{false};
  std::map<std::string, std::string> model;
};

TEST_F(StringPages, are_there_from_the_first_change_of_a_part_on_and_seen_by_nobody_else) {
  ASSERT_TRUE(engine->put({0, "s"}, std::string(30'000, 'a'), {}));
  model["s"] = std::string(30'000, 'a');
  EXPECT_EQ(pages(), 0u);
  write("s", 12'345, "changed");
  EXPECT_EQ(pages(), 8u);
  EXPECT_EQ(value("s"), model["s"]);
  append("s", " and more");
  EXPECT_EQ(value("s"), model["s"]);
  // Small ones stay in one piece.
  append("small", "a few bytes");
  write("small", 2, "FEW");
  EXPECT_EQ(pages(), 8u);
  EXPECT_EQ(value("small"), "a FEW bytes");
  for (int i = 0; i < 2; ++i) {
    std::map<std::string, std::string> all;
    visit_all(*engine, 0, [&](std::string_view key, const ValueView& view) { all.emplace(key, view.value); });
    EXPECT_EQ(all, model);
    restart();
  }
}

TEST_F(StringPages, do_not_grow_in_their_holes_when_there_is_no_room) {
  change("s", [](Opened<String>& string) { string.editor_for(4'000'000).extend(4'000'000); });
  change("s", [](Opened<String>& string) { string.editor().write(0, "there"); });
  engine->budget().set(1, MemoryPolicy::kNoEviction);
  const auto refused = [&](std::uint64_t at) {
    const KeyRef key{0, "s"};
    Transaction transaction(*engine, key);
    auto opened = open_collection<String>(transaction, key);
    opened->editor().write(at, "new");
    const auto kept = keep_collection(transaction, key, *opened);
    return !kept && kept.error().code() == ErrorCode::kNoMemory;
  };
  EXPECT_TRUE(refused(1'000'000));
  EXPECT_TRUE(refused(3'999'990));
  // What is there may change, whatever was refused before.
  EXPECT_FALSE(refused(1));
}

TEST_F(StringPages, that_are_read_whole_count_as_what_clients_have_not_read) {
  append("s", std::string(5'000'000, 'x'));
  const std::uint64_t before = engine->budget().stats().buffers;
  keyspace::Block share;
  ASSERT_TRUE(engine->read({0, "s"}, Access::kPeek, [&](const ValueView* view) { share = view->share(); }));
  EXPECT_EQ(share.view(), model["s"]);
  EXPECT_GE(engine->budget().stats().buffers, before + 5'000'000);
  share = {};
  EXPECT_EQ(engine->budget().stats().buffers, before);
  // One is made however little room there is, and no more above what there is for clients in any case.
  engine->budget().set(1, MemoryPolicy::kSpill);
  ASSERT_TRUE(engine->read({0, "s"}, Access::kPeek, [&](const ValueView* view) { share = view->share(); }));
  const std::uint64_t one = engine->budget().stats().buffers;
  const auto refused = engine->read({0, "s"}, Access::kPeek, [](const ValueView*) {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kNoMemory);
  EXPECT_EQ(engine->budget().stats().buffers, one);
}

TEST_F(StringPages, show_the_length_of_the_string_without_its_bytes) {
  append("s", std::string(30'000, 'x'));
  for (const bool spilled : {false, true}) {
    if (spilled) restart();
    std::size_t size = 0;
    ASSERT_TRUE(engine->read({0, "s"}, Access::kMeta, [&](const ValueView* view) { size = view->size; }));
    EXPECT_EQ(size, 30'000u);
    Transaction transaction(*engine, {0, "s"});
    const auto held = transaction.find({0, "s"}, Access::kTouchMeta);
    ASSERT_TRUE(held);
    EXPECT_EQ(held->size, 30'000u);
    EXPECT_FALSE(held->paged);
  }
}

TEST_F(StringPages, are_put_together_for_several_keys_at_one_instant) {
  append("one", std::string(20'000, '1'));
  append("two", std::string(9'000, '2'));
  ASSERT_TRUE(engine->put({0, "plain"}, "plain", {}));
  model["plain"] = "plain";
  const std::vector<std::string> names = {"two", "plain", "one", "none", "two"};
  std::vector<KeyRef> keys;
  for (const std::string& name : names) keys.push_back({0, name});
  for (int round = 0; round < 3; ++round) {
    std::vector<std::string> found(names.size(), "nothing");
    ASSERT_TRUE(engine->read_many(keys, Access::kTouch, [&](std::size_t i, const ValueView* view) {
      if (view != nullptr) found[i] = view->value;
    }));
    for (std::size_t i = 0; i < names.size(); ++i)
      EXPECT_EQ(found[i], model.contains(names[i]) ? model[names[i]] : "nothing") << names[i];
    std::size_t known = 0;
    ASSERT_TRUE(engine->read_many(keys, Access::kMeta,
                                  [&](std::size_t, const ValueView* view) { known += view != nullptr ? 1 : 0; }));
    EXPECT_EQ(known, 4u);
    if (round == 0) spill();
    if (round == 1) restart();
  }
}

TEST_F(StringPages, of_a_transaction_are_seen_in_it_as_they_are_now) {
  append("s", std::string(20'000, 'x'));
  const KeyRef key{0, "s"};
  Transaction transaction(*engine, key);
  for (int i = 0; i < 5; ++i) {
    auto opened = open_collection<String>(transaction, key);
    ASSERT_TRUE(opened);
    opened->editor().write(7'000, std::to_string(i));
    ASSERT_TRUE(keep_collection(transaction, key, *opened));
    model["s"].replace(7'000, 1, std::to_string(i));
    const auto held = transaction.find(key);
    ASSERT_TRUE(held);
    EXPECT_EQ(held->value, model["s"]);
    EXPECT_EQ(transaction.find(key)->value.data(), held->value.data()) << "put together once";
  }
  ASSERT_TRUE(transaction.put({0, "s"}, "a string", {}));
  EXPECT_EQ(transaction.find(key)->value, "a string");
  transaction.start_over();
  EXPECT_EQ(transaction.find(key)->value, std::string(20'000, 'x'));
}

TEST_F(StringPages, give_way_to_a_whole_value_and_leave_no_page) {
  append("s", std::string(100'000, 'x'));
  EXPECT_EQ(pages(), 25u);
  ASSERT_TRUE(engine->put({0, "s"}, "whole", {}));
  while (engine->orphans().remove_some(engine->keyspace(), engine->deadlines())) {
  }
  EXPECT_EQ(pages(), 0u);
  EXPECT_EQ(value("s"), "whole");
  // The short way of a change looks at all of it, too.
  append("t", std::string(10'000, 'x'));
  Pending pending;
  const auto updated = engine->update(
      {0, "t"}, Access::kPeek, [](const ValueView*, UnixMs) -> Result<Update> { return Update{}; }, Sync::kDefault,
      pending);
  ASSERT_TRUE(updated);
  EXPECT_EQ(*updated, Updated::kNot);
}

TEST_F(StringPages, are_the_same_after_crashes_images_and_cleaning) {
  base::Random random(5);
  append("s", std::string(200'000, 'x'));
  for (int round = 0; round < 12; ++round) {
    for (int i = 0; i < 40; ++i) {
      const std::uint64_t at = random.below(model["s"].size() - 10);
      write("s", at, std::to_string(random.below(1'000'000)));
      if (i % 8 == 0) append("s", "line " + std::to_string(i));
    }
    ASSERT_TRUE(engine->sync());
    if (round % 4 == 0) {
      ASSERT_TRUE(engine->checkpoint());
    } else if (round % 4 == 1) {
      ASSERT_TRUE(engine->clean());
    } else if (round % 4 == 2) {
      open();
    } else {
      spill();
    }
    EXPECT_EQ(value("s"), model["s"]);
    const auto swept = engine->orphans().sweep(*engine, never);
    ASSERT_TRUE(swept) << swept.error().describe();
    EXPECT_EQ(value("s"), model["s"]);
  }
}

TEST_F(StringPages, are_logged_as_what_changed) {
  append("s", std::string(1u << 20, 'x'));
  const Lsn before = engine->log().tail();
  constexpr int kChanges = 100;
  base::Random random(9);
  for (int i = 0; i < kChanges; ++i) write("s", random.below(1u << 20), "y");
  EXPECT_LT(raw(engine->log().tail()) - raw(before), kChanges * 200u);
  const Lsn middle = engine->log().tail();
  for (int i = 0; i < kChanges; ++i) append("s", "0123456789");
  EXPECT_LT(raw(engine->log().tail()) - raw(middle), kChanges * 250u);
  EXPECT_EQ(value("s"), model["s"]);
}

TEST_F(StringPages, that_are_zeros_are_not_there) {
  change("s", [&](Opened<String>& string) {
    constexpr std::uint64_t kSize = std::uint64_t{256} << 20;
    auto& bytes = string.editor_for(kSize);
    bytes.extend(kSize);
    bytes.write(kSize - 1, "x");
  });
  EXPECT_LE(pages(), 4u);
  EXPECT_LT(engine->memory(pages_database(engine->keyspace())).total(), 1u << 20);
}

TEST_F(StringPages, are_in_snapshots_and_in_the_past_as_strings) {
  engine->upkeep().history_bytes.store(1u << 30);
  append("s", std::string(20'000, 'x'));
  const std::string first = model["s"];
  const Lsn then{raw(engine->log().tail()) - 1};
  write("s", 5, "changed later");
  const std::string second = model["s"];
  SnapshotWalk walk(*engine);
  write("s", 9'000, "behind the cut");
  std::size_t seen = 0;
  const auto report = walk.run([&](const SnapshotItem& item) -> Result<void> {
    EXPECT_EQ(item.type, ValueType::kString);
    EXPECT_EQ(item.value, second);
    ++seen;
    return {};
  });
  ASSERT_TRUE(report) << report.error().describe();
  EXPECT_EQ(seen, 1u);
  Pending pending;
  History history(*engine);
  const auto past = history.value_at({0, "s"}, Point(then), pending);
  ASSERT_TRUE(past && *past);
  EXPECT_EQ((*past)->type, ValueType::kString);
  EXPECT_EQ((*past)->value, first);
  const auto versions = history.versions({0, "s"}, 10, pending);
  ASSERT_TRUE(versions);
  ASSERT_EQ(versions->size(), 3u);
  for (const KeyVersion& version : *versions) {
    EXPECT_EQ(version.kind, KeyVersion::Kind::kSet);
    EXPECT_EQ(version.size, 20'000u);
  }
  const auto reverted = history.revert({0, "s"}, Point(then), pending);
  ASSERT_TRUE(reverted);
  EXPECT_TRUE(reverted->changed);
  EXPECT_EQ(value("s"), first);
}

TEST_F(StringPages, expire_with_their_key_and_keep_its_deadline) {
  append("s", std::string(20'000, 'x'));
  {
    Transaction transaction(*engine, {0, "s"});
    ASSERT_TRUE(transaction.set_expiry({0, "s"}, {.at = engine->now() + 1000}));
    ASSERT_TRUE(transaction.commit());
  }
  write("s", 1, "y");
  open();
  EXPECT_EQ(value("s"), model["s"]);
  clock.advance_ms(2000);
  EXPECT_EQ(value("s"), "nothing");
  engine->tick();
  while (engine->orphans().remove_some(engine->keyspace(), engine->deadlines())) {
  }
  EXPECT_EQ(pages(), 0u);
}

}  // namespace
}  // namespace stave::store
