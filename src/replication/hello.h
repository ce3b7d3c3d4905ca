// How a follower and its leader find out where they agree, and what is to be done about it.
//
// Two logs are equal up to where their histories of terms part: a term's number and its leader's id together are one
// reign, and a reign writes one log. Promises: what is decided is right whatever either has gone through, as long as
// nobody writes the same term twice (store/terms.h). Must not know: connections, the engine.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "log/segment.h"
#include "stave/error.h"
#include "store/node_state.h"

namespace stave::replication {

inline constexpr std::size_t kHostBytesMax = 255;

/// What a follower has.
struct Hello {
  log::StoreId store_id{};  ///< Zeros: nothing yet.
  log::NodeId node{};
  Lsn end = kNoLsn;            ///< Of its log.
  std::uint64_t promised = 0;  ///< The greatest term that it has heard of.
  std::uint16_t port = 0;      ///< Where it listens, for people and clients; 0: nowhere.
  std::vector<store::Term> terms;
  std::vector<std::uint32_t> dictionaries;  ///< That it has.
  std::string host = {};  ///< Where it says to be served; empty: where it connects from. At most kHostBytesMax.
  [[nodiscard]] bool empty() const noexcept { return store_id == log::StoreId{}; }
};

enum class Answer : std::uint8_t {
  kStream = 1,  ///< The log follows, from its end on.
  kCut = 2,     ///< Its log has what the leader's has not: it is to end at `at`, and to come again.
  kCopy = 3,    ///< It has nothing: its log is to begin at `at`, and it is to come again.
  kAnew = 4,    ///< What it lacks is not there any more: it has to begin with nothing.
};

struct Welcome {
  Answer answer{};
  log::StoreId store_id{};
  log::NodeId leader{};
  /// kStream: where it goes on; kCut: where its log is to end; kCopy: where it is to begin; kAnew: up to where what it
  /// has was the leader's.
  Lsn at = kNoLsn;
  Lsn whole = kNoLsn;  ///< Of kCopy: before its log reaches as far it is no store.
  std::uint64_t term = 0;
  std::vector<store::Term> terms;
};

/// What a leader has, for `answer_to`.
struct Standing {
  log::StoreId store_id{};
  log::NodeId node{};
  Lsn first = kNoLsn;  ///< Where its log begins.
  Lsn end = kNoLsn;    ///< Up to where it is written.
  std::span<const store::Term> terms;
};

/// Up to where two logs are equal.
Lsn agreed(std::span<const store::Term> a, Lsn a_end, std::span<const store::Term> b, Lsn b_end) noexcept;

/// Errors: kConflict: the two are not of one store, or the follower has heard of a later term.
Result<Welcome> answer_to(const Hello& hello, const Standing& standing);

std::string encode(const Hello& hello);
std::string encode(const Welcome& welcome);
/// Errors: kCorrupt, kUnsupported.
Result<Hello> decode_hello(std::span<const std::byte> bytes);
Result<Welcome> decode_welcome(std::span<const std::byte> bytes);

}  // namespace stave::replication
