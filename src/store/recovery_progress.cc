#include "store/recovery_progress.h"

#include <algorithm>

namespace stave::store {

RecoveryProgress::RecoveryProgress(Clock& clock, const Notice& notice)
    : clock_(clock), notice_(notice), begun_ns_(clock.monotonic_ns()), next_ns_(begun_ns_ + kEveryNs) {}

void RecoveryProgress::begin(std::string_view what, std::uint64_t total) noexcept {
  what_ = what;
  total_ = total;
  begun_ns_ = clock_.monotonic_ns();
  bytes_.store(0, std::memory_order_relaxed);
  keys_.store(0, std::memory_order_relaxed);
  look_at_.store(kLookEveryBytes, std::memory_order_relaxed);
}

void RecoveryProgress::add(std::uint64_t bytes, std::uint64_t keys) noexcept {
  keys_.fetch_add(keys, std::memory_order_relaxed);
  const std::uint64_t done = bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  if (done < look_at_.load(std::memory_order_relaxed) || !notice_) return;
  look_at_.store(done + kLookEveryBytes, std::memory_order_relaxed);
  const std::uint64_t now_ns = clock_.monotonic_ns();
  std::uint64_t next = next_ns_.load(std::memory_order_relaxed);
  if (now_ns < next) return;
  // Of several threads one tells.
  if (next_ns_.compare_exchange_strong(next, now_ns + kEveryNs, std::memory_order_relaxed)) tell(now_ns);
}

void RecoveryProgress::tell(std::uint64_t now_ns) {
  const auto mebibytes = [](std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; };
  const std::uint64_t done = bytes_.load(std::memory_order_relaxed);
  std::string text = "opening: read " + mebibytes(done);
  if (total_ != 0) text += " of " + mebibytes(std::max(total_, done));
  text.append(" of ").append(what_);
  text += ", " + std::to_string(keys_.load(std::memory_order_relaxed)) + " keys";
  if (total_ > done && done != 0) {
    const double left = static_cast<double>(total_ - done) * static_cast<double>(now_ns - begun_ns_) /
                        static_cast<double>(done) / static_cast<double>(kEveryNs);
    text += ", about " + std::to_string(static_cast<std::uint64_t>(left) + 1) + " s left";
  }
  notice_(text);
}

}  // namespace stave::store
