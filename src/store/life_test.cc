// The life of the log beside a map: everything at random, across restarts with images, without, and with damaged ones.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>

#include "base/random.h"
#include "store/engine.h"
#include "store/image.h"
#include "store/options_for_test.h"
#include "store/snapshot.h"
#include "store/transaction.h"
#include "store/upkeep.h"
#include "testing/sim_file_system.h"

namespace stave::store {
namespace {

struct Held {
  std::string value;
  std::int64_t deadline = 0;
  bool operator==(const Held&) const = default;
};
using Model = std::map<std::pair<int, std::string>, Held>;
constexpr int kDatabases = 3;

class Life : public ::testing::Test {
 protected:
  Options options() {
    Options o = still_options(*disk, clock, kDatabases);
    o.max_memory_bytes = max_memory;
    return o;
  }
  void open() {
    auto opened = Engine::open("/db", options());
    ASSERT_TRUE(opened) << opened.error().describe();
    engine = std::move(*opened);
  }
  void close() {
    ASSERT_TRUE(engine->close());
    engine.reset();
  }
  void put(int database, const std::string& key, const std::string& value, std::int64_t ttl = 0) {
    const std::int64_t deadline = ttl == 0 ? 0 : raw(engine->now()) + ttl;
    const auto done = engine->put({database, key}, value, Expiry{.at = UnixMs{deadline}});
    // The contents of a flushed database that a snapshot still reads count, so the budget may be exhausted for a
    // moment.
    if (!done && done.error().code() == ErrorCode::kNoMemory && max_memory != 0) return;
    ASSERT_TRUE(done) << done.error().describe();
    model[{database, key}] = {value, deadline};
  }
  void erase(int database, const std::string& key) {
    Transaction transaction(*engine, {database, key});
    EXPECT_EQ(transaction.erase({database, key}), model.erase({database, key}) == 1);
    ASSERT_TRUE(transaction.commit());
  }
  void expire(int database, const std::string& key, std::int64_t ttl) {
    const auto held = model.find({database, key});
    if (held == model.end()) return;
    Transaction transaction(*engine, {database, key});
    const std::int64_t deadline = ttl == 0 ? 0 : raw(engine->now()) + ttl;
    ASSERT_TRUE(transaction.set_expiry({database, key}, Expiry{.at = UnixMs{deadline}}));
    ASSERT_TRUE(transaction.commit());
    held->second.deadline = deadline;
  }
  void forget_expired() {
    std::erase_if(model, [&](const auto& item) {
      return item.second.deadline != 0 && item.second.deadline <= raw(engine->now());
    });
  }
  void check(const std::string& when) {
    forget_expired();
    Model found;
    for (int database = 0; database < kDatabases; ++database)
      visit_all(*engine, database, [&](std::string_view key, const ValueView& view) {
        found[{database, std::string(key)}] = {std::string(view.value), raw(view.expiry.at)};
      });
    ASSERT_EQ(found.size(), model.size()) << when;
    ASSERT_TRUE(found == model) << when;
  }
  void check_snapshot(const std::string& when) {
    SnapshotWalk walk(*engine);
    forget_expired();
    const Model at_cut = model;
    // What happens behind the cut must not show.
    change_at_random(200);
    Model found;
    int step = 0;
    const auto report = walk.run([&](const SnapshotItem& item) -> Result<void> {
      EXPECT_TRUE(found
                      .emplace(std::pair(item.database, std::string(item.key)),
                               Held{std::string(item.value), raw(item.expiry.at)})
                      .second)
          << when << " twice: " << item.key;
      if (++step % 7 == 0) change_at_random(3);
      return {};
    });
    ASSERT_TRUE(report) << when << report.error().describe();
    ASSERT_EQ(found.size(), at_cut.size()) << when;
    ASSERT_TRUE(found == at_cut) << when;
  }
  std::string value() {
    const std::size_t size = random.below(3) == 0 ? random.below(8000) : random.below(200);
    std::string text(size, static_cast<char>('a' + random.below(26)));
    if (random.coin())
      for (char& c : text) c = static_cast<char>(random.below(256));
    return text;
  }
  void change_at_random(int times) {
    for (int i = 0; i < times; ++i) {
      const int database = static_cast<int>(random.below(kDatabases));
      const std::string key = "key:" + std::to_string(random.below(400));
      switch (random.below(60)) {
        case 0: {
          ASSERT_TRUE(engine->flush(database));
          std::erase_if(model, [&](const auto& item) { return item.first.first == database; });
          break;
        }
        case 1: {
          const int other = static_cast<int>(random.below(kDatabases));
          ASSERT_TRUE(engine->swap(database, other));
          Model swapped;
          for (auto& [place, held] : model) {
            const int db = place.first == database ? other : place.first == other ? database : place.first;
            swapped[{db, place.second}] = held;
          }
          model = std::move(swapped);
          break;
        }
        case 2: clock.advance_ms(static_cast<std::int64_t>(random.below(500))); break;
        case 3:
        case 4:
        case 5:
        case 6: expire(database, key, random.coin() ? 0 : static_cast<std::int64_t>(1 + random.below(5000))); break;
        case 7:
        case 8:
        case 9:
        case 10: erase(database, key); break;
        case 11: engine->tick(); break;
        default:
          put(database, key, value(), random.below(10) == 0 ? static_cast<std::int64_t>(1 + random.below(3000)) : 0);
      }
      forget_expired();
    }
  }
  std::vector<std::string> images() {
    std::vector<std::string> found;
    const std::vector<std::string> names = *disk->list("/db");
    for (const std::string& name : names)
      if (parse_image_name(name)) found.push_back("/db/" + name);
    return found;
  }

