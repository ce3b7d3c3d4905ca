#include "commands/call.h"

#include <algorithm>

#include "base/try.h"

namespace stave::commands {

void Call::wait_for_write(const store::Pending& pending) noexcept {
  session_.wait_for(pending);
  session_.last_write = std::max({session_.last_write, pending.durable, pending.written});
}

Result<void> Call::commit(store::Transaction& transaction) {
  const bool changed = transaction.changed();
  STAVE_ASSIGN(const store::Pending pending, transaction.commit(session_.sync()));
  if (changed) {
    wait_for_write(pending);
  } else {
    session_.wait_for(pending);
  }
  return {};
}

void Call::start_watch() noexcept {
  if (watch_started_ns_ == 0) watch_started_ns_ = engine().clock().monotonic_ns();
}

}  // namespace stave::commands
