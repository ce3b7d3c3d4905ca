#include "store/replicas.h"

#include <utility>

#include "base/assert.h"

namespace stave::store {

void Replicas::acknowledge(std::span<const Lsn> ends) {
  base::MutexLock lock(mutex_);
  bool news = false;
  for (std::size_t i = 0; i < std::min<std::size_t>(ends.size(), kMost); ++i) {
    STAVE_ASSERT(i == 0 || ends[i] <= ends[i - 1]);
    if (raw(ends[i]) <= ends_[i].load(std::memory_order_relaxed)) continue;
    ends_[i].store(raw(ends[i]), std::memory_order_release);
    news = true;
  }
  if (!news) return;
  news_.fetch_add(1, std::memory_order_release);
  for (const Listener& listener : listeners_) listener.call();
}

std::uint64_t Replicas::add_listener(std::function<void()> listener) {
  base::MutexLock lock(mutex_);
  listeners_.push_back({++last_handle_, std::move(listener)});
  return last_handle_;
}

void Replicas::remove_listener(std::uint64_t handle) {
  base::MutexLock lock(mutex_);
  std::erase_if(listeners_, [&](const Listener& listener) { return listener.handle == handle; });
}

}  // namespace stave::store
