// Values that are in the log and not in memory: reading them, and keeping what was read.
//
// Promises: what is read is what the record at that address gave its key, whole and checked; nothing is kept in memory
// that the budget has no room for and nobody asked for twice. Must not know: which key is asked for and why, commands.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "keyspace/keyspace.h"
#include "log/log.h"
#include "store/value.h"

namespace stave::packing {
class Compression;
}

namespace stave::store {

class Budget;

/// Threads: any.
class Residence {
 public:
  Residence(keyspace::Keyspace& keyspace, Budget& budget, packing::Compression& compression) noexcept
      : keyspace_(keyspace), budget_(budget), compression_(compression) {}
  /// Before the first value is read.
  void attach(log::Log& log) noexcept { log_ = &log; }

  /// The value that the record at `address` gave `key`. Errors: kNotFound (the log has dropped it), kCorrupt (also when
  /// the record is another key's), kIo, kNoMemory.
  Result<void> load(Lsn address, std::string_view key, LoadedValue& value);
  Result<void> load(Lsn address, std::string_view key, std::string& value, ValueType* type = nullptr);
  /// The same of a record at hand.
  Result<void> value_of(const log::RecordView& record, std::string& value);
  /// The value again in memory beside its key, if there is room or it is in demand.
  void keep(keyspace::Shard& shard, std::uint64_t hash, keyspace::Entry entry, const LoadedValue& value)
      STAVE_REQUIRES(shard.mutex());

  /// Whether any value was ever in the log only: until then nobody has to look. One relaxed load.
  [[nodiscard]] bool ever_spilled() const noexcept { return ever_spilled_.load(std::memory_order_relaxed); }
  void note_spilled() noexcept { ever_spilled_.store(true, std::memory_order_relaxed); }
  /// Whether there was ever a string in pages: until then every entry that is in memory shows what it holds. One
  /// relaxed load.
  [[nodiscard]] bool ever_in_pages() const noexcept { return ever_in_pages_.load(std::memory_order_relaxed); }
  /// Before the first entry that is of that type, if it is one.
  void note_type(ValueType type) noexcept {
    if (type == ValueType::kPagedString) [[unlikely]]
      ever_in_pages_.store(true, std::memory_order_relaxed);
  }
  /// No key is left.
  void forget() noexcept {
    ever_spilled_.store(false, std::memory_order_relaxed);
    ever_in_pages_.store(false, std::memory_order_relaxed);
  }
  /// Whether any value of `keys` would have to be read from the disk.
  [[nodiscard]] bool must_fetch(std::span<const KeyRef> keys);

  // Figures since open.
  void count_fetched() noexcept { fetched_.fetch_add(1, std::memory_order_relaxed); }
  void count_warmed() noexcept { warmed_.fetch_add(1, std::memory_order_relaxed); }
  /// Read from the log because they were not in memory.
  [[nodiscard]] std::uint64_t fetched() const noexcept { return fetched_.load(std::memory_order_relaxed); }
  /// Brought back after a restart, before anybody asked.
  [[nodiscard]] std::uint64_t warmed() const noexcept { return warmed_.load(std::memory_order_relaxed); }

 private:
  /// What the log holds of a value.
  struct Found {
    log::RecordView whole;                 ///< The record that holds it whole, and
    std::vector<std::string> differences;  ///< what became of it since, the last one first.
  };
  Result<Found> read(Lsn address, std::string_view key, std::vector<std::byte>& buffer, log::Log::PlaceFn place);
  Result<void> put_together(const Found& found, std::string& value);

  keyspace::Keyspace& keyspace_;
  Budget& budget_;
  packing::Compression& compression_;
  log::Log* log_ = nullptr;
  std::atomic<bool> ever_spilled_{false};
  std::atomic<bool> ever_in_pages_{false};
  std::atomic<std::uint64_t> fetched_{0};
  std::atomic<std::uint64_t> warmed_{0};
};

}  // namespace stave::store
