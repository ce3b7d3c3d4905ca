// Memory runs out at every moment it can, in every call of the engine: the Nth allocation fails, once or from then on,
// for N = 1, 2, … until the call gets through untouched. Whatever it answers, the store is wholly as before or wholly
// as after, no shard stays locked, the next writes succeed, and a restart finds the same.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <tuple>
#include <vector>

#include "allocation/failing_allocation.h"
#include "allocation/store_state.h"
#include "allocation/uncounted_files.h"
#include "archive/backup.h"
#include "stave/clock.h"
#include "stave/file_system.h"
#include "store/history.h"
#include "store/snapshot.h"
#include "store/transact.h"

namespace stave::store {
namespace {

using sim::FailingAllocation;

constexpr int kDatabases = 2;

class Subject {
 public:
  Subject() : memory_files_(make_memory_file_system()), files_(sim::make_uncounted_file_system(*memory_files_)) {
    open();
  }

  void open() {
    auto opened = try_open();
    ASSERT_TRUE(opened) << opened.error().describe();
    engine_ = std::move(*opened);
  }
  Result<std::unique_ptr<Engine>> try_open() {
    Options options;
    options.file_system = files_.get();
    options.clock = &clock_;
    options.background = false;
    options.shards = 4;
    options.databases = kDatabases;
    options.segment_bytes = 64u << 10;
    options.log_buffer_bytes = 64u << 10;
    options.sync = Sync::kOs;
    options.disk_reserve_bytes = 0;
    options.checkpoint_bytes = 0;
    options.checkpoint_interval_ms = 0;
    options.max_space_amplification = 0;
    return Engine::open("/store", options);
  }
  void close() { engine_.reset(); }
  Engine& engine() { return *engine_; }
  ManualClock& clock() { return clock_; }
  FileSystem& files() { return *files_; }

