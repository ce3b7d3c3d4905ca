// What access lists denied, newest first: ACL LOG, and the counters of INFO.
//
// Promises: bounded; the same denial within a minute is one entry that counts. Threads: any.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "stave/units.h"

namespace stave::commands {

enum class AclReason : std::uint8_t { kAuth, kCommand, kKey, kChannel, kDatabase };
inline constexpr std::size_t kAclReasons = 5;
/// How the call came.
enum class AclContext : std::uint8_t { kTopLevel, kMulti, kLua };

struct AclLogEntry {
  std::uint64_t id = 0;
  std::uint64_t count = 1;
  AclReason reason = AclReason::kCommand;
  AclContext context = AclContext::kTopLevel;
  std::string object;  ///< The command, key, channel, database.
  std::string user;
  std::string client;  ///< As a line of CLIENT LIST.
  UnixMs created{0};
  UnixMs updated{0};
};

class AclLog {
 public:
  [[nodiscard]] std::size_t capacity() const;
  void set_capacity(std::size_t entries);
  /// Keeps it, or adds one to the entry that it repeats.
  void add(AclLogEntry entry);
  [[nodiscard]] std::vector<AclLogEntry> newest(std::size_t count) const;
  void clear();
  /// Denials since the start, or CONFIG RESETSTAT.
  [[nodiscard]] std::uint64_t denied(AclReason reason) const noexcept {
    return denied_[static_cast<std::size_t>(reason)].load(std::memory_order_relaxed);
  }
  void reset_counters() noexcept;

 private:
  mutable base::Mutex mutex_;
  std::size_t capacity_ STAVE_GUARDED_BY(mutex_) = 128;
  std::uint64_t next_id_ STAVE_GUARDED_BY(mutex_) = 0;
  std::deque<AclLogEntry> entries_ STAVE_GUARDED_BY(mutex_);
  std::array<std::atomic<std::uint64_t>, kAclReasons> denied_{};
};

std::string_view name_of(AclReason reason) noexcept;
std::string_view name_of(AclContext context) noexcept;

}  // namespace stave::commands
