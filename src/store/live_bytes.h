// How many bytes of the log are alive.
//
// Keys and values are counted exactly, by the shards; how well values pack is noted nowhere. So it is measured, with a
// sample in which every byte of keys and values has the same chance, whatever the sizes: a store whose bytes are a few
// large values and whose keys are many small ones is judged by its bytes. Only headers of records are read. And a whole
// round of the cleaner, which leaves nothing but what was alive, corrects what the sample said. Must not know: when
// anything is cleaned.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "keyspace/keyspace.h"
#include "stave/units.h"

namespace stave::store {

class Engine;

/// Threads: one measures; any may ask for the ratio.
class LiveBytes {
 public:
  explicit LiveBytes(Engine& engine) : engine_(engine) {}

  /// Measures anew when the log has grown enough since the last time. Cost: looks at the entries of some shards, reads
  /// some hundred headers.
  void measure_if_due();
  /// The cleaner has gone all round, and this is what is left: as much is alive, whatever a sample says.
  void learn(std::uint64_t left) noexcept;
  /// Bytes of the log for a byte of keys, values and headers.
  [[nodiscard]] double ratio() const noexcept { return ratio_.load(std::memory_order_relaxed); }

 private:
  /// Sums up what was drawn.
  struct Sample {
    double ratios = 0;
    std::uint64_t draws = 0;
  };
  struct Drawn {
    Lsn address = kNoLsn;
    std::uint64_t weight = 0;
    std::uint64_t times = 0;
  };
  void measure();
  void look_at(keyspace::Shard& shard, std::uint64_t weight, std::uint64_t draws, Sample& sample);
  void read(Sample& sample);
  void publish() noexcept;

  Engine& engine_;
  std::vector<Drawn> drawn_;
  std::uint64_t tail_at_measure_ = 0;
  double sampled_ = 1;
  double correction_ = 1;  ///< Never below 1: what a round left may have died since.
  std::atomic<double> ratio_{1};
};

}  // namespace stave::store