  void populate() {
    for (int i = 0; i < 24; ++i) put(0, "small" + std::to_string(i), "before" + std::to_string(i));
    for (int i = 0; i < 4; ++i) put(0, "middle" + std::to_string(i), std::string(2000, static_cast<char>('a' + i)));
    put(0, "large", std::string(20'000, 'l'));
    for (int i = 0; i < 4; ++i)
      put(0, "dies" + std::to_string(i), "soon", {.at = engine_->now() + 3'600'000 + i * 1000});
    put(0, "slides", "on", {.at = engine_->now() + 7'200'000, .sliding_ms = 7'200'000});
    for (int i = 0; i < 4; ++i) put(1, "other" + std::to_string(i), "elsewhere");
  }
  void put(int database, const std::string& key, std::string_view value, Expiry expiry = {}) {
    const auto done = engine_->put({database, key}, value, expiry);
    ASSERT_TRUE(done) << done.error().describe();
  }
  /// Every value leaves memory.
  void spill() {
    ASSERT_TRUE(engine_->sync());
    engine_->budget().set(1, MemoryPolicy::kSpill);
    for (int i = 0; i < 20; ++i) engine_->budget().settle();
    engine_->budget().set(0, MemoryPolicy::kSpill);
    ASSERT_TRUE(engine_->may_fetch());
  }

  State state() { return state_of(*engine_); }

 private:
  std::unique_ptr<FileSystem> memory_files_;
  std::unique_ptr<FileSystem> files_;
  ManualClock clock_;
  std::unique_ptr<Engine> engine_;
};

struct Call {
  std::string name;
  std::function<Result<void>(Subject&)> run;
  std::function<void(Subject&)> prepare = {};
  /// What is thrown is the caller's own: a callback's, or a transaction that cannot begin.
  bool may_throw = false;
};

Result<void> without_value(auto&& result) {
  if (result) return {};
  return fail(std::move(result).error());
}

std::vector<std::string> names(const std::string& prefix, int count) {
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) names.push_back(prefix + std::to_string(i));
  return names;
}
std::vector<KeyRef> keys_of(const std::vector<std::string>& names) {
  std::vector<KeyRef> keys;
  for (const std::string& name : names) keys.push_back({0, name});
  return keys;
}

/// What a caller has at hand before the call: not to be counted.
const std::vector<std::string> kMany = names("small", 40);
const std::vector<KeyRef> kManyKeys = keys_of(kMany);
const std::string kLarge(20'000, 'x');
const std::string kMapped(5u << 20, 'm');

Result<void> mixed(Transaction& transaction) {
  for (int i = 0; i < 24; ++i) {
    const KeyRef key = kManyKeys[static_cast<std::size_t>(i)];
    switch (i % 6) {
      case 0:
        if (auto put = transaction.put(key, "after", {}); !put) return put;
        break;
      case 1: static_cast<void>(transaction.erase(key)); break;
      case 2:
        if (auto set = transaction.set_expiry(key, {.at = transaction.now() + 500'000}); !set) return set;
        break;
      case 3:
        if (auto put = transaction.put(key, std::string_view(kLarge).substr(0, 3000), {}); !put) return put;
        if (auto put = transaction.put(key, kLarge, {.at = transaction.now() + 9'000}); !put) return put;
        break;
      case 4:
        static_cast<void>(transaction.find(key));
        if (auto set = transaction.set_expiry(key, {.at = transaction.now() + 500'000}); !set) return set;
        static_cast<void>(transaction.erase(key));
        break;
      default:
        static_cast<void>(transaction.erase(key));
        if (auto put = transaction.put(key, "back", {}); !put) return put;
    }
  }
  for (std::size_t i = 24; i < kManyKeys.size(); ++i)
    if (auto put = transaction.put(kManyKeys[i], "new", {}); !put) return put;
  if (auto set = transaction.set_expiry({0, "dies0"}, {}); !set) return set;
  return transaction.set_expiry({0, "large"}, {.at = transaction.now() + 1'000'000});
}

Result<void> commit_mixed(Subject& subject) {
  Pending observed;
  return without_value(
      transact(subject.engine(), kManyKeys, [](Transaction& t) { return mixed(t); }, Sync::kDefault, observed));
}

Call put_of(const char* name, const char* key, std::string_view value, std::int64_t ms = 0, std::int64_t sliding = 0) {
  return {name, [=](Subject& subject) {
            const Expiry expiry = ms == 0 ? Expiry{} : Expiry{.at = subject.engine().now() + ms, .sliding_ms = sliding};
            return without_value(subject.engine().put({0, key}, value, expiry));
          }};
}

/// Reads and throws away what it read; what it gathers is the caller's.
Result<void> read_all(Subject& subject, bool gather) {
  std::string reply;
  return without_value(subject.engine().read_many(kManyKeys, Access::kTouch, [&](std::size_t, const ValueView* view) {
    if (view != nullptr && gather) reply += std::string(100, 'x');
  }));
}

const Call kWrites[] = {
    put_of("put of a new key", "new", "value"),
    put_of("put of the same size", "small1", "BEFORE1"),
    put_of("put of another size", "small1", "something else"),
    put_of("put of a middling value", "new", std::string_view(kLarge).substr(0, 5000)),
    put_of("put of a large value over a small one", "small2", kLarge),
    put_of("put of a large value over another", "large", kLarge),
    put_of("put of a value that is mapped", "large", kMapped),
    put_of("put of a key that expires", "new", "value", 100'000),
    put_of("put of one that expires over one that does not", "small3", "before3", 100'000),
    put_of("put of one that slides", "dies1", "soon", 100'000, 100'000),
    {"transaction of everything", commit_mixed, {}, true},
    {"transaction of everything, spilled", commit_mixed, [](Subject& subject) { subject.spill(); }, true},
    {"transaction that begins with nothing",
     [](Subject& subject) {
       Pending observed;
       return without_value(
           transact(subject.engine(), {}, [](Transaction& t) { return mixed(t); }, Sync::kDefault, observed));
     },
     {},
     true},
    {"transaction that is rolled back",
     [](Subject& subject) -> Result<void> {
       Pending observed;
       auto done = transact(
           subject.engine(), kManyKeys,
           [](Transaction& transaction) -> Result<void> {
             static_cast<void>(mixed(transaction));
             return fail(ErrorCode::kAborted, "");
           },
           Sync::kDefault, observed);
       return done ? Result<void>(fail(ErrorCode::kIo, "was not rolled back")) : Result<void>{};
     },
     {},
     true},
};

const Call kWhole[] = {
    {"flush", [](Subject& subject) { return without_value(subject.engine().flush(0)); }},
    {"flush of all", [](Subject& subject) { return without_value(subject.engine().flush_all()); }},
    {"flush beside a walk",
     [](Subject& subject) {
       SnapshotWalk walk(subject.engine());
       return without_value(subject.engine().flush_all());
     },
     {},
     true},
    {"swap", [](Subject& subject) { return without_value(subject.engine().swap(0, 1)); }},
};

const Call kReads[] = {
    {"read",
     [](Subject& subject) {
       return without_value(subject.engine().read({0, "small1"}, Access::kTouch, [](const ValueView*) {}));
     }},
    {"read of a spilled value",
     [](Subject& subject) {
       return without_value(subject.engine().read({0, "large"}, Access::kTouch, [](const ValueView*) {}));
     },
     [](Subject& subject) { subject.spill(); }},
    {"read of many", [](Subject& subject) { return read_all(subject, false); }},
    {"read of many into a reply", [](Subject& subject) { return read_all(subject, true); }, {}, true},
    {"read of many spilled values", [](Subject& subject) { return read_all(subject, false); },
     [](Subject& subject) { subject.spill(); }},
    {"scan",
     [](Subject& subject) {
       std::vector<std::string> found;
       Pending pending;
       for (std::uint64_t cursor = 0;;) {
         cursor = subject.engine().scan(
             0, cursor, 10, [&](std::string_view key, const ValueView&) { found.emplace_back(key); }, pending);
         if (cursor == 0) return Result<void>{};
       }
     },
     {},
     true},
    {"scan of spilled values",
     [](Subject& subject) -> Result<void> {
       Pending pending;
       for (std::uint64_t cursor = 0;;) {
         auto next = subject.engine().scan_values(0, cursor, 10, [](std::string_view, const ValueView&) {}, pending);
         if (!next) return fail(std::move(next).error());
         cursor = *next;
         if (cursor == 0) return {};
       }
     },
     [](Subject& subject) { subject.spill(); }},
    {"random key",
     [](Subject& subject) {
       Pending pending;
       static_cast<void>(subject.engine().random_key(0, pending));
       return Result<void>{};
     },
     {},
     true},
    {"fetch",
     [](Subject& subject) -> Result<void> {
       std::atomic<int> calls = 0;
       subject.engine().fetch(kManyKeys, [&] {
         ++calls;
         calls.notify_one();
       });
       calls.wait(0);
       return {};
     },
     [](Subject& subject) { subject.spill(); }},
    {"history",
     [](Subject& subject) {
       Pending pending;
       return without_value(History(subject.engine()).versions({0, "small1"}, 10, pending));
     }},
};

const Call kUpkeep[] = {
    {"sync", [](Subject& subject) { return subject.engine().sync(); }},
    {"tick that expires",
     [](Subject& subject) {
       static_cast<void>(subject.engine().tick());
       return Result<void>{};
     },
     [](Subject& subject) { subject.clock().advance_ms(3'601'500); }},
    {"making room by spilling",
     [](Subject& subject) {
       subject.engine().budget().set(1, MemoryPolicy::kSpill);
       subject.engine().budget().settle();
       subject.engine().budget().set(0, MemoryPolicy::kSpill);
       return Result<void>{};
     }},
    {"checkpoint", [](Subject& subject) { return subject.engine().checkpoint(); }},
    {"cleaning", [](Subject& subject) { return without_value(subject.engine().clean()); }},
    {"snapshot",
     [](Subject& subject) {
       SnapshotWalk walk(subject.engine());
       return without_value(walk.run([](const SnapshotItem&) -> Result<void> { return {}; }));
     },
     {},
     true},
    {"backup", [](Subject& subject) { return without_value(archive::back_up(subject.engine(), "/backup")); }},
};

class EngineAllocation : public ::testing::Test {
 protected:
  static void TearDownTestSuite() { std::printf("%llu points\n", static_cast<unsigned long long>(points_)); }

  static std::unique_ptr<Subject> make(const Call& call) {
    auto subject = std::make_unique<Subject>();
    subject->populate();
    if (call.prepare) call.prepare(*subject);
    return subject;
  }

  /// False when the call got through untouched.
  static bool point(const Call& call, std::uint64_t nth, FailingAllocation::How how, const State& after) {
    ++points_;
    const auto subject = make(call);
    const State before = subject->state();
    Result<void> done;
    bool thrown = false;
    bool hit = false;
    try {
      FailingAllocation failing(nth, how);
      try {
        done = call.run(*subject);
      } catch (const std::bad_alloc&) {
        thrown = true;
      }
      hit = failing.hit();
    } catch (const std::bad_alloc&) {
      thrown = true;
    }
    EXPECT_TRUE(hit || (done && !thrown)) << (done ? "" : done.error().describe());
    EXPECT_TRUE(!thrown || call.may_throw);
    EXPECT_TRUE(all_unlocked(subject->engine()));
    if (::testing::Test::HasFailure()) return false;
    const State now = subject->state();
    const bool as_before = now == before;
    const bool as_after = now == after;
    EXPECT_TRUE(as_before || as_after) << "half of it was done";
    if (done && !thrown) {
      EXPECT_TRUE(as_after) << "it was not done";
    } else if (!thrown) {
      EXPECT_TRUE(as_before) << "it was done, but: " << done.error().describe();
    }
    // Nothing is latched, and what comes next works.
    for (int i = 0; i < 8; ++i) subject->put(1, "next" + std::to_string(i), "after");
    EXPECT_TRUE(subject->engine().sync());
    const State later = subject->state();
    subject->close();
    subject->open();
    EXPECT_EQ(subject->state(), later);
    return hit;
  }

  static void run(const Call& call) {
    State after;
    {
      const auto subject = make(call);
      const auto done = call.run(*subject);
      ASSERT_TRUE(done) << call.name << ": " << done.error().describe();
      after = subject->state();
    }
    for (const auto how : {FailingAllocation::How::kOnce, FailingAllocation::How::kForGood}) {
      for (std::uint64_t nth = 1; nth < 20'000; ++nth) {
        SCOPED_TRACE(call.name + (how == FailingAllocation::How::kOnce ? ", once: " : ", for good: ") +
                     std::to_string(nth));
        if (!point(call, nth, how, after)) break;
      }
    }
  }

  static std::uint64_t points_;
};
std::uint64_t EngineAllocation::points_ = 0;

TEST_F(EngineAllocation, of_a_write_fails_and_nothing_or_all_of_it_was_done) {
  for (const Call& call : kWrites) run(call);
}

TEST_F(EngineAllocation, of_a_change_of_whole_databases_fails_and_nothing_or_all_of_it_was_done) {
  for (const Call& call : kWhole) run(call);
}

TEST_F(EngineAllocation, of_a_read_fails_and_the_next_reads_see_everything) {
  for (const Call& call : kReads) run(call);
}

TEST_F(EngineAllocation, of_upkeep_fails_and_is_made_up_for_later) {
  for (const Call& call : kUpkeep) run(call);
}

TEST_F(EngineAllocation, of_opening_fails_and_the_next_try_finds_everything) {
  for (const bool with_image : {false, true}) {
    for (const auto how : {FailingAllocation::How::kOnce, FailingAllocation::How::kForGood}) {
      Subject subject;
      subject.populate();
      if (with_image) {
        ASSERT_TRUE(subject.engine().checkpoint());
      }
      const State state = subject.state();
      subject.close();
      for (std::uint64_t nth = 1; nth < 20'000; ++nth) {
        SCOPED_TRACE((with_image ? "image, " : "log, ") + std::to_string(nth));
        ++points_;
        bool hit = false;
        bool opened = false;
        {
          FailingAllocation failing(nth, how);
          auto engine = subject.try_open();
          hit = failing.hit();
          opened = engine.has_value();
        }
        ASSERT_TRUE(hit || opened);
        subject.open();
        ASSERT_EQ(subject.state(), state);
        subject.close();
        if (!hit) break;
      }
    }
  }
}

TEST_F(EngineAllocation, an_error_is_made_without_memory) {
  const Error whole(ErrorCode::kIo, "a sentence that does not fit into a string by itself");
  FailingAllocation failing(1, FailingAllocation::How::kForGood);
  Error made(ErrorCode::kBusy, "a sentence that does not fit into a string by itself");
  made = std::move(made).with_errno(5).with_file("a file name that is too long as well");
  const Error copy = whole.clone();
  const Error moved = std::move(made);
  EXPECT_EQ(moved.code(), ErrorCode::kBusy);
  EXPECT_EQ(copy.code(), ErrorCode::kIo);
  EXPECT_EQ(moved.system_errno(), 0);
  const Error again = Error(ErrorCode::kBusy, "").clone();
  EXPECT_EQ(again.code(), ErrorCode::kBusy);
}

}  // namespace
}  // namespace stave::store
