#include "commands/errands.h"

#include <system_error>

#include "base/thread.h"

namespace stave::commands {

void Errand::run() {
  work();
  std::function<void()> then;
  {
    base::MutexLock lock(mutex_);
    done_ = true;
    then.swap(then_);
  }
  if (then) then();
}

bool Errand::done() const {
  base::MutexLock lock(mutex_);
  return done_;
}

void Errand::on_done(std::function<void()> then) {
  {
    base::MutexLock lock(mutex_);
    if (!done_) {
      then_ = std::move(then);
      return;
    }
  }
  then();
}

void Errands::start(std::shared_ptr<Errand> errand) {
  {
    base::MutexLock lock(mutex_);
    if (!stopping_ && (idle_ > queue_.size() || threads_.size() >= kThreads || start_thread() || !threads_.empty())) {
      queue_.push_back(std::move(errand));
      wake_.notify_one();
      return;
    }
  }
  errand->run();
}

bool Errands::start_thread() try {
  threads_.emplace_back([this] { run(); });
  return true;
} catch (const std::system_error&) {
  return false;
}

bool Errands::busy() const {
  base::MutexLock lock(mutex_);
  return !queue_.empty() || idle_ != threads_.size();
}

void Errands::run() {
  base::enter_thread("stave-errand");
  for (;;) {
    std::shared_ptr<Errand> errand;
    {
      base::MutexLock lock(mutex_);
      ++idle_;
      while (queue_.empty() && !stopping_) wake_.wait(mutex_);
      --idle_;
      if (queue_.empty()) return;
      errand = std::move(queue_.front());
      queue_.pop_front();
    }
    errand->run();
  }
}

void Errands::stop() {
  std::vector<std::thread> threads;
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace stave::commands
