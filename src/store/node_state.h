// What a machine knows of its part in a group that shares one log: the file `NODE` beside the log (docs/format.md).
//
// Promises: what is saved is there whole after a crash, or what was there before; what cannot be read is refused and
// never taken for nothing. A store that was never part of a group has no such file. Must not know: connections, the
// engine.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "log/term.h"
#include "stave/error.h"
#include "stave/file_system.h"
#include "stave/units.h"

namespace stave::store {

inline constexpr std::string_view kNodeName = "NODE";

/// The reign of one leader, and where in the log it begins: at its term record.
struct Term {
  std::uint64_t number = 0;
  log::NodeId leader{};
  Lsn first = kNoLsn;
  friend bool operator==(const Term&, const Term&) = default;
};
/// Older ones are forgotten; who was away for so many begins anew.
inline constexpr std::size_t kTermsMax = 4096;

struct NodeState {
  log::NodeId id{};
  bool follows = false;
  std::string leader;          ///< "host:port" of whom it follows.
  std::string told;            ///< What the last start was told to follow, so that a start that is told the same again
                               ///< changes nothing about what was decided since.
  Lsn begins = kNoLsn;         ///< Where the log began when it was copied.
  Lsn whole = kNoLsn;          ///< Before the log reaches as far, it is half a copy and no store.
  std::uint64_t promised = 0;  ///< The greatest number of a term that it has heard of: lower ones are refused.
  std::vector<Term> terms;     ///< In the order of their numbers, which is that of their places.
  friend bool operator==(const NodeState&, const NodeState&) = default;
};

/// Lines of text; the last one is a checksum of those before.
std::string encode_node(const NodeState& state);
/// Errors: kCorrupt, kUnsupported (a later version).
Result<NodeState> decode_node(std::string_view text, const std::string& path);
/// nullopt: the store is part of no group. Errors: as above, kIo.
Result<std::optional<NodeState>> load_node(FileSystem& files, const std::string& directory);
Result<void> save_node(FileSystem& files, const std::string& directory, const NodeState& state);

/// 32 lower-case hex digits.
std::string hex_of(std::span<const std::byte, 16> id);
std::optional<log::NodeId> id_of_hex(std::string_view hex) noexcept;
/// A new one, random.
log::NodeId draw_node_id();

}  // namespace stave::store
