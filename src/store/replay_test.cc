// The index rebuilt from the log alone, by one thread and by several: both must end in the same store.
#include "store/replay.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/random.h"
#include "store/options_for_test.h"
#include "store/transaction.h"
#include "store/upkeep.h"

namespace stave::store {
namespace {

constexpr int kDatabases = 16;

struct Shown {
  std::string value;
  Expiry expiry{};
  Lsn version = kNoLsn;
  bool json = false;
  bool operator==(const Shown&) const = default;
};
using Contents = std::map<std::pair<int, std::string>, Shown>;

/// A use puts a sliding deadline off in memory, and in the log only when an eighth of the period has passed.
Contents without_sliding(Contents contents) {
  std::erase_if(contents, [](const auto& item) { return item.second.expiry.sliding_ms != 0; });
  return contents;
}

class Replays : public ::testing::Test {
 protected:
  Options options(bool background) {
    Options o = still_options(*files, clock, kDatabases);
    o.background = background;
    o.segment_bytes = 256 << 10;
    o.log_buffer_bytes = 256 << 10;
    o.shards = 8;
    o.notice = [this](std::string_view notice) { notices.emplace_back(notice); };
    return o;
  }
  void open(const Options& o) {
    notices.clear();
    auto opened = Engine::open("/db", o);
    ASSERT_TRUE(opened) << opened.error().describe();
    engine = std::move(*opened);
  }
  void open(bool background) { open(options(background)); }
  void close() {
    ASSERT_TRUE(engine->close());
    engine.reset();
  }
  std::vector<std::string> paths(std::string_view suffix, const std::string& directory = "/db") {
    std::vector<std::string> found;
    const std::vector<std::string> names = *files->list(directory);
    for (const std::string& name : names)
      if (name.ends_with(suffix)) found.push_back(directory + "/" + name);
    return found;
  }
  void remove_images() {
    for (const std::string& path : paths(".image")) ASSERT_TRUE(files->remove(path));
  }
  void damage(const std::string& path, std::uint64_t offset) {
    auto file = files->open(path, OpenMode::kReadWrite);
    ASSERT_TRUE(file);
    const std::string bad = "damaged!damaged!";
    ASSERT_TRUE((*file)->write_at(offset, std::as_bytes(std::span(bad))));
  }
  void copy(const std::string& from, const std::string& to) {
    auto source = files->open(from, OpenMode::kRead);
    ASSERT_TRUE(source);
    std::vector<std::byte> bytes(*(*source)->size());
    ASSERT_TRUE((*source)->read_at(0, bytes));
    auto target = files->open(to, OpenMode::kCreate);
    ASSERT_TRUE(target);
    ASSERT_TRUE((*target)->write_at(0, bytes));
  }
  std::uint64_t log_bytes() { return raw(engine->log().tail()) - raw(engine->log().stats().first); }

  Contents contents() {
    Contents found;
    for (int database = 0; database < kDatabases; ++database)
      visit_all(*engine, database, [&](std::string_view key, const ValueView& view) {
        found[{database, std::string(key)}] = {std::string(view.value), view.expiry, view.version, view.json};
      });
    return found;
  }

