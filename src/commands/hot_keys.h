// Which keys cost most: HOTKEYS. Two looks at the same calls: a tracking that somebody starts and stops (as in Redis
// 8.6: by time and by bytes), and windows that follow each other for as long as `hotkeys-top-k` is not 0 (as in Valkey
// 9.2: by calls a second).
//
// Promises: bounded memory, however many keys are called; a key with more than 1/`TopKeys::kCounters` of all there was
// is among those that are known, and what is said of it is at most that share too much (Space-Saving: Metwally, Agrawal
// and El Abbadi, "Efficient Computation of Frequent and Top-k Elements in Data Streams", 2005). While nobody looks,
// nobody pays (Session::plain). Must not know: sockets, protocols. Threads: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "commands/channels.h"
#include "commands/resolve.h"
#include "stave/units.h"

namespace stave::commands {

class Session;

/// The keys of most weight, about. Not thread-safe.
class TopKeys {
 public:
  static constexpr std::size_t kCounters = 640;

  /// Throws std::bad_alloc; nothing changed. O(log kCounters).
  void add(std::string_view key, std::uint64_t weight);
  /// The heaviest `count`, heaviest first. Throws std::bad_alloc.
  [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> heaviest(std::size_t count) const;
  void clear() noexcept;

 private:
  ByName<std::uint64_t> weights_;
  std::set<std::pair<std::uint64_t, std::string_view>> by_weight_;  ///< The names are those in `weights_`.
};

/// What one call cost.
struct CallCost {
  std::uint64_t ns = 0;
  std::uint64_t bytes = 0;  ///< Of the call and its answer, as in RESP.
};

class HotKeys {
 public:
  static constexpr std::uint64_t kCountMax = 64;

  /// What HOTKEYS START asks for.
  struct Wish {
    bool time = false;
    bool bytes = false;
    std::uint64_t count = 10;   ///< Keys told of: 1 to kCountMax.
    std::uint64_t seconds = 0;  ///< Ends by itself after so long; 0: does not.
    std::uint64_t one_in = 1;   ///< One call in so many is looked at.
  };
  struct Report {
    Wish wish;
    bool active = false;
    std::uint64_t all_us = 0;  ///< Of all calls, looked at or not.
    std::uint64_t all_bytes = 0;
    UnixMs started{0};
    std::uint64_t lasted_ms = 0;
    std::uint64_t user_ms = 0;  ///< The processor's time of the whole process.
    std::uint64_t system_ms = 0;
    std::vector<std::pair<std::string, std::uint64_t>> by_us;
    std::vector<std::pair<std::string, std::uint64_t>> by_bytes;
  };
  /// How the windows are: 0 keys: there are none.
  struct Windows {
    std::uint64_t keys = 0;
    std::uint64_t percent = 10;  ///< Of the calls that are looked at.
    std::uint64_t seconds = 10;  ///< Each lasts.
    bool operator==(const Windows&) const = default;
  };
  struct Rate {
    std::string key;
    int database = 0;
    std::uint64_t per_second = 0;
  };

  HotKeys();
  ~HotKeys();

  /// Whether any call has to be told: one relaxed load.
  [[nodiscard]] bool on() const noexcept { return on_.load(std::memory_order_relaxed); }
  void add(Session& session, const Command& row, Arguments arguments, CallCost cost) noexcept STAVE_EXCLUDES(mutex_);

  /// False: one is going on. Throws std::bad_alloc.
  bool start(Session& session, const Wish& wish) STAVE_EXCLUDES(mutex_);
  /// False: none was going on.
  bool stop(Session& session) STAVE_EXCLUDES(mutex_);
  /// Forgets what was found, also in windows. False: one is going on, nothing is forgotten.
  bool reset(Session& session) STAVE_EXCLUDES(mutex_);
  /// Of the tracking that is going on, or was last; null: there is none.
  [[nodiscard]] std::unique_ptr<Report> report(Session& session) STAVE_EXCLUDES(mutex_);

  /// Whoever's calls are not told of yet has to be asked to look (Session::plain) when this says so.
  [[nodiscard]] bool set_windows(const Windows& windows) STAVE_EXCLUDES(mutex_);
  [[nodiscard]] Windows windows() const STAVE_EXCLUDES(mutex_);
  /// Of the last whole window, the most called first.
  [[nodiscard]] std::vector<Rate> rates(Session& session) STAVE_EXCLUDES(mutex_);
  /// Everything was deleted: keys of windows that are over are not told any more.
  void flushed() noexcept STAVE_EXCLUDES(mutex_);

 private:
  struct Tracked;
  struct Window;
  void end_if_over(std::uint64_t now_ns) STAVE_REQUIRES(mutex_);
  void turn_window(std::uint64_t now_ns) STAVE_REQUIRES(mutex_);
  void look() noexcept STAVE_REQUIRES(mutex_);

  std::atomic<bool> on_{false};
  mutable base::Mutex mutex_;
  std::unique_ptr<Tracked> tracked_ STAVE_GUARDED_BY(mutex_);
  Windows windows_ STAVE_GUARDED_BY(mutex_);
  std::unique_ptr<Window> window_ STAVE_GUARDED_BY(mutex_);
};

/// As RESP would send it.
std::uint64_t call_bytes(Arguments arguments) noexcept;

}  // namespace stave::commands
