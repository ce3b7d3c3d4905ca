// Keyspace notifications: what happened to keys, told on channels named after them (notify-keyspace-events).
//
// Promises: an event is told after what it tells of is as safe as the store's policy says; the events of one key come
// in the order of its changes, those of one client in the order of its commands; what was undone is not told. While
// nothing is to be told nobody pays: transactions note nothing (store/change_notes.h). Must not know: sockets; which
// command causes which event (event_rules.h).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "commands/resolve.h"
#include "store/change_notes.h"
#include "store/engine.h"
#include "store/transaction.h"

namespace stave::commands {

class Environment;
class Session;

/// Which events are told, and where; bits of one number.
enum EventClass : std::uint32_t {
  kOnKeyChannels = 1 << 0,    ///< K: "__keyspace@0__:key" is told the event.
  kOnEventChannels = 1 << 1,  ///< E: "__keyevent@0__:event" is told the key.
  kGenericEvents = 1 << 2,    ///< g
  kStringEvents = 1 << 3,     ///< $
  kListEvents = 1 << 4,       ///< l
  kSetEvents = 1 << 5,        ///< s
  kHashEvents = 1 << 6,       ///< h
  kSortedSetEvents = 1 << 7,  ///< z
  kExpiredEvents = 1 << 8,    ///< x
  kEvictedEvents = 1 << 9,    ///< e
  kStreamEvents = 1 << 10,    ///< t
  kModuleEvents = 1 << 11,    ///< d: types that Redis has in modules.
  kMissEvents = 1 << 12,      ///< m
  kNewEvents = 1 << 13,       ///< n
};

/// nullopt: a letter means nothing.
std::optional<std::uint32_t> parse_event_classes(std::string_view letters) noexcept;
/// As Redis prints them: A for all but m and n.
std::string event_letters(std::uint32_t classes);

struct Event {
  EventClass of = kGenericEvents;
  std::string_view name;  ///< Static storage.
  store::KeyRef key;
};

class Notices;

/// A call that did something. `remarks`: what its handler said besides (event_rules.h).
struct CallFacts {
  const Command& row;
  Arguments arguments;
  int database = 0;
  std::uint64_t client = 0;
  std::uint8_t remarks = 0;
};

/// What one transaction will tell. Only `Notices` makes them, so what a transaction's `notes()` are is this.
class Notes final : public store::ChangeNotes {
 public:
  explicit Notes(Notices& notices) noexcept : notices_(notices) {}
  bool note(const store::KeyChange& change) noexcept override;
  void forget() noexcept override;
  void logged(const store::Pending& pending) noexcept override;

  /// What was noted since the last time was done by this call. Throws std::bad_alloc.
  void explain(store::Transaction& transaction, const CallFacts& call);
  /// It was done by nobody who said what it was. Throws std::bad_alloc.
  void explain();
  void add(const Event& event) { events_.push_back(event); }
  /// Whether anything was noted since then.
  [[nodiscard]] bool has_changes() const noexcept { return !changes_.empty(); }

 private:
  Notices& notices_;
  void note_touched(std::uint64_t client);

  std::vector<store::KeyChange> changes_;  ///< Not explained yet.
  std::vector<Event> events_;
  std::vector<std::pair<store::KeyRef, std::uint64_t>> touched_;  ///< For who tracks keys: which, and by whom.
};

/// Says in the transaction, if it notes anything, that what it did since the last time was the session's call.
void explain_call(store::Transaction& transaction, Session& session, Arguments arguments);
void explain_call(store::Transaction& transaction, Session& session, const Command& row, Arguments arguments);
/// The same of another call, which was answered in it.
void explain_call(store::Transaction& transaction, const CallFacts& call);

/// Threads: any.
class Notices final : public store::ChangeListener {
 public:
  explicit Notices(Environment& environment);
  ~Notices() override;
  Notices(const Notices&) = delete;
  Notices& operator=(const Notices&) = delete;

  void set_classes(std::uint32_t classes) noexcept;
  /// Whether changes are to be noted may have changed.
  void look_who_listens() noexcept STAVE_EXCLUDES(mutex_);
  [[nodiscard]] std::uint32_t classes() const noexcept { return classes_.load(std::memory_order_relaxed); }
  /// Whether anything is told of changes.
  [[nodiscard]] bool on() const noexcept { return noting_.load(); }
  /// The session's call has been run: tells what does not follow from what it changed, that it missed keys, or did
  /// something to one which stayed as it was.
  void tell_rest(Session& session, const Command& row, Arguments arguments, bool explained);
  void tell(const Event& event, const store::Pending& pending) noexcept;
  [[nodiscard]] Environment& environment() noexcept { return environment_; }

  std::unique_ptr<store::ChangeNotes> notes() override { return std::make_unique<Notes>(*this); }
  void left(store::KeyRef key, bool evicted, Lsn end) noexcept override;
  void after_leaving() noexcept override;

 private:
  void tell_if(Session& session, const Event& event, bool there);

  Environment& environment_;
  std::atomic<std::uint32_t> classes_{0};
  std::atomic<bool> noting_{false};
  base::Mutex mutex_;  ///< One at a time decides.
};

}  // namespace stave::commands
