// How a thread of ours begins: with no signal let in, for they belong to the program's own threads; with a name, so that
// `top -H` and a core dump say who is who; and standing back when nobody waits for it.
#pragma once

#include <signal.h>

#include <cstdint>
#include <string_view>
#include <thread>
#include <utility>

namespace stave::base {

enum class Priority : std::uint8_t {
  kNormal,
  /// For long work: when processors are short, threads that somebody waits for come first. Not so far back that it
  /// starves, or that who meets it in a critical section waits long for it.
  kBackground,
};

/// Blocks all signals in the calling thread while it lives.
class SignalsHeld {
 public:
  SignalsHeld() noexcept;
  ~SignalsHeld();
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  sigset_t before_;
};

/// Starts a thread that never takes a signal: the mask is inherited, for a thread that set its own as its first step
/// could be handed one before that, whose handler then runs where nobody waits for it. Every thread of ours starts
/// here. Throws what std::thread does (std::system_error, std::bad_alloc).
template <class Body>
[[nodiscard]] std::thread start_thread(Body&& body) {
  const SignalsHeld held;
  return std::thread(std::forward<Body>(body));
}

/// Names the calling thread (the system keeps the first 15 bytes). A thread inherits the priority of the one that starts
/// it, and may not be allowed to rise again: so background threads start none.
void enter_thread(std::string_view name, Priority priority = Priority::kNormal) noexcept;

}  // namespace stave::base
