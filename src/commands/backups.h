// Backups of a store that are made when it is time, and what became of those and of the ones that were asked for.
//
// Promises: one of the schedule is made at a time, on a thread of its own; writers of the store go on meanwhile; one
// that failed is tried again within minutes, and said. How they are made, verified and kept: archive/backup_series.h.
// Must not know: commands, options.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include "archive/backup_series.h"
#include "base/mutex.h"
#include "store/engine.h"

namespace stave::commands {

class Backups {
 public:
  struct Config {
    std::string root;           ///< Empty: `backups` in the store's directory.
    std::int64_t every_ms = 0;  ///< 0: none is due ever.
    archive::Retention keep;
  };
  struct State {
    bool running = false;  ///< One of the schedule.
    std::int64_t every_ms = 0;
    archive::Retention keep;
    std::uint64_t made = 0;  ///< Since the start, asked for or not; likewise below.
    std::uint64_t failed = 0;
    std::uint64_t kept = 0;  ///< Of the schedule's, after the last one.
    UnixMs last_time{0};     ///< Of the newest good one, also from before the start; 0: none is known.
    Lsn last_end = kNoLsn;
    std::uint64_t last_bytes = 0;
    std::uint64_t last_added_bytes = 0;
    std::uint64_t last_ns = 0;
    std::string last_directory;
    bool last_ok = true;     ///< How the last attempt ended,
    std::string last_error;  ///< and why it failed.
    UnixMs next_time{0};     ///< When the next one is due; 0: never.
  };

  explicit Backups(store::Engine& engine) : engine_(engine) {}
  ~Backups() { stop(); }
  Backups(const Backups&) = delete;
  Backups& operator=(const Backups&) = delete;

  /// At any time. The first time, looks for what is there.
  void configure(Config config) STAVE_EXCLUDES(mutex_);
  [[nodiscard]] std::string root() const STAVE_EXCLUDES(mutex_);
  /// What became of one that was asked for.
  void note(const Result<archive::BackupReport>& made, const std::string& directory, std::uint64_t took_ns)
      STAVE_EXCLUDES(mutex_);
  /// Makes one if it is time, on the calling thread.
  void tick() STAVE_EXCLUDES(mutex_);
  [[nodiscard]] State state() const STAVE_EXCLUDES(mutex_);
  /// Gives up what is being made and joins the thread.
  void stop() STAVE_EXCLUDES(mutex_);

 private:
  [[nodiscard]] std::string place() const STAVE_REQUIRES(mutex_);
  [[nodiscard]] UnixMs next() const STAVE_REQUIRES(mutex_);
  void note_locked(const Result<archive::BackupReport>& made, const std::string& directory, std::uint64_t took_ns)
      STAVE_REQUIRES(mutex_);
  void make_one(const Config& config, const std::string& root) STAVE_EXCLUDES(mutex_);
  void look(const std::string& root) STAVE_EXCLUDES(mutex_);
  void run() STAVE_EXCLUDES(mutex_);

  store::Engine& engine_;
  std::atomic<bool> stop_{false};

  mutable base::Mutex mutex_;
  base::ConditionVariable wake_;
  Config config_ STAVE_GUARDED_BY(mutex_);
  State state_ STAVE_GUARDED_BY(mutex_);
  bool looked_ STAVE_GUARDED_BY(mutex_) = false;
  UnixMs series_time_ STAVE_GUARDED_BY(mutex_){0};  ///< Of the schedule's newest.
  UnixMs retry_ STAVE_GUARDED_BY(mutex_){0};        ///< After a failure the schedule waits until then.
  std::thread thread_ STAVE_GUARDED_BY(mutex_);
};

}  // namespace stave::commands
