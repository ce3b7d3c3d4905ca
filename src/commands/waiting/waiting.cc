#include "commands/waiting/waiting.h"

#include <boost/container/small_vector.hpp>
#include <new>
#include <utility>

#include "base/assert.h"
#include "base/no_memory.h"
#include "commands/environment.h"
#include "commands/errors.h"
#include "commands/nanoseconds.h"
#include "commands/notices/notices.h"
#include "commands/session.h"
#include "commands/waiting/bell.h"
#include "store/transact.h"

namespace stave::commands {

namespace {

/// When a wait ends that begins now.
std::uint64_t deadline_of(const WaitTerms& terms, std::uint64_t now_ns) noexcept {
  if (terms.again_ns != 0 && (terms.timeout_ns == 0 || terms.again_ns < terms.timeout_ns))
    return now_ns + terms.again_ns;
  return terms.timeout_ns == 0 ? 0 : now_ns + terms.timeout_ns;
}

}  // namespace

Waiter::Waiter(Session& session, const WaitTerms& terms, std::uint64_t now_ns)
    : terms_(terms),
      client_(session.id()),
      deadline_ns_(deadline_of(terms, now_ns)),
      end_ns_(terms.timeout_ns == 0 ? 0 : now_ns + terms.timeout_ns),
      access_(session.read_access()),
      sync_(session.sync()),
      replicas_(session.replicas()),
      call_(&session.environment().engine().budget()),
      session_(&session),
      bell_(session.may_leave ? session.bell : nullptr),
      tape_(&session.environment().engine().budget(), session.answer_bytes_max, session.protocol()) {}

// --- one transaction -------------------------------------------------------------------------------------------------

/// The calls that are answered in one transaction.
class Waiting::Round final : public store::Sequel {
 public:
  Round(Waiting& waiting, store::Transaction& transaction) noexcept : waiting_(waiting), transaction_(transaction) {}
  /// Not committed: they go on waiting.
  ~Round() override {
    if (committed_) return;
    base::MutexLock lock(waiting_.mutex_);
    for (auto* claimed : {&answered_, &tried_})
      for (const auto& waiter : *claimed) waiting_.let_go(*waiter);
  }

  /// What an answered call changed is looked at in its turn.
  void run() {
    if (transaction_.notes() != nullptr) static_cast<Notes*>(transaction_.notes())->explain();
    const auto add = [&](store::KeyRef key) { keys_.push_back(key); };
    transaction_.visit_watched(add);
    for (std::size_t i = 0; i < keys_.size() && good(); ++i) answer_line(keys_[i]);
  }
  [[nodiscard]] bool empty() const noexcept { return answered_.empty(); }

  void committed(Lsn end, const store::Pending& observed) noexcept override {
    const store::Engine& engine = transaction_.engine();
    base::MutexLock lock(waiting_.mutex_);
    for (const auto& waiter : answered_) {
      waiter->pending_ = observed;
      if (end != kNoLsn) {
        waiter->pending_.merge(engine.pending_for_write(end, waiter->sync_));
        if (waiter->replicas_ != 0) waiter->pending_.require(end, waiter->replicas_);
      }
      waiting_.finish(*waiter, WaitEnd::kAnswered);
    }
    committed_ = true;  // they stay: the transaction names keys by their bytes
  }

 private:
  [[nodiscard]] bool good() const noexcept { return !transaction_.wanted() && transaction_.failure() == nullptr; }

  void answer_line(store::KeyRef key) {
    const Waiter* last = nullptr;
    while (good()) {
      const auto held = transaction_.find(key, store::Access::kMeta);
      const auto holds = held ? std::optional(held->type) : std::nullopt;
      // To be put down as claimed must not fail.
      answered_.reserve(answered_.size() + 1);
      tried_.reserve(tried_.size() + 1);
      const std::shared_ptr<Waiter> waiter = waiting_.claim(key, holds, last);
      if (waiter == nullptr) break;
      last = waiter.get();
      if (answer(*waiter)) {
        answered_.push_back(waiter);
        if (good()) note_changes(*waiter);
      } else {
        tried_.push_back(waiter);
      }
    }
    // Until here they were where the search for the next one went on from.
    base::MutexLock lock(waiting_.mutex_);
    for (const auto& waiter : tried_) waiting_.let_go(*waiter);
    tried_.clear();
  }

