// How far a store's followers have its log on their disks, and how many of them an answer is to wait for.
//
// Promises: what `holds` said once it says for ever; who waits is called after every progress. While nothing is asked
// for, an answer costs one relaxed load. Must not know: followers, connections, how an answer waits.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <span>

#include "base/mutex.h"
#include "stave/units.h"

namespace stave::store {

/// Threads: any.
class Replicas {
 public:
  /// Of more followers than this an answer cannot be made to wait.
  static constexpr std::uint32_t kMost = 16;

  /// So many followers are to have a write on their disks before it is answered, or shown (min-replicas-durable), and
  /// so many have to be there for one to be taken (min-replicas-to-write).
  void ask(std::uint32_t durable, std::uint32_t to_write) noexcept {
    durable_.store(std::min(durable, kMost), std::memory_order_relaxed);
    to_write_.store(to_write, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint32_t durable() const noexcept { return durable_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint32_t to_write() const noexcept { return to_write_.load(std::memory_order_relaxed); }
  /// How many are there, and were heard of lately.
  void set_present(std::uint32_t count) noexcept { present_.store(count, std::memory_order_relaxed); }
  [[nodiscard]] std::uint32_t present() const noexcept { return present_.load(std::memory_order_relaxed); }
  /// Whether too few are there for a write that is to reach `durable` of them, if that is more than is asked of all.
  [[nodiscard]] bool lacking(std::uint32_t durable = 0) const noexcept {
    const std::uint32_t wanted = std::max({durable, this->durable(), to_write()});
    return wanted != 0 && present() < wanted;
  }

  /// Whether `count` followers have everything before `end` on their disks, as they said themselves.
  [[nodiscard]] bool holds(Lsn end, std::uint32_t count) const noexcept {
    return count == 0 || (count <= kMost && raw(end) <= ends_[count - 1].load(std::memory_order_acquire));
  }
  /// Up to where `count` followers, 1 to kMost, have everything.
  [[nodiscard]] Lsn end_of(std::uint32_t count) const noexcept {
    return Lsn{ends_[count - 1].load(std::memory_order_acquire)};
  }
  /// What those that are there have, the furthest first. Calls listeners when that is news.
  void acknowledge(std::span<const Lsn> ends) STAVE_EXCLUDES(mutex_);
  /// Grows with every news.
  [[nodiscard]] std::uint64_t news() const noexcept { return news_.load(std::memory_order_acquire); }
  /// `listener` is called on the thread that brings the news; it must be quick. Returns a handle for `remove_listener`,
  /// which returns only when the listener runs no more.
  std::uint64_t add_listener(std::function<void()> listener) STAVE_EXCLUDES(mutex_);
  void remove_listener(std::uint64_t handle) STAVE_EXCLUDES(mutex_);

  /// How long an answer waits for followers before it is withdrawn (min-replicas-timeout); 0: for ever.
  void set_timeout_ns(std::uint64_t ns) noexcept { timeout_ns_.store(ns, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t timeout_ns() const noexcept { return timeout_ns_.load(std::memory_order_relaxed); }
  /// Whether an answer that has waited for followers since then has waited long enough.
  [[nodiscard]] bool too_late(std::uint64_t since_ns, std::uint64_t now_ns) const noexcept {
    const std::uint64_t most = timeout_ns();
    return most != 0 && now_ns > since_ns && now_ns - since_ns >= most;
  }

 private:
  struct Listener {
    std::uint64_t handle;
    std::function<void()> call;
  };
  std::atomic<std::uint32_t> durable_{0};
  std::atomic<std::uint32_t> to_write_{0};
  std::atomic<std::uint32_t> present_{0};
  std::atomic<std::uint64_t> timeout_ns_{0};
  std::array<std::atomic<std::uint64_t>, kMost> ends_{};  ///< What one has, what two have, …
  std::atomic<std::uint64_t> news_{0};
  base::Mutex mutex_;
  std::list<Listener> listeners_ STAVE_GUARDED_BY(mutex_);
  std::uint64_t last_handle_ STAVE_GUARDED_BY(mutex_) = 0;
};

}  // namespace stave::store
