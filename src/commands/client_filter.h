// Which connections CLIENT LIST and CLIENT KILL are about.
//
// Source: Redis 7.2's filters, and of Valkey 8.1 that both take all of them, ID several numbers, and MAXAGE.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string_view>

#include "commands/call.h"

namespace stave::commands {

/// Of which type clients are asked for. Replicas there are none.
enum class ClientType : std::uint8_t { kAny, kNormal, kPubSub, kNone };

struct ClientFilter {
  std::set<std::uint64_t> ids;  ///< Empty: any.
  std::optional<std::string_view> address;
  std::optional<std::string_view> local_address;
  std::optional<std::string_view> user;
  std::optional<std::uint64_t> age_seconds;  ///< At least.
  ClientType type = ClientType::kAny;
  bool skip_me = false;

  /// `now_ns`: on the monotonic clock. The caller is not looked at.
  [[nodiscard]] bool passes(const ClientInfo& client, std::uint64_t now_ns) const noexcept;
};

/// Reads filters from argument 2 on. `skip_me`: what holds when nothing is said. Errors: as Redis spells them.
Result<ClientFilter> client_filter(Call& call, bool skip_me);

}  // namespace stave::commands
