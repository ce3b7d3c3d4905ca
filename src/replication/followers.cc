#include "replication/followers.h"

#include <algorithm>
#include <array>
#include <new>
#include <system_error>
#include <utility>

#include "base/assert.h"
#include "base/thread.h"
#include "base/try.h"
#include "replication/shipper.h"
#include "replication/times.h"

namespace stave::replication {

namespace {

constexpr std::size_t kKeptMax = 64;
/// Followers that did not come back are looked for so often at least.
constexpr std::int64_t kRoundMs = 1'000;

}  // namespace

Followers::Followers(store::Engine& engine, std::function<void(const std::string&)> tell)
    : engine_(engine), tell_(std::move(tell)) {}

Followers::~Followers() {
  stop();
}

void Followers::serve(std::unique_ptr<Link> link, std::function<bool()> allowed) {
  base::MutexLock lock(mutex_);
  if (stopping_) return;
  reap();
  auto& shipper = shippers_.emplace_back(std::make_unique<Shipper>(*this, std::move(link), std::move(allowed)));
  try {
    start_keeper();
    shipper->start();
  } catch (const std::system_error&) {
    shippers_.pop_back();  // there is no thread to be had: it comes again
  }
}

Result<void> Followers::may_serve(const log::NodeId& node) const {
  if (!engine_.terms().whole(engine_.log().tail()))
    return fail(ErrorCode::kConflict, "this store is half a copy itself; follow " + engine_.terms().state().leader);
  base::MutexLock lock(mutex_);
  if (engine_.follows() && node == upstream_ && node != log::NodeId{})
    return fail(ErrorCode::kConflict, "this store follows the one that asks");
  return {};
}

void Followers::set_upstream(const log::NodeId& node) {
  base::MutexLock lock(mutex_);
  upstream_ = node;
}

// --- their keeper ---------------------------------------------------------------------------------

void Followers::start_keeper() {
  if (keeper_.joinable()) return;
  keeper_ = base::start_thread([this] { keep(); });
  engine_.log().set_written_listener([this] { nudge(); });
}

std::int64_t Followers::milliseconds_to_rest(std::uint64_t now_ns) const {
  std::int64_t rest = kRoundMs;
  for (const Waiter& waiter : waiters_) {
    if (waiter.wish.deadline_ns == 0) continue;
    const std::uint64_t left_ns = waiter.wish.deadline_ns - std::min(now_ns, waiter.wish.deadline_ns);
    rest = std::min(rest, static_cast<std::int64_t>((left_ns + kNsPerMs - 1) / kNsPerMs));
  }
  return std::max<std::int64_t>(rest, 1);
}

void Followers::keep() {
  base::enter_thread("stave-keep");
  for (;;) {
    {
      base::MutexLock lock(mutex_);
      if (!stopping_) wake_.wait_for_ms(mutex_, milliseconds_to_rest(engine_.clock().monotonic_ns()));
      if (stopping_) return;
      reap();
    }
    look_at_followers();
  }
}

// Those that are done have let go of the lock for good.
void Followers::reap() {
  std::erase_if(shippers_, [](const auto& shipper) { return shipper->done(); });
  std::erase_if(waiters_, [](const Waiter& waiter) { return waiter.whose.expired(); });
  const std::uint64_t now_ns = engine_.clock().monotonic_ns();
  std::erase_if(kept_, [&](const Kept& kept) { return !kept.connected && now_ns - kept.left_ns > kKeptNs; });
}

void Followers::stop() {
  std::list<std::unique_ptr<Shipper>> gone;
  std::thread keeper;
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    gone.swap(shippers_);
    keeper.swap(keeper_);
  }
  wake_.notify_all();
  for (const auto& shipper : gone) shipper->shut();
  gone.clear();
  if (keeper.joinable()) {
    keeper.join();
    engine_.log().set_written_listener(nullptr);
  }
  look_at_waiters();
  base::MutexLock lock(mutex_);
  kept_.clear();
}

Followers::Kept& Followers::kept_for(const log::NodeId& node, Lsn from) {
  for (Kept& kept : kept_) {
    if (kept.node != node || kept.connected) continue;
    kept.keep->move(from);
    return kept;
  }
  if (kept_.size() >= kKeptMax) std::erase_if(kept_, [](const Kept& kept) { return !kept.connected; });
  kept_.push_back({.node = node,
                   .keep = std::make_unique<store::Upkeep::Keep>(engine_.upkeep(), from),
                   .connected = false,
                   .left_ns = 0});
  return kept_.back();
}

// --- what they are told ----------------------------------------------------------------------------

void Followers::begin_to_wait(Link& link) {
  base::MutexLock lock(nudge_mutex_);
  resting_.push_back(&link);
}

