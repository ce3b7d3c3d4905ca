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

/// Whether an entry was deleted from `from` on; entries trimmed off do not count.
bool has_tombstones(const types::stream::Counters& counters, const types::stream::Id& from) noexcept;
/// How many entries there ever were up to `id`; nullopt: nobody can tell.
std::optional<std::uint64_t> entries_read_at(const types::stream::Reader& stream, const types::stream::Id& id);
/// How many entries the group has not been given; nullopt: nobody can tell. As Redis reckons it.
std::optional<std::int64_t> lag_of(const types::stream::Reader& stream, const types::stream::Group& group);

}  // namespace stave::commands
