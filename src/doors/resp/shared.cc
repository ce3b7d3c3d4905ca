#include "doors/resp/shared.h"

#include <algorithm>

namespace stave::resp {

void Limits::take(const Settings& settings) noexcept {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  const auto bytes = [&](std::size_t id) { return static_cast<std::uint64_t>(settings.number(id)); };
  clients_max.store(settings.number(option_id("maxclients")), kRelaxed);
  idle_seconds.store(settings.number(option_id("timeout")), kRelaxed);
  keepalive_seconds.store(settings.number(option_id("tcp-keepalive")), kRelaxed);
  query_bytes_max.store(bytes(option_id("client-query-buffer-limit")), kRelaxed);
  output_hard_bytes.store(bytes(option_id("output-buffer-hard-limit")), kRelaxed);
  output_soft_bytes.store(bytes(option_id("output-buffer-soft-limit")), kRelaxed);
  output_soft_seconds.store(settings.number(option_id("output-buffer-soft-time")), kRelaxed);
}

void Counters::reset() noexcept {
  for (auto* counter : {&accepted, &rejected, &protocol_errors, &query_limit_closed, &output_limit_closed, &idle_closed,
                        &input_bytes, &output_bytes})
    counter->store(0, std::memory_order_relaxed);
}

std::uint64_t AuthBackoff::wait_until_ns(std::string_view host) const {
  base::MutexLock lock(mutex_);
  const auto found = hosts_.find(host);
  return found == hosts_.end() ? 0 : found->second.until_ns;
}

void AuthBackoff::failed(std::string_view host, std::uint64_t now_ns) {
  base::MutexLock lock(mutex_);
  if (hosts_.size() >= kHostsMax && hosts_.find(host) == hosts_.end()) {
    // Whoever waits no longer is forgotten first; somebody with so many addresses cannot be slowed down by address.
    std::erase_if(hosts_, [&](const auto& entry) { return entry.second.until_ns <= now_ns; });
    if (hosts_.size() >= kHostsMax) hosts_.erase(hosts_.begin());
  }
  Record& record = hosts_.try_emplace(std::string(host)).first->second;
  ++record.failures;
  if (record.failures < kFreeFailures) return;
  const int doublings = std::min(record.failures - kFreeFailures, 10);
  record.until_ns = now_ns + std::min(kFirstDelayNs << doublings, kDelayNsMax);
}

void AuthBackoff::succeeded(std::string_view host) {
  base::MutexLock lock(mutex_);
  const auto found = hosts_.find(host);
  if (found != hosts_.end()) hosts_.erase(found);
}

}  // namespace stave::resp
