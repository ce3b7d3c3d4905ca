#include "commands/client_registry.h"

#include "base/assert.h"

namespace stave::commands {

std::uint64_t ClientRegistry::add(Session& session) {
  base::MutexLock lock(mutex_);
  const bool added = sessions_.emplace(++last_id_, &session).second;
  STAVE_ASSERT(added);
  total_.fetch_add(1, std::memory_order_relaxed);
  return last_id_;
}

void ClientRegistry::remove(std::uint64_t id) {
  base::MutexLock lock(mutex_);
  const std::size_t removed = sessions_.erase(id);
  STAVE_ASSERT(removed == 1);
}

void ClientRegistry::visit(base::FunctionRef<void(Session&)> show) {
  base::MutexLock lock(mutex_);
  for (const auto& [id, session] : sessions_) show(*session);
}

bool ClientRegistry::with(std::uint64_t id, base::FunctionRef<void(Session&)> show) {
  base::MutexLock lock(mutex_);
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return false;
  show(*found->second);
  return true;
}

std::size_t ClientRegistry::size() const {
  base::MutexLock lock(mutex_);
  return sessions_.size();
}

}  // namespace stave::commands
