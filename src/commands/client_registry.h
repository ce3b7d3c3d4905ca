// Who is connected: every session of an environment, by number. For CLIENT LIST, CLIENT KILL, INFO and the statistics.
//
// A session adds itself when it is made and leaves when it is destroyed; while one is being visited it cannot go.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>

#include "base/function_ref.h"
#include "base/mutex.h"

namespace stave::commands {

class Session;

class ClientRegistry {
 public:
  /// Returns the session's number; the first is 1, none is used twice.
  std::uint64_t add(Session& session);
  void remove(std::uint64_t id);
  /// Shows every session, oldest first, under the registry's lock: be quick, and do not destroy one.
  void visit(base::FunctionRef<void(Session&)> show);
  /// Shows one of them likewise; false: there is none of that number.
  bool with(std::uint64_t id, base::FunctionRef<void(Session&)> show);
  [[nodiscard]] std::size_t size() const;
  /// Sessions ever made.
  [[nodiscard]] std::uint64_t total() const noexcept { return total_.load(std::memory_order_relaxed); }
  void reset_total() noexcept { total_.store(0, std::memory_order_relaxed); }

 private:
  mutable base::Mutex mutex_;
  std::uint64_t last_id_ STAVE_GUARDED_BY(mutex_) = 0;
  std::map<std::uint64_t, Session*> sessions_ STAVE_GUARDED_BY(mutex_);
  std::atomic<std::uint64_t> total_{0};
};

}  // namespace stave::commands
