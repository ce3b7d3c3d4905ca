// What the threads of the HTTP door share: the store once it is open, the configuration, whether the door is serving,
// and counters. Threads: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/descriptor_budget.h"
#include "commands/environment.h"
#include "doors/http/config.h"
#include "stave/clock.h"

namespace spdlog {
class logger;
}

namespace stave::http {

/// Since the start.
struct Counters {
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> rejected{0};
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> refused_requests{0};  ///< Answered with 4xx.
  std::atomic<std::uint64_t> failed_requests{0};   ///< Answered with 5xx.
  std::atomic<std::uint64_t> timed_out{0};
  std::atomic<std::uint64_t> input_bytes{0};
  std::atomic<std::uint64_t> output_bytes{0};
};

enum class Serving : std::uint8_t { kRecovering, kServing, kStopping };

struct Hub {
  Hub(const Config& config_given, base::DescriptorBudget& descriptors_given, Clock& clock_given,
      spdlog::logger& log_given)
      : config(config_given), descriptors(descriptors_given), clock(clock_given), log(log_given) {}

  const Config config;
  base::DescriptorBudget& descriptors;  ///< Of all doors. A connection has one.
  Clock& clock;
  spdlog::logger& log;
  /// Receives whole lines of the access log. Set before the threads start. Threads: any.
  std::function<void(std::string_view lines)> access_log;
  std::atomic<commands::Environment*> environment{nullptr};  ///< Null while recovering.
  std::atomic<Serving> serving{Serving::kRecovering};
  std::atomic<std::int64_t> connections{0};
  /// Bytes of request bodies being received, as announced or as came.
  std::atomic<std::uint64_t> body_bytes{0};
  Counters counters;
};

}  // namespace stave::http
