// What the commands of consumer groups share: finding a group, and how far behind the stream it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "commands/errors.h"
#include "commands/text.h"
#include "types/stream/stream.h"

namespace stave::commands {

inline std::unexpected<Error> no_group(std::string_view key, std::string_view group, std::string_view behind = {}) {
  return answer_error("NOGROUP No such key '" + quoted(key) + "' or consumer group '" + quoted(group) + "'" +
                      std::string(behind));
}
inline std::unexpected<Error> no_group_of_key(std::string_view key, std::string_view group) {
  return answer_error("NOGROUP No such consumer group '" + quoted(group) + "' for key name '" + quoted(key) + "'");
}

/// As Redis answers to options that a subcommand does not have.
inline std::unexpected<Error> subcommand_syntax_error(std::string_view container, std::string_view subcommand) {
  return answer_error("ERR unknown subcommand or wrong number of arguments for '" + quoted(subcommand) + "'. Try " +
                      std::string(container) + " HELP.");
}

/// Entries that were given back (XNACK) belong to the consumer of this name, until somebody takes them over: so every
/// form that a stream is kept and moved in holds them. A group has it when it is needed, and it is not told of unless
/// somebody reads by that name.
inline constexpr std::string_view kNobody;
/// It, of a group, if it is not to be told of.
std::optional<types::stream::Consumer> nobody_of(const types::stream::Reader& stream, types::stream::Number group);
/// Those that are told of.
std::uint64_t consumers_of(const types::stream::Reader& stream, types::stream::Number group);
void visit_consumers_of(const types::stream::Reader& stream, types::stream::Number group,
                        types::stream::Reader::VisitConsumer visit);
/// After another delivery: as many as can be answered.
constexpr std::uint64_t once_more(std::uint64_t deliveries) noexcept {
  constexpr std::uint64_t kMost = ~std::uint64_t{0} >> 1;
  return deliveries < kMost ? deliveries + 1 : kMost;
}

/// Whether an entry was deleted from `from` on; entries trimmed off do not count.
bool has_tombstones(const types::stream::Counters& counters, const types::stream::Id& from) noexcept;
/// How many entries there ever were up to `id`; nullopt: nobody can tell.
std::optional<std::uint64_t> entries_read_at(const types::stream::Reader& stream, const types::stream::Id& id);
/// How many entries the group has not been given; nullopt: nobody can tell. As Redis reckons it.
std::optional<std::int64_t> lag_of(const types::stream::Reader& stream, const types::stream::Group& group);

}  // namespace stave::commands
