// Slows down the guessing of passwords: after some failures the next attempts from that address wait, ever longer.
//
// Promises: nobody is locked out for good, one success forgives, no thread waits; memory is bounded. One table for all
// doors, so that going from one to another gains nothing. Must not know: passwords.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/mutex.h"

namespace stave::commands {

/// `host`: an address without its port. Times are of the monotonic clock. Threads: any.
class AuthBackoff {
 public:
  /// When the next attempt from `host` may be looked at; 0 or the past: now.
  [[nodiscard]] std::uint64_t wait_until_ns(std::string_view host) const STAVE_EXCLUDES(mutex_);
  /// Whether somebody should be told: at most once in ten seconds for each host.
  bool failed(std::string_view host, std::uint64_t now_ns) STAVE_EXCLUDES(mutex_);
  void succeeded(std::string_view host) STAVE_EXCLUDES(mutex_);
  [[nodiscard]] std::size_t hosts() const STAVE_EXCLUDES(mutex_);

  static constexpr std::size_t kHostsMax = 4096;

 private:
  static constexpr int kFreeFailures = 3;
  static constexpr std::uint64_t kFirstDelayNs = 100'000'000;
  static constexpr std::uint64_t kDelayNsMax = 10'000'000'000;
  /// Who has not failed for so long begins anew.
  static constexpr std::uint64_t kMemoryNs = 600'000'000'000;
  static constexpr std::uint64_t kTellEveryNs = 10'000'000'000;
  struct Record {
    int failures = 0;
    std::uint64_t failed_ns = 0;
    std::uint64_t until_ns = 0;
    std::uint64_t told_ns = 0;
  };
  mutable base::Mutex mutex_;
  std::map<std::string, Record, std::less<>> hosts_ STAVE_GUARDED_BY(mutex_);
};

/// "1.2.3.4" of "1.2.3.4:5678", "[::1]" of "[::1]:5678".
constexpr std::string_view host_of(std::string_view address) noexcept {
  return address.substr(0, address.rfind(':'));
}

}  // namespace stave::commands
