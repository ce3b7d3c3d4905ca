#include "packing/compression_samples.h"

#include <zdict.h>

#include <algorithm>
#include <new>
#include <span>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/hash.h"

namespace stave::packing {

namespace {

// A dictionary takes about 3 times its size in memory and, digested for packing, in the cache; beyond this, more of it
// saved little where it was measured (docs/compression.md).
constexpr std::size_t kDictionaryBytesMax = 32u << 10;
constexpr std::size_t kDictionaryBytesMin = 4u << 10;
// After a training so many values are passed over before samples are taken again, twice as many each time in vain.
constexpr std::uint64_t kRestMin = 64u << 10;
constexpr std::uint64_t kRestMax = 1ull << 32;
constexpr std::uint64_t kTestSeed = 0x7e57;

/// A number that is the value's own: both its ends count, for what tells values apart lies now here, now there.
std::uint64_t lot(std::string_view value) {
  constexpr std::size_t kEnd = 128;
  if (value.size() <= 2 * kEnd) return base::xxh3(base::as_bytes(value), value.size());
  return base::xxh3(base::as_bytes(value.substr(0, kEnd)),
                    base::xxh3(base::as_bytes(value.substr(value.size() - kEnd)), value.size()));
}

}  // namespace

void CompressionSamples::enable(bool on) {
  base::ShortLock lock(mutex_);
  if (enabled_ == on) return;
  enabled_ = on;
  if (state_.load(std::memory_order_relaxed) == State::kTraining) return;  // `resume` goes by `enabled_`
  if (!on) batch_ = {};
  state_.store(on ? State::kTaking : State::kOff, std::memory_order_release);
}

void CompressionSamples::offer(std::string_view value) {
  if (lot(value) % kOneIn != 0) return;
  // A sample more or less is not worth waiting for.
  if (!mutex_.try_lock()) return;
  if (state_.load(std::memory_order_relaxed) == State::kTaking) {
    if (rest_ > kOneIn) {
      rest_ -= kOneIn;
    } else {
      value = value.substr(0, kSampleBytesMax);
      try {
        batch_.bytes.append(value);
        batch_.sizes.push_back(value.size());
      } catch (const std::bad_alloc&) {
        // Then this is no time for samples; what was appended without its size is cut off again.
        std::size_t known = 0;
        for (const std::size_t size : batch_.sizes) known += size;
        batch_.bytes.resize(known);
      }
      if (batch_.sizes.size() >= kSamplesEnough || batch_.bytes.size() >= kBytesEnough)
        state_.store(State::kFull, std::memory_order_release);
    }
  }
  mutex_.unlock();
}

SampleBatch CompressionSamples::take() {
  base::ShortLock lock(mutex_);
  if (state_.load(std::memory_order_relaxed) != State::kFull) return {};
  state_.store(State::kTraining, std::memory_order_relaxed);
  return std::exchange(batch_, {});
}

void CompressionSamples::resume(bool it_paid) {
  base::ShortLock lock(mutex_);
  STAVE_ASSERT(state_.load(std::memory_order_relaxed) == State::kTraining && batch_.sizes.empty());
  next_rest_ = it_paid || next_rest_ == 0 ? kRestMin : std::min(kRestMax, next_rest_ * 2);
  rest_ = next_rest_;
  state_.store(enabled_ ? State::kTaking : State::kOff, std::memory_order_release);
}

std::string train_dictionary(const SampleBatch& samples) {
  std::string dictionary(std::clamp(samples.bytes.size() / 8, kDictionaryBytesMin, kDictionaryBytesMax), '\0');
  const std::size_t size = ZDICT_trainFromBuffer(dictionary.data(), dictionary.size(), samples.bytes.data(),
                                                 samples.sizes.data(), static_cast<unsigned>(samples.sizes.size()));
  if (ZDICT_isError(size) != 0) return {};
  STAVE_ASSERT(size <= dictionary.size());
  dictionary.resize(size);
  return dictionary;
}

SampleSplit split_samples(SampleBatch all) {
  SampleSplit split;
  std::string_view rest = all.bytes;
  for (std::size_t i = 0; i < all.sizes.size(); ++i) {
    STAVE_ASSERT(all.sizes[i] <= rest.size());
    const std::string_view sample = rest.substr(0, all.sizes[i]);
    SampleBatch& part = base::xxh3(base::as_bytes(sample), kTestSeed) % 8 == 0 ? split.test : split.training;
    part.bytes.append(sample);
    part.sizes.push_back(sample.size());
    rest.remove_prefix(sample.size());
  }
  STAVE_ASSERT(rest.empty());
  return split;
}

}  // namespace stave::packing
