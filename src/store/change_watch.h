// Who wants to act when a key is changed, before anybody else can see that it was.
//
// A transaction that is about to be committed asks whether any of its keys is watched; then the handler may look at
// what was done, under the transaction's locks, and do more in the same batch. Promises: a key that is watched under
// its shard's lock is watched by every change from then on; while nothing is watched a change costs one relaxed load.
// Must not know: what the handler does, commands. Threads: any.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "stave/units.h"

namespace stave::store {

struct Pending;
class ChangeListener;
class Transaction;

/// What a handler added to a transaction. Destroyed without having been told of the commit: nothing of it happened.
class Sequel {
 public:
  Sequel() = default;
  virtual ~Sequel() = default;
  Sequel(const Sequel&) = delete;
  Sequel& operator=(const Sequel&) = delete;
  /// The batch ends at `end` (kNoLsn: nothing had to be logged); `observed`: what telling of all that the transaction
  /// looked at waits for. The shards are free again.
  virtual void committed(Lsn end, const Pending& observed) noexcept = 0;
};

class ChangeHandler {
 public:
  virtual ~ChangeHandler() = default;
  /// Everything was changed, nothing is logged yet. May look at and change more, after which the transaction may be
  /// lost, or fail (`Transaction::fail_commit`). Null: there was nothing to do.
  virtual std::unique_ptr<Sequel> before_commit(Transaction& transaction) noexcept = 0;
  /// After a transaction that the handler was asked about ended, however it did; no shard is held.
  virtual void after_commit() noexcept = 0;
};

class ChangeWatch {
 public:
  /// Whether anything is watched: one relaxed load.
  [[nodiscard]] bool any() const noexcept { return watched_.load(std::memory_order_relaxed) != 0; }
  /// Whether a key with that hash may be. Under its shard's lock: exactly as of now, other keys of the bucket included.
  [[nodiscard]] bool watches(std::uint64_t hash) const noexcept {
    return any() && buckets_[bucket(hash)].load(std::memory_order_relaxed) != 0;
  }
  /// Whether a change of it is to be made by a transaction: it may be watched, or all changes are noted.
  [[nodiscard]] bool wants(std::uint64_t hash) const noexcept { return any() && (noting() || watches(hash)); }
  /// One more who watches the keys with that hash, in any database; one less. The first under the key's shard's lock.
  void add(std::uint64_t hash) noexcept {
    buckets_[bucket(hash)].fetch_add(1, std::memory_order_relaxed);
    watched_.fetch_add(1, std::memory_order_relaxed);
  }
  void remove(std::uint64_t hash) noexcept {
    buckets_[bucket(hash)].fetch_sub(1, std::memory_order_relaxed);
    watched_.fetch_sub(1, std::memory_order_relaxed);
  }

  /// Whether all changes are noted (change_notes.h): one relaxed load.
  [[nodiscard]] bool noting() const noexcept { return noting_.load(std::memory_order_relaxed) != 0; }
  /// One more who wants all changes noted; one less. Transactions that have begun go on as they began.
  void begin_noting() noexcept {
    noting_.fetch_add(1, std::memory_order_relaxed);
    watched_.fetch_add(1, std::memory_order_relaxed);
  }
  void end_noting() noexcept {
    watched_.fetch_sub(1, std::memory_order_relaxed);
    noting_.fetch_sub(1, std::memory_order_relaxed);
  }
  /// Who notes, as `attach`.
  void attach_listener(ChangeListener* listener) noexcept { listener_.store(listener, std::memory_order_release); }
  [[nodiscard]] ChangeListener* listener() const noexcept { return listener_.load(std::memory_order_acquire); }

  /// Who is asked; null: nobody, and nothing is watched then. Not while transactions go on.
  void attach(ChangeHandler* handler) noexcept { handler_.store(handler, std::memory_order_release); }
  [[nodiscard]] ChangeHandler* handler() const noexcept { return handler_.load(std::memory_order_acquire); }

 private:
  static constexpr std::size_t kBuckets = 4096;
  static constexpr std::size_t bucket(std::uint64_t hash) noexcept { return hash % kBuckets; }

  std::atomic<std::uint64_t> watched_{0};
  std::atomic<std::uint32_t> noting_{0};
  std::atomic<ChangeHandler*> handler_{nullptr};
  std::atomic<ChangeListener*> listener_{nullptr};
  std::array<std::atomic<std::uint32_t>, kBuckets> buckets_{};
};

}  // namespace stave::store