  /// Whether the call is over.
  bool answer(Waiter& waiter) {
    waiter.tape_.rewind();
    waiter.tape_.begin_answer();
    const std::uint64_t changes = transaction_.changes();
    transaction_.excuse();  // whoever made it possible was admitted
    Result<bool> done = waiter.terms_.attempt({.transaction = transaction_,
                                               .environment = waiting_.environment_,
                                               .database = waiter.call_.database(0),
                                               .arguments = waiter.call_.arguments(0),
                                               .access = waiter.access_,
                                               .again = true},
                                              waiter.tape_);
    transaction_.end_excuse();
    if (!good()) return true;
    if (done && !waiter.tape_.full()) {
      if (*done && waiter.call_.resolved(0).row != nullptr)
        explain_call(transaction_, {.row = *waiter.call_.resolved(0).row,
                                    .arguments = waiter.call_.arguments(0),
                                    .database = waiter.call_.database(0),
                                    .client = waiter.client_});
      return *done;
    }
    // Half of it cannot be undone alone: then nothing at all happens.
    if (transaction_.changes() != changes || done) {
      transaction_.fail_commit(Error(ErrorCode::kNoMemory, "there is no memory to answer a call that waits"));
      return true;
    }
    waiter.tape_.rewind();
    waiter.tape_.begin_answer();
    waiter.tape_.error(spell_error(done.error()));
    return true;
  }

  /// Its other keys may be somebody's to wait on.
  void note_changes(const Waiter& waiter) {
    const Resolved& call = waiter.call_.resolved(0);
    if (call.row == nullptr) return;
    const Arguments arguments = waiter.call_.arguments(0);
    visit_keys(*call.row, arguments, [&](std::size_t i) {
      const store::KeyRef key = {waiter.call_.database(0), arguments[i]};
      if (transaction_.holds(key) && transaction_.has_changed(key)) keys_.push_back(key);
    });
  }

