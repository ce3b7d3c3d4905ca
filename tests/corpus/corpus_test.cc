// A corpus of damaged stores, made from seeds: one act of damage to one file of a store with segments, images and
// values that lie in the log only. Opening gives everything back, or a prefix that ends in the newest segment's torn
// tail, or refuses and names a file; the doctor finds what opening refuses; what it saves was once written so.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "doors/tools/doctor.h"
#include "log/segment.h"
#include "store/engine.h"
#include "store/transaction.h"
#include "testing/sim_file_system.h"

namespace stave {
namespace {

using sim::SimFileSystem;
using tools::Verdict;

constexpr int kDatabases = 2;
constexpr std::uint64_t kCasesPerStore = 50;

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

struct Held {
  std::string value;
  std::int64_t deadline = 0;
  friend bool operator==(const Held&, const Held&) = default;
};
using Key = std::pair<int, std::string>;
using Model = std::map<Key, Held>;

/// What one call did, and where in the log it ended.
struct Change {
  Lsn end;
  Key key;
  std::optional<Held> held;  ///< nullopt: deleted.
};

Options options_on(SimFileSystem& disk, Clock& clock) {
  Options o;
  o.file_system = &disk;
  o.clock = &clock;
  o.background = false;
  o.create_if_missing = false;
  o.segment_bytes = 64u << 10;
  o.log_buffer_bytes = 64u << 10;
  o.databases = kDatabases;
  o.shards = 2;
  o.disk_reserve_bytes = 0;
  o.checkpoint_bytes = 0;
  o.checkpoint_interval_ms = 0;
  return o;
}

/// A store that has lived, from a seed.
class Store {
 public:
  explicit Store(std::uint64_t seed) : random_(seed), disk_(seed) { live(); }

  /// As the medium has it, when everything has reached it.
  SimFileSystem disk() { return disk_.after_crash(sim::CrashMode::kKeepAll, 1); }
  [[nodiscard]] Model model_at(Lsn end) const {
    Model model;
    for (const Change& change : changes_) {
      if (change.end > end) break;
      if (change.held) {
        model[change.key] = *change.held;
      } else {
        model.erase(change.key);
      }
    }
    return model;
  }
  /// Whether the key ever held this.
  [[nodiscard]] bool ever(const Key& key, const std::string& value) const {
    const auto found = values_.find(key);
    return found != values_.end() && found->second.contains(value);
  }
  [[nodiscard]] Lsn newest_segment() const { return newest_segment_; }
  [[nodiscard]] Lsn end() const { return changes_.back().end; }
  ManualClock clock;

 private:
  void live() {
    Options options = options_on(disk_, clock);
    options.create_if_missing = true;
    auto engine = store::Engine::open("/db", options);
    ASSERT_TRUE(engine) << engine.error().describe();
    const auto stretches = 2 + random_.below(3);
    for (std::uint64_t i = 0; i < stretches; ++i) {
      write(**engine, 60 + static_cast<int>(random_.below(120)));
      if (random_.coin()) {
        ASSERT_TRUE((*engine)->checkpoint().has_value());
      }
      if (random_.one_in(3)) {
        ASSERT_TRUE((*engine)->clean().has_value());
      }
    }
    write(**engine, 20);
    ASSERT_TRUE((*engine)->log().wait_durable((*engine)->log().tail()));
    // What is due: among it, the mark that says which segment is the newest.
    for (int i = 0; i < 50; ++i) {
      clock.advance_ms(20);
      (*engine)->tick();
    }
    if (random_.coin()) {
      ASSERT_TRUE((*engine)->close());
    }
    newest_segment_ = (*engine)->log().segments().back().base;
    dead_ = std::move(*engine);
  }
  void write(store::Engine& engine, int times) {
    for (int i = 0; i < times; ++i) {
      const Key key{static_cast<int>(random_.below(kDatabases)), "key:" + std::to_string(random_.below(60))};
      const auto at = state_.find(key);
      const auto kind = random_.below(12);
      if (kind == 0 && at != state_.end()) {
        store::Transaction transaction(engine, {key.first, key.second});
        static_cast<void>(transaction.erase({key.first, key.second}));
        ASSERT_TRUE(transaction.commit());
        state_.erase(at);
        changes_.push_back({engine.log().tail(), key, std::nullopt});
      } else if (kind == 1 && at != state_.end()) {
        store::Transaction transaction(engine, {key.first, key.second});
        at->second.deadline = raw(engine.now()) + 3'600'000 + i;
        ASSERT_TRUE(transaction.set_expiry({key.first, key.second}, Expiry{.at = UnixMs{at->second.deadline}}));
        ASSERT_TRUE(transaction.commit());
        changes_.push_back({engine.log().tail(), key, at->second});
      } else {
        const Held held{std::to_string(counter_++) + std::string(random_.below(random_.one_in(8) ? 4000 : 300), 'v')};
        ASSERT_TRUE(engine.put({key.first, key.second}, held.value, Expiry{}));
        state_[key] = held;
        values_[key].insert(held.value);
        changes_.push_back({engine.log().tail(), key, held});
      }
    }
  }