  std::string random_value() {
    std::string text(random.below(4) == 0 ? random.below(4000) : random.below(150), 'v');
    if (random.coin())
      for (char& c : text) c = static_cast<char>(random.below(256));
    return text;
  }
  Expiry random_expiry() {
    const auto period = static_cast<std::int64_t>(1 + random.below(20'000));
    return {.at = engine->now() + period, .sliding_ms = random.coin() ? period : 0};
  }
  void change_at_random() {
    const int database = static_cast<int>(random.below(kDatabases));
    const std::string key = "key:" + std::to_string(random.below(400));
    const KeyRef ref{database, key};
    const std::uint64_t dice = random.below(1000);
    if (dice == 0) {
      ASSERT_TRUE(engine->flush(database));
    } else if (dice < 3) {
      ASSERT_TRUE(engine->swap(database, static_cast<int>(random.below(kDatabases))));
    } else if (dice < 10) {
      clock.advance_ms(static_cast<std::int64_t>(random.below(2000)));
      engine->tick();
    } else if (dice < 150) {
      Transaction transaction(*engine, ref);
      static_cast<void>(transaction.erase(ref));
      ASSERT_TRUE(transaction.commit());
    } else if (dice < 300) {
      Transaction transaction(*engine, ref);
      static_cast<void>(transaction.set_expiry(ref, random.coin() ? random_expiry() : Expiry{}));
      ASSERT_TRUE(transaction.commit());
    } else if (dice < 400) {  // a use, which puts a sliding deadline off
      ASSERT_TRUE(engine->read(ref, Access::kTouch, [](const ValueView*) {}));
    } else if (dice < 500) {
      const std::string other = "key:" + std::to_string(random.below(400));
      const KeyRef both[] = {ref, {static_cast<int>(random.below(kDatabases)), other}};
      Transaction transaction(*engine, both);
      ASSERT_TRUE(transaction.put(both[0], random_value(), {}));
      ASSERT_TRUE(transaction.put(both[1], "{}", {}, ValueType::kJson));
      ASSERT_TRUE(transaction.commit());
    } else {
      ASSERT_TRUE(engine->put(ref, random_value(), random.below(4) == 0 ? random_expiry() : Expiry{}));
    }
  }
  /// More than what is read by one thread whatever the options say.
  void fill(std::size_t keys, std::size_t value_bytes) {
    std::string value(value_bytes, 'v');
    for (std::size_t i = 0; i < keys; ++i) {
      for (char& c : value) c = static_cast<char>(random.below(256));
      ASSERT_TRUE(engine->put({0, "key:" + std::to_string(i)}, value, {}));
    }
  }

  static std::uint64_t first_seed() {
    const char* text = std::getenv("STAVE_SEED");
    return text == nullptr ? 2026 : std::strtoull(text, nullptr, 10);
  }
  const std::uint64_t seed = first_seed();
  base::Random random{seed};
  std::unique_ptr<FileSystem> files = make_memory_file_system();
  ManualClock clock;
  std::vector<std::string> notices;
  std::unique_ptr<Engine> engine;
};

TEST_F(Replays, by_one_thread_and_by_several_end_in_the_same_keys_values_versions_and_expiries) {
  SCOPED_TRACE("STAVE_SEED=" + std::to_string(seed));
  open(false);
  for (int round = 0; round < 3; ++round) {
    // In the second round the cleaner has been at it: moved records, and a log that does not begin at its beginning.
    if (round == 1) {
      ASSERT_TRUE(engine->clean());
    }
    do {
      change_at_random();
      if (HasFatalFailure()) return;
    } while (log_bytes() < 5u << 20);
    const Contents before = contents();
    close();
    remove_images();
    open(false);
    EXPECT_EQ(engine->stats().recovered_keys, 0u);
    EXPECT_FALSE(engine->may_fetch()) << "all values in memory";
    const Contents by_one = contents();
    ASSERT_TRUE(without_sliding(by_one) == without_sliding(before)) << "one thread, round " << round;
    close();
    remove_images();
    open(true);
    EXPECT_EQ(engine->stats().recovered_keys, 0u);
    EXPECT_TRUE(engine->may_fetch()) << "several threads, and all values in the log";
    ASSERT_TRUE(contents() == by_one) << "several threads, round " << round;
    close();
    remove_images();
    open(false);
  }
}

TEST_F(Replays, by_several_threads_take_up_where_an_image_ends) {
  SCOPED_TRACE("STAVE_SEED=" + std::to_string(seed));
  open(false);
  for (int i = 0; i < 3'000; ++i) change_at_random();
  ASSERT_TRUE(engine->checkpoint());
  const Lsn image = engine->log().tail();
  while (engine->log().tail() - image < 5u << 20) {
    change_at_random();
    if (HasFatalFailure()) return;
  }
  const Contents before = contents();
  ASSERT_TRUE(engine->sync());
  const std::vector<std::string> kept = paths(".image");
  ASSERT_EQ(kept.size(), 1u);
  copy(kept[0], "/db/aside");
  close();
  remove_images();
  copy("/db/aside", kept[0]);
  open(true);
  EXPECT_GT(engine->stats().recovered_keys, 0u);
  EXPECT_GT(engine->stats().recovery.bytes, 5u << 20);
  EXPECT_TRUE(without_sliding(contents()) == without_sliding(before));
}

TEST_F(Replays, from_the_log_lose_nothing_when_both_images_are_damaged) {
  open(false);
  fill(30'000, 100);
  ASSERT_TRUE(engine->checkpoint());
  fill(30'000, 100);
  ASSERT_TRUE(engine->checkpoint());
  const Contents before = contents();
  close();
  ASSERT_EQ(paths(".image").size(), 2u);
  for (const std::string& path : paths(".image")) damage(path, 5000);
  open(true);
  EXPECT_EQ(notices.size(), 2u) << "both are told about";
  EXPECT_EQ(engine->stats().recovered_keys, 0u);
  EXPECT_TRUE(engine->may_fetch());
  EXPECT_TRUE(contents() == before);
  EXPECT_EQ(before.size(), 30'000u);
}

TEST_F(Replays, with_few_databases_are_refused_by_several_threads_as_by_one) {
  open(false);
  fill(30'000, 200);
  ASSERT_TRUE(engine->put({kDatabases - 1, "last"}, "v", {}));
  close();
  remove_images();
  for (const bool background : {false, true}) {
    Options o = options(background);
    o.databases = 2;
    const auto refused = Engine::open("/db", o);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument) << refused.error().describe();
  }
  open(true);
  EXPECT_EQ(engine->size(0), 30'000u);
}

TEST_F(Replays, of_a_damaged_log_are_refused_by_several_threads_as_by_one) {
  open(false);
  fill(30'000, 200);
  close();
  remove_images();
  const std::vector<std::string> segments = paths(".seg");
  ASSERT_GT(segments.size(), 20u);
  damage(segments[segments.size() - 3], 100'000);
  std::string said;
  for (const bool background : {false, true}) {
    const auto refused = Engine::open("/db", options(background));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::kCorrupt);
    EXPECT_EQ(refused.error().file(), segments[segments.size() - 3]);
    EXPECT_TRUE(said.empty() || refused.error().describe() == said) << said;
    said = refused.error().describe();
  }
}

TEST_F(Replays, of_ten_times_the_memory_stay_within_it) {
  constexpr std::uint64_t kLimit = 4'500'000;
  open(false);
  fill(30'000, 1500);
  ASSERT_GT(engine->stats().memory.total(), 10 * kLimit);
  close();
  for (const bool background : {false, true}) {
    for (const MemoryPolicy policy :
         {MemoryPolicy::kSpill, MemoryPolicy::kNoEviction, MemoryPolicy::kAllKeysLru, MemoryPolicy::kVolatileTtl}) {
      remove_images();
      Options o = options(background);
      o.max_memory_bytes = kLimit;
      o.memory_policy = policy;
      open(o);
      EXPECT_LE(engine->stats().budget.used, kLimit + kLimit / 20) << static_cast<int>(policy);
      EXPECT_EQ(engine->size(0), 30'000u) << "nothing is deleted for being read";
      EXPECT_EQ(engine->stats().budget.evicted_keys, 0u);
      if (policy == MemoryPolicy::kSpill) {  // under others a reader may have to evict something
        bool whole = false;
        ASSERT_TRUE(engine->read({0, "key:29999"}, Access::kPeek,
                                 [&](const ValueView* v) { whole = v != nullptr && v->value.size() == 1500; }));
        EXPECT_TRUE(whole);
      }
      close();
    }
  }
}

TEST_F(Replays, give_back_the_room_made_for_keys_that_did_not_come) {
  const auto table_bytes = [&] { return engine->memory(0).table; };
  open(false);
  fill(12'000, 10);
  const std::uint64_t snug = table_bytes();
  // Keys come fast, and then the same ones again.
  while (log_bytes() < 6u << 20) fill(12'000, 10);
  close();
  for (const bool background : {false, true}) {
    remove_images();
    open(background);
    EXPECT_LT(table_bytes(), 2 * snug) << (background ? "several threads" : "one thread");
    EXPECT_EQ(engine->size(0), 12'000u);
    close();
  }
}

TEST_F(Replays, pass_over_an_image_of_another_store_and_do_not_believe_it) {
  open(false);
  fill(100, 10);
  const Contents before = contents();
  close();
  Options o = options(false);
  {
    auto other = Engine::open("/other", o);
    ASSERT_TRUE(other);
    // It knows a log that reaches much further than ours, so that ours would look cut.
    for (int i = 0; i < 5'000; ++i) ASSERT_TRUE((*other)->put({0, "foreign" + std::to_string(i)}, "value", {}));
    ASSERT_TRUE((*other)->checkpoint());
    ASSERT_TRUE((*other)->close());
  }
  remove_images();
  const std::vector<std::string> foreign = paths(".image", "/other");
  ASSERT_FALSE(foreign.empty());
  const std::string placed = "/db/" + foreign.back().substr(std::string_view("/other/").size());
  copy(foreign.back(), placed);
  open(o);
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_NE(notices[0].find("belongs to another store"), std::string::npos) << notices[0];
  EXPECT_NE(notices[0].find(placed), std::string::npos) << notices[0];
  EXPECT_TRUE(contents() == before);
  EXPECT_TRUE(*files->exists(placed)) << "it is somebody's";
}

}  // namespace
}  // namespace stave::store
