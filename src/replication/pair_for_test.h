// Two ends of a stream in memory, and two stores to put at them.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "replication/followers.h"
#include "replication/group.h"
#include "store/options_for_test.h"
#include "store/transaction.h"

namespace stave::replication {

/// Whether the condition came true within so long.
inline bool eventually(const std::function<bool()>& condition, int milliseconds = 5000) {
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  for (int i = 0; i < milliseconds && !condition(); ++i) never.wait_for(lock, std::chrono::milliseconds(1));
  return condition();
}

/// What both ends share. `spoil` may change what is sent from the leader: it gets the stream's position and the bytes,
/// and returns whether the connection breaks behind them.
struct Wires {
  std::mutex mutex;
  std::condition_variable news;
  std::deque<std::byte> ways[2];
  bool shut = false;
  std::uint64_t sent = 0;
  std::function<bool(std::uint64_t, std::vector<std::byte>&)> spoil;
};

class MemoryLink final : public Link {
 public:
  MemoryLink(std::shared_ptr<Wires> wires, int end) : wires_(std::move(wires)), end_(end) {}
  ~MemoryLink() override { shut(); }
  Result<void> send(std::span<const std::byte> bytes) override {
    const std::lock_guard lock(wires_->mutex);
    if (wires_->shut) return fail(ErrorCode::kIo, "the connection is broken");
    std::vector<std::byte> copy(bytes.begin(), bytes.end());
    bool breaks = false;
    if (end_ == 0 && wires_->spoil) breaks = wires_->spoil(wires_->sent, copy);
    if (end_ == 0) wires_->sent += bytes.size();
    auto& way = wires_->ways[end_];
    way.insert(way.end(), copy.begin(), copy.end());
    if (breaks) wires_->shut = true;
    wires_->news.notify_all();
    return {};
  }
  Result<std::size_t> receive(std::span<std::byte> into, std::int64_t wait_ms) override {
    std::unique_lock lock(wires_->mutex);
    auto& way = wires_->ways[1 - end_];
    wires_->news.wait_for(lock, std::chrono::milliseconds(wait_ms),
                          [&] { return wires_->shut || !way.empty() || nudged_; });
    nudged_ = false;
    if (way.empty() && wires_->shut) return fail(ErrorCode::kIo, "the connection is broken");
    const std::size_t count = std::min(into.size(), way.size());
    std::copy_n(way.begin(), count, into.begin());
    way.erase(way.begin(), way.begin() + static_cast<std::ptrdiff_t>(count));
    return count;
  }
  void nudge() noexcept override {
    const std::lock_guard lock(wires_->mutex);
    nudged_ = true;
    wires_->news.notify_all();
  }
  void shut() noexcept override {
    const std::lock_guard lock(wires_->mutex);
    wires_->shut = true;
    wires_->news.notify_all();
  }
  [[nodiscard]] std::string peer() const override { return "memory:" + std::to_string(end_); }

 private:
  std::shared_ptr<Wires> wires_;
  int end_;
  bool nudged_ = false;  ///< Guarded by the wires' lock.
};

inline Options small_options(FileSystem& files, Clock& clock) {
  Options options = store::still_options(files, clock, 4);
  options.max_space_amplification = 1.5;
  return options;
}

/// A machine: a directory, and the store in it while it is open.
class Machine {
 public:
  Machine(FileSystem& files, std::string of) : directory(std::move(of)) { options = small_options(files, clock); }
  void lead() {
    auto opened = store::Engine::open(directory, options);
    ASSERT_TRUE(opened) << opened.error().describe();
    engine = std::move(*opened);
    followers = std::make_unique<Followers>(*engine, [this](const std::string& line) { tell(line); });
  }
  /// As a process that is told to follow does: prepares, opens. The leader must be there.
  Result<void> open_to_follow(const Dial& dial) {
    Preparation preparation{.directory = directory,
                            .options = options,
                            .told = told,
                            .rebuild = wanted(),
                            .host = {},
                            .port = 0,
                            .dial = dial,
                            .stopping = [this] { return ++tries > 20; },
                            .rest = [](std::int64_t) {},
                            .tell = [this](const std::string& line) { tell(line); }};
    auto part = prepare(preparation);
    if (!part) return fail(std::move(part).error());
    want({});
    EXPECT_TRUE(part->follows);
    auto opened = store::Engine::open(directory, options, part->following);
    if (!opened) return fail(std::move(opened).error());
    engine = std::move(*opened);
    follow(dial);
    return {};
  }
  /// A new thread's worth of following.
  void follow(const Dial& dial) {
    follower.reset();
    follower = std::make_unique<Follower>(
        *engine, Follower::Config{.leader = told,
                                  .host = {},
                                  .port = 0,
                                  .dial = dial,
                                  .tell = [this](const std::string& line) { tell(line); },
                                  .rebuild = [this](const Rebuild& rebuild) { want(rebuild); }});
  }
  void close() {
    if (follower) follower->stop();
    follower.reset();
    if (followers) followers->stop();
    followers.reset();
    if (engine) {
      EXPECT_TRUE(engine->close());
    }
    engine.reset();
  }
  /// What the follower has asked for.
  [[nodiscard]] Rebuild wanted() {
    const std::lock_guard lock(mutex_);
    return wanted_;
  }
  void want(const Rebuild& rebuild) {
    const std::lock_guard lock(mutex_);
    wanted_ = rebuild;
  }
  void tell(const std::string& line) {
    const std::lock_guard lock(mutex_);
    lines.push_back(line);
  }