void Followers::end_wait(Link& link) noexcept {
  base::MutexLock lock(nudge_mutex_);
  std::erase(resting_, &link);
}

void Followers::nudge() noexcept {
  base::MutexLock lock(nudge_mutex_);
  for (Link* const link : resting_) link->nudge();
  resting_.clear();
}

Result<void> Followers::hand_over(const log::NodeId& node, HandOver what) {
  base::MutexLock lock(mutex_);
  for (const auto& shipper : shippers_) {
    if (!shipper->streams || shipper->info_.node != node) continue;
    shipper->hand_over = std::move(what);
    nudge();
    return {};
  }
  return fail(ErrorCode::kNotFound, "the follower that was to lead is not connected any more");
}

bool Followers::keep_leading(const log::NodeId& node) {
  base::MutexLock lock(mutex_);
  bool any = false;
  for (const auto& shipper : shippers_)
    if (shipper->info_.node == node && std::exchange(shipper->hand_over, std::nullopt)) any = true;
  return any;
}

// --- what they say ---------------------------------------------------------------------------------

std::vector<FollowerInfo> Followers::list() const {
  base::MutexLock lock(mutex_);
  std::vector<FollowerInfo> all;
  for (const auto& shipper : shippers_)
    if (shipper->streams) all.push_back(shipper->info_);
  return all;
}

std::size_t Followers::count(Lsn lsn, bool durable) const {
  return static_cast<std::size_t>(std::ranges::count_if(shippers_, [&](const auto& shipper) {
    return shipper->streams && (durable ? shipper->info_.durable : shipper->info_.written) >= lsn;
  }));
}

std::size_t Followers::with_written(Lsn lsn) const {
  base::MutexLock lock(mutex_);
  return count(lsn, false);
}

std::size_t Followers::with_durable(Lsn lsn) const {
  base::MutexLock lock(mutex_);
  return count(lsn, true);
}

void Followers::look_at_followers() noexcept {
  // The furthest first, as many as anybody can wait for.
  std::array<Lsn, store::Replicas::kMost> ends{};
  std::size_t known = 0;
  {
    base::MutexLock lock(mutex_);
    const std::uint64_t now_ns = engine_.clock().monotonic_ns();
    const auto silence_ns = static_cast<std::uint64_t>(silence_ms_.load(std::memory_order_relaxed)) * kNsPerMs;
    std::uint32_t streaming = 0;
    std::uint32_t present = 0;
    for (const auto& shipper : shippers_) {
      if (!shipper->streams) continue;
      ++streaming;
      if (silence_ns == 0 || now_ns - shipper->info_.heard_ns <= silence_ns) ++present;
      Lsn end = shipper->info_.durable;
      for (std::size_t i = 0; i < known; ++i)
        if (end > ends[i]) std::swap(end, ends[i]);
      if (known < ends.size()) ends[known++] = end;
    }
    connected_.store(streaming, std::memory_order_relaxed);
    engine_.replicas().set_present(present);
  }
  engine_.replicas().acknowledge(std::span(ends).first(known));
  look_at_waiters();
}

bool Followers::over(const Wish& wish, std::uint64_t now_ns) const {
  return (wish.deadline_ns != 0 && now_ns >= wish.deadline_ns) || count(wish.lsn, wish.durable) >= wish.count;
}

void Followers::when(const Wish& wish, std::weak_ptr<void> whose, std::function<void()> then) {
  if (wish.durable) want_durable();
  {
    base::MutexLock lock(mutex_);
    if (!stopping_ && !over(wish, engine_.clock().monotonic_ns())) {
      try {
        start_keeper();
        waiters_.push_back({wish, std::move(whose), std::move(then)});
        waited_for_.store(true, std::memory_order_relaxed);
        wake_.notify_all();
        return;
      } catch (const std::system_error&) {
        // There is no thread to be had that would end the wait: it is over.
      }
    }
  }
  then();
}

void Followers::look_at_waiters() {
  if (!waited_for_.load(std::memory_order_relaxed)) return;
  std::list<Waiter> ended;
  {
    base::MutexLock lock(mutex_);
    const std::uint64_t now_ns = engine_.clock().monotonic_ns();
    for (auto at = waiters_.begin(); at != waiters_.end();) {
      const auto next = std::next(at);
      if (stopping_ || over(at->wish, now_ns)) ended.splice(ended.end(), waiters_, at);
      at = next;
    }
    waited_for_.store(!waiters_.empty(), std::memory_order_relaxed);
  }
  for (const Waiter& waiter : ended)
    if (!waiter.whose.expired()) waiter.then();
}

}  // namespace stave::replication
