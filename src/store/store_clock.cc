#include "store/store_clock.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "base/assert.h"
#include "store/still_moment.h"

namespace stave::store {

namespace {

constexpr std::int64_t kUsPerMs = 1000;

/// Such as "3 days": enough to see what happened.
std::string span_text(std::int64_t ms) {
  struct Unit {
    std::int64_t ms;
    std::string_view name;
  };
  static constexpr std::array kUnits = {Unit{86'400'000, " days"}, Unit{3'600'000, " hours"}, Unit{60'000, " minutes"},
                                        Unit{1000, " seconds"}};
  for (const Unit& unit : kUnits)
    if (ms >= 2 * unit.ms) return std::to_string(ms / unit.ms) + std::string(unit.name);
  return std::to_string(ms) + " ms";
}

}  // namespace

StoreClock::StoreClock(Clock& clock) noexcept
    : clock_(clock),
      shift_us_(std::clamp<std::int64_t>(raw(clock.wall()), 0, kUnixMsMax) * kUsPerMs - elapsed_us()),
      corrected_us_(elapsed_us()) {}

std::int64_t StoreClock::elapsed_us() const noexcept {
  return static_cast<std::int64_t>(clock_.elapsed_ns() / 1000);
}

UnixMs StoreClock::now() noexcept {
  StillMoment::Here& here = StillMoment::here;
  const bool still = here.clock == this;
  if (still && raw(here.moment) != 0) return here.moment;
  const std::int64_t now = (elapsed_us() + shift_us_.load(std::memory_order_relaxed)) / kUsPerMs;
  std::int64_t last = last_ms_.load(std::memory_order_relaxed);
  while (now > last && !last_ms_.compare_exchange_weak(last, now, std::memory_order_relaxed)) {
  }
  const UnixMs moment{std::max(now, last)};
  if (still) here.moment = moment;
  return moment;
}

void StoreClock::saw(UnixMs moment) noexcept {
  const std::int64_t ms = std::min(raw(moment), kUnixMsMax);
  if (ms <= last_ms_.load(std::memory_order_relaxed) || UnixMs{ms} <= now()) return;
  shift_us_.store(ms * kUsPerMs - elapsed_us(), std::memory_order_relaxed);
  last_ms_.store(ms, std::memory_order_relaxed);
}

void StoreClock::begin() {
  base::MutexLock lock(mutex_);
  corrected_us_ = elapsed_us();
  const std::int64_t ahead = now() - clock_.wall();
  if (std::abs(ahead) <= kFollowedMsMax) return;
  set_offset(ahead);
  found_behind_ms_ = ahead;
}

void StoreClock::look() {
  // Whoever is at it does it for all.
  if (!mutex_.try_lock()) return;
  compare();
  mutex_.unlock();
}

void StoreClock::compare() {
  const std::int64_t elapsed = elapsed_us();
  const std::int64_t here_us = elapsed + shift_us_.load(std::memory_order_relaxed);
  const std::int64_t wall = raw(clock_.wall());
  const std::int64_t offset = offset_ms_.load(std::memory_order_relaxed);
  // How far the wall clock is ahead of what it was expected to show.
  const std::int64_t gap = wall + offset - here_us / kUsPerMs;
  if (std::abs(gap) > kFollowedMsMax) {
    jumped(gap, here_us / kUsPerMs - wall);
    corrected_us_ = elapsed;
    return;
  }
  if (std::abs(gap) <= kIgnoredMsMax) {
    corrected_us_ = elapsed;
    return;
  }
  const std::int64_t most = (elapsed - corrected_us_) / kPacePart;
  if (most <= 0) return;
  shift_us_.fetch_add(std::clamp(gap * kUsPerMs, -most, most), std::memory_order_relaxed);
  corrected_us_ = elapsed;
}

void StoreClock::jumped(std::int64_t by_ms, std::int64_t ahead_ms) {
  jumps_.fetch_add(1, std::memory_order_relaxed);
  set_offset(ahead_ms);
  set_by_ms_ = by_ms;
}

void StoreClock::set_offset(std::int64_t ahead_ms) {
  offset_ms_.store(std::abs(ahead_ms) <= kFollowedMsMax ? 0 : ahead_ms, std::memory_order_relaxed);
}

std::string StoreClock::take_news() {
  base::MutexLock lock(mutex_);
  const std::int64_t behind = std::exchange(found_behind_ms_, 0);
  const std::int64_t by = std::exchange(set_by_ms_, 0);
  const std::int64_t offset = offset_ms();
  if (by != 0) {
    return "the wall clock was set " + span_text(std::abs(by)) + (by > 0 ? " forward" : " back") +
           ": the store's time goes on as before and is now " +
           (offset == 0 ? std::string("that of the wall clock again")
                        : span_text(std::abs(offset)) + (offset > 0 ? " ahead of it" : " behind it"));
  }
  if (behind != 0) {
    return "the wall clock is " + span_text(behind) +
           " behind the newest moment that the store's log speaks of: time goes on from there, and every expiry keeps "
           "its length";
  }
  return {};
}

UnixMs StoreClock::from_wall(UnixMs wall) noexcept {
  if (raw(wall) <= 0 || raw(wall) >= kUnixMsMax) return wall;
  look();
  const UnixMs moment{std::clamp<std::int64_t>(raw(wall) + offset_ms(), 1, kUnixMsMax)};
  STAVE_ASSERT(raw(moment) > 0);
  return moment;
}

UnixMs StoreClock::to_wall(UnixMs moment) const noexcept {
  if (raw(moment) <= 0 || raw(moment) >= kUnixMsMax) return moment;
  return UnixMs{std::clamp<std::int64_t>(raw(moment) - offset_ms(), 1, kUnixMsMax)};
}

}  // namespace stave::store
