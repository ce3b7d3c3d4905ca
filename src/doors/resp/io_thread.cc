#include "doors/resp/io_thread.h"

#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>

#include "base/assert.h"
#include "base/thread.h"
#include "base/try.h"
#include "commands/errors.h"
#include "doors/resp/message_text.h"

namespace stave::resp {
namespace {

// What an event is about: a connection's address, which is even, or one of these.
constexpr std::uint64_t kWakeTag = 1;
constexpr std::uint64_t kListenerTag = 3;
// So the low two bits of an event tell which it is.
static_assert(alignof(Connection) >= 4 && (kWakeTag & 3) == 1 && (kListenerTag & 3) == 3);

std::uint64_t listener_tag(std::size_t index) noexcept {
  return kListenerTag | index << 2;
}

Result<void> watch(int epoll, int descriptor, std::uint64_t tag, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag;
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) != 0)
    return stave::fail(Error(ErrorCode::kIo, "cannot watch a socket").with_errno(errno));
  return {};
}

template <class Flag>
void put_on(std::vector<Connection*>& list, Connection& connection, Flag flag) {
  if (connection.books.*flag) return;
  connection.books.*flag = true;
  list.push_back(&connection);
}

}  // namespace

IoThread::IoThread(Shared& shared, int number)
    : shared_(shared),
      number_(number),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      post_(shared.environment.channels(), [this] { wake(); }),
      bell_([this] { wake(); }),
      bench_(shared) {
  bench_.post = &post_;
  bench_.bell = &bell_;
  bench_.now_ns = shared.engine.clock().monotonic_ns();
  bench_.waker = std::make_shared<Waker>(wake_);
  bench_.call = [this](Connection& connection) { call(connection); };
}

IoThread::~IoThread() {
  stop();
  join();
  close_inbox();  // if it never ran
  bench_.waker->retire();
  if (epoll_ >= 0) ::close(epoll_);
  if (wake_ >= 0) ::close(wake_);
}

Result<void> IoThread::listen(std::vector<std::unique_ptr<Listener>> listeners, Place place) {
  STAVE_ASSERT(!thread_.joinable() && listeners_.empty());
  listeners_ = std::move(listeners);
  place_ = std::move(place);
  for (std::size_t i = 0; i < listeners_.size(); ++i)
    STAVE_TRY(watch(epoll_, listeners_[i]->descriptor(), listener_tag(i), EPOLLIN));
  return {};
}

Result<void> IoThread::start() {
  STAVE_ASSERT(!thread_.joinable());
  if (epoll_ < 0 || wake_ < 0) return stave::fail(ErrorCode::kIo, "no descriptors left for an I/O thread");
  STAVE_TRY(watch(epoll_, wake_, kWakeTag, EPOLLIN));
  listener_handle_ = shared_.engine.log().add_listener([this] { log_advanced(); });
  replica_listener_ = shared_.engine.replicas().add_listener([this] { log_advanced(); });
  thread_ = base::start_thread([this] { run(); });
  return {};
}

void IoThread::stop() noexcept {
  stopping_.store(true);
  wake();
}

void IoThread::join() {
  if (!thread_.joinable()) return;
  thread_.join();
  shared_.engine.log().remove_listener(listener_handle_);
  shared_.engine.replicas().remove_listener(replica_listener_);
}

void IoThread::wake() noexcept {
  const std::uint64_t one = 1;
  // Only a full counter can refuse, and then the thread is being woken anyway.
  [[maybe_unused]] const ssize_t done = ::write(wake_, &one, sizeof one);
}

void IoThread::log_advanced() noexcept {
  // The thread announces itself before it looks at the log for the last time, so one of the two sees the other.
  if (waits_for_log_.exchange(false)) wake();
}

void IoThread::adopt(Accepted accepted) {
  STAVE_ASSERT(accepted.descriptor >= 0);
  const int descriptor = accepted.descriptor;
  count_.fetch_add(1, std::memory_order_relaxed);
  try {
    base::MutexLock lock(inbox_mutex_);
    // Accepted by another thread just before it was told to stop, too.
    if (!inbox_open_) return turn_away(descriptor);
    inbox_.push_back(std::move(accepted));
  } catch (const std::bad_alloc&) {
    return turn_away(descriptor);
  }
  wake();
}

