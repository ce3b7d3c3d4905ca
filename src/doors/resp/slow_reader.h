// When a client that has much unread counts as one that does not read.
//
// Over the soft limit a client has a time to show progress: to take a part of the limit. Each time that it does the
// time begins anew, however much it still has to read; so who reads steadily is never cut, and who stopped, or nearly,
// is. Must not know: sockets, clocks.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/assert.h"

namespace stave::resp {

class SlowReader {
 public:
  /// The part of the soft limit that counts as progress.
  static constexpr std::uint64_t kProgressPart = 16;

  /// Looks at the client: what it has unread, and what it ever took. True: it had its time. `soft_bytes` 0: no limit.
  bool overdue(std::uint64_t unread, std::uint64_t taken, std::uint64_t soft_bytes, std::uint64_t patience_ns,
               std::uint64_t now_ns) noexcept {
    if (soft_bytes == 0 || unread <= soft_bytes) {
      counting_ = false;
      return false;
    }
    STAVE_ASSERT(!counting_ || (taken >= taken_then_ && now_ns >= since_ns_));
    const std::uint64_t progress = std::max<std::uint64_t>(soft_bytes / kProgressPart, 1);
    if (!counting_ || taken - taken_then_ >= progress) {
      counting_ = true;
      taken_then_ = taken;
      since_ns_ = now_ns;
      return false;
    }
    return now_ns - since_ns_ > patience_ns;
  }

 private:
  bool counting_ = false;
  std::uint64_t since_ns_ = 0;
  std::uint64_t taken_then_ = 0;
};

}  // namespace stave::resp
