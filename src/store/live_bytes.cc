#include "store/live_bytes.h"

#include <algorithm>

#include "base/assert.h"
#include "base/breaks.h"
#include "base/interleave.h"
#include "base/random.h"
#include "store/engine.h"
#include "store/look_entries.h"
#include "store/upkeep.h"

namespace stave::store {

using keyspace::Entry;
using keyspace::Shard;
using keyspace::ShardId;

namespace {

/// So many bytes, spread evenly over all keys and values, are asked for their record; those of one group are near each
/// other, in one shard, so that not all shards need to be looked through.
constexpr std::uint64_t kGroups = 16;
constexpr std::uint64_t kDraws = 32;
/// What a stretch of the log is measured again after, as a part of all that is needed.
constexpr std::uint64_t kGrowthPart = 16;

std::uint64_t weight_of(const Shard& shard) noexcept {
  return shard.data_bytes() + shard.size() * log::kRecordHeaderBytes;
}

}  // namespace

void LiveBytes::measure_if_due() {
  const std::uint64_t tail = raw(engine_.log().tail());
  const std::uint64_t needed = engine_.upkeep().needed_bytes();
  const std::uint64_t growth = std::max<std::uint64_t>(engine_.options().segment_bytes / 2, needed / kGrowthPart);
  if (tail - std::min(tail, tail_at_measure_) < growth) return;
  tail_at_measure_ = tail;
  measure();
}

void LiveBytes::learn(std::uint64_t left) noexcept {
  const double raw_estimate = static_cast<double>(engine_.live_log_bytes()) / std::max(ratio(), 1e-9) * sampled_;
  if (raw_estimate <= 0) return;
  correction_ = std::max(1.0, static_cast<double>(left) / raw_estimate);
  publish();
}

void LiveBytes::publish() noexcept {
  STAVE_ASSERT(sampled_ > 0 && correction_ >= 1);
  ratio_.store(sampled_ * correction_, std::memory_order_relaxed);
}

void LiveBytes::measure() {
  const std::size_t shards = engine_.keyspace().shard_count();
  std::uint64_t total = 0;
  for (ShardId id = 0; id < shards; ++id) total += weight_of(engine_.keyspace().shard(id));
  if (total == 0) return;
  Sample sample;
  // Groups lie evenly over the bytes of all shards, so a shard gets as many as its bytes are worth.
  const double step = static_cast<double>(total) / kGroups;
  double next = step * (static_cast<double>(base::thread_random() >> 11) * 0x1p-53);
  double before = 0;
  for (ShardId id = 0; id < shards; ++id) {
    Shard& shard = engine_.keyspace().shard(id);
    const std::uint64_t weight = weight_of(shard);
    before += static_cast<double>(weight);
    std::uint64_t groups = 0;
    for (; next < before; next += step) ++groups;
    if (groups != 0 && weight != 0) look_at(shard, weight, groups * kDraws, sample);
  }
  if (sample.draws == 0) return;
  sampled_ = std::max(sample.ratios / static_cast<double>(sample.draws), 1e-6);
  publish();
}

// Every `weight / draws` bytes one is drawn: an entry as often as its bytes are worth.
void LiveBytes::look_at(Shard& shard, std::uint64_t weight, std::uint64_t draws, Sample& sample) {
  base::Breaks breaks(engine_.options().background);
  const double step = static_cast<double>(weight) / static_cast<double>(draws);
  double next = step * (static_cast<double>(base::thread_random() >> 11) * 0x1p-53);
  double passed = 0;
  for (std::uint64_t position = 0; position < Shard::kScanEnd;) {
    breaks.step();
    base::interleave::yield_point("live bytes: next stretch");
    drawn_.clear();
    {
      base::ShortLock lock(shard.mutex());
      position = shard.scan(position, kLookEntries, [&](Entry entry) {
        const std::uint64_t bytes = entry.key().size() + entry.value_size() + log::kRecordHeaderBytes;
        passed += static_cast<double>(bytes);
        std::uint64_t times = 0;
        for (; next < passed; next += step) ++times;
        if (times != 0) drawn_.push_back({entry.address(), bytes, times});
      });
    }
    read(sample);
  }
}

// What was moved or dropped meanwhile is passed over.
void LiveBytes::read(Sample& sample) {
  for (const Drawn& drawn : drawn_) {
    const auto length = engine_.log().length_at(drawn.address);
    if (!length) continue;
    sample.ratios +=
        static_cast<double>(drawn.times) * static_cast<double>(*length) / static_cast<double>(drawn.weight);
    sample.draws += drawn.times;
  }
}

}  // namespace stave::store
