// The command table: one constexpr row per command. Dispatch, COMMAND, COMMAND DOCS, the shell's completion and the
// reference in docs all read the same rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stave/error.h"

namespace stave::commands {

class Call;
using Handler = Result<void> (*)(Call&);

/// Number of arguments, the command's name included.
struct Arity {
  int least = 1;
  int most = -1;  ///< -1: no limit.
};
constexpr Arity exactly(int n) {
  return {n, n};
}
constexpr Arity at_least(int n) {
  return {n, -1};
}
constexpr Arity between(int a, int b) {
  return {a, b};
}

/// Which arguments are keys: first, last (negative: from the end), step; all zero: none. Behind them, when `count_at`
/// is not 0, argument `count_at` says how many keys follow it ("numkeys"), each the first of `count_step` arguments.
/// Or, when `word_from` is not 0, the first half of what follows the first STREAMS from that argument on.
struct Keys {
  int first = 0;
  int last = 0;
  int step = 0;
  int count_at = 0;
  int count_step = 1;
  int word_from = 0;
  [[nodiscard]] constexpr bool none() const noexcept { return step == 0 && count_at == 0 && word_from == 0; }
};
constexpr Keys no_keys() {
  return {};
}
constexpr Keys key_at(int i) {
  return {i, i, 1};
}
constexpr Keys keys_from(int first, int last, int step) {
  return {first, last, step};
}
/// "numkeys key [key ...]", the number in argument `i`.
constexpr Keys counted_keys_at(int i) {
  return {.count_at = i};
}
/// "numkeys key value [key value ...]", the number in argument `i`.
constexpr Keys counted_pairs_at(int i) {
  return {.count_at = i, .count_step = 2};
}
/// "STREAMS key [key ...] id [id ...]", the word in argument `i` or behind it.
constexpr Keys keys_of_streams(int i) {
  return {.word_from = i};
}
/// "destination numkeys key [key ...]", the destination in argument `i`.
constexpr Keys key_and_counted_keys_at(int i) {
  return {i, i, 1, i + 1};
}

/// Of which of its keys a command needs the value. It is fetched before the command runs when it is in the log only, by
/// doors whose threads must not wait; the command itself looks at no other (store::Access).
enum class Needs : std::uint8_t {
  kNothing,   ///< Whatever they hold: blind writes, and what asks about keys only.
  kFirstKey,  ///< The others are only written.
  kEveryKey,
  kOtherKeys,  ///< The first is only written.
};

enum CommandFlag : std::uint32_t {
  kReadOnly = 1 << 0,
  kWrite = 1 << 1,
  kGrows = 1 << 2,  ///< May need memory ("denyoom").
  kFast = 1 << 3,
  kAdmin = 1 << 4,
  kNoAuth = 1 << 5,  ///< Allowed before AUTH.
  kLoading = 1 << 6,
  kDangerous = 1 << 7,
  kBlocking = 1 << 8,
  kMovableKeys = 1 << 9,  ///< Positions of keys depend on the arguments, not only on their number.
  kNoScript = 1 << 10,
  kStale = 1 << 11,
  kKeyspace = 1 << 12,  ///< Works on keys whatever they hold: the access category "keyspace" besides that of its group.
  kSecret = 1 << 13,    ///< Arguments may be passwords: never shown in the slow log.
  kTogether = 1 << 14,  ///< May be one of several commands that are run as one (together.h).
  kAfterCommit =
      1 << 15,  ///< May be queued by MULTI, but has no part in the transaction: it is run once that has happened.
  kNotQueued =
      1 << 16,  ///< Is run at once although MULTI was called: what a transaction is ended with, and the session.
  kWholeDatabase = 1 << 17,  ///< Of kTogether: uses all keys of the session's database.
  kAllDatabases = 1 << 18,   ///< Of kTogether: uses all keys.
  kPubSub = 1 << 19,         ///< Is about channels.
  /// Takes as long as a fast one, though Redis does not call it so, and clients are not told. When it has much to do
  /// after all (a large value, many keys) it calls Call::start_watch.
  kBrief = 1 << 20,
};

struct Command {
  std::string_view name;  ///< Upper case; a subcommand's own name without its container.
  Arity arity;
  Keys keys;
  Needs needs = Needs::kEveryKey;
  /// When options decide: whether this call, whose arity fits, needs what `needs` says; else it needs nothing.
  bool (*needs_if)(std::span<const std::string_view> arguments) noexcept = nullptr;
  std::uint32_t flags = 0;
  std::string_view group;  ///< "string", "generic", "connection", "server".
  std::string_view since;
  std::string_view cost;    ///< "O(1)".
  std::string_view syntax;  ///< Arguments as for a person: "key value [NX | XX] [GET]".
  std::string_view help;    ///< One sentence.
  Handler run = nullptr;    ///< Null for a container whose work is in its subcommands.
  std::span<const Command> subcommands = {};
  std::string_view tips = {};  ///< Hints to clients and proxies, separated by spaces.
  /// What is done with the keys, when it does not follow from the flags: "OW update"; with the first key and with the
  /// others, when that differs: "OW update | RO access".
  std::string_view key_flags = {};
};

/// Whether a call of the row is timed only now and then, one in CallCounters::kSampling: reading the clock would cost
/// some of them a tenth of their time.
constexpr bool is_quick(const Command& row) noexcept {
  return (row.flags & (kFast | kBrief)) != 0;
}
/// All commands, sorted by name.
std::span<const Command> command_table() noexcept;
/// Case-insensitive; nullptr when unknown. Cost: one probe of a perfect or near-perfect hash.
const Command* find_command(std::string_view name) noexcept;
const Command* find_subcommand(const Command& container, std::string_view name) noexcept;
/// How many rows there are, subcommands included; and the number of one, below that.
std::size_t row_count() noexcept;
std::size_t row_index(const Command& row) noexcept;
/// The container of a subcommand's row; nullptr for a command's.
const Command* container_of(const Command& row) noexcept;
/// "get", "client|list".
std::string full_name(const Command& row);
/// The row a call runs, its subcommand's if it has one; nullptr when there is none.
const Command* find_row(std::span<const std::string_view> arguments) noexcept;
/// Whether so many arguments are allowed, the command's name included.
inline bool arity_fits(const Command& row, std::size_t arguments) noexcept {
  const auto count = static_cast<int>(arguments);
  return count >= row.arity.least && (row.arity.most == -1 || count <= row.arity.most);
}
/// How many keys `arguments`, whose number fits, count at the row's `count_at`; 0: that is no number, or fewer follow.
/// The `i`-th, from 0, is argument `counted_key_at`.
std::size_t counted_keys(const Command& row, std::span<const std::string_view> arguments) noexcept;
/// Which arguments are the keys of such a call: `count` from `first` on.
struct StreamKeys {
  std::size_t first = 0;
  std::size_t count = 0;
};
StreamKeys stream_keys(const Command& row, std::span<const std::string_view> arguments) noexcept;
constexpr std::size_t counted_key_at(const Keys& keys, std::size_t i) noexcept {
  return static_cast<std::size_t>(keys.count_at) + 1 + i * static_cast<std::size_t>(keys.count_step);
}
/// Positions of the keys among `arguments`; empty when there are none or the call is malformed.
std::vector<std::size_t> key_positions(const Command& row, std::span<const std::string_view> arguments);
/// Calls `visit` with each of them.
template <class Visit>
void visit_keys(const Command& row, std::span<const std::string_view> arguments, Visit&& visit) {
  const Keys& keys = row.keys;
  if (keys.none() || !arity_fits(row, arguments.size())) return;
  const auto size = static_cast<int>(arguments.size());
  const std::size_t counted = keys.count_at == 0 ? 0 : counted_keys(row, arguments);
  if (keys.count_at != 0 && counted == 0) return;
  const int last = keys.last < 0 ? size + keys.last : keys.last;
  if (keys.step != 0)
    for (int i = keys.first; i <= last && i < size; i += keys.step) visit(static_cast<std::size_t>(i));
  for (std::size_t i = 0; i < counted; ++i) visit(counted_key_at(keys, i));
  if (keys.word_from == 0) return;
  const StreamKeys found = stream_keys(row, arguments);
  for (std::size_t i = 0; i < found.count; ++i) visit(found.first + i);
}
/// Names of the row's access categories, without "@".
std::vector<std::string_view> access_categories(const Command& row);
/// Names of its flags, as COMMAND spells them.
std::vector<std::string_view> flag_names(const Command& row);

}  // namespace stave::commands
