// What the parts that look after the log tell about themselves: plain numbers, at one moment.
#pragma once

#include <cstdint>

#include "stave/units.h"

namespace stave::store {

struct CheckpointStats {
  std::uint64_t written = 0;  ///< Images since open.
  std::uint64_t failed = 0;
  bool running = false;
  std::uint64_t keys_done = 0;  ///< Of the one in progress.
  Lsn last{};                   ///< Where the log is read from after the newest image.
  UnixMs last_time{0};
  std::uint64_t last_ns = 0;     ///< How long it took.
  std::uint64_t last_bytes = 0;  ///< Its size.
};

struct CleanerStats {
  bool running = false;
  std::uint64_t runs = 0;             ///< Since open; likewise below.
  std::uint64_t scanned_bytes = 0;    ///< Read.
  std::uint64_t relocated_bytes = 0;  ///< Written again, because they were alive.
  std::uint64_t relocated_records = 0;
  std::uint64_t freed_bytes = 0;       ///< Of files removed.
  Lsn boundary{};                      ///< Nothing before it is needed for the present state.
  std::uint64_t live_bytes = 0;        ///< Of the log, estimated.
  std::uint64_t waiting_bytes = 0;     ///< Cleaned, but kept for history, a snapshot or an older image.
  std::uint64_t damaged_segments = 0;  ///< Could not be read from end to end; cleaned all the same, since open.
  std::uint64_t lost_values = 0;       ///< Values that cannot be read any more: nothing is cleaned because of them.
  Lsn first_lost{};                    ///< Where the first of them lies.
};

/// What one explicit cleaning did.
struct CleanReport {
  std::uint64_t scanned_bytes = 0;
  std::uint64_t relocated_bytes = 0;
  std::uint64_t freed_bytes = 0;
};

struct BudgetStats {
  std::uint64_t used = 0;
  std::uint64_t peak = 0;
  std::uint64_t limit = 0;
  std::uint64_t buffers = 0;          ///< Of what is used: answers and requests in the doors' buffers.
  std::uint64_t refused_buffers = 0;  ///< Answers and requests that there was no room for.
  std::uint64_t outside = 0;          ///< Of what is used: what the process took besides, since the store was opened.
  std::uint64_t spilled_values = 0;   ///< Taken out of memory since open.
  std::uint64_t evicted_keys = 0;
  std::uint64_t looked_at = 0;  ///< Entries that the hand passed, since open.
  bool exhausted = false;       ///< There is nothing left to take out; writes that need memory are refused.
};

}  // namespace stave::store