  Waiting& waiting_;
  store::Transaction& transaction_;
  boost::container::small_vector<store::KeyRef, 4> keys_;  ///< To be looked at, in this order.
  std::vector<std::shared_ptr<Waiter>> answered_;
  std::vector<std::shared_ptr<Waiter>> tried_;
  bool committed_ = false;
};

// --- all of them -----------------------------------------------------------------------------------------------------

Waiting::Waiting(Environment& environment) : environment_(environment) {
  environment_.engine().change_watch().attach(this);
}

Waiting::~Waiting() {
  environment_.engine().change_watch().attach(nullptr);
  base::MutexLock lock(mutex_);
  STAVE_ASSERT(by_id_.empty() && lines_.empty() && late_.empty());
}

std::shared_ptr<Waiter> Waiting::add(Session& session, Arguments arguments, std::span<const store::KeyRef> keys,
                                     const WaitTerms& terms) noexcept try {
  auto waiter = std::make_shared<Waiter>(session, terms, session.environment().engine().clock().monotonic_ns());
  if (!waiter->call_.add(session, resolve(arguments), arguments, session.database(), session.queued_bytes_max))
    return nullptr;
  // The keys of its own copy of the call.
  waiter->places_ = std::vector<Place>(keys.size());
  base::MutexLock lock(mutex_);
  stand_in_line(*waiter, keys);
  const bool fresh = by_id_.insert(*waiter).second;
  STAVE_ASSERT(fresh);  // a session has one call at a time
  calls_.fetch_add(1, std::memory_order_relaxed);
  if (waiter->deadline_ns_ != 0) with_deadline_.fetch_add(1, std::memory_order_relaxed);
  return waiter;
} catch (const std::bad_alloc&) {
  return nullptr;
}

void Waiting::stand_in_line(Waiter& waiter, std::span<const store::KeyRef> keys) {
  store::Engine& engine = environment_.engine();
  std::size_t used = 0;
  try {
    for (const store::KeyRef& key : keys) {
      auto found = lines_.find(key);
      if (found == lines_.end()) {
        found = lines_.emplace(LineKey{key.database, std::string(key.key)}, Line{}).first;
        Line& line = found->second;
        line.database = &found->first.database;
        line.key = &found->first.key;
        line.hash = store::hash_of(engine.keyspace(), key);
      }
      Line& line = found->second;
      if (!line.places.empty() && line.places.back().waiter == &waiter) continue;  // named twice
      Place& place = waiter.places_[used++];
      place.waiter = &waiter;
      place.line = &line;
      line.places.push_back(place);
      if (waiter.terms_.whatever_it_holds) ++line.whatever_it_holds;
      engine.change_watch().add(line.hash);
    }
  } catch (const std::bad_alloc&) {
    unlink(waiter);
    throw;
  }
}

void Waiting::unlink(Waiter& waiter) noexcept {
  for (Place& place : waiter.places_) {
    if (!place.is_linked()) continue;
    Line& line = *place.line;
    line.places.erase(line.places.iterator_to(place));
    if (waiter.terms_.whatever_it_holds) --line.whatever_it_holds;
    environment_.engine().change_watch().remove(line.hash);
    if (line.places.empty()) lines_.erase(lines_.find(store::KeyRef{*line.database, *line.key}));
  }
  if (waiter.late_.is_linked()) late_.erase(late_.iterator_to(waiter));
  if (!waiter.by_id_.is_linked()) return;
  by_id_.erase(by_id_.iterator_to(waiter));
  calls_.fetch_sub(1, std::memory_order_relaxed);
  if (waiter.deadline_ns_ != 0) with_deadline_.fetch_sub(1, std::memory_order_relaxed);
}

void Waiting::finish(Waiter& waiter, WaitEnd how) noexcept {
  STAVE_ASSERT(waiter.state_ != Waiter::State::kEnded);
  unlink(waiter);
  waiter.state_ = Waiter::State::kEnded;
  waiter.end_ = how;
  waiter.ended_.store(true, std::memory_order_release);
  if (waiter.session_ == nullptr) return;
  if (waiter.bell_ != nullptr) {
    waiter.bell_->ring(waiter.shared_from_this());
  } else {
    waiter.here_.notify_all();
  }
}

void Waiting::let_go(Waiter& waiter) noexcept {
  STAVE_ASSERT(waiter.state_ == Waiter::State::kClaimed);
  waiter.state_ = Waiter::State::kWaiting;
  if (waiter.session_ == nullptr) {
    unlink(waiter);
    waiter.state_ = Waiter::State::kEnded;
  } else if (waiter.wish_) {
    finish(waiter, *waiter.wish_);
  } else if (std::exchange(waiter.missed_, false)) {
    try_later(waiter);
  }
}

void Waiting::try_later(Waiter& waiter) noexcept {
  if (waiter.late_.is_linked()) return;
  late_.push_back(waiter);
  any_late_.store(true, std::memory_order_relaxed);
}

void Waiting::end(Waiter& waiter, WaitEnd how) noexcept {
  base::MutexLock lock(mutex_);
  if (waiter.state_ == Waiter::State::kWaiting) {
    finish(waiter, how);
  } else if (waiter.state_ == Waiter::State::kClaimed && !waiter.wish_) {
    waiter.wish_ = how;
  }
}

void Waiting::leave(Waiter& waiter) noexcept {
  base::MutexLock lock(mutex_);
  waiter.session_ = nullptr;
  if (waiter.state_ != Waiter::State::kWaiting) return;
  unlink(waiter);
  waiter.state_ = Waiter::State::kEnded;
}

bool Waiting::end_of(std::uint64_t client, WaitEnd how) noexcept {
  base::MutexLock lock(mutex_);
  const auto found = by_id_.find(client);
  if (found == by_id_.end() || found->wish_) return false;
  if (found->state_ == Waiter::State::kWaiting) {
    finish(*found, how);
  } else {
    found->wish_ = how;
  }
  return true;
}

void Waiting::wait_here(Waiter& waiter) noexcept {
  constexpr std::int64_t kLookMs = 1000;
  Clock& clock = environment_.engine().clock();
  base::MutexLock lock(mutex_);
  std::int64_t left_ms =
      waiter.deadline_ns_ == 0
          ? 0
          : static_cast<std::int64_t>((waiter.deadline_ns_ - clock.monotonic_ns() + kNsPerMs - 1) / kNsPerMs);
  while (waiter.state_ != Waiter::State::kEnded) {
    if (waiter.deadline_ns_ == 0) {
      waiter.here_.wait(mutex_);
      continue;
    }
    const std::int64_t step_ms = std::min(left_ms, kLookMs);
    if (!waiter.here_.wait_for_ms(mutex_, step_ms)) left_ms -= step_ms;
    if (left_ms > 0) continue;
    if (waiter.state_ == Waiter::State::kWaiting) return finish(waiter, WaitEnd::kTimedOut);
    if (waiter.state_ == Waiter::State::kClaimed) waiter.wish_ = WaitEnd::kTimedOut;
    left_ms = kLookMs;
  }
}

std::size_t Waiting::keys() const noexcept {
  base::MutexLock lock(mutex_);
  return lines_.size();
}

std::size_t Waiting::keys_that_may_go() const noexcept {
  base::MutexLock lock(mutex_);
  return static_cast<std::size_t>(
      std::ranges::count_if(lines_, [](const auto& line) { return line.second.whatever_it_holds != 0; }));
}

// --- changes ---------------------------------------------------------------------------------------------------------

std::shared_ptr<Waiter> Waiting::claim(store::KeyRef key, const std::optional<store::ValueType>& holds,
                                       const Waiter* after) {
  base::MutexLock lock(mutex_);
  const auto found = lines_.find(key);
  if (found == lines_.end()) return nullptr;
  Line& line = found->second;
  if (!holds && line.whatever_it_holds == 0) return nullptr;
  auto place = line.places.begin();
  if (after != nullptr) {
    // Claimed by the caller, so it is still there.
    for (const Place& own : after->places_)
      if (own.is_linked() && own.line == &line) place = std::next(line.places.iterator_to(const_cast<Place&>(own)));
  }
  for (; place != line.places.end(); ++place) {
    Waiter& waiter = *place->waiter;
    if (!waiter.fits(holds)) continue;
    if (waiter.state_ == Waiter::State::kClaimed) {
      waiter.missed_ = true;
      continue;
    }
    STAVE_ASSERT(waiter.state_ == Waiter::State::kWaiting);
    waiter.state_ = Waiter::State::kClaimed;
    waiter.missed_ = false;
    return waiter.shared_from_this();
  }
  return nullptr;
}

std::unique_ptr<store::Sequel> Waiting::before_commit(store::Transaction& transaction) noexcept try {
  if (calls() == 0) return nullptr;  // somebody else notes changes
  if (!transaction.may_start_again()) {
    transaction.visit_watched([&](store::KeyRef key) { try_line_later(key); });
    return nullptr;
  }
  auto round = std::make_unique<Round>(*this, transaction);
  round->run();
  if (round->empty()) return nullptr;
  return round;
} catch (const std::bad_alloc&) {
  // Whoever waits would not be tried again for this change: so it does not happen.
  transaction.fail_commit(Error(ErrorCode::kNoMemory, "there is no memory to answer calls that wait"));
  return nullptr;
}

void Waiting::try_line_later(store::KeyRef key) noexcept {
  base::MutexLock lock(mutex_);
  const auto found = lines_.find(key);
  if (found == lines_.end()) return;
  for (Place& place : found->second.places) {
    if (place.waiter->state_ == Waiter::State::kWaiting) return try_later(*place.waiter);
    place.waiter->missed_ = true;
  }
}

void Waiting::look_again(int first, int last) noexcept {
  if (calls() == 0) return;
  {
    base::MutexLock lock(mutex_);
    for (auto& [key, line] : lines_) {
      if (key.database < first || key.database > last) continue;
      for (Place& place : line.places) {
        if (place.waiter->state_ == Waiter::State::kWaiting) {
          try_later(*place.waiter);
          break;
        }
        place.waiter->missed_ = true;
      }
    }
  }
  after_commit();
}

void Waiting::after_commit() noexcept {
  while (any_late_.load(std::memory_order_relaxed)) {
    std::shared_ptr<Waiter> waiter;
    {
      base::MutexLock lock(mutex_);
      if (late_.empty()) {
        any_late_.store(false, std::memory_order_relaxed);
        return;
      }
      waiter = late_.front().shared_from_this();
      late_.pop_front();
    }
    try_now(waiter);
  }
}

// Its keys as if they had just been changed: those that wait on them longer come first.
void Waiting::try_now(const std::shared_ptr<Waiter>& waiter) noexcept try {
  std::vector<LineKey> names;
  {
    base::MutexLock lock(mutex_);
    for (const Place& place : waiter->places_)
      if (place.is_linked()) names.push_back({*place.line->database, *place.line->key});
  }
  std::vector<store::KeyRef> keys;
  keys.reserve(names.size());
  for (const LineKey& name : names) keys.push_back({name.database, name.key});
  const auto work = [&](store::Transaction& transaction) -> Result<void> {
    transaction.announce(keys);
    return {};
  };
  store::Pending seen;
  // Should it fail, for want of memory or of a disk, they go on waiting.
  static_cast<void>(store::transact(environment_.engine(), keys, work, Sync::kDefault, seen));
} catch (const std::bad_alloc&) {
  return;
}

}  // namespace stave::commands
