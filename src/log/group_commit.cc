#include "log/group_commit.h"

#include <algorithm>
#include <thread>

namespace stave::log {

// Those whom the last round released will be back in a moment, each with its next write. A round that began without
// them would leave half of all writers waiting for the other half, for ever: twice the syncs, twice the wait.
void GroupCommit::gather() {
  for (int patience = 64; patience > 0 && 1 + waiting_[(round_ + 1) & 1].count < expected_; --patience) {
    mutex_.unlock();
    std::this_thread::yield();
    mutex_.lock();
  }
}

void GroupCommit::lead() {
  leading_ = true;
  gather();
  ++round_;
  const std::uint64_t target = target_ = hooks_.complete(wanted_);
  mutex_.unlock();
  hooks_.flush(target);
  mutex_.lock();
  leading_ = false;
  expected_ = 1 + waiting_[0].count + waiting_[1].count;
  waiting_[round_ & 1].condition.notify_all();
}

void GroupCommit::wait(std::uint64_t position) {
  base::MutexLock lock(mutex_);
  wanted_ = std::max(wanted_, position);
  while (!hooks_.settled(position)) {
    if (!leading_) {
      lead();
    } else {
      Waiting& waiting = waiting_[(position <= target_ ? round_ : round_ + 1) & 1];
      ++waiting.count;
      waiting.condition.wait(mutex_);
      --waiting.count;
    }
  }
  // Nobody leads: those who were not covered need one of theirs to do it.
  Waiting& next = waiting_[(round_ + 1) & 1];
  if (!leading_ && next.count > 0) next.condition.notify_one();
}

}  // namespace stave::log
