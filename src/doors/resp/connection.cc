#include "doors/resp/connection.h"

#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <new>
#include <string>

#include "base/assert.h"
#include "commands/access.h"
#include "commands/errands.h"
#include "commands/slow_log.h"
#include "commands/table.h"
#include "commands/text.h"
#include "commands/users.h"
#include "commands/waiting/waiting.h"
#include "doors/resp/connection_times.h"
#include "doors/resp/wire_link.h"
#include "store/still_moment.h"

namespace stave::resp {
namespace {

/// How often a paused connection looks whether the pause is over.
constexpr std::uint64_t kPauseLookNs = 20'000'000;
constexpr std::size_t kUnauthenticatedQueryBytesMax = 1 << 20;
constexpr std::size_t kPiecesMax = 64;
commands::ClientInfo describe(int descriptor, const std::string& address, std::string local_address,
                              std::uint64_t now_ns) {
  commands::ClientInfo info;
  info.address = address;
  info.local_address = std::move(local_address);
  info.descriptor = descriptor;
  info.created_ns = now_ns;
  return info;
}

}  // namespace

void Waker::wake() noexcept {
  base::MutexLock lock(mutex_);
  const std::uint64_t one = 1;
  if (descriptor_ < 0) return;
  // Only a full counter can refuse, and then the thread is being woken anyway.
  [[maybe_unused]] const ssize_t done = ::write(descriptor_, &one, sizeof one);
}

void Waker::retire() noexcept {
  base::MutexLock lock(mutex_);
  descriptor_ = -1;
}

Connection::Connection(Workbench& bench, int descriptor, std::string address, std::string local_address,
                       const tls::Context& context)
    : bench_(bench),
      wire_(descriptor, context),
      address_(std::move(address)),
      input_(&bench.shared.engine.budget()),
      output_(bench.blocks),
      active_ns_(bench.now_ns),
      session_(bench.shared.environment, describe(descriptor, address_, std::move(local_address), bench.now_ns), this) {
  session_.may_leave = true;
  session_.may_hand_over = true;
  session_.post = bench.post;
  session_.bell = bench.bell;
}

Connection::~Connection() {
  set_paused(false);
  count_bytes(0);
}

// --- in ---------------------------------------------------------------------------------------

void Connection::on_readable() try {
  if (closing_ || lingering_) {
    // Read and forget, so that closing does not reset the connection under an answer still on its way.
    const ssize_t count = read(bench_.scratch.get(), Workbench::kScratchBytes);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
      at_end_ = true;
      if (lingering_) dead_ = true;
    }
    return;
  }
  if (runnable_ || waiting_ || parked_until_ns_ != 0) return;  // what is here comes first
  active_ns_ = bench_.now_ns;
  session_.set_active(active_ns_);
  if (input_.empty()) {
    receive_first();
  } else {
    receive_more();
  }
} catch (const std::bad_alloc&) {
  run_out();
}

ssize_t Connection::read(char* into, std::size_t room) {
  const ssize_t count = wire_.receive(into, room);
  if (wire_.secure()) [[unlikely]] {
    const int problem = errno;
    greet();
    errno = problem;
  }
  return count;
}

// Who has shown a good certificate may be the user of its name without a password.
void Connection::greet() {
  const auto name = wire_.take_greeting();
  if (!name || name->empty() || !bench_.shared.limits.certificate_names_user.load(std::memory_order_relaxed)) return;
  auto user = session_.environment().users().find(*name);
  if (user != nullptr && user->enabled) commands::become(session_, std::move(user));
}

bool Connection::received(ssize_t count) {
  if (count > 0) {
    bench_.shared.counters.input_bytes.fetch_add(static_cast<std::uint64_t>(count), std::memory_order_relaxed);
    return true;
  }
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (count < 0) {
    dead_ = true;
    return false;
  }
  at_end_ = true;
  close_when_sent();  // half closed: it still gets the answers it is owed
  return false;
}

void Connection::receive_first() {
  STAVE_ASSERT(input_.empty());
  // An empty connection reads into the thread's buffer and keeps only what is left of an unfinished command.
  char* const scratch = bench_.scratch.get();
  const ssize_t count = read(scratch, Workbench::kScratchBytes);
  if (!received(count)) return;
  const auto size = static_cast<std::size_t>(count);
  std::size_t position = 0;
  run(scratch, size, position);
  STAVE_ASSERT(position <= size);
  if (!dead_ && !closing_ && position < size) input_.assign(scratch + position, size - position);
  publish_buffers();
}

