// Entries that their producers name, so that one that is sent again is not added twice.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "types/stream/stream.h"

namespace stave::commands {

/// Who sends an entry, and what it calls it.
struct Named {
  std::string_view producer;
  std::string name;
};

/// The id that an entry of that name got, if that is known at `now_ms`; it is counted as sent again, then.
std::optional<types::stream::Id> find_sent(types::stream::Editor& stream, const Named& named, std::int64_t now_ms);
/// Notes the name of the entry that was added last, which nothing known has, and forgets what is too old or too much.
/// Cost: what is forgotten, a few of another producer's among them, so that nobody's stay for ever.
void note_sent(types::stream::Editor& stream, const Named& named, const types::stream::Id& id, std::int64_t now_ms);
/// Forgets all that was sent.
void forget_sent(types::stream::Editor& stream);

/// What is known of how many producers.
struct Tracked {
  std::uint64_t producers = 0;
  std::uint64_t entries = 0;
};
Tracked tracked(const types::stream::Reader& stream, const types::stream::Idempotence& how, std::int64_t now_ms);

}  // namespace stave::commands
