// What compression has done, counted without a cache line that all threads fight for.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace stave::packing {

/// Threads: any. Sums are exact once the writers are at rest.
class CompressionCounters {
 public:
  struct Sums {
    std::uint64_t packed = 0;
    std::uint64_t raw_bytes = 0;
    std::uint64_t packed_bytes = 0;
    std::uint64_t refused = 0;
  };

  void packed(std::size_t raw_bytes, std::size_t packed_bytes) noexcept {
    Stripe& stripe = mine();
    stripe.packed.fetch_add(1, std::memory_order_relaxed);
    stripe.raw_bytes.fetch_add(raw_bytes, std::memory_order_relaxed);
    stripe.packed_bytes.fetch_add(packed_bytes, std::memory_order_relaxed);
  }
  void refused() noexcept { mine().refused.fetch_add(1, std::memory_order_relaxed); }

  [[nodiscard]] Sums sums() const noexcept {
    Sums sums;
    for (const Stripe& stripe : stripes_) {
      sums.packed += stripe.packed.load(std::memory_order_relaxed);
      sums.raw_bytes += stripe.raw_bytes.load(std::memory_order_relaxed);
      sums.packed_bytes += stripe.packed_bytes.load(std::memory_order_relaxed);
      sums.refused += stripe.refused.load(std::memory_order_relaxed);
    }
    return sums;
  }

 private:
  struct alignas(64) Stripe {
    std::atomic<std::uint64_t> packed{0};
    std::atomic<std::uint64_t> raw_bytes{0};
    std::atomic<std::uint64_t> packed_bytes{0};
    std::atomic<std::uint64_t> refused{0};
  };
  static constexpr std::size_t kStripes = 8;  // a power of two
  static_assert(kStripes == std::size_t{1} << (64 - 61));

  Stripe& mine() noexcept {
    // Two threads never have this at one address at a time; which stripe that makes does not matter.
    thread_local const char here = 0;
    const auto address = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(&here));
    return stripes_[(address * 0x9e3779b97f4a7c15ull) >> 61];
  }

  std::array<Stripe, kStripes> stripes_;
};

}  // namespace stave::packing