void IoThread::turn_away(int descriptor) noexcept {
  ::close(descriptor);
  const std::size_t before = count_.fetch_sub(1, std::memory_order_relaxed);
  STAVE_ASSERT(before >= 1);
  shared_.clients.fetch_sub(1, std::memory_order_relaxed);
  shared_.descriptors.give_back();
}

void IoThread::close_inbox() {
  std::vector<Accepted> late;
  {
    base::MutexLock lock(inbox_mutex_);
    inbox_open_ = false;
    late.swap(inbox_);
  }
  for (const Accepted& accepted : late) turn_away(accepted.descriptor);
}

// --- the loop ---------------------------------------------------------------------------------

void IoThread::run() {
  base::enter_thread("stave-io-" + std::to_string(number_));
  bell_.attend();
  std::array<epoll_event, kEventsMax> events;
  while (!stopping_.load(std::memory_order_relaxed)) {
    const int count = wait(events);
    waits_for_log_.store(false, std::memory_order_relaxed);
    for (int i = 0; i < count; ++i) handle(events[static_cast<std::size_t>(i)]);
    settle_answered();
    run_lists();
    end_waits();
    if (post_.waiting()) [[unlikely]]
      deliver();
    release_held();
    if (const std::uint64_t most = shared_.limits.clients_bytes_max.load(std::memory_order_relaxed);
        most != 0 && shared_.clients_bytes.load(std::memory_order_relaxed) > most) [[unlikely]]
      evict_clients();
    if (bench_.now_ns >= next_tick_ns_) tick();
    reap();
  }
  say_farewell();
}

// Sleeping and being woken costs a client and this thread several microseconds, more than a command. So while requests
// keep coming within that time the thread looks for them a little longer before it sleeps; when they do not, it stops.
int IoThread::wait(std::array<epoll_event, kEventsMax>& events) {
  const int most_ms = wait_ms();
  Clock& clock = shared_.engine.clock();
  const std::uint64_t begin_ns = clock.monotonic_ns();
  int count = 0;
  while (most_ms != 0 && patience_ns_ != 0) {
    count = ::epoll_wait(epoll_, events.data(), kEventsMax, 0);
    bench_.now_ns = clock.monotonic_ns();
    if (count != 0) {
      patience_ns_ = std::min(patience_ns_ * 2, kPatienceNsMax);
      break;
    }
    if (bench_.now_ns - begin_ns < patience_ns_) continue;
    patience_ns_ = patience_ns_ < kPatienceNsMin ? 0 : patience_ns_ / 4;
    break;
  }
  if (count != 0) return std::max(count, 0);
  count = ::epoll_wait(epoll_, events.data(), kEventsMax, most_ms);
  STAVE_ASSERT(count >= 0 || errno == EINTR);
  bench_.now_ns = clock.monotonic_ns();
  if (patience_ns_ == 0 && count > 0 && bench_.now_ns - begin_ns < kPatienceNsMax) patience_ns_ = kPatienceNsMin;
  return count;
}

