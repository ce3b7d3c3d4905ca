// Values of the store's own, which no command shows as keys: the libraries of functions, and who reads its changes
// (consumers.h).
//
// They lie in the database of the store's own beside the pages of collections (pages.h), under an identity that no
// collection ever gets: the log, images, cleaning, backups and restores know them as they know any page. Promises:
// FLUSHALL leaves them where they are. Must not know: what they are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/engine.h"
#include "store/pages.h"

namespace stave::store {

/// Identities of collections are addresses in the log, which begin behind these.
inline constexpr std::uint64_t kOwnIdentities = 4096;

/// The numbers are on disk for ever.
enum class OwnValue : std::uint8_t {
  kFunctions = 1,
  kConsumers = 2,
  kMasterPosition = 3,  ///< How far a store that mirrors a master has got (mirror.h).
};

/// Where it lies, for who writes it in a transaction with other things: as a page (ValueType::kPage).
class OwnKey {
 public:
  OwnKey(const keyspace::Keyspace& keyspace, OwnValue which) noexcept;
  [[nodiscard]] KeyRef ref() const noexcept { return {database_, key_.view()}; }

 private:
  PageKey key_;
  int database_;
};

/// nullopt: there is none. Errors: those of a read.
Result<std::optional<std::string>> read_own(Engine& engine, OwnValue which);
/// Whether there is any.
[[nodiscard]] bool has_own(Engine& engine);
/// Replaces it; empty: removes it. Returns what telling of it waits for.
Result<Pending> write_own(Engine& engine, OwnValue which, std::string_view value, Sync sync);

}  // namespace stave::store
