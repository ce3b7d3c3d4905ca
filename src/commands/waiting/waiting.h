// Calls that wait for a key to hold something: who they are, in which order, and how they are answered.
//
// Whoever commits a change of a key that somebody waits on answers those calls in the same transaction, at its end:
// the change and what the calls do are one batch in the log. Promises: first come, first served, on each key, over all
// threads; a call that waits costs no thread and no time; none is forgotten: a call that could not be tried in the
// transaction that made it possible is tried right after it. Must not know: sockets, what a call does.
// Order of locks: shards, then this one's, then a bell's.
#pragma once

#include <atomic>
#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>

#include "base/mutex.h"
#include "commands/waiting/waiter.h"
#include "store/change_watch.h"
#include "store/engine.h"

namespace stave::commands {

class Waiting final : public store::ChangeHandler {
 public:
  explicit Waiting(Environment& environment);
  /// When no call waits any more, and nobody changes anything.
  ~Waiting() override;
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

  /// From now on the session's call waits on `keys`, whose shards the caller has locked and which hold nothing for it.
  /// Keys that are named twice are waited on once. Null: there is no memory.
  std::shared_ptr<Waiter> add(Session& session, Arguments arguments, std::span<const store::KeyRef> keys,
                              const WaitTerms& terms) noexcept STAVE_EXCLUDES(mutex_);
  /// The wait ends like that, now or, if somebody is answering it, unless that succeeds.
  void end(Waiter& waiter, WaitEnd how) noexcept STAVE_EXCLUDES(mutex_);
  /// The session goes.
  void leave(Waiter& waiter) noexcept STAVE_EXCLUDES(mutex_);
  /// As `end`, of that client's call. False: it does not wait.
  bool end_of(std::uint64_t client, WaitEnd how) noexcept STAVE_EXCLUDES(mutex_);
  /// Waits in place until it has ended, or its time is up.
  void wait_here(Waiter& waiter) noexcept STAVE_EXCLUDES(mutex_);
  /// Whole databases were changed: whoever waits on their keys is tried. No shard is held.
  void look_again(int first, int last) noexcept STAVE_EXCLUDES(mutex_);

  /// A key whose shard is locked has left by itself: whoever waits on it is tried after the next `after_commit`.
  void key_left(store::KeyRef key) noexcept STAVE_EXCLUDES(mutex_) { try_line_later(key); }

  /// How many calls wait, and on how many different keys.
  [[nodiscard]] std::size_t calls() const noexcept { return calls_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t keys() const noexcept STAVE_EXCLUDES(mutex_);
  /// On how many of these somebody waits who is answered when the key is gone. O(keys).
  [[nodiscard]] std::size_t keys_that_may_go() const noexcept STAVE_EXCLUDES(mutex_);
  /// How many of them do so for a limited time.
  [[nodiscard]] std::size_t calls_with_deadline() const noexcept {
    return with_deadline_.load(std::memory_order_relaxed);
  }

  std::unique_ptr<store::Sequel> before_commit(store::Transaction& transaction) noexcept override
      STAVE_EXCLUDES(mutex_);
  void after_commit() noexcept override STAVE_EXCLUDES(mutex_);

 private:
  class Round;
  friend class Round;
  using Line = Waiter::Line;
  using Place = Waiter::Place;
  struct LineKey {
    int database = 0;
    std::string key;
  };
  struct LineHash {
    using is_transparent = void;
    std::size_t operator()(const LineKey& of) const noexcept { return std::hash<std::string_view>{}(of.key); }
    std::size_t operator()(const store::KeyRef& of) const noexcept { return std::hash<std::string_view>{}(of.key); }
  };
  struct LineEqual {
    using is_transparent = void;
    static store::KeyRef ref(const LineKey& of) noexcept { return {of.database, of.key}; }
    static store::KeyRef ref(const store::KeyRef& of) noexcept { return of; }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const noexcept {
      return ref(a).database == ref(b).database && ref(a).key == ref(b).key;
    }
  };
  struct IdOf {
    using type = std::uint64_t;
    type operator()(const Waiter& waiter) const noexcept { return waiter.client_; }
  };
  using ById = boost::intrusive::set<Waiter, boost::intrusive::member_hook<Waiter, Waiter::ById, &Waiter::by_id_>,
                                     boost::intrusive::key_of_value<IdOf>>;
  using Late = boost::intrusive::list<Waiter, boost::intrusive::member_hook<Waiter, Waiter::InLate, &Waiter::late_>>;

  void stand_in_line(Waiter& waiter, std::span<const store::KeyRef> keys) STAVE_REQUIRES(mutex_);
  void unlink(Waiter& waiter) noexcept STAVE_REQUIRES(mutex_);
  void finish(Waiter& waiter, WaitEnd how) noexcept STAVE_REQUIRES(mutex_);
  /// Nobody is answering it any more.
  void let_go(Waiter& waiter) noexcept STAVE_REQUIRES(mutex_);
  void try_later(Waiter& waiter) noexcept STAVE_REQUIRES(mutex_);
  /// The next in the key's line behind `after` (null: from its head on) that fits what the key holds and nobody else
  /// answers, claimed; null: there is none.
  std::shared_ptr<Waiter> claim(store::KeyRef key, const std::optional<store::ValueType>& holds, const Waiter* after)
      STAVE_EXCLUDES(mutex_);
  /// The first in the key's line is tried after the commit.
  void try_line_later(store::KeyRef key) noexcept STAVE_EXCLUDES(mutex_);
  void try_now(const std::shared_ptr<Waiter>& waiter) noexcept STAVE_EXCLUDES(mutex_);

  Environment& environment_;
  std::atomic<std::size_t> calls_{0};
  std::atomic<std::size_t> with_deadline_{0};
  std::atomic<bool> any_late_{false};
  mutable base::Mutex mutex_;
  std::unordered_map<LineKey, Line, LineHash, LineEqual> lines_ STAVE_GUARDED_BY(mutex_);
  ById by_id_ STAVE_GUARDED_BY(mutex_);
  Late late_ STAVE_GUARDED_BY(mutex_);
};

}  // namespace stave::commands