  std::string directory;
  ManualClock clock;
  Options options;
  std::string told = "leader:1";
  std::unique_ptr<store::Engine> engine;
  std::unique_ptr<Followers> followers;
  std::unique_ptr<Follower> follower;
  int tries = 0;
  std::vector<std::string> lines;

 private:
  std::mutex mutex_;
  Rebuild wanted_;
};

/// Connects to the leader of the test, whatever it is called.
inline Dial dial_to(Machine& leader, std::function<bool(std::uint64_t, std::vector<std::byte>&)> spoil = nullptr) {
  return [&leader, spoil](const std::string&) -> Result<std::unique_ptr<Link>> {
    if (!leader.followers) return fail(ErrorCode::kIo, "nobody is there");
    auto wires = std::make_shared<Wires>();
    wires->spoil = spoil;
    leader.followers->serve(std::make_unique<MemoryLink>(wires, 0));
    return std::make_unique<MemoryLink>(wires, 1);
  };
}

using Contents = std::map<std::pair<int, std::string>, std::string>;
inline Contents contents_of(store::Engine& engine) {
  Contents contents;
  for (int database = 0; database < engine.keyspace().databases(); ++database)
    store::visit_all(engine, database, [&](std::string_view key, const store::ValueView& view) {
      contents[{database, std::string(key)}] =
          std::string(view.value) + "@" + std::to_string(raw(view.version)) + "!" + std::to_string(raw(view.expiry.at));
    });
  return contents;
}

/// Every record from `from` on, as it is but for the mark that this machine alone makes.
inline std::vector<std::string> records_of(store::Engine& engine, Lsn from) {
  std::vector<std::string> all;
  EXPECT_TRUE(engine.log().wait_written(engine.log().tail()));
  auto scanned =
      engine.log().scan(from, engine.log().tail(), [&](std::span<const log::RecordView> run) -> Result<void> {
        for (const log::RecordView& r : run)
          all.push_back(std::to_string(raw(r.lsn)) + " " + std::string(log::to_string(r.kind)) + " " +
                        std::to_string(r.flags & ~log::kAfterSync) + " " + std::to_string(raw(r.time)) + " " +
                        std::to_string(raw(r.prev)) + " " + std::to_string(raw(r.version)) + " " + std::string(r.key) +
                        "=" + std::string(r.payload));
        return {};
      });
  EXPECT_TRUE(scanned) << scanned.error().describe();
  return all;
}

/// What writers, the cleaner and time do to a store.
inline void load_some(Machine& machine, std::mt19937_64& random, int steps) {
  store::Engine& engine = *machine.engine;
  for (int i = 0; i < steps; ++i) {
    const int database = static_cast<int>(random() % 4);
    const std::string key = "key" + std::to_string(random() % 60);
    const std::string value(random() % 40 == 0 ? 30'000 : random() % 400, static_cast<char>('a' + random() % 26));
    switch (random() % 24) {
      case 0: ASSERT_TRUE(engine.flush(database)); break;
      case 1: ASSERT_TRUE(engine.swap(database, static_cast<int>(random() % 4))); break;
      case 2: {
        store::Transaction transaction(engine, std::vector<store::KeyRef>{{database, key}});
        transaction.erase({database, key});
        ASSERT_TRUE(transaction.commit(Sync::kDefault));
        break;
      }
      case 3: {
        const std::string other = key + "x";
        store::Transaction transaction(engine, std::vector<store::KeyRef>{{database, key}, {database, other}});
        ASSERT_TRUE(transaction.put({database, key}, value, Expiry{}));
        ASSERT_TRUE(transaction.put({database, other}, value + "2", Expiry{}));
        ASSERT_TRUE(transaction.commit(Sync::kDefault));
        break;
      }
      case 4: ASSERT_TRUE(engine.put({database, key}, value, {.at = engine.now() + 50, .sliding_ms = 0})); break;
      case 5: ASSERT_TRUE(engine.put({database, key}, value, {.at = engine.now() + 500, .sliding_ms = 500})); break;
      case 6: machine.clock.advance_ms(static_cast<std::int64_t>(random() % 100)); break;
      case 7:
        if (random() % 4 == 0) {
          ASSERT_TRUE(engine.clean());
        }
        break;
      case 8: engine.tick(); break;
      case 9: ASSERT_TRUE(engine.read({database, key}, store::Access::kTouch, [](const store::ValueView*) {})); break;
      default: ASSERT_TRUE(engine.put({database, key}, value, Expiry{})); break;
    }
  }
}

}  // namespace stave::replication
