// Writers and readers while images are written, the log is cleaned, values are spilled and snapshots are taken, all at
// once.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "store/engine.h"
#include "store/snapshot.h"
#include "store/transaction.h"

namespace stave::store {
namespace {

constexpr int kWriters = 2;
constexpr int kPairs = 200;

/// All of them together are more than the limit on memory, at any time.
std::string text_of(int number) {
  return std::to_string(number) + ":" + std::string(static_cast<std::size_t>(500 + number * 37 % 1500), 'x');
}
int number_of(std::string_view text) {
  return std::stoi(std::string(text.substr(0, text.find(':'))));
}

class LifeConcurrency : public ::testing::Test {
 protected:
  void SetUp() override { open(); }
  void open() {
    Options options;
    options.file_system = files.get();
    options.segment_bytes = 128 << 10;
    options.log_buffer_bytes = 64 << 10;
    options.shards = 4;
    options.databases = 2;
    options.sync = Sync::kOs;
    options.disk_reserve_bytes = 0;
    options.checkpoint_bytes = 256 << 10;
    options.max_space_amplification = 1.5;
    // Less than what is alive: the values have to take turns.
    options.max_memory_bytes = 900 << 10;
    auto opened = Engine::open("/db", options);
    ASSERT_TRUE(opened) << opened.error().describe();
    engine = std::move(*opened);
  }
  /// Writes the pairs of one writer upwards: both keys of a pair always hold the same number.
  void write(int writer, int times) {
    base::Random random(static_cast<std::uint64_t>(writer) + 1);
    std::array<int, kPairs> numbers{};
    for (int i = 0; i < times; ++i) {
      const int pair = static_cast<int>(random.below(kPairs));
      const std::string left = "left" + std::to_string(writer) + "." + std::to_string(pair);
      const std::string right = "right" + std::to_string(writer) + "." + std::to_string(pair);
      const KeyRef keys[] = {{0, left}, {1, right}};
      Transaction transaction(*engine, keys);
      const std::string value = text_of(++numbers[static_cast<std::size_t>(pair)]);
      if (!transaction.put(keys[0], value, {}) || !transaction.put(keys[1], value, {})) {
        --numbers[static_cast<std::size_t>(pair)];
        continue;  // the budget is exhausted for a moment
      }
      ASSERT_TRUE(transaction.commit());
    }
    std::lock_guard lock(mutex);
    for (int pair = 0; pair < kPairs; ++pair)
      last[std::to_string(writer) + "." + std::to_string(pair)] = numbers[static_cast<std::size_t>(pair)];
  }
  void read(std::uint64_t seed) {
    base::Random random(seed);
    while (!done.load()) {
      const std::string name = std::to_string(random.below(kWriters)) + "." + std::to_string(random.below(kPairs));
      const std::string left = "left" + name;
      const std::string right = "right" + name;
      const KeyRef keys[] = {{0, left}, {1, right}};
      std::array<std::string, 2> seen;
      const auto pending = engine->read_many(keys, Access::kTouch, [&](std::size_t i, const ValueView* view) {
        seen[i] = view == nullptr ? "nothing" : std::string(view->value);
      });
      ASSERT_TRUE(pending) << pending.error().describe();
      ASSERT_EQ(seen[0], seen[1]) << name;
      if (seen[0] != "nothing") {
        ASSERT_EQ(seen[0], text_of(number_of(seen[0])));
      }
    }
  }
  void look_after() {
    while (!done.load()) {
      SnapshotWalk walk(*engine);
      std::map<std::string, std::string> shown;
      const auto report = walk.run([&](const SnapshotItem& item) -> Result<void> {
        EXPECT_TRUE(shown.emplace(std::string(item.key), std::string(item.value)).second) << item.key;
        return {};
      });
      ASSERT_TRUE(report) << report.error().describe();
      for (const auto& [key, value] : shown) {
        if (!key.starts_with("left")) continue;
        ASSERT_EQ(value, shown["right" + key.substr(4)]) << "a snapshot cut a transaction in two";
      }
      ++snapshots;
    }
  }
  void check() {
    for (const auto& [name, number] : last) {
      for (const int database : {0, 1}) {
        const std::string key = (database == 0 ? "left" : "right") + name;
        const auto pending = engine->read({database, key}, Access::kPeek, [&](const ValueView* view) {
          EXPECT_EQ(view != nullptr, number != 0);
          if (view != nullptr) {
            EXPECT_EQ(view->value, text_of(number));
          }
        });
        ASSERT_TRUE(pending) << pending.error().describe();
      }
    }
  }

  std::unique_ptr<FileSystem> files = make_memory_file_system();
  std::unique_ptr<Engine> engine;
  std::atomic<bool> done{false};
  std::atomic<int> snapshots{0};
  std::mutex mutex;
  std::map<std::string, int> last;
};

TEST_F(LifeConcurrency, readers_and_snapshots_see_whole_transactions_while_the_log_is_looked_after) {
  std::vector<std::thread> threads;
  std::thread reader([&] { read(77); });
  std::thread keeper([&] { look_after(); });
  for (int writer = 0; writer < kWriters; ++writer) threads.emplace_back([&, writer] { write(writer, 8'000); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(engine->checkpoint());
  EXPECT_TRUE(engine->clean());
  done.store(true);
  reader.join();
  keeper.join();
  check();
  const EngineStats stats = engine->stats();
  EXPECT_GT(snapshots.load(), 0);
  EXPECT_GT(stats.budget.spilled_values, 0u);
  EXPECT_GT(stats.checkpoints.written, 0u);
  EXPECT_GT(stats.cleaner.relocated_records, 0u);
  EXPECT_GT(stats.fetched_values, 0u);
  ASSERT_TRUE(engine->close());
  engine.reset();
  open();
  EXPECT_GT(engine->stats().recovered_keys, 0u);
  check();
}

}  // namespace
}  // namespace stave::store