void Connection::receive_more() {
  if (large_ == nullptr || large_->missing() == 0) begin_large();
  if (dead_) return;  // no memory
  if (large_ != nullptr && large_->missing() != 0) return receive_large();
  std::size_t known =
      parser_.in_bulk() && !parser_.is_apart() ? parser_.bulk_end() - std::min(parser_.bulk_end(), input_.size()) : 0;
  // Room for this argument only, and all of it would be copied again for the next.
  if (!parser_.in_last_argument()) known = std::max(known, input_.size());
  // Values make way for a large one before it is here whole: no shard is held now.
  if (input_.size() > Input::kUncountedBytes) bench_.shared.engine.budget().settle();
  const std::size_t room = input_.make_room(known);
  if (room == 0) return drop_for_memory();
  const ssize_t count = read(input_.room(), room);
  if (!received(count)) return;
  input_.filled(static_cast<std::size_t>(count));
  resume();
}

// A large argument lies apart from the rest of its command, where the value that it becomes can stay.
void Connection::begin_large() {
  if (!parser_.in_bulk() || parser_.is_apart() || parser_.bulk_size() < LargeArguments::kBytesMin) return;
  STAVE_ASSERT(parser_.bulk_begin() <= input_.size());
  const std::size_t here = input_.size() - parser_.bulk_begin();
  if (here >= parser_.bulk_size()) return;
  if (large_ == nullptr) large_ = std::make_unique<LargeArguments>(bench_.shared.engine);
  large_->begin(parser_.bulk_size());
  if (!large_->append({input_.data() + parser_.bulk_begin(), here})) return drop_for_memory();
  input_.drop_last(here);
}

void Connection::receive_large() {
  // Values make way for a large one before it is here whole: no shard is held now.
  bench_.shared.engine.budget().settle();
  char* const scratch = bench_.scratch.get();
  const ssize_t count = read(scratch, std::min(large_->missing(), Workbench::kScratchBytes));
  if (!received(count)) return;
  if (!large_->append({scratch, static_cast<std::size_t>(count)})) return drop_for_memory();
  if (large_->missing() != 0) return publish_buffers();
  parser_.set_apart(large_->finish());
}

void Connection::drop_for_memory() {
  drop("sends a command that there is no memory for", bench_.shared.counters.query_limit_closed);
}

void Connection::forget_large() noexcept {
  large_ = nullptr;
  parser_.forget_apart();
}

void Connection::resume() try {
  parked_until_ns_ = 0;
  runnable_ = false;
  waiting_ = false;
  if (closing_ || dead_ || input_.empty()) return;
  std::size_t position = 0;
  if (large_ != nullptr) session_.received = large_->blocks();
  run(input_.data(), input_.size(), position);
  session_.received = {};
  STAVE_ASSERT(position <= input_.size());
  if (dead_ || closing_) {
    input_.clear();
    forget_large();
  } else {
    input_.consume(position);
    // They are the first command's, and that is done.
    if (position != 0 && large_ != nullptr) forget_large();
  }
  publish_buffers();
} catch (const std::bad_alloc&) {
  run_out();
}

void Connection::count_bytes(std::uint64_t now) noexcept {
  // Unsigned, so that what becomes less is added as well.
  bench_.shared.clients_bytes.fetch_add(now - shown_buffers_, std::memory_order_relaxed);
  shown_buffers_ = now;
}

void Connection::evict() {
  drop("takes most of what maxmemory-clients grants to all", bench_.shared.counters.evicted);
  count_bytes(0);
}

void Connection::go_on() {
  if (runnable_ || parked_until_ns_ != 0) return resume();
  on_readable();
}

void Connection::publish_buffers() {
  const std::size_t query_bytes = input_.size() + (large_ != nullptr ? large_->bytes() : 0);
  const std::uint64_t now = query_bytes + output_.pending();
  if (now == shown_buffers_) return;  // nearly always: both empty, as before
  count_bytes(now);
  session_.update_info([&](commands::ClientInfo& info) {
    info.query_buffer = query_bytes;
    info.output_buffer = output_.pending();
  });
}

// --- run --------------------------------------------------------------------------------------

bool Connection::trusted() {
  return !commands::must_authenticate(session_);
}