  std::unique_ptr<sim::SimFileSystem> disk = std::make_unique<sim::SimFileSystem>(7);
  ManualClock clock;
  static std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
  }
  std::uint64_t seed = number_from("STAVE_SEED", 2026);
  base::Random random{seed};
  std::uint64_t max_memory = 0;
  std::unique_ptr<Engine> engine;
  Model model;
};

// Found by the crash campaign (seed 2122): the namesake in the old database hid the record.
TEST_F(Life, cleaning_follows_a_key_to_the_database_it_was_swapped_to_past_a_namesake_with_a_new_expiry) {
  open();
  put(0, "k", "moved");
  ASSERT_TRUE(engine->swap(0, 1));
  model = {{{1, "k"}, {"moved", 0}}};
  put(0, "k", "namesake");
  expire(0, "k", 50'000);
  ASSERT_TRUE(engine->clean());
  check("after cleaning");
  close();
  open();
  check("after a restart");
}

TEST_F(Life, a_snapshot_shows_what_was_flushed_and_swapped_behind_its_cut) {
  open();
  for (int i = 0; i < 300; ++i) put(i % 2, "key" + std::to_string(i), "value" + std::to_string(i));
  const Model at_cut = model;
  SnapshotWalk walk(*engine);
  ASSERT_TRUE(engine->swap(0, 1));
  ASSERT_TRUE(engine->flush(0));
  ASSERT_TRUE(engine->put({0, "key1"}, "new", {}));
  ASSERT_TRUE(engine->clean());
  Model found;
  const auto report = walk.run([&](const SnapshotItem& item) -> Result<void> {
    found[{item.database, std::string(item.key)}] = {std::string(item.value), raw(item.expiry.at)};
    return {};
  });
  ASSERT_TRUE(report);
  EXPECT_TRUE(found == at_cut);
  EXPECT_EQ(report->keys, 300u);
}

TEST_F(Life, the_log_stays_within_its_ceiling_while_everything_is_overwritten) {
  Options o = options();
  o.max_space_amplification = 2;
  o.packing = Packing::kNone;
  auto opened = Engine::open("/db", o);
  ASSERT_TRUE(opened);
  engine = std::move(*opened);
  std::uint64_t worst = 0;
  for (int i = 0; i < 60'000; ++i) {
    ASSERT_TRUE(engine->put({0, "key" + std::to_string(random.below(5'000))}, std::string(200, 'v'), {}));
    if (i % 50 != 0) continue;
    engine->tick();
    const EngineStats stats = engine->stats();
    if (i > 20'000) worst = std::max(worst, raw(stats.log.tail) - raw(stats.log.first));
  }
  const std::uint64_t live = 5'000 * (200 + 8 + 32);
  // The segment being written and one more come on top.
  EXPECT_LT(worst, 2 * live + 3 * o.segment_bytes);
  EXPECT_GT(engine->stats().cleaner.freed_bytes, 0u);
  EXPECT_LT(engine->stats().cleaner.relocated_bytes, raw(engine->log().tail()) / 2) << "more than once for each byte";
}

TEST_F(Life, what_is_kept_for_history_is_neither_dropped_nor_counted_as_garbage) {
  Options o = options();
  o.max_space_amplification = 2;
  o.history_bytes = 2u << 20;
  o.packing = Packing::kNone;
  auto opened = Engine::open("/db", o);
  ASSERT_TRUE(opened);
  engine = std::move(*opened);
  for (int i = 0; i < 40'000; ++i) {
    ASSERT_TRUE(engine->put({0, "key" + std::to_string(i % 100)}, std::string(200, 'v'), {}));
    if (i % 50 == 0) engine->tick();
  }
  const EngineStats stats = engine->stats();
  EXPECT_GE(stats.cleaner.waiting_bytes, 2u << 20);
  EXPECT_LT(stats.cleaner.waiting_bytes, (2u << 20) + 8 * o.segment_bytes);
}

TEST_F(Life, agrees_with_a_map_across_restarts_cleaning_checkpoints_snapshots_and_budgets) {
  const auto rounds = static_cast<int>(number_from("STAVE_LIFE_ROUNDS", 120));
  std::uint64_t spilled = 0;
  std::uint64_t from_images = 0;
  open();
  for (int round = 0; round < rounds; ++round) {
    const std::string when = "seed " + std::to_string(seed) + ", round " + std::to_string(round);
    change_at_random(static_cast<int>(random.below(800)));
    if (HasFatalFailure()) return;
    switch (random.below(9)) {
      case 0: ASSERT_TRUE(engine->checkpoint()); break;
      case 1: {
        const auto report = engine->clean();
        ASSERT_TRUE(report) << when << report.error().describe();
        break;
      }
      case 2:
        close();
        open();
        break;
      case 3: {  // the process dies
        const sim::SimFileSystem* dying = disk.get();
        auto after = std::make_unique<sim::SimFileSystem>(dying->after_kill(static_cast<std::uint64_t>(round)));
        ASSERT_TRUE(engine->wait({.written = engine->log().tail()}));
        after = std::make_unique<sim::SimFileSystem>(dying->after_kill(static_cast<std::uint64_t>(round)));
        engine.reset();
        disk = std::move(after);
        open();
        break;
      }
      case 4: {  // no image can be used
        close();
        for (const std::string& path : images()) ASSERT_TRUE(disk->remove(path));
        open();
        break;
      }
      case 5: {  // the newest image is damaged
        close();
        if (const auto paths = images(); !paths.empty()) {
          auto file = disk->open(paths.back(), OpenMode::kReadWrite);
          ASSERT_TRUE(file);
          const std::uint64_t size = *(*file)->size();
          const std::byte bad{0x5a};
          ASSERT_TRUE((*file)->write_at(random.below(size), std::span(&bad, 1)));
        }
        open();
        break;
      }
      case 6: {
        max_memory = random.coin() ? 0 : 1200 << 10;
        engine->budget().set(max_memory, MemoryPolicy::kSpill);
        break;
      }
      case 7: check_snapshot(when); break;
      default: break;
    }
    if (HasFatalFailure()) return;
    check(when);
    if (HasFatalFailure()) return;
    spilled = std::max(spilled, engine->stats().budget.spilled_values);
    from_images = std::max(from_images, engine->stats().recovered_keys);
  }
  EXPECT_GT(spilled, 0u);
  EXPECT_GT(from_images, 0u);
  EXPECT_GT(engine->stats().cleaner.boundary, Lsn{4096});
}

}  // namespace
}  // namespace stave::store
