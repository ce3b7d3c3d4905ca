// Small values set aside for training a dictionary, and what zstd makes of them.
//
// Which values are taken is decided by their bytes, not by a counter or a random number: the same writes train the same
// dictionary, and nothing is shared between threads until a value is taken. After every training there is a rest,
// longer each time that it did not pay. Must not know: files, which dictionary is in use.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"

namespace stave::packing {

/// Samples one after the other, and their sizes.
struct SampleBatch {
  std::string bytes;
  std::vector<std::size_t> sizes;
};

class CompressionSamples {
 public:
  /// One in so many values is looked at.
  static constexpr std::uint64_t kOneIn = 4;
  /// Of a value, no more than its first so many bytes are kept.
  static constexpr std::size_t kSampleBytesMax = 4u << 10;
  /// Training is due when there are so many samples, or so many bytes of them.
  static constexpr std::size_t kSamplesEnough = 2048;
  static constexpr std::size_t kBytesEnough = 1u << 20;

  /// Turns the taking of samples on or off; off, those that were taken are let go.
  void enable(bool on) STAVE_EXCLUDES(mutex_);
  [[nodiscard]] bool wanted() const noexcept { return state_.load(std::memory_order_relaxed) == State::kTaking; }
  [[nodiscard]] bool full() const noexcept { return state_.load(std::memory_order_acquire) == State::kFull; }
  /// Keeps `value`, perhaps. Threads: any.
  void offer(std::string_view value) STAVE_EXCLUDES(mutex_);
  /// The samples; empty unless `full`. Nothing is taken until `resume`.
  SampleBatch take() STAVE_EXCLUDES(mutex_);
  /// Goes on after a training.
  void resume(bool it_paid) STAVE_EXCLUDES(mutex_);

 private:
  enum class State : std::uint8_t { kOff, kTaking, kFull, kTraining };

  std::atomic<State> state_{State::kOff};
  base::ShortMutex mutex_;
  SampleBatch batch_ STAVE_GUARDED_BY(mutex_);
  bool enabled_ STAVE_GUARDED_BY(mutex_) = false;
  std::uint64_t rest_ STAVE_GUARDED_BY(mutex_) = 0;  ///< So many values are passed over yet.
  std::uint64_t next_rest_ STAVE_GUARDED_BY(mutex_) = 0;
};

/// A dictionary of zstd for values like these; empty when none can be made of them.
std::string train_dictionary(const SampleBatch& samples);

/// About one in eight samples goes to the test, the others to the training. Equal ones go the same way: a value that is
/// written over and over must not be what a dictionary is made of and what it is tried on.
struct SampleSplit {
  SampleBatch training;
  SampleBatch test;
};
SampleSplit split_samples(SampleBatch all);

}  // namespace stave::packing