void Connection::run(const char* bytes, std::size_t size, std::size_t& position) {
  const Limits& limits = bench_.shared.limits;
  const std::uint64_t unread_max = limits.replies.hard_bytes.load(std::memory_order_relaxed);
  if (output_.pending() > unread_max) {
    drop("has more unread replies than output-buffer-hard-limit", bench_.shared.counters.output_limit_closed);
    return;
  }
  output_.set_limit(unread_max);
  session_.queued_bytes_max = limits.query_bytes_max.load(std::memory_order_relaxed);
  session_.answer_bytes_max = unread_max;
  session_.begin_turn();
  bench_.writer.serve(output_, session_);
  const std::uint64_t begin = output_.appended();
  for (;;) {
    const ParseStatus status = parse_batch(bytes, size, position);
    if (run_batch(begin + kTurnBytes, position) == Turn::kEnd) break;
    if (status == ParseStatus::kError) {
      protocol_error();
      break;
    }
    if (status == ParseStatus::kIncomplete) {
      // What lies apart is the first command's, if that is not done.
      check_query_limit(size - position, position == 0 ? bytes_apart() : 0);
      break;
    }
  }
  if (!marks_.empty() && bench_.shared.engine.fulfilled(waits_for_)) release_all();
  // What the replies took is made room for now that no shard is held.
  if (output_.pending() > BlockPool::kBlockBytes) bench_.shared.engine.budget().settle();
}

// The command takes long and is being done elsewhere; presented again, it answers.
void Connection::wait_for_errand() {
  STAVE_ASSERT(session_.errand != nullptr);
  fetching_ = std::make_shared<std::atomic<bool>>(false);
  session_.errand->on_done([done = fetching_, waker = bench_.waker] {
    done->store(true);
    waker->wake();
  });
  parked_until_ns_ = bench_.now_ns + kFetchLookNs;
}

// The same call is presented again when the bell rings for it.
void Connection::begin_to_wait() noexcept {
  waiting_ = true;
  unread_ = false;
  deadline_ns = session_.waiter->deadline_ns();
}

void Connection::stop_waiting() noexcept {
  if (session_.waiter != nullptr) session_.environment().waiting().end(*session_.waiter, commands::WaitEnd::kTimedOut);
}

// Whoever has left would not hear what was taken for it. It still gets the answers it is owed.
void Connection::hear_while_waiting(bool has_left) noexcept {
  STAVE_ASSERT(waiting_);
  unread_ = true;
  if (!has_left || session_.waiter == nullptr || session_.waiter->ended()) return;
  session_.environment().waiting().leave(*session_.waiter);
  session_.waiter = nullptr;
  session_.show_waiting(false);
  waiting_ = false;
  at_end_ = true;
  close_when_sent();
}

void Connection::set_paused(bool paused) noexcept {
  if (paused == std::exchange(paused_, paused)) return;
  auto& count = session_.environment().paused_calls();
  STAVE_ASSERT(paused || count.load(std::memory_order_relaxed) != 0);
  paused ? count.fetch_add(1, std::memory_order_relaxed) : count.fetch_sub(1, std::memory_order_relaxed);
}

Connection::Turn Connection::run_one(const commands::Resolved& call, commands::Arguments arguments) {
  STAVE_ASSERT(!arguments.empty() && !closing_ && !dead_);
  commands::Environment& environment = session_.environment();
  if (environment.pausing() && session_.waiter == nullptr && commands::must_pause(session_, call, arguments))
      [[unlikely]] {
    parked_until_ns_ = std::min(environment.pause().until_ns, bench_.now_ns + kPauseLookNs);
    if (parked_until_ns_ == 0) parked_until_ns_ = bench_.now_ns;
    set_paused(true);
    return Turn::kLater;
  }
  if (paused_) [[unlikely]]
    set_paused(false);
  const bool guess =
      call.row != nullptr && (call.row->flags & commands::kNoAuth) != 0 && authenticates(call, arguments);
  const std::uint64_t failures = session_.identity.failures;
  if (guess) [[unlikely]] {
    const std::uint64_t until_ns = environment.auth_backoff().wait_until_ns(host());
    if (until_ns > bench_.now_ns) {
      parked_until_ns_ = until_ns;
      return Turn::kLater;
    }
  }
  // A browser made to post here by somebody's page would otherwise have its lines run as commands.
  if (call.row == nullptr && (commands::same_word(arguments[0], "POST") || commands::same_word(arguments[0], "HOST:")))
      [[unlikely]] {
    bench_.shared.log.warn(
        "Possible attack: {} speaks HTTP to the Redis port (POST or Host:), as a browser does when a page makes it "
        "send "
        "commands across protocols. Connection closed.",
        address_);
    bench_.shared.counters.protocol_errors.fetch_add(1, std::memory_order_relaxed);
    dead_ = true;
    return Turn::kEnd;
  }
  const std::uint64_t begin = output_.appended();
  commands::dispatch(session_, call, arguments, bench_.writer);
  if (session_.errand != nullptr) [[unlikely]] {
    wait_for_errand();
    return Turn::kLater;
  }
  if (session_.waiter != nullptr) [[unlikely]] {
    begin_to_wait();
    return Turn::kLater;
  }
  if (guess) [[unlikely]] {
    if (session_.identity.failures != failures) {
      if (environment.auth_backoff().failed(host(), bench_.now_ns))
        bench_.shared.log.warn("A wrong password came from {}; more from there are told at most every 10 s.", host());
    } else if (trusted()) {
      environment.auth_backoff().succeeded(host());
    }
  }
  if (output_.refusal() != Output::Refusal::kNone) [[unlikely]] {
    if (const Turn turn = give_up_reply(call, begin); turn != Turn::kGoOn) return turn;
  }
  if (const std::uint64_t bytes = hold_answer(begin, output_.appended()); bytes > kLargeFrom) [[unlikely]]
    note_large(environment.large_replies(), call, arguments, bytes);
  return Turn::kGoOn;
}

