#include "log/group_commit.h"

#include <algorithm>

namespace stave::log {

void GroupCommit::lead() {
  leading_ = true;
  ++round_;
  const std::uint64_t target = target_ = hooks_.complete(wanted_);
  mutex_.unlock();
  hooks_.flush(target);
  mutex_.lock();
  leading_ = false;
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
