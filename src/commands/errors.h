// Errors as they are answered: the code words and sentences that clients know from Redis, each spelled once.
//
// A handler that refuses returns `answer_error` with the whole line; an error from the engine is put into words by
// `spell_error`. The only place where `WRONGTYPE` and its kin are spelled.
#pragma once

#include <string>
#include <string_view>

#include "stave/error.h"

namespace stave::commands {

/// An error whose message is the answer, code word included.
inline std::unexpected<Error> answer_error(std::string line) {
  return fail(ErrorCode::kInvalidArgument, std::move(line));
}

std::unexpected<Error> syntax_error();
std::unexpected<Error> not_an_integer();
std::unexpected<Error> not_a_float();
std::unexpected<Error> wrong_type();
std::unexpected<Error> no_such_key();
std::unexpected<Error> out_of_range_database();
/// `name`: the command's own, in lower case.
std::unexpected<Error> invalid_expire(std::string_view name);

/// What writers are told by a store that follows another one.
inline constexpr std::string_view kReadOnlyReplica = "READONLY You can't write against a read only replica.";
/// What they are told while fewer followers are there than a write is to reach.
inline constexpr std::string_view kNoReplicas = "NOREPLICAS Not enough good replicas to write.";
/// What is answered instead when followers did not say in time that they have it.
inline constexpr std::string_view kUnreplicated =
    "NOREPLICAS Followers did not say in time (min-replicas-timeout) that they have what this answer was about; it is "
    "in this server's log, and whether a failover would keep it is unknown.";

/// The line to answer for an error: its code word and sentence.
std::string spell_error(const Error& error);
/// Whether the text begins with a code word ("ERR ", "WRONGTYPE ", …).
bool has_code_word(std::string_view text) noexcept;

}  // namespace stave::commands