void Connection::note_large(commands::SlowLog& log, const commands::Resolved& call, commands::Arguments arguments,
                            std::uint64_t bytes) const {
  const std::int64_t most = log.threshold_us();
  if (most < 0 || bytes < static_cast<std::uint64_t>(most) || !call.runs() ||
      (call.row->flags & commands::kSecret) != 0)
    return;
  const commands::ClientInfo client = session_.info();
  log.add({.id = 0,
           .at = bench_.shared.engine.now(),
           .microseconds = static_cast<std::int64_t>(bytes),
           .arguments = commands::SlowLog::shorten(arguments),
           .client_address = client.address,
           .client_name = client.name});
}

Connection::Turn Connection::give_up_reply(const commands::Resolved& call, std::uint64_t begin) {
  if (output_.refusal() == Output::Refusal::kLimit) {
    drop("is scheduled to be closed ASAP for overcoming of output buffer limits (output-buffer-hard-limit)",
         bench_.shared.counters.output_limit_closed);
    return Turn::kEnd;
  }
  output_.retract(begin);
  // EXEC is no write, but what it has run may be.
  const bool changed = !call.runs() || (call.row->flags & (commands::kWrite | commands::kNotQueued)) != 0;
  if (!std::exchange(told_of_memory_, true))
    bench_.shared.log.warn("A reply for {} was abandoned: there is no memory for it beside what others have not read.",
                           address_);
  if (!changed) {
    bench_.writer.error(
        "OOM command not allowed when used memory > 'maxmemory': the reply does not fit beside what "
        "clients have not read.");
    return Turn::kGoOn;
  }
  // What it did stays done, and who asked must not take the error for the opposite.
  bench_.writer.error("OOM the command was run, but there is no memory for its reply; the connection is closed.");
  close_when_sent();
  return Turn::kEnd;
}

bool Connection::authenticates(const commands::Resolved& call, commands::Arguments arguments) noexcept {
  if (call.row == nullptr) return false;
  return call.row->name == "AUTH" || (call.row->name == "HELLO" && arguments.size() > 2);
}

// Every answer has its own mark: should the disk fail, each command is told for itself.
std::uint64_t Connection::hold_answer(std::uint64_t begin, std::uint64_t end) {
  const store::Pending pending = session_.take_pending();
  if (pending.empty() || begin == end) return end - begin;
  STAVE_ASSERT(marks_.empty() || marks_.back().end <= begin);
  marks_.push_back({begin, end, pending, bench_.now_ns});
  waits_for_.merge(pending);
  return end - begin;
}

void Connection::check_query_limit(std::size_t size, std::size_t apart) {
  // The argument being received has a limit of its own, so only what surrounds it counts.
  const std::size_t counted = apart + (parser_.in_bulk() ? std::min(size, parser_.bulk_begin()) : size);
  const std::uint64_t most =
      trusted() ? bench_.shared.limits.query_bytes_max.load(std::memory_order_relaxed) : kUnauthenticatedQueryBytesMax;
  if (counted > most) drop("has sent too much without finishing a command", bench_.shared.counters.query_limit_closed);
}

