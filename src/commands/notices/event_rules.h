// Which events a call causes, by what it did to keys: the names are Redis', command by command.
//
// Must not know: who is told.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "commands/notices/notices.h"

namespace stave::commands {

/// What a handler says of its call besides, in its session's `remarks`.
enum Remark : std::uint8_t {
  kTrimmed = 1 << 0,      ///< A stream to which an entry was added lost others.
  kNewConsumer = 1 << 1,  ///< It was met for the first time, and noted.
  kExplained = 1 << 7,    ///< What the call changed was said already; not a handler's.
};

/// A call that was run, and what it changed.
struct Explained {
  store::Transaction& transaction;
  const CallFacts& call;
  std::span<const store::KeyChange> changes;
};

/// Throws std::bad_alloc.
void add_events(const Explained& call, std::vector<Event>& events);
/// What a call that left its key as it was causes all the same, if the key is there. Throws std::bad_alloc.
[[nodiscard]] std::optional<Event> unchanged_event(const Command& row, Arguments arguments, int database);
/// Of changes by somebody who is no command. Throws std::bad_alloc.
void add_plain_events(std::span<const store::KeyChange> changes, std::vector<Event>& events);
/// Whether such a call that finds a key missing says so.
[[nodiscard]] bool tells_of_misses(const Command& row, Arguments arguments) noexcept;

}  // namespace stave::commands
