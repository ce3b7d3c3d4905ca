// A small store on a simulated disk, what it must hold, and everything that may go on in it at once.
//
// A schedule is a handful of writers and pieces of background work that take turns as a seed says; several schedules
// follow each other in one store, with checks and restarts between them. The first thing that is not as it must be ends
// the world: `failure` says what.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "base/random.h"
#include "model.h"
#include "stave/clock.h"
#include "store/engine.h"
#include "testing/interleaver.h"
#include "testing/sim_file_system.h"

namespace stave::interleaving {

class World {
 public:
  explicit World(std::uint64_t seed);
  ~World();
  /// Runs one more schedule and looks at what it left; false: something is wrong.
  bool run_schedule();
  [[nodiscard]] const std::string& failure() const noexcept { return failure_; }
  [[nodiscard]] std::uint64_t turns() const noexcept { return turns_; }

 private:
  struct Target {
    int database;
    std::string key;
    bool plain;
    bool sliding;
  };

  // What goes on. Each is one task.
  void write(int times);
  void read(int times);
  void snapshot();
  void checkpoint();
  void clean();
  void keep_up();
  void spill();
  void warm();
  void expire();
  void pass_time();
  void look_back();
  void back_up();

  void put(const Target& at);
  void transact();
  void change_hash();
  void change_string();
  void flush();
  void swap();
  void wait(const Result<store::Pending>& pending, const char* what);
  void add_background(testing::Interleaver& interleaver);

  // What is looked at between schedules.
  void open();
  void restart();
  void open_a_copy();
  void compare(store::Engine& engine, const State& wanted, const std::string& when, bool restarted);
  void compare_hash(store::Engine& engine, const Place& place, const Held& wanted, const std::string& when);
  void compare_key(store::Engine& engine, const Place& place, const Held& wanted, const store::ValueView& view,
                   const std::string& when, bool restarted);
  void adopt_deadlines();

  Options options(FileSystem& files);
  Target target();
  std::string value();
  [[nodiscard]] std::int64_t time() { return raw(engine_->now()); }
  void fail(const std::string& what) {
    if (failure_.empty()) failure_ = what;
  }
  [[nodiscard]] bool failed() const noexcept { return !failure_.empty(); }

  base::Random random_;
  base::SeededEntropy entropy_;
  sim::SimFileSystem disk_;
  ManualClock clock_{UnixMs{1'000'000}};
  int databases_;
  std::size_t shards_;
  bool plain_only_ = false;
  std::unique_ptr<store::Engine> engine_;
  Model model_;
  std::string failure_;
  std::atomic<bool> never_stop_{false};
  int at_work_ = 0;          ///< Operations that look at the clock.
  int upheavals_ = 0;        ///< Flushes and swaps that go on: they may be in the log, and are not in the model yet.
  std::uint64_t swaps_ = 0;  ///< Done.
  std::uint64_t writes_ = 0;
  std::uint64_t backups_ = 0;
  std::uint64_t turns_ = 0;
};

}  // namespace stave::interleaving
