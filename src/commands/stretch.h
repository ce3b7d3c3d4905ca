// Calls of one pipeline, one behind the other, on one large collection: run as one.
//
// Each of them alone locks, opens the collection, logs the pages that it changed and the root, and closes it again;
// most of that is the same for all. So they share a transaction, and the collection stays open from the first to the
// last. Promises: they are answered as if each stood for itself, and nobody sees the collection between two of them;
// they are one batch in the log; if anything goes another way than nearly always (a call that fails half-way, a commit
// that fails, somebody who watches the key), all of it is undone, and they are to be run one by one. Must not know:
// sockets, how answers are written. Threads: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>

#include "base/function_ref.h"
#include "commands/errors.h"
#include "commands/resolve.h"
#include "commands/session.h"
#include "store/collection.h"

namespace stave::commands {

class Stretch {
 public:
  /// Locks the key, whose bytes stay. Throws std::bad_alloc.
  Stretch(Session& session, store::KeyRef key);
  /// Undoes what was not committed.
  ~Stretch();
  Stretch(const Stretch&) = delete;
  Stretch& operator=(const Stretch&) = delete;

  /// The collection, for look_at_one and change_one (one_collection.h); null: all of this is given up, and the call
  /// goes its usual way. Errors: WRONGTYPE.
  template <class Type>
  Result<store::Opened<Type>*> opened() {
    if (auto* const there = std::get_if<store::Opened<Type>>(&opened_)) [[likely]]
      return there;
    if (!std::holds_alternative<std::monostate>(opened_)) return wrong_type();
    return open<Type>();
  }
  /// The call has done what it does, which may have failed.
  template <class Type>
  Result<void> end_call(const store::Opened<Type>& opened, Result<void> done) {
    if (done) [[likely]]
      done = opened.whole();
    if (!done && (transaction_.changes() != changes_ || !opened.whole())) given_up_ = true;
    changes_ = transaction_.changes();
    // An empty one is none, and what is in one run again is looked at without a transaction.
    last_ = !opened.in_pages() || opened.reader().size() == 0 || changes_ > kChangesMax;
    return done;
  }
  /// The call looks at the store some other way.
  void give_up() noexcept;
  /// That in which the session's calls are run; null: there is none.
  [[nodiscard]] static Stretch* of(const Session& session) noexcept {
    return here != nullptr && &here->session_ == &session ? here : nullptr;
  }

  // For `run_stretch`.

  [[nodiscard]] bool begins() const noexcept;
  /// Also when something was changed that it does not know of.
  [[nodiscard]] bool given_up() const noexcept { return given_up_ || transaction_.changes() != changes_; }
  /// The next call is none of this.
  [[nodiscard]] bool over() const noexcept { return last_; }
  Result<store::Pending> commit();

 private:
  /// With so many changes made it ends, so that others get the key.
  static constexpr std::uint64_t kChangesMax = 1024;

  template <class Type>
  Result<store::Opened<Type>*> open() {
    const auto held = transaction_.find(key_, store::as_root(session_.read_access()));
    // To look at what lives on by being used puts its end off, each time anew.
    if (given_up_ || !held || held->type != Type::kType || !held->paged || !held->here ||
        held->expiry.sliding_ms != 0) {
      given_up_ = true;
      return nullptr;
    }
    STAVE_ASSIGN(auto opened, store::Opened<Type>::open(transaction_, &*held));
    return &opened_.emplace<store::Opened<Type>>(std::move(opened));
  }
  Result<void> keep();

  /// The one on this thread.
  static constinit thread_local Stretch* here;

  Session& session_;
  store::KeyRef key_;
  store::Transaction transaction_;
  std::variant<std::monostate, store::Opened<store::Hash>, store::Opened<store::List>, store::Opened<store::Set>,
               store::Opened<store::SortedSet>, store::Opened<store::Stream>>
      opened_;
  std::uint64_t changes_ = 0;  ///< Made by the calls so far.
  bool given_up_ = false;
  bool last_ = false;
};

/// Whether a call of this kind, in this session as it is now, may be one of several: of its first argument's key,
/// nothing else, and it goes through one_collection.h.
[[nodiscard]] bool may_stretch(Session& session, const Resolved& resolved) noexcept;
/// The same of a session, whatever its calls are.
[[nodiscard]] bool may_stretch(Session& session) noexcept;

/// What became of several calls.
struct RanStretch {
  std::size_t count = 0;  ///< So many were run, the first ones. 0: none, and what was answered is to be taken back.
  store::Pending pending = {};  ///< What each of their answers waits for.
};
/// `run(i)` dispatches the i-th of `count` calls, which `may_stretch`, all of this key, in the session's database;
/// false: its answer has no room.
RanStretch run_stretch(Session& session, store::KeyRef key, std::size_t count,
                       base::FunctionRef<bool(std::size_t)> run);

}  // namespace stave::commands
