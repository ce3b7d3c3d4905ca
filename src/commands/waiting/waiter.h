// One call that waits: a copy of it, on which keys, and how the wait ended.
//
// Belongs to its session, and to whoever is answering it. What changes while it waits is guarded by the lock of
// `Waiting`; once `ended` says so, the rest is the session's thread's alone.
#pragma once

#include <atomic>
#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "commands/answer_tape.h"
#include "commands/queued_calls.h"
#include "commands/waiting/attempt.h"

namespace stave::commands {

class Bell;
class Session;
class Waiting;

enum class WaitEnd : std::uint8_t {
  kAnswered,
  kTimedOut,
  kUnblocked,  ///< By CLIENT UNBLOCK … ERROR.
};

class Waiter : public std::enable_shared_from_this<Waiter> {
 public:
  /// Whether the wait is over; once true it stays so. Threads: any.
  [[nodiscard]] bool ended() const noexcept { return ended_.load(std::memory_order_acquire); }
  /// When the wait is to end, on the monotonic clock; 0: never.
  [[nodiscard]] std::uint64_t deadline_ns() const noexcept { return deadline_ns_; }
  /// The same of the call, which may be tried again before.
  [[nodiscard]] std::uint64_t end_ns() const noexcept { return end_ns_; }
  [[nodiscard]] const WaitTerms& terms() const noexcept { return terms_; }

  // Once it has ended.

  [[nodiscard]] WaitEnd end() const noexcept { return end_; }
  [[nodiscard]] const AnswerTape& tape() const noexcept { return tape_; }
  /// What the answer waits for.
  [[nodiscard]] const store::Pending& pending() const noexcept { return pending_; }

  /// For `Waiting` only.
  Waiter(Session& session, const WaitTerms& terms, std::uint64_t now_ns);

 private:
  friend class Bell;
  friend class Waiting;

  struct Line;
  /// In the line of one key.
  struct Place : boost::intrusive::list_base_hook<> {
    Waiter* waiter = nullptr;
    Line* line = nullptr;
  };
  /// Those who wait on one key, the first to come first.
  struct Line {
    const int* database = nullptr;
    const std::string* key = nullptr;
    std::uint64_t hash = 0;
    std::size_t whatever_it_holds = 0;  ///< How many of them are tried again whatever the key holds.
    boost::intrusive::list<Place> places;
  };
  enum class State : std::uint8_t {
    kWaiting,
    kClaimed,  ///< Somebody tries to answer it, in a transaction that is not committed yet.
    kEnded,
  };
  using ById = boost::intrusive::set_member_hook<>;
  using InLate = boost::intrusive::list_member_hook<>;

  [[nodiscard]] bool fits(const std::optional<store::ValueType>& type) const noexcept {
    return terms_.whatever_it_holds || (type && *type == terms_.type);
  }

  const WaitTerms terms_;
  const std::uint64_t client_;
  const std::uint64_t deadline_ns_;
  const std::uint64_t end_ns_;
  const store::Access access_;
  const Sync sync_;
  const std::uint32_t replicas_;
  QueuedCalls call_;
  Session* session_;  ///< Null once that has gone, which only its own thread says.
  Bell* bell_;        ///< Null: a thread waits in place.
  std::vector<Place> places_;

  State state_ = State::kWaiting;
  bool missed_ = false;  ///< While it was claimed somebody else could have answered it.
  /// Wanted while it was claimed: how it is to end if it is not answered.
  std::optional<WaitEnd> wish_;
  ById by_id_;
  InLate late_;
  std::atomic<bool> ended_{false};
  WaitEnd end_ = WaitEnd::kAnswered;
  AnswerTape tape_;
  store::Pending pending_;
  std::shared_ptr<Waiter> next_ended_;  ///< Guarded by the bell's lock, then the drain's.
  base::ConditionVariable here_;        ///< For who waits in place.
};

}  // namespace stave::commands
