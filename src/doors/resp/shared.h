// What the threads of one server share: the store, the limits that CONFIG SET can move, the counters.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/descriptor_budget.h"
#include "commands/environment.h"
#include "doors/resp/parser.h"
#include "doors/resp/settings.h"
#include "doors/tls/context.h"

namespace spdlog {
class logger;
}

namespace stave::resp {

/// How much a client may leave unread.
struct OutputLimits {
  std::atomic<std::uint64_t> hard_bytes{0};
  std::atomic<std::uint64_t> soft_bytes{0};
  std::atomic<std::int64_t> soft_seconds{0};
};

/// The live options the threads look at. Written by CONFIG SET, read relaxed.
struct Limits {
  std::atomic<std::int64_t> clients_max{0};
  std::atomic<std::int64_t> idle_seconds{0};
  std::atomic<std::int64_t> keepalive_seconds{0};
  std::atomic<std::uint64_t> query_bytes_max{0};
  OutputLimits replies;
  OutputLimits messages;  ///< Of who listens to channels.
  std::atomic<bool> certificate_names_user{false};
  std::atomic<std::uint64_t> clients_bytes_max{0};  ///< Of all connections together; 0: no limit.
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
  std::atomic<std::uint64_t> evicted{0};  ///< For maxmemory-clients.
  std::atomic<std::uint64_t> input_bytes{0};
  std::atomic<std::uint64_t> output_bytes{0};

  void reset() noexcept;
};

struct Shared {
  store::Engine& engine;
  commands::Environment& environment;
  spdlog::logger& log;
  const Limits& limits;
  Counters& counters;
  base::DescriptorBudget& descriptors;  ///< Of all doors. A client has one.
  std::atomic<std::int64_t> clients{0};
  std::atomic<std::uint64_t> clients_bytes{0};  ///< As the clients show them.
  tls::ContextHolder* tls = nullptr;            ///< Of listeners that are secure.
};

}  // namespace stave::resp
