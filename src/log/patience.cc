#include "log/patience.h"

#include "base/mutex.h"
#include "base/system_error.h"

namespace stave::log {

namespace {
constexpr int kTriesMax = 3'000;
constexpr std::int64_t kBetweenMs = 10;
}  // namespace

Result<void> Patience::run(base::FunctionRef<Result<void>()> call) const {
  for (int tries = 1;; ++tries) {
    auto done = call();
    if (done || tries == kTriesMax || !base::is_shortage(done.error())) return done;
    if (!waits_) continue;
    // Nobody notifies it.
    base::Mutex mutex;
    base::ConditionVariable never;
    const base::MutexLock lock(mutex);
    never.wait_for_ms(mutex, kBetweenMs);
  }
}

}  // namespace stave::log
