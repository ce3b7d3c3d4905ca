#include "commands/hot_keys.h"

#include <sys/resource.h>

#include <algorithm>
#include <new>

#include "base/assert.h"
#include "base/random.h"
#include "commands/client_registry.h"
#include "commands/environment.h"
#include "commands/nanoseconds.h"
#include "commands/session.h"
#include "commands/table.h"

namespace stave::commands {
namespace {

std::uint64_t decimal_digits(std::uint64_t n) noexcept {
  std::uint64_t digits = 1;
  for (; n >= 10; n /= 10) ++digits;
  return digits;
}

struct ProcessorTime {
  std::uint64_t user_ms = 0;
  std::uint64_t system_ms = 0;
};

ProcessorTime processor_time() noexcept {
  rusage use{};
  if (::getrusage(RUSAGE_SELF, &use) != 0) return {};
  const auto ms = [](const timeval& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1000 + static_cast<std::uint64_t>(time.tv_usec) / 1000;
  };
  return {.user_ms = ms(use.ru_utime), .system_ms = ms(use.ru_stime)};
}

/// Its own calls are told by themselves, and what they cost is not counted twice.
bool runs_others(const Command& row) noexcept {
  return row.name.starts_with("EVAL") || row.name.starts_with("FCALL") || row.name == "EXEC";
}

}  // namespace

std::uint64_t call_bytes(Arguments arguments) noexcept {
  constexpr std::uint64_t kAround = 3;      // a mark, and the end of its line
  constexpr std::uint64_t kAroundBulk = 5;  // and one behind the bytes
  std::uint64_t bytes = kAround + decimal_digits(arguments.size());
  for (const std::string_view word : arguments) bytes += kAroundBulk + decimal_digits(word.size()) + word.size();
  return bytes;
}

// --- TopKeys ---------------------------------------------------------------------------------------------------------

void TopKeys::add(std::string_view key, std::uint64_t weight) {
  STAVE_ASSERT(weights_.size() == by_weight_.size());
  if (const auto found = weights_.find(key); found != weights_.end()) {
    auto node = by_weight_.extract({found->second, found->first});
    STAVE_ASSERT(!node.empty());
    found->second += weight;
    node.value().first = found->second;
    by_weight_.insert(std::move(node));
    return;
  }
  if (weights_.size() < kCounters) {
    const auto [place, added] = weights_.emplace(std::string(key), weight);
    STAVE_ASSERT(added);
    try {
      by_weight_.emplace(weight, place->first);
    } catch (const std::bad_alloc&) {
      weights_.erase(place);
      throw;
    }
    return;
  }
  // The new one takes the lightest one's place and weight: so no key is told as lighter than it is.
  std::string name(key);
  auto by_weight = by_weight_.extract(by_weight_.begin());
  auto counter = weights_.extract(weights_.find(by_weight.value().second));
  STAVE_ASSERT(!counter.empty());
  counter.key() = std::move(name);
  counter.mapped() += weight;
  const auto place = weights_.insert(std::move(counter)).position;
  by_weight.value() = {place->second, place->first};
  by_weight_.insert(std::move(by_weight));
  STAVE_ASSERT(weights_.size() == by_weight_.size());
}

std::vector<std::pair<std::string, std::uint64_t>> TopKeys::heaviest(std::size_t count) const {
  std::vector<std::pair<std::string, std::uint64_t>> found;
  for (auto next = by_weight_.rbegin(); next != by_weight_.rend() && found.size() < count; ++next)
    found.emplace_back(std::string(next->second), next->first);
  return found;
}

void TopKeys::clear() noexcept {
  by_weight_.clear();
  weights_.clear();
}

// --- HotKeys ---------------------------------------------------------------------------------------------------------

struct HotKeys::Tracked {
  Wish wish;
  bool active = true;
  std::uint64_t started_ns = 0;
  std::uint64_t ended_ns = 0;
  UnixMs started{0};
  ProcessorTime before;
  ProcessorTime after;
  std::uint64_t all_ns = 0;
  std::uint64_t all_bytes = 0;
  TopKeys by_ns;
  TopKeys by_bytes;
};

struct HotKeys::Window {
  std::uint64_t began_ns = 0;
  TopKeys calls;           ///< The database, four bytes, before the key.
  std::vector<Rate> last;  ///< Of the one before.
};

HotKeys::HotKeys() = default;
HotKeys::~HotKeys() = default;

void HotKeys::look() noexcept {
  on_.store((tracked_ != nullptr && tracked_->active) || window_ != nullptr);
}

void HotKeys::end_if_over(std::uint64_t now_ns) {
  if (tracked_ == nullptr || !tracked_->active || tracked_->wish.seconds == 0) return;
  const std::uint64_t end_ns = tracked_->started_ns + tracked_->wish.seconds * kNsPerSecond;
  if (now_ns < end_ns) return;
  tracked_->active = false;
  tracked_->ended_ns = end_ns;
  tracked_->after = processor_time();
  look();
}

void HotKeys::turn_window(std::uint64_t now_ns) {
  if (window_ == nullptr) return;
  const std::uint64_t length_ns = windows_.seconds * kNsPerSecond;
  if (now_ns - window_->began_ns < length_ns) return;
  std::vector<Rate> last;
  // After a window in which nothing was called, the one that is over is not the one before.
  if (now_ns - window_->began_ns < 2 * length_ns) {
    for (auto& [name, calls] : window_->calls.heaviest(windows_.keys)) {
      int database = 0;
      for (std::size_t i = 0; i < sizeof(std::uint32_t); ++i)
        database |= static_cast<unsigned char>(name[i]) << (8 * i);
      const std::uint64_t all = calls * 100 / windows_.percent;
      last.push_back({.key = name.substr(sizeof(std::uint32_t)),
                      .database = database,
                      .per_second = std::max<std::uint64_t>(all / windows_.seconds, 1)});
    }
  }
  window_->last = std::move(last);
  window_->calls.clear();
  window_->began_ns = now_ns;
}

void HotKeys::add(Session& session, const Command& row, Arguments arguments, CallCost cost) noexcept try {
  const std::uint64_t now_ns = session.environment().engine().clock().monotonic_ns();
  base::MutexLock lock(mutex_);
  end_if_over(now_ns);
  turn_window(now_ns);
  const bool has_keys = !row.keys.none() && !runs_others(row);
  if (tracked_ != nullptr && tracked_->active && !runs_others(row)) {
    tracked_->all_ns += cost.ns;
    tracked_->all_bytes += cost.bytes;
    if (has_keys && base::thread_random() % tracked_->wish.one_in == 0) {
      // What a call of several keys costs is shared by them.
      const std::vector<std::size_t> places = key_positions(row, arguments);
      for (const std::size_t i : places) {
        if (tracked_->wish.time) tracked_->by_ns.add(arguments[i], cost.ns / places.size());
        if (tracked_->wish.bytes) tracked_->by_bytes.add(arguments[i], cost.bytes / places.size());
      }
    }
  }
  if (window_ == nullptr || !has_keys || base::thread_random() % 100 >= windows_.percent) return;
  const auto database = static_cast<std::uint32_t>(session.database());
  std::string name;
  for (std::size_t i = 0; i < sizeof(database); ++i) name += static_cast<char>(database >> (8 * i));
  for (const std::size_t i : key_positions(row, arguments)) {
    name.resize(sizeof(database));
    window_->calls.add(name.append(arguments[i]), 1);
  }
} catch (const std::bad_alloc&) {
  // One call that is not told of: the others tell of the key.
}

bool HotKeys::start(Session& session, const Wish& wish) {
  STAVE_ASSERT(wish.count >= 1 && wish.count <= kCountMax && wish.one_in >= 1 && (wish.time || wish.bytes));
  auto tracked = std::make_unique<Tracked>();
  store::Engine& engine = session.environment().engine();
  tracked->wish = wish;
  tracked->started_ns = engine.clock().monotonic_ns();
  tracked->started = engine.now();
  tracked->before = processor_time();
  {
    base::MutexLock lock(mutex_);
    end_if_over(tracked->started_ns);
    if (tracked_ != nullptr && tracked_->active) return false;
    tracked_ = std::move(tracked);
    look();
  }
  session.environment().clients().visit([](Session& other) { other.set_plain(false); });
  return true;
}

bool HotKeys::stop(Session& session) {
  const std::uint64_t now_ns = session.environment().engine().clock().monotonic_ns();
  base::MutexLock lock(mutex_);
  end_if_over(now_ns);
  if (tracked_ == nullptr || !tracked_->active) return false;
  tracked_->active = false;
  tracked_->ended_ns = now_ns;
  tracked_->after = processor_time();
  look();
  return true;
}

bool HotKeys::reset(Session& session) {
  const std::uint64_t now_ns = session.environment().engine().clock().monotonic_ns();
  base::MutexLock lock(mutex_);
  end_if_over(now_ns);
  if (tracked_ != nullptr && tracked_->active) return false;
  tracked_ = nullptr;
  if (window_ != nullptr) {
    window_->last.clear();
    window_->calls.clear();
    window_->began_ns = now_ns;
  }
  return true;
}

std::unique_ptr<HotKeys::Report> HotKeys::report(Session& session) {
  const std::uint64_t now_ns = session.environment().engine().clock().monotonic_ns();
  base::MutexLock lock(mutex_);
  end_if_over(now_ns);
  if (tracked_ == nullptr) return nullptr;
  const Tracked& own = *tracked_;
  const std::uint64_t end_ns = own.active ? now_ns : own.ended_ns;
  const ProcessorTime used = own.active ? processor_time() : own.after;
  auto report = std::make_unique<Report>(Report{.wish = own.wish,
                                                .active = own.active,
                                                .all_us = own.all_ns / kNsPerUs,
                                                .all_bytes = own.all_bytes,
                                                .started = own.started,
                                                .lasted_ms = (end_ns - own.started_ns) / kNsPerMs,
                                                .user_ms = used.user_ms - own.before.user_ms,
                                                .system_ms = used.system_ms - own.before.system_ms,
                                                .by_us = own.by_ns.heaviest(own.wish.count),
                                                .by_bytes = own.by_bytes.heaviest(own.wish.count)});
  for (auto& [key, time] : report->by_us) time /= kNsPerUs;
  return report;
}

bool HotKeys::set_windows(const Windows& windows) {
  base::MutexLock lock(mutex_);
  if (windows == windows_) return false;
  windows_ = windows;
  window_ = windows.keys != 0 ? std::make_unique<Window>() : nullptr;
  look();
  return on();
}

HotKeys::Windows HotKeys::windows() const {
  base::MutexLock lock(mutex_);
  return windows_;
}

std::vector<HotKeys::Rate> HotKeys::rates(Session& session) {
  const std::uint64_t now_ns = session.environment().engine().clock().monotonic_ns();
  base::MutexLock lock(mutex_);
  turn_window(now_ns);
  return window_ != nullptr ? window_->last : std::vector<Rate>();
}

void HotKeys::flushed() noexcept {
  base::MutexLock lock(mutex_);
  if (window_ == nullptr) return;
  window_->last.clear();
  window_->calls.clear();
}

}  // namespace stave::commands
