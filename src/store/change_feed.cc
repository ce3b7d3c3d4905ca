#include "store/change_feed.h"

#include <algorithm>
#include <new>
#include <system_error>
#include <utility>

#include "base/thread.h"
#include "log/written_news.h"

namespace stave::store {

namespace {
constexpr std::uint64_t kNsPerMs = 1'000'000;
/// Between two rounds there is at least so much time: what comes in it is told together.
constexpr std::uint64_t kRoundNs = kNsPerMs;
constexpr std::int64_t kLongMs = 60'000;
}  // namespace

Lsn ChangeFeed::horizon() const noexcept {
  const Lsn here = engine_.sync_policy() == Sync::kAlways ? engine_.log().durable() : engine_.log().written();
  const std::uint32_t wanted = engine_.follows() ? 0 : engine_.replicas().durable();
  // Followers come and go, and what was told stays told.
  std::uint64_t told = told_.load(std::memory_order_relaxed);
  const Lsn safe = wanted == 0 ? here : std::min(here, std::max(engine_.replicas().end_of(wanted), Lsn{told}));
  while (told < raw(safe) && !told_.compare_exchange_weak(told, raw(safe), std::memory_order_relaxed)) {
  }
  return safe;
}

void ChangeFeed::when(Lsn past, std::uint64_t deadline_ns, std::uint64_t tag, Then then) {
  Woken how = Woken::kNews;
  hear_of_log();
  {
    base::MutexLock lock(mutex_);
    if (stopping_) {
      how = Woken::kStopped;
    } else if (horizon() <= past) {
      if (deadline_ns == 0 || deadline_ns > engine_.clock().monotonic_ns()) {
        waiters_.push_back({past, deadline_ns, tag, std::move(then)});
        start();
        // The thread looks at the log once more after it has said that it wants to hear of it.
        news_ = true;
        wake_.notify_one();
        return;
      }
      how = Woken::kTimeUp;
    }
  }
  then(how);
}

ChangeFeed::Woken ChangeFeed::wait(Lsn past, std::uint64_t deadline_ns, std::uint64_t tag) {
  struct Here {
    base::Mutex mutex;
    base::ConditionVariable ended;
    std::optional<Woken> how STAVE_GUARDED_BY(mutex);
  };
  const auto here = std::make_shared<Here>();
  when(past, deadline_ns, tag, [here](Woken how) {
    base::MutexLock lock(here->mutex);
    here->how = how;
    here->ended.notify_one();
  });
  base::MutexLock lock(here->mutex);
  while (!here->how) here->ended.wait(here->mutex);
  return *here->how;
}

bool ChangeFeed::wake(std::uint64_t tag, Woken how) {
  std::vector<Then> ended;
  {
    base::MutexLock lock(mutex_);
    for (Waiter& waiter : waiters_)
      if (waiter.tag == tag) ended.push_back(std::exchange(waiter.then, nullptr));
    std::erase_if(waiters_, [](const Waiter& waiter) { return waiter.then == nullptr; });
  }
  for (const Then& then : ended) then(how);
  return !ended.empty();
}

std::size_t ChangeFeed::waiting() const {
  base::MutexLock lock(mutex_);
  return waiters_.size();
}

void ChangeFeed::hear_of_log() {
  base::MutexLock lock(listener_mutex_);
  if (listener_ != 0) return;
  listener_ = engine_.log().add_listener([this] { log_advanced(); });
  replica_listener_ = engine_.replicas().add_listener([this] { log_advanced(); });
}

void ChangeFeed::start() {
  if (thread_.joinable()) return;
  try {
    thread_ = base::start_thread([this] { run(); });
  } catch (const std::system_error&) {
    waiters_.pop_back();
    throw std::bad_alloc();
  }
}

void ChangeFeed::log_advanced() noexcept {
  if (!wants_news_.exchange(false)) return;
  base::MutexLock lock(mutex_);
  news_ = true;
  wake_.notify_one();
}

std::vector<ChangeFeed::Ended> ChangeFeed::take_ended(std::uint64_t now_ns) {
  std::vector<Ended> ended;
  const Lsn known = horizon();
  for (Waiter& waiter : waiters_) {
    if (stopping_) {
      ended.push_back({std::exchange(waiter.then, nullptr), Woken::kStopped});
    } else if (known > waiter.past) {
      ended.push_back({std::exchange(waiter.then, nullptr), Woken::kNews});
    } else if (waiter.deadline_ns != 0 && waiter.deadline_ns <= now_ns) {
      ended.push_back({std::exchange(waiter.then, nullptr), Woken::kTimeUp});
    }
  }
  if (!ended.empty()) std::erase_if(waiters_, [](const Waiter& waiter) { return waiter.then == nullptr; });
  return ended;
}

/// Until the first of them runs out of time.
std::int64_t ChangeFeed::rest_ms(std::uint64_t now_ns) const {
  std::int64_t rest = kLongMs;
  for (const Waiter& waiter : waiters_) {
    if (waiter.deadline_ns == 0) continue;
    const std::uint64_t left = waiter.deadline_ns - std::min(now_ns, waiter.deadline_ns);
    rest = std::min(rest, static_cast<std::int64_t>(std::min<std::uint64_t>(left / kNsPerMs + 1, kLongMs)));
  }
  return rest;
}

void ChangeFeed::run() {
  base::enter_thread("stave-changes");
  std::uint64_t round_ns = 0;
  for (;;) {
    std::vector<Ended> ended;
    {
      base::MutexLock lock(mutex_);
      if (!news_ && !stopping_) wake_.wait_for_ms(mutex_, rest_ms(engine_.clock().monotonic_ns()));
      const std::uint64_t early = engine_.clock().monotonic_ns();
      if (news_ && !stopping_ && early - round_ns < kRoundNs) wake_.wait_for_ms(mutex_, 1);
      round_ns = engine_.clock().monotonic_ns();
      news_ = false;
      // Said before the log is looked at, so that one of the two sees the other.
      if (!waiters_.empty()) {
        wants_news_.store(true);
        if (engine_.sync_policy() != Sync::kAlways) log::tell_of_written(engine_.log());
      }
      ended = take_ended(round_ns);
      if (stopping_ && ended.empty()) return;
    }
    for (const Ended& one : ended) one.then(one.how);
  }
}

void ChangeFeed::note_place(Lsn place, Lsn batch) noexcept {
  base::MutexLock lock(places_mutex_);
  places_[place_of(place)] = {place, batch};
}

std::optional<Lsn> ChangeFeed::batch_at(Lsn place) const noexcept {
  base::MutexLock lock(places_mutex_);
  const Place& known = places_[place_of(place)];
  return known.at == place ? std::optional(known.batch) : std::nullopt;
}

void ChangeFeed::stop() {
  std::thread thread;
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
    thread = std::move(thread_);
  }
  if (thread.joinable()) thread.join();
  {
    base::MutexLock lock(listener_mutex_);
    if (const std::uint64_t listener = std::exchange(listener_, 0); listener != 0) {
      engine_.log().remove_listener(listener);
      engine_.replicas().remove_listener(std::exchange(replica_listener_, 0));
    }
  }
  readers_.stop();
}

}  // namespace stave::store
