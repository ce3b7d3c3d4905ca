#include "commands/notices/notices.h"

#include <new>

#include "base/assert.h"
#include "commands/channels.h"
#include "commands/client_registry.h"
#include "commands/environment.h"
#include "commands/notices/event_rules.h"
#include "commands/notices/tracking.h"
#include "commands/session.h"
#include "commands/table.h"
#include "commands/waiting/waiting.h"

namespace stave::commands {
namespace {

constexpr std::uint32_t kAllEvents = kGenericEvents | kStringEvents | kListEvents | kSetEvents | kHashEvents |
                                     kSortedSetEvents | kExpiredEvents | kEvictedEvents | kStreamEvents | kModuleEvents;

struct Letter {
  char letter;
  std::uint32_t classes;
};
/// In the order in which they are printed.
constexpr Letter kLetters[] = {
    {'A', kAllEvents},    {'g', kGenericEvents},   {'$', kStringEvents},    {'l', kListEvents},    {'s', kSetEvents},
    {'h', kHashEvents},   {'z', kSortedSetEvents}, {'x', kExpiredEvents},   {'e', kEvictedEvents}, {'t', kStreamEvents},
    {'d', kModuleEvents}, {'K', kOnKeyChannels},   {'E', kOnEventChannels}, {'m', kMissEvents},    {'n', kNewEvents}};

/// Whether anything is told at all, when these classes are chosen.
bool tells(std::uint32_t classes) noexcept {
  constexpr std::uint32_t kChannels = kOnKeyChannels | kOnEventChannels;
  return (classes & kChannels) != 0 && (classes & ~kChannels) != 0;
}

}  // namespace

std::optional<std::uint32_t> parse_event_classes(std::string_view letters) noexcept {
  std::uint32_t classes = 0;
  for (const char c : letters) {
    std::uint32_t found = 0;
    for (const Letter& known : kLetters)
      if (known.letter == c) found = known.classes;
    if (found == 0) return std::nullopt;
    classes |= found;
  }
  return classes;
}

std::string event_letters(std::uint32_t classes) {
  std::string letters;
  for (const Letter& known : kLetters) {
    const bool covered = known.letter != 'A' && (known.classes & kAllEvents) != 0 && letters.starts_with('A');
    if ((classes & known.classes) == known.classes && !covered) letters += known.letter;
  }
  return letters;
}

// --- one transaction -------------------------------------------------------------------------------------------------

bool Notes::note(const store::KeyChange& change) noexcept try {
  changes_.push_back(change);
  return true;
} catch (const std::bad_alloc&) {
  return false;
}

void Notes::forget() noexcept {
  changes_.clear();
  touched_.clear();
  events_.clear();
}

void Notes::note_touched(std::uint64_t client) {
  if (!notices_.environment().tracking().any()) return;
  for (const store::KeyChange& change : changes_)
    if (touched_.empty() || touched_.back().first.key != change.key.key) touched_.emplace_back(change.key, client);
}

void Notes::explain(store::Transaction& transaction, const CallFacts& call) {
  if (notices_.classes() != 0) add_events({.transaction = transaction, .call = call, .changes = changes_}, events_);
  note_touched(call.client);
  changes_.clear();
}

void Notes::explain() {
  add_plain_events(changes_, events_);
  note_touched(0);
  changes_.clear();
}

// Without memory for the rest of a list, what is on it is told all the same: it has happened.
void Notes::logged(const store::Pending& pending) noexcept {
  try {
    if (!changes_.empty()) explain();
  } catch (const std::bad_alloc&) {
    changes_.clear();
  }
  for (const Event& event : events_) notices_.tell(event, pending);
  Tracking& tracking = notices_.environment().tracking();
  for (const auto& [key, client] : touched_) tracking.changed(key.key, client, pending);
  forget();
}

void explain_call(store::Transaction& transaction, const CallFacts& call) {
  if (transaction.notes() == nullptr) [[likely]]
    return;
  static_cast<Notes*>(transaction.notes())->explain(transaction, call);
}

void explain_call(store::Transaction& transaction, Session& session, Arguments arguments) {
  if (transaction.notes() == nullptr || session.last_row() == nullptr) [[likely]]
    return;
  explain_call(transaction, session, *session.last_row(), arguments);
}

void explain_call(store::Transaction& transaction, Session& session, const Command& row, Arguments arguments) {
  if (transaction.notes() == nullptr) return;
  const bool changed = static_cast<const Notes*>(transaction.notes())->has_changes();
  explain_call(transaction, {.row = row,
                             .arguments = arguments,
                             .database = session.database(),
                             .client = session.id(),
                             .remarks = session.remarks});
  session.remarks = changed ? kExplained : 0;
}

// --- all of them -----------------------------------------------------------------------------------------------------

Notices::Notices(Environment& environment) : environment_(environment) {
  environment_.engine().change_watch().attach_listener(this);
}

Notices::~Notices() {
  STAVE_ASSERT(!environment_.tracking().any());
  set_classes(0);
  environment_.engine().change_watch().attach_listener(nullptr);
}

void Notices::set_classes(std::uint32_t classes) noexcept {
  classes_.store(classes, std::memory_order_relaxed);
  look_who_listens();
}

void Notices::look_who_listens() noexcept {
  base::MutexLock lock(mutex_);
  const bool on = tells(classes()) || environment_.tracking().any();
  if (noting_.exchange(on) == on) return;
  store::ChangeWatch& watch = environment_.engine().change_watch();
  if (on) {
    watch.begin_noting();
  } else {
    watch.end_noting();
  }
  // What a call did is said by who runs it, which a session that pays for nothing does not look for.
  environment_.clients().visit([](Session& session) { session.set_plain(false); });
}

// To who listens to keys first, as Redis does.
void Notices::tell(const Event& event, const store::Pending& pending) noexcept try {
  const std::uint32_t classes = this->classes();
  if ((classes & event.of) == 0 || !tells(classes)) return;
  const std::string database = std::to_string(event.key.database);
  Channels& channels = environment_.channels();
  // Who listens may lose a message for want of memory; what it tells of has happened.
  if ((classes & kOnKeyChannels) != 0)
    static_cast<void>(channels.publish(std::string("__keyspace@").append(database).append("__:").append(event.key.key),
                                       event.name, false, pending, nullptr));
  if ((classes & kOnEventChannels) != 0)
    static_cast<void>(channels.publish(std::string("__keyevent@").append(database).append("__:").append(event.name),
                                       event.key.key, false, pending, nullptr));
} catch (const std::bad_alloc&) {
  return;
}

/// Tells it if the key is there, or is not, as `there` says.
void Notices::tell_if(Session& session, const Event& event, bool there) {
  if (session.shared != nullptr) {
    const bool found = session.shared->find(event.key, store::Access::kMeta).has_value();
    if (found == there && session.shared->notes() != nullptr) static_cast<Notes*>(session.shared->notes())->add(event);
    return;
  }
  bool found = false;
  const auto seen = environment_.engine().read(event.key, store::Access::kMeta,
                                               [&](const store::ValueView* held) { found = held != nullptr; });
  if (seen && found == there) tell(event, *seen);
}

void Notices::tell_rest(Session& session, const Command& row, Arguments arguments, bool explained) {
  const std::uint32_t classes = this->classes();
  if (!explained && (row.flags & kWrite) != 0)
    if (const auto event = unchanged_event(row, arguments, session.database()); event && (classes & event->of) != 0)
      tell_if(session, *event, true);
  if ((classes & kMissEvents) == 0 || !tells_of_misses(row, arguments)) return;
  visit_keys(row, arguments, [&](std::size_t i) {
    tell_if(session, {.of = kMissEvents, .name = "keymiss", .key = {session.database(), arguments[i]}}, false);
  });
}

void Notices::left(store::KeyRef key, bool evicted, Lsn end) noexcept {
  if (on()) {
    const store::Pending pending = environment_.engine().pending_for_write(end, Sync::kDefault);
    tell({.of = evicted ? kEvictedEvents : kExpiredEvents, .name = evicted ? "evicted" : "expired", .key = key},
         pending);
    environment_.tracking().changed(key.key, 0, pending);
  }
  if (environment_.engine().change_watch().watches(key.hash)) environment_.waiting().key_left(key);
}

void Notices::after_leaving() noexcept {
  environment_.waiting().after_commit();
}

}  // namespace stave::commands
