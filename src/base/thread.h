// What every thread of ours does first: take a name, so that `top -H` and a core dump say who is who, leave signals
// alone, and stand back when nobody waits for it.
#pragma once

#include <cstdint>
#include <string_view>

namespace stave::base {

enum class Priority : std::uint8_t {
  kNormal,
  /// For long work: when processors are short, threads that somebody waits for come first. Not so far back that it
  /// starves, or that who meets it in a critical section waits long for it.
  kBackground,
};

/// Names the calling thread (the system keeps the first 15 bytes) and blocks all signals in it: they belong to the
/// program's own threads, whose waiting they are meant to end. A thread inherits the priority of the one that starts
/// it, and may not be allowed to rise again: so background threads start none.
void enter_thread(std::string_view name, Priority priority = Priority::kNormal) noexcept;

}  // namespace stave::base
