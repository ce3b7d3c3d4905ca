// What the threads of one server share: the store, the limits that CONFIG SET can move, the counters, the back-off.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "commands/environment.h"
#include "doors/resp/parser.h"
#include "doors/resp/settings.h"

namespace spdlog {
class logger;
}

namespace stave::resp {

/// The live options the threads look at. Written by CONFIG SET, read relaxed.
struct Limits {
  std::atomic<std::int64_t> clients_max{0};
  std::atomic<std::int64_t> idle_seconds{0};
  std::atomic<std::int64_t> keepalive_seconds{0};
  std::atomic<std::uint64_t> query_bytes_max{0};
  std::atomic<std::uint64_t> output_hard_bytes{0};
  std::atomic<std::uint64_t> output_soft_bytes{0};
  std::atomic<std::int64_t> output_soft_seconds{0};
  /// Set once, before the threads start.
  std::int64_t bulk_bytes_max = 0;

  void take(const Settings& settings) noexcept;
};

/// Since the start, or CONFIG RESETSTAT.
struct Counters {
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> rejected{0};
  std::atomic<std::uint64_t> protocol_errors{0};
  std::atomic<std::uint64_t> query_limit_closed{0};
  std::atomic<std::uint64_t> output_limit_closed{0};
  std::atomic<std::uint64_t> idle_closed{0};
  std::atomic<std::uint64_t> input_bytes{0};
  std::atomic<std::uint64_t> output_bytes{0};

  void reset() noexcept;
};

/// Slows down guessing of passwords: after some failures the next attempts from that address wait, ever longer.
/// Nobody is locked out, and no thread waits. Threads: any.
class AuthBackoff {
 public:
  /// When the next attempt from `host` may be looked at; 0 or the past: now.
  [[nodiscard]] std::uint64_t wait_until_ns(std::string_view host) const;
  void failed(std::string_view host, std::uint64_t now_ns);
  void succeeded(std::string_view host);

 private:
  static constexpr int kFreeFailures = 3;
  static constexpr std::uint64_t kFirstDelayNs = 100'000'000;
  static constexpr std::uint64_t kDelayNsMax = 10'000'000'000;
  static constexpr std::size_t kHostsMax = 4096;
  struct Record {
    int failures = 0;
    std::uint64_t until_ns = 0;
  };
  mutable base::Mutex mutex_;
  std::map<std::string, Record, std::less<>> hosts_ STAVE_GUARDED_BY(mutex_);
};

struct Shared {
  store::Engine& engine;
  commands::Environment& environment;
  spdlog::logger& log;
  const Limits& limits;
  Counters& counters;
  AuthBackoff backoff{};
  std::atomic<std::int64_t> clients{0};
};

}  // namespace stave::resp
