#include "commands/script/slow_scripts.h"

#include <algorithm>

#include "commands/errors.h"

namespace stave::commands::script {
namespace {

/// Nothing to do but to be done.
class Waiting final : public Errand {
 protected:
  void work() override {}
};

void add_sorted(Shards& shards, const Shards& more) {
  shards.insert(shards.end(), more.begin(), more.end());
  std::ranges::sort(shards);
  shards.erase(std::ranges::unique(shards).begin(), shards.end());
}

}  // namespace

const Slow* SlowScripts::owner(std::span<const keyspace::ShardId> shards, const Slow* but) const {
  const Slow* found = nullptr;
  for (const auto& slow : running_) {
    if (slow.get() == but) continue;
    const bool meets =
        std::ranges::any_of(shards, [&](keyspace::ShardId id) { return std::ranges::binary_search(slow->shards, id); });
    if (meets && (found == nullptr || slow->overdue)) found = slow.get();
  }
  return found;
}

SlowScripts::State SlowScripts::state_of(std::span<const keyspace::ShardId> shards) const {
  base::MutexLock lock(mutex_);
  const Slow* const slow = owner(shards, nullptr);
  if (slow == nullptr) return State::kFree;
  if (!slow->overdue) return State::kTaken;
  return slow->eval ? State::kOverdueEval : State::kOverdueFunction;
}

bool SlowScripts::enter(const std::shared_ptr<Slow>& slow, const Shards& shards) {
  base::MutexLock lock(mutex_);
  for (;;) {
    if (stopping_) return false;
    const Slow* const other = owner(shards, slow.get());
    if (other == nullptr) break;
    if (other->overdue || slow->killed.load(std::memory_order_relaxed)) return false;
    const std::uint64_t seen = changes_;
    while (changes_ == seen) changed_.wait(mutex_);
  }
  add_sorted(slow->shards, shards);
  if (std::ranges::find(running_, slow) == running_.end()) {
    running_.push_back(slow);
    flag_.fetch_add(1, std::memory_order_relaxed);
  }
  return true;
}

bool SlowScripts::extend(Slow& slow, const Shards& more) {
  base::MutexLock lock(mutex_);
  if (owner(more, &slow) != nullptr) return false;
  add_sorted(slow.shards, more);
  return true;
}

void SlowScripts::leave(const std::shared_ptr<Slow>& slow) {
  {
    base::MutexLock lock(mutex_);
    if (running_.remove(slow) == 0) return;
    flag_.fetch_sub(1, std::memory_order_relaxed);
  }
  tell();
}

void SlowScripts::set_overdue(Slow& slow) {
  {
    base::MutexLock lock(mutex_);
    slow.overdue = true;
  }
  tell();
}

bool SlowScripts::is_overdue(const Slow& slow) const {
  base::MutexLock lock(mutex_);
  return slow.overdue;
}

void SlowScripts::let_others_notice() {
  // For one who was kept from its processor for longer the script begins again (Run::look).
  constexpr std::int64_t kNoticeMs = 2;
  base::MutexLock lock(mutex_);
  static_cast<void>(changed_.wait_for_ms(mutex_, kNoticeMs));
}

bool SlowScripts::is_waiting(const Errand& errand) noexcept {
  return dynamic_cast<const Waiting*>(&errand) != nullptr;
}

void SlowScripts::tell() {
  std::vector<std::shared_ptr<Errand>> waiting;
  {
    base::MutexLock lock(mutex_);
    ++changes_;
    waiting.swap(waiting_);
    changed_.notify_all();
  }
  for (const auto& errand : waiting) errand->run();
}

std::shared_ptr<Errand> SlowScripts::errand() {
  auto errand = std::make_shared<Waiting>();
  {
    base::MutexLock lock(mutex_);
    if (!running_.empty()) {
      waiting_.push_back(errand);
      return errand;
    }
  }
  errand->run();
  return errand;
}

void SlowScripts::wait() {
  base::MutexLock lock(mutex_);
  const std::uint64_t seen = changes_;
  while (changes_ == seen && !running_.empty()) changed_.wait(mutex_);
}

Result<void> SlowScripts::kill(bool eval) {
  bool killed = false;
  const Slow* spared = nullptr;
  {
    base::MutexLock lock(mutex_);
    if (running_.empty()) return answer_error("NOTBUSY No scripts in execution right now.");
    for (const auto& slow : running_) {
      if (slow->wrote.load(std::memory_order_relaxed) || slow->eval != eval) {
        spared = slow.get();
        continue;
      }
      slow->killed.store(true, std::memory_order_relaxed);
      killed = true;
    }
    if (!killed && spared->wrote.load(std::memory_order_relaxed))
      return answer_error(
          "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the "
          "script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.");
    if (!killed) return answer_error(std::string(spared->eval ? kBusyScript : kBusyFunction));
  }
  tell();
  return {};
}

std::optional<SlowScripts::Shown> SlowScripts::longest() const {
  base::MutexLock lock(mutex_);
  const Slow* found = nullptr;
  for (const auto& slow : running_)
    if (found == nullptr || slow->started_ns < found->started_ns) found = slow.get();
  if (found == nullptr) return std::nullopt;
  return Shown{found->name, found->call, found->started_ns, found->eval};
}

void SlowScripts::stop() {
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    for (const auto& slow : running_) slow->killed.store(true, std::memory_order_relaxed);
  }
  tell();
}

}  // namespace stave::commands::script
