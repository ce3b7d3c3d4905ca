// Snapshot files of a store: written when somebody asks, in the background or not, and when it is time.
//
// Promises: a file of the name is whole and as the store was at one moment, or it is the one that was there before; one
// snapshot is written at a time; writers of the store go on meanwhile. Clients name files, never paths, unless the host
// trusts them. Must not know: what bytes the formats are made of, commands.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "commands/save_points.h"
#include "exchange/exchange.h"
#include "store/engine.h"

namespace stave::commands {

class Snapshots {
 public:
  struct Config {
    std::string directory;  ///< Empty: `snapshots` in the store's.
    std::string file = "snapshot.stave";
    std::vector<SavePoint> points;
    std::int64_t every_ms = 0;  ///< 0: not by age.
  };
  /// What to write where.
  struct Target {
    std::string path;
    exchange::Format format = exchange::Format::kBinary2;
    bool usual = false;  ///< The configured file: what the schedule is about.
  };
  struct Done {
    std::string path;
    std::uint64_t keys = 0;
    std::uint64_t bytes = 0;
    UnixMs time{0};
    Lsn lsn = kNoLsn;
  };
  struct State {
    bool running = false;
    std::uint64_t running_ns = 0;  ///< How long already.
    std::uint64_t running_keys = 0;
    std::uint64_t written = 0;  ///< Since the start; likewise below.
    std::uint64_t failed = 0;
    UnixMs last_time{0};  ///< Of the last good one; before that, of the start.
    std::uint64_t last_keys = 0;
    std::uint64_t last_bytes = 0;
    std::uint64_t last_ns = 0;
    bool last_ok = true;        ///< How the last attempt ended,
    std::string last_error;     ///< and why it failed.
    std::uint64_t changes = 0;  ///< Since the usual file was last written.
  };

  /// `count_changes` tells how many changes were made since the start; it may go back to 0. Both outlive this.
  Snapshots(store::Engine& engine, std::function<std::uint64_t()> count_changes);
  ~Snapshots() { stop(); }
  Snapshots(const Snapshots&) = delete;
  Snapshots& operator=(const Snapshots&) = delete;

  /// At any time.
  void configure(Config config) STAVE_EXCLUDES(mutex_);
  /// What a call means by `name` (empty: the usual file). A name without a directory lies in the configured one; others
  /// are taken as they are when `trusted`. Errors: kInvalidArgument.
  [[nodiscard]] Result<Target> target(std::string_view name, std::optional<exchange::Format> format, bool trusted) const
      STAVE_EXCLUDES(mutex_);
  /// Writes it on the calling thread. Errors: kBusy (another one is being written), kAborted (`stop`), kIo, kNoSpace,
  /// kCorrupt, kUnsupported (the format cannot hold what there is).
  Result<Done> write(const Target& target) STAVE_EXCLUDES(mutex_);
  /// Has it written on a thread of its own; at once, when the engine is to have no threads. Errors: kBusy.
  Result<void> start(Target target) STAVE_EXCLUDES(mutex_);
  /// Writes the usual file if it is time, on the calling thread.
  void tick() STAVE_EXCLUDES(mutex_);
  [[nodiscard]] State state() const STAVE_EXCLUDES(mutex_);
  /// Gives up what is being written and joins the thread.
  void stop() STAVE_EXCLUDES(mutex_);

 private:
  [[nodiscard]] bool scheduled() const STAVE_REQUIRES(mutex_) {
    return config_.every_ms != 0 || !config_.points.empty();
  }
  [[nodiscard]] bool due() const STAVE_REQUIRES(mutex_);
  [[nodiscard]] std::uint64_t changes() const STAVE_REQUIRES(mutex_);
  [[nodiscard]] std::string directory() const STAVE_REQUIRES(mutex_);
  bool begin() STAVE_REQUIRES(mutex_);
  Result<Done> write_begun(const Target& target) STAVE_EXCLUDES(mutex_);
  Result<Done> write_file(const Target& target);
  void wake_thread() STAVE_REQUIRES(mutex_);
  void run() STAVE_EXCLUDES(mutex_);

  store::Engine& engine_;
  const std::function<std::uint64_t()> count_changes_;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> keys_{0};

  mutable base::Mutex mutex_;
  base::ConditionVariable wake_;
  Config config_ STAVE_GUARDED_BY(mutex_);
  State state_ STAVE_GUARDED_BY(mutex_);
  std::uint64_t begun_ns_ STAVE_GUARDED_BY(mutex_) = 0;
  std::uint64_t retry_ns_ STAVE_GUARDED_BY(mutex_) = 0;  ///< After a failure the schedule waits until then.
  UnixMs usual_time_ STAVE_GUARDED_BY(mutex_){0};
  Lsn usual_lsn_ STAVE_GUARDED_BY(mutex_) = kNoLsn;
  std::uint64_t usual_count_ STAVE_GUARDED_BY(mutex_) = 0;
  std::optional<Target> asked_ STAVE_GUARDED_BY(mutex_);
  std::thread thread_ STAVE_GUARDED_BY(mutex_);
};

/// What the end of a name says about the format.
exchange::Format format_of(std::string_view name) noexcept;

}  // namespace stave::commands
