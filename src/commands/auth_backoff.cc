#include "commands/auth_backoff.h"

#include <algorithm>

#include "base/assert.h"

namespace stave::commands {

std::uint64_t AuthBackoff::wait_until_ns(std::string_view host) const {
  base::MutexLock lock(mutex_);
  const auto found = hosts_.find(host);
  return found == hosts_.end() ? 0 : found->second.until_ns;
}

bool AuthBackoff::failed(std::string_view host, std::uint64_t now_ns) {
  base::MutexLock lock(mutex_);
  if (hosts_.size() >= kHostsMax && hosts_.find(host) == hosts_.end()) {
    // Whoever waits no longer is forgotten first; somebody with so many addresses cannot be slowed down by address.
    std::erase_if(hosts_, [&](const auto& entry) { return entry.second.until_ns <= now_ns; });
    if (hosts_.size() >= kHostsMax) hosts_.erase(hosts_.begin());
  }
  Record& record = hosts_.try_emplace(std::string(host)).first->second;
  if (now_ns - record.failed_ns > kMemoryNs) record.failures = 0;
  record.failed_ns = now_ns;
  ++record.failures;
  STAVE_ASSERT(record.failures > 0 && hosts_.size() <= kHostsMax);
  const bool tell = record.told_ns == 0 || now_ns - record.told_ns >= kTellEveryNs;
  if (tell) record.told_ns = now_ns;
  if (record.failures < kFreeFailures) return tell;
  const int doublings = std::min(record.failures - kFreeFailures, 10);
  static_assert(kFirstDelayNs << 10 > kDelayNsMax && kFirstDelayNs << 10 >> 10 == kFirstDelayNs);
  record.until_ns = now_ns + std::min(kFirstDelayNs << doublings, kDelayNsMax);
  return tell;
}

void AuthBackoff::succeeded(std::string_view host) {
  base::MutexLock lock(mutex_);
  const auto found = hosts_.find(host);
  if (found != hosts_.end()) hosts_.erase(found);
}

std::size_t AuthBackoff::hosts() const {
  base::MutexLock lock(mutex_);
  return hosts_.size();
}

}  // namespace stave::commands