/// Of arguments that are whole, without the one whose end is to come.
std::size_t Connection::bytes_apart() const noexcept {
  if (large_ == nullptr) return 0;
  return large_->bytes() - large_->receiving() - (parser_.is_apart() ? parser_.bulk_size() : 0);
}

void Connection::protocol_error() {
  bench_.shared.counters.protocol_errors.fetch_add(1, std::memory_order_relaxed);
  bench_.shared.log.debug("{}: {}", address_, parser_.error());
  bench_.writer.error(parser_.error());
  linger_ = true;
  close_when_sent();
}

// --- out --------------------------------------------------------------------------------------

void Connection::send() {
  if (dead_ || lingering_) return;
  send_some();
  // Who listens is sent what it did not ask for, and who is slow reads long after it asked.
  constexpr std::uint64_t kMuch = 64 << 10;
  if ((session_.listening || blocked_ || shown_buffers_ > kMuch) && !dead_) publish_buffers();
}

void Connection::send_some() {
  const std::uint64_t limit = marks_.empty() ? output_.appended() : marks_.front().begin;
  blocked_ = false;
  while (output_.sent() < limit) {
    iovec pieces[kPiecesMax];
    const std::size_t gathered = output_.gather(limit, pieces, kPiecesMax);
    STAVE_ASSERT(gathered != 0);
    const ssize_t count = wire_.send(pieces, gathered);
    if (count < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) {
        blocked_ = true;
      } else {
        dead_ = true;
      }
      return;
    }
    output_.advance(static_cast<std::size_t>(count));
    STAVE_ASSERT(output_.sent() <= limit);
    active_ns_ = bench_.now_ns;  // to take a long answer is not to be idle
    bench_.shared.counters.output_bytes.fetch_add(static_cast<std::uint64_t>(count), std::memory_order_relaxed);
  }
  if (!closing_ || output_.pending() != 0) return;
  if (session_.take_over) [[unlikely]] {
    dead_ = true;
    if (auto wire = wire_.hand_over(); wire != nullptr) {
      handed_over_ = true;
      std::exchange(session_.take_over, nullptr)(std::make_unique<WireLink>(std::move(wire), address_));
    }
    return;
  }
  if (!linger_ || at_end_) {
    dead_ = true;
    return;
  }
  wire_.finish();
  lingering_ = true;
  linger_until_ns_ = bench_.now_ns + kSecondNs;
}

void Connection::hear(std::string_view text, const store::Pending& pending) noexcept try {
  if (dead_ || closing_ || lingering_) return;
  const std::uint64_t most = bench_.shared.limits.messages.hard_bytes.load(std::memory_order_relaxed);
  if (output_.pending() > kTurnBytes && marks_.empty()) send();  // it may have read what came before
  if (dead_) return;
  if (most != 0 && output_.pending() > most)
    return drop("does not read the messages it listens for (pubsub-output-buffer-hard-limit)",
                bench_.shared.counters.output_limit_closed);
  const std::uint64_t begin = output_.appended();
  output_.append(text);
  if (output_.refusal() != Output::Refusal::kNone)
    return drop("has no memory left for the messages it listens for and does not read",
                bench_.shared.counters.output_limit_closed);
  if (bench_.shared.engine.fulfilled(pending)) return;
  marks_.push_back({begin, output_.appended(), pending, bench_.now_ns, true});
  waits_for_.merge(pending);
} catch (const std::bad_alloc&) {
  run_out();
}

bool Connection::release() {
  if (bench_.shared.engine.fulfilled(waits_for_)) {
    release_all();
    return true;
  }
  std::size_t done = 0;
  while (done < marks_.size() && bench_.shared.engine.fulfilled(marks_[done].pending)) ++done;
  marks_.erase(marks_.begin(), marks_.begin() + static_cast<std::ptrdiff_t>(done));
  return marks_.empty();
}

void Connection::release_all() noexcept {
  marks_.clear();
  waits_for_ = {};
}

void Connection::fail_held(std::string_view error) {
  if (release()) return;
  bench_.writer.serve(output_, session_);
  try {
    replace_held(error);
  } catch (const std::bad_alloc&) {
    // What is held cannot be told apart any more: all of it is taken back, and the client gets one answer.
    output_.truncate(std::max(marks_.front().begin, output_.sent()));
    bench_.writer.error(error);
    linger_ = true;
    close_when_sent();
  }
  release_all();
  if (output_.refusal() != Output::Refusal::kNone) dead_ = true;  // not even errors fit beside what it has not read
}

}  // namespace stave::resp