  base::Random random_;
  SimFileSystem disk_;
  Model state_;
  std::vector<Change> changes_;
  std::map<Key, std::set<std::string>> values_;
  Lsn newest_segment_ = kNoLsn;
  int counter_ = 0;
  std::unique_ptr<store::Engine> dead_;  ///< Not closed, unless it was: as if its process had died.
};

struct Damage {
  std::string path;
  std::string what;
  bool deleted = false;
  bool beheaded = false;  ///< Nothing is left of the file's first bytes.
};

Damage damage(SimFileSystem& disk, base::Random& random) {
  auto names = *disk.list("/db");
  std::erase(names, "LOCK");
  Damage done{.path = "/db/" + names[random.below(names.size())], .what = "", .deleted = false, .beheaded = false};
  const std::string bytes = disk.dump().at(done.path);
  // Near the end of what was written as often as anywhere.
  const std::uint64_t used = bytes.find_last_not_of('\0') == std::string::npos ? 0 : bytes.find_last_not_of('\0') + 1;
  const std::uint64_t reach = random.coin() ? used : std::min<std::uint64_t>(used, 4400);
  const std::uint64_t at = random.below(std::max<std::uint64_t>(reach, 1));
  const std::uint64_t length = std::min<std::uint64_t>(1 + random.below(random.coin() ? 5000 : 40),
                                                       bytes.size() - std::min<std::uint64_t>(at, bytes.size()));
  switch (random.below(10)) {
    case 8:
      done.what = "empty";
      done.beheaded = true;
      static_cast<void>(disk.truncate_file(done.path, 0));
      break;
    case 9:
      // Its header, or all of it.
      done.what = "blank";
      done.beheaded = true;
      static_cast<void>(
          disk.zero_range(done.path, 0, random.coin() ? bytes.size() : std::min<std::size_t>(bytes.size(), 4096)));
      break;
    case 0:
      done.what = "delete";
      done.deleted = true;
      done.beheaded = true;
      static_cast<void>(disk.delete_file(done.path));
      break;
    case 1:
      done.what = "truncate";
      static_cast<void>(disk.truncate_file(done.path, at));
      break;
    case 2:
    case 3:
      done.what = "zero";
      static_cast<void>(disk.zero_range(done.path, at, length));
      break;
    case 4: {
      done.what = "duplicate";
      const std::string copy = bytes.substr(random.below(std::max<std::uint64_t>(used, 1)), length);
      static_cast<void>(
          disk.overwrite(done.path, at, base::as_bytes(std::string_view(copy).substr(0, bytes.size() - at))));
      break;
    }
    default: done.what = "flip"; static_cast<void>(disk.flip_bit(done.path, 8 * at + random.below(8)));
  }
  done.what += " " + done.path + " at byte " + std::to_string(at) + ", " + std::to_string(length) + " bytes";
  return done;
}

/// Everything in the store; a value that cannot be read is left out and counted.
struct Contents {
  Model found;
  std::vector<Key> unreadable;
};

Contents contents(store::Engine& engine, const Model& keys) {
  Contents all;
  for (const auto& [key, held] : keys) {
    const auto done = engine.read({key.first, key.second}, store::Access::kPeek, [&](const store::ValueView* view) {
      if (view != nullptr) all.found[key] = {std::string(view->value), raw(view->expiry.at)};
    });
    if (done) continue;
    EXPECT_EQ(done.error().code(), ErrorCode::kCorrupt) << done.error().describe();
    EXPECT_FALSE(done.error().file().empty());
    all.unreadable.push_back(key);
  }
  return all;
}

struct Seen {
  Verdict verdict{};
  std::string said;
};

Seen consult(SimFileSystem& disk, const std::string& repair = "") {
  Seen seen;
  seen.verdict = tools::examine_store(disk, {.directory = "/db", .repair = repair},
                                      [&](std::string_view line) { seen.said.append(line) += '\n'; });
  return seen;
}

void check_opening(SimFileSystem disk, Store& store, const Seen& doctor, const Damage& done) {
  auto engine = store::Engine::open("/db", options_on(disk, store.clock));
  if (!engine) {
    EXPECT_FALSE(engine.error().file().empty()) << engine.error().describe();
    EXPECT_NE(doctor.verdict, Verdict::kSound) << engine.error().describe();
    return;
  }
  if (done.beheaded) {
    EXPECT_NE(done.path, "/db/" + log::segment_name(store.newest_segment())) << "a log without its end was opened";
  }
  const Lsn end = (*engine)->log().tail();
  const Model expected = store.model_at(end);
  if (end < store.end()) {
    EXPECT_GE(end, store.newest_segment()) << "more than a torn tail was cut";
  }
  std::uint64_t keys = 0;
  for (int database = 0; database < kDatabases; ++database) keys += (*engine)->size(database);
  EXPECT_EQ(keys, expected.size());
  Contents all = contents(**engine, expected);
  if (!all.unreadable.empty()) {
    EXPECT_EQ(doctor.verdict, Verdict::kDamaged);
  }
  for (const Key& key : all.unreadable) all.found[key] = expected.at(key);
  EXPECT_TRUE(all.found == expected) << "wrong data";
}

void check_repair(SimFileSystem disk, Store& store) {
  const auto before = disk.dump();
  const Seen doctor = consult(disk, "/saved");
  auto after = disk.dump();
  std::erase_if(after, [](const auto& file) { return file.first.starts_with("/saved"); });
  EXPECT_TRUE(after == before) << "the original was touched";
  if (doctor.verdict == Verdict::kUnknown) return;
  auto engine = store::Engine::open("/saved", options_on(disk, store.clock));
  ASSERT_TRUE(engine) << engine.error().describe() << "\n" << doctor.said;
  const Contents all = contents(**engine, store.model_at(store.end()));
  EXPECT_TRUE(all.unreadable.empty()) << "a copy holds only what is whole\n" << doctor.said;
  for (const auto& [key, held] : all.found) EXPECT_TRUE(store.ever(key, held.value)) << "wrong data\n" << doctor.said;
}

TEST(Corpus, opens_whole_or_refuses_by_name_and_the_doctor_finds_and_saves) {
  const std::uint64_t only = number_from("STAVE_SEED", 0);
  const std::uint64_t cases = number_from("STAVE_CORPUS_CASES", 10'000);
  std::map<std::string, int> verdicts;
  std::unique_ptr<Store> store;
  for (std::uint64_t seed = only == 0 ? 1 : only; seed <= (only == 0 ? cases : only); ++seed) {
    if (store == nullptr || seed % kCasesPerStore == 1)
      store = std::make_unique<Store>(1 + (seed - 1) / kCasesPerStore);
    if (testing::Test::HasFatalFailure()) return;
    base::Random random(seed);
    SimFileSystem disk = store->disk();
    const Damage done = damage(disk, random);
    SCOPED_TRACE("STAVE_SEED=" + std::to_string(seed) + ": " + done.what);
    const Seen doctor = consult(disk);
    ++verdicts[doctor.verdict == Verdict::kSound     ? "sound"
               : doctor.verdict == Verdict::kDamaged ? "damaged"
                                                     : "unknown"];
    if (doctor.verdict != Verdict::kSound && !done.deleted) {
      EXPECT_NE(doctor.said.find(done.path), std::string::npos) << doctor.said;
    }
    if (seed % 3 == 0) check_repair(disk.after_crash(sim::CrashMode::kKeepAll, 1), *store);
    check_opening(std::move(disk), *store, doctor, done);
    if (testing::Test::HasFailure()) {
      std::printf("%s", doctor.said.c_str());
      return;
    }
  }
  for (const auto& [verdict, count] : verdicts) RecordProperty(verdict, count);
}

}  // namespace
}  // namespace stave