int IoThread::wait_ms() {
  if (!runnable_.empty() || bell_.rung()) return 0;
  if (!held_.empty()) {
    waits_for_log_.exchange(true);
    if (log_has_news()) return 0;
  }
  std::uint64_t until_ns = 0;
  if (!held_.empty() && wanted_durable_ > asked_durable_ && asked_durable_ <= seen_durable_)
    until_ns = gather_until_ns_;
  if (clock_needed_ || shared_.limits.idle_seconds.load(std::memory_order_relaxed) != 0)
    until_ns = until_ns == 0 ? next_tick_ns_ : std::min(until_ns, next_tick_ns_);
  if (!deadlines_.empty())
    until_ns = std::min(until_ns == 0 ? ~std::uint64_t{0} : until_ns, deadlines_.begin()->deadline_ns);
  for (const Connection* connection : parked_)
    until_ns = std::min(until_ns == 0 ? connection->parked_until_ns() : until_ns, connection->parked_until_ns());
  if (until_ns == 0) {
    // A log that fails tells its listeners; looking twice a second as well costs nothing.
    return held_.empty() ? -1 : 500;
  }
  if (until_ns <= bench_.now_ns) return 0;
  return static_cast<int>(std::min<std::uint64_t>((until_ns - bench_.now_ns + 999'999) / 1'000'000, 500));
}

void IoThread::handle(const epoll_event& event) {
  if (event.data.u64 == kWakeTag) return handle_wake();
  if ((event.data.u64 & 3) == kListenerTag) {
    STAVE_ASSERT(event.data.u64 >> 2 < listeners_.size());
    Listener& listener = *listeners_[event.data.u64 >> 2];
    for (int i = 0; i < Listener::kAcceptsInTurn; ++i) {
      auto accepted = listener.accept(shared_);
      if (!accepted) return;
      place_(std::move(*accepted));
    }
    return;
  }
  auto& connection = *static_cast<Connection*>(event.data.ptr);
  if (connection.dead()) return;
  if ((event.events & (EPOLLERR | EPOLLHUP)) != 0) {
    connection.kill();  // reset: nothing can be sent, and nothing more is owed
  } else if (connection.waits()) {
    connection.hear_while_waiting((event.events & EPOLLRDHUP) != 0);
  } else if ((event.events & EPOLLIN) != 0) {
    connection.on_readable();
  }
  put_on(answered_, connection, &Connection::Books::in_answered);
  answered_bytes_ += connection.unsent();
  if (answered_bytes_ >= kAnswerBytes) settle_answered();
}

void IoThread::settle_answered() {
  for (Connection* connection : answered_) {
    STAVE_ASSERT(connection->books.in_answered);
    connection->books.in_answered = false;
    settle(*connection);
  }
  answered_.clear();
  answered_bytes_ = 0;
}

void IoThread::handle_wake() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t done = ::read(wake_, &count, sizeof count);
  std::vector<Accepted> fresh;
  {
    base::MutexLock lock(inbox_mutex_);
    fresh.swap(inbox_);
  }
  for (Accepted& accepted : fresh) take_in(std::move(accepted));
  attend_called();
}

void IoThread::call(Connection& connection) {
  bool first = false;
  {
    base::MutexLock lock(called_mutex_);
    if (connection.called) return;
    STAVE_ASSERT(called_.size() < called_.capacity());  // see `make_places`: this must not fail
    connection.called = true;
    first = called_.empty();
    called_.push_back(&connection);
  }
  if (first) wake();
}

void IoThread::attend_called() {
  STAVE_ASSERT(attended_.empty());
  {
    base::MutexLock lock(called_mutex_);
    attended_.swap(called_);
    for (Connection* const connection : attended_) connection->called = false;
  }
  for (Connection* const connection : attended_) {
    connection->attend();
    settle(*connection);
  }
  attended_.clear();
}

void IoThread::forget_called(Connection& connection) {
  base::MutexLock lock(called_mutex_);
  if (connection.called) std::erase(called_, &connection);
  connection.called = true;
}

void IoThread::make_places(std::size_t count) {
  for (auto* list : {&held_, &answered_, &runnable_, &parked_, &turn_, &doomed_, &attended_})
    if (list->capacity() < count) list->reserve(2 * count);
  base::MutexLock lock(called_mutex_);
  if (called_.capacity() < count) called_.reserve(2 * count);
}

void IoThread::take_in(Accepted accepted) {
  const std::size_t index = connections_.size();
  try {
    make_places(index + 1);
    connections_.emplace_back();  // its place first: once it is there, it closes its descriptor itself
    connections_.back() = std::make_unique<Connection>(bench_, accepted.descriptor, std::move(accepted.address),
                                                       std::move(accepted.local_address), accepted.tls);
  } catch (const std::bad_alloc&) {
    connections_.resize(index);
    return turn_away(accepted.descriptor);
  }
  Connection* const connection = connections_.back().get();
  connection->books.index = index;
  connection->books.interest = EPOLLIN | EPOLLRDHUP;
  const auto tag = reinterpret_cast<std::uint64_t>(connection);
  if (!watch(epoll_, connection->descriptor(), tag, EPOLLIN | EPOLLRDHUP)) connection->kill();
  settle(*connection);
}

void IoThread::settle(Connection& connection) {
  if (!connection.dead()) {
    // Held answers go out together, after one write or sync for all.
    if (connection.held() != nullptr) {
      held_anew_ = true;
      if (!connection.books.in_held && returning_ > 0) --returning_;
      put_on(held_, connection, &Connection::Books::in_held);
    } else {
      connection.send();
    }
  }
  if (connection.dead()) {
    put_on(doomed_, connection, &Connection::Books::in_doomed);
    return;
  }
  if (connection.parked_until_ns() != 0) put_on(parked_, connection, &Connection::Books::in_parked);
  if (connection.waits() && connection.deadline_ns != 0 && !connection.ByDeadline::is_linked())
    deadlines_.insert(connection);
  if (connection.runnable()) put_on(runnable_, connection, &Connection::Books::in_runnable);
  if (connection.needs_clock()) clock_needed_ = true;
  const std::uint32_t interest = connection.interest();
  if (interest == connection.books.interest) return;
  connection.books.interest = interest;
  epoll_event event{};
  event.events = interest;
  event.data.ptr = &connection;
  if (::epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.descriptor(), &event) != 0) {
    connection.kill();
    put_on(doomed_, connection, &Connection::Books::in_doomed);
  }
}

void IoThread::run_lists() {
  STAVE_ASSERT(turn_.empty());
  if (!runnable_.empty()) {
    turn_.swap(runnable_);
    for (Connection* connection : turn_) {
      STAVE_ASSERT(connection->books.in_runnable);
      connection->books.in_runnable = false;
      if (connection->runnable()) connection->go_on();
      settle(*connection);
    }
    turn_.clear();
  }
  if (parked_.empty()) return;
  turn_.swap(parked_);
  for (Connection* connection : turn_) {
    connection->books.in_parked = false;
    const bool due = connection->parked_until_ns() <= bench_.now_ns || connection->fetched();
    if (connection->parked_until_ns() != 0 && due) connection->resume();
    settle(*connection);
  }
  turn_.clear();
}

void IoThread::end_waits() {
  while (!deadlines_.empty() && deadlines_.begin()->deadline_ns <= bench_.now_ns) {
    auto& connection = static_cast<Connection&>(*deadlines_.begin());
    deadlines_.erase(deadlines_.begin());
    connection.stop_waiting();
  }
  if (!bell_.rung()) return;
  bell_.drain([&](commands::Session& session) {
    auto& connection = static_cast<Connection&>(*session.control());
    connection.ByDeadline::unlink();
    if (connection.dead()) return;
    connection.resume();
    put_on(answered_, connection, &Connection::Books::in_answered);
  });
  settle_answered();
}

void IoThread::deliver() {
  MessageText text;
  try {
    post_.drain([&](const commands::Message& message, const std::string* pattern, commands::Session& session) {
      auto& connection = static_cast<Connection&>(*session.control());
      connection.hear(text.of(message, pattern, session.protocol()), message.pending);
      put_on(answered_, connection, &Connection::Books::in_answered);
    });
  } catch (const std::bad_alloc&) {
    // Each message goes to each listener at most once; whoever missed one could not know, so all of this thread's find
    // that they have lost their connection.
    shared_.log.warn("There is no memory for messages: clients that listen are disconnected.");
    for (const auto& connection : connections_)
      if (connection->listens()) connection->kill();
    for (const auto& connection : connections_) put_on(answered_, *connection, &Connection::Books::in_answered);
  }
  settle_answered();
}

// --- durability -------------------------------------------------------------------------------

void IoThread::release_held() {
  if (held_.empty()) return;
  log::Log& log = shared_.engine.log();
  const bool anew = std::exchange(held_anew_, false);
  if (anew) {
    store::Pending most;
    for (const Connection* connection : held_)
      if (connection->held() != nullptr) most.merge(*connection->held());
    wanted_durable_ = std::max(wanted_durable_, most.durable);
    wanted_written_ = std::max(wanted_written_, most.written);
    wants_replicas_ |= most.replicas != 0;
    // What lies behind a large value that is being written has to wait for it; this thread has not.
    if (most.written > log.written()) {
      if (auto done = log.write_out_before(most.written); !done) return fail_held(done.error());
    }
    ask_for_sync();
  }
  if (anew || log_has_news()) let_go();
  if (held_.empty()) return;
  ask_for_sync();
  if (auto well = log.health(); !well) fail_held(well.error());
}

bool IoThread::log_has_news() const noexcept {
  const log::Log& log = shared_.engine.log();
  return log.durable() != seen_durable_ || (wanted_written_ > seen_written_ && log.written() != seen_written_) ||
         (wants_replicas_ && shared_.engine.replicas().news() != seen_replicas_);
}

void IoThread::ask_for_sync() {
  log::Log& log = shared_.engine.log();
  const Lsn durable = log.durable();
  STAVE_ASSERT(asked_durable_ <= wanted_durable_);
  if (wanted_durable_ <= asked_durable_ || wanted_durable_ <= durable) return;
  if (sync_ns_ >= kGatherFromNs) {
    // The disk is slow. A sync that starts while half of the clients are still reading their last answers serves only
    // the other half, and so would all that follow. So one at a time, and the clients just answered may come back
    // first.
    if (asked_durable_ > durable) return;
    if (returning_ > 0 && bench_.now_ns < gather_until_ns_) return;
  }
  log.request_sync(wanted_durable_);
  asked_durable_ = wanted_durable_;
  asked_ns_ = bench_.now_ns;
  returning_ = 0;
}

void IoThread::let_go() {
  seen_written_ = shared_.engine.log().written();
  seen_replicas_ = shared_.engine.replicas().news();
  const Lsn durable = shared_.engine.log().durable();
  STAVE_ASSERT(seen_durable_ <= durable && turn_.empty());
  const bool finished = asked_durable_ != kNoLsn && seen_durable_ < asked_durable_ && durable >= asked_durable_;
  seen_durable_ = durable;
  std::size_t released = 0;
  turn_.swap(held_);
  for (Connection* connection : turn_) {
    connection->books.in_held = false;
    if (connection->release()) {
      ++released;
    } else if (!connection->dead()) {
      connection->send();  // what was released; the rest stays
    }
    settle(*connection);
  }
  turn_.clear();
  held_anew_ = false;
  if (!finished) return;
  sync_ns_ = (3 * sync_ns_ + (bench_.now_ns - asked_ns_)) / 4;
  gather_until_ns_ = bench_.now_ns + std::min(sync_ns_ / 2, kGatherNsMax);
  returning_ = released;
}

void IoThread::give_up_on_followers() {
  bool any = false;
  for (Connection* connection : held_) {
    if (connection->dead() || !connection->waits_for_followers_in_vain()) continue;
    connection->fail_held(commands::kUnreplicated);
    any = true;
  }
  if (any) let_go();
}

void IoThread::fail_held(const Error& error) {
  // Once: readers of what is in doubt come here again and again.
  if (!std::exchange(failure_told_, true)) {
    shared_.log.error("The log has failed: {}. Answers that wait for it are withdrawn.", error.describe());
  }
  const std::string answer = "MISCONF Errors writing to the log: " + error.message() +
                             ". Whether what this answer was about is on disk is unknown.";
  STAVE_ASSERT(turn_.empty());
  turn_.swap(held_);
  for (Connection* connection : turn_) {
    connection->books.in_held = false;
    if (!connection->dead()) connection->fail_held(answer);
    settle(*connection);
  }
  turn_.clear();
}

// --- housekeeping -----------------------------------------------------------------------------

void IoThread::evict_clients() {
  const std::uint64_t most = shared_.limits.clients_bytes_max.load(std::memory_order_relaxed);
  while (shared_.clients_bytes.load(std::memory_order_relaxed) > most) {
    Connection* largest = nullptr;
    for (const auto& connection : connections_)
      if (connection->shown_bytes() > (largest == nullptr ? 0 : largest->shown_bytes()) && connection->evictable())
        largest = connection.get();
    if (largest == nullptr) return;  // others' clients take it
    largest->evict();
    put_on(doomed_, *largest, &Connection::Books::in_doomed);
  }
}

void IoThread::tick() {
  next_tick_ns_ = bench_.now_ns + kTickNs;
  if (wants_replicas_ && !held_.empty()) give_up_on_followers();
  const bool idle = shared_.limits.idle_seconds.load(std::memory_order_relaxed) != 0;
  if (!clock_needed_ && !idle) return;
  clock_needed_ = false;
  for (const auto& connection : connections_) {
    connection->check_time();
    if (connection->dead()) put_on(doomed_, *connection, &Connection::Books::in_doomed);
    if (connection->needs_clock()) clock_needed_ = true;
  }
}

void IoThread::reap() {
  if (doomed_.empty()) return;
  // Whoever is on it would be looked at after its end.
  STAVE_ASSERT(answered_.empty());
  const auto dead = [](const Connection* connection) { return connection->books.in_doomed; };
  for (auto* list : {&held_, &runnable_, &parked_}) std::erase_if(*list, dead);
  for (Connection* connection : doomed_) {
    forget_called(*connection);
    // To close our number of it would not: events would go on to come, for a connection that is gone.
    if (connection->handed_over()) ::epoll_ctl(epoll_, EPOLL_CTL_DEL, connection->descriptor(), nullptr);
    const std::size_t index = connection->books.index;
    STAVE_ASSERT(index < connections_.size() && connections_[index].get() == connection);
    connections_.back()->books.index = index;
    std::swap(connections_[index], connections_.back());
    connections_.pop_back();
  }
  const std::size_t before = count_.fetch_sub(doomed_.size(), std::memory_order_relaxed);
  STAVE_ASSERT(before >= doomed_.size());
  shared_.clients.fetch_sub(static_cast<std::int64_t>(doomed_.size()), std::memory_order_relaxed);
  shared_.descriptors.give_back(static_cast<std::int64_t>(doomed_.size()));
  doomed_.clear();
}

void IoThread::say_farewell() {
  listeners_.clear();
  close_inbox();
  store::Pending most;
  for (const Connection* connection : held_)
    if (connection->held() != nullptr) most.merge(*connection->held());
  if (auto done = shared_.engine.wait(most); !done) {
    fail_held(done.error());
  } else {
    // Followers are waited for no longer: what they do not have may not be said.
    for (Connection* connection : held_)
      if (!connection->release() && !connection->dead()) connection->fail_held(commands::kUnreplicated);
    held_.clear();
  }
  const std::uint64_t deadline_ns = shared_.engine.clock().monotonic_ns() + kFarewellNs;
  std::array<epoll_event, kEventsMax> events;
  for (;;) {
    bool drained = true;
    for (const auto& connection : connections_) {
      connection->send();
      if (!connection->dead() && !connection->drained()) drained = false;
    }
    if (drained || shared_.engine.clock().monotonic_ns() >= deadline_ns) break;
    // Clients that read slowly get a moment more.
    [[maybe_unused]] const int count = ::epoll_wait(epoll_, events.data(), kEventsMax, 10);
  }
  const std::size_t before = count_.fetch_sub(connections_.size(), std::memory_order_relaxed);
  STAVE_ASSERT(before >= connections_.size());
  shared_.clients.fetch_sub(static_cast<std::int64_t>(connections_.size()), std::memory_order_relaxed);
  shared_.descriptors.give_back(static_cast<std::int64_t>(connections_.size()));
  connections_.clear();
}

}  // namespace stave::resp
