// When a client that is owed an answer counts as one that does not read it.
//
// What counts is what its own side has acknowledged. That a part of an answer went into the kernel's buffer says
// little: there is no room for more until a third of it has drained, megabytes, for which who reads slowly but steadily
// may take minutes. Must not know: sockets, clocks.
#pragma once

#include <algorithm>
#include <cstdint>

namespace stave::http {

class ReadingPace {
 public:
  /// So much has to be taken on the whole; a request's body must come no slower.
  static constexpr std::uint64_t kBytesPerSecondMin = 1024;

  /// Looks at the client: whether an answer waits for it to read, and what it ever took. True: for `patience_ns` it has
  /// taken less than the pace asks for. What was `taken` may be a little less than before: TLS has bytes of its own.
  bool overdue(bool owed, std::uint64_t taken, std::uint64_t patience_ns, std::uint64_t now_ns) noexcept {
    constexpr std::uint64_t kSecondNs = 1'000'000'000;
    const std::uint64_t progress = std::max<std::uint64_t>(patience_ns / (kSecondNs / kBytesPerSecondMin), 1);
    const bool moved = taken > taken_then_ && taken - taken_then_ >= progress;
    if (owed && counting_ && !moved) return now_ns > since_ns_ && now_ns - since_ns_ > patience_ns;
    counting_ = owed;
    taken_then_ = taken;
    since_ns_ = now_ns;
    return false;
  }

 private:
  bool counting_ = false;
  std::uint64_t since_ns_ = 0;
  std::uint64_t taken_then_ = 0;
};

}  // namespace stave::http
