// Two sources of chance that must not be mixed up: `Random`, which a seed replays, and the system's entropy, which
// nobody can guess (store ids, hash keys).
//
// Random is xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64. Not for secrets.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace stave::base {

/// Equal seeds give equal sequences, on every platform and in every version. Threads: one at a time.
class Random {
 public:
  using result_type = std::uint64_t;

  explicit Random(std::uint64_t seed) noexcept {
    for (auto& word : state_) {
      seed += 0x9e3779b97f4a7c15ull;
      std::uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
      word = z ^ (z >> 31);
    }
  }

  /// 64 random bits.
  std::uint64_t next() noexcept {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }
  /// Uniform in [0, n). `n` is not zero.
  std::uint64_t below(std::uint64_t n) noexcept {
    // What lies under the largest multiple of n is cut into equal parts; the rest is drawn again.
    const std::uint64_t rest = (0 - n) % n;
    std::uint64_t bits = next();
    while (bits < rest) bits = next();
    return bits % n;
  }
  /// True once in `n` times.
  bool one_in(std::uint64_t n) noexcept { return below(n) == 0; }
  bool coin() noexcept { return (next() >> 63) != 0; }
  void fill(std::span<std::byte> into) noexcept;

  // What the algorithms of <random> and std::shuffle ask for.
  std::uint64_t operator()() noexcept { return next(); }
  static constexpr std::uint64_t min() noexcept { return 0; }
  static constexpr std::uint64_t max() noexcept { return std::numeric_limits<std::uint64_t>::max(); }

 private:
  std::uint64_t state_[4];
};

/// Fills `into` with bytes fit for secrets. Ends the process when the system has none to give: no store may start with
/// a key that can be guessed.
void system_entropy(std::span<std::byte> into) noexcept;

/// 64 bits from a generator of the calling thread, seeded by the system. Not for secrets. Threads: any.
std::uint64_t thread_random() noexcept;

/// For tests that replay from a seed: as long as it lives, both of the above are made of the seed on this thread.
class SeededEntropy {
 public:
  explicit SeededEntropy(std::uint64_t seed) noexcept;
  ~SeededEntropy();
  SeededEntropy(const SeededEntropy&) = delete;
  SeededEntropy& operator=(const SeededEntropy&) = delete;

 private:
  Random random_;
  Random* before_;
};

}  // namespace stave::base
