// How a connection ends, and what other threads may want of it.
#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/uio.h>

#include <new>
#include <vector>

#include "base/assert.h"
#include "commands/access.h"
#include "doors/resp/connection.h"
#include "doors/resp/connection_times.h"
#include "doors/resp/message_text.h"

namespace stave::resp {

void Connection::close_when_sent() noexcept {
  closing_ = true;
  runnable_ = false;
  parked_until_ns_ = 0;
}

void Connection::drop(std::string_view why, std::atomic<std::uint64_t>& counter) {
  counter.fetch_add(1, std::memory_order_relaxed);
  bench_.shared.log.warn("Closed {}: it {}.", address_, why);
  dead_ = true;
  output_.clear();
}

// What was answered may be half of it, and what was read and not run cannot be kept: nothing sensible can follow.
void Connection::run_out() noexcept {
  bench_.shared.log.warn("Closed {}: there is no memory to serve it.", address_);
  dead_ = true;
  output_.clear();
}

bool Connection::waits_for_followers_in_vain() const noexcept {
  if (marks_.empty()) return false;
  const Mark& oldest = marks_.front();
  const store::Engine& engine = bench_.shared.engine;
  return oldest.pending.replicas != 0 && engine.replicas().too_late(oldest.since_ns, bench_.now_ns) &&
         engine.on_disk(oldest.pending) && !engine.fulfilled(oldest.pending);
}

void Connection::close(bool after_reply) {
  close_wanted_.store(after_reply ? 1 : 2, std::memory_order_relaxed);
  bench_.call(*this);
}

void Connection::look_at_rights() {
  rights_changed_.store(true);
  bench_.call(*this);
}

// Bounded as messages are, before they are part of what is unread.
void Connection::take_told(Told told, std::uint64_t bytes) {
  constexpr std::uint64_t kLinesBytesMax = 32 << 20;
  bool first = false;
  {
    base::MutexLock lock(lines_mutex_);
    // None may be missing without its knowing.
    if (lines_bytes_ > kLinesBytesMax) return close(false);
    first = lines_.empty();
    lines_bytes_ += bytes;
    lines_.push_back(std::move(told));
  }
  if (first) bench_.call(*this);
}

void Connection::show_line(const std::shared_ptr<const std::string>& line) {
  take_told({.line = line, .invalidation = nullptr}, line->size());
}

void Connection::show_invalidation(const std::shared_ptr<const commands::Invalidation>& what) try {
  constexpr std::uint64_t kAboutBytes = 64;
  std::uint64_t bytes = kAboutBytes;
  for (const std::string& key : what->keys) bytes += key.size();
  take_told({.line = nullptr, .invalidation = what}, bytes);
} catch (const std::bad_alloc&) {
  close(false);  // or it would go on with what is worth nothing
}

void Connection::show_lines() {
  std::vector<Told> lines;
  {
    base::MutexLock lock(lines_mutex_);
    if (lines_.empty()) return;
    lines.swap(lines_);
    lines_bytes_ = 0;
  }
  std::string text;
  for (std::size_t i = 0; i < lines.size() && !dead_; ++i) {
    if (lines[i].line != nullptr) {
      text.assign("+").append(*lines[i].line).append("\r\n");
      hear(text, {});
      continue;
    }
    // A client that follows prefixes hears of all that came meanwhile at once, as from Redis.
    commands::Invalidation what = *lines[i].invalidation;
    while (i + 1 < lines.size() && lines[i + 1].invalidation != nullptr && what.may_join(*lines[i + 1].invalidation))
      what.join(*lines[++i].invalidation);
    text = invalidation_text(what, session_.protocol(), session_.listening);
    if (!text.empty()) hear(text, what.pending);
  }
}

void Connection::attend() noexcept try {
  const std::uint8_t wanted = close_wanted_.load(std::memory_order_relaxed);
  if (wanted == 2) dead_ = true;
  if (wanted == 1 && !closing_) close_when_sent();
  if (dead_) return;
  if (rights_changed_.exchange(false) && !commands::may_go_on_listening(session_)) dead_ = true;
  show_lines();
} catch (const std::bad_alloc&) {
  run_out();
}

void Connection::check_time() {
  const Limits& limits = bench_.shared.limits;
  const auto idle_ns = static_cast<std::uint64_t>(limits.idle_seconds.load(std::memory_order_relaxed)) * kSecondNs;
  if (lingering_ && bench_.now_ns >= linger_until_ns_) dead_ = true;
  const OutputLimits& output = session_.listening ? limits.messages : limits.replies;
  const std::uint64_t soft = output.soft_bytes.load(std::memory_order_relaxed);
  const auto patience_ns = static_cast<std::uint64_t>(output.soft_seconds.load(std::memory_order_relaxed)) * kSecondNs;
  if (slow_reader_.overdue(output_.pending(), output_.sent(), soft, patience_ns, bench_.now_ns))
    drop(
        "has more unread replies or messages than the soft limit of its output buffer and has read too few of them in "
        "time",
        bench_.shared.counters.output_limit_closed);
  if (!dead_ && idle_ns != 0 && !session_.listening && !waiting_ && bench_.now_ns - active_ns_ > idle_ns &&
      marks_.empty()) {
    bench_.shared.counters.idle_closed.fetch_add(1, std::memory_order_relaxed);
    dead_ = true;
  }
}

std::uint32_t Connection::interest() const noexcept {
  std::uint32_t events = blocked_ ? EPOLLOUT : 0u;
  if (waiting_ && !closing_) return events | EPOLLRDHUP | (unread_ ? 0u : EPOLLIN);
  if (!at_end_ && parked_until_ns_ == 0 && !stalled()) events |= EPOLLIN | EPOLLRDHUP;
  return events;
}

// The stream from the first answer that is held, once more, with `error` in the place of every one that waits in vain.
void Connection::replace_held(std::string_view error) {
  const std::uint64_t from = marks_.front().begin;
  STAVE_ASSERT(output_.sent() <= from);
  constexpr std::size_t kPiecesAtFirst = 64;
  std::vector<iovec> pieces(kPiecesAtFirst);
  std::size_t count = 0;
  while ((count = output_.gather(output_.appended(), pieces.data(), pieces.size())) == pieces.size())
    pieces.resize(2 * pieces.size());
  std::string held;
  held.reserve(output_.pending());
  for (std::size_t i = 0; i < count; ++i) held.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  held.erase(0, from - output_.sent());
  const std::string_view old = held;
  const std::uint64_t end = output_.appended();
  STAVE_ASSERT(old.size() == end - from);
  output_.truncate(from);
  std::uint64_t at = from;
  for (const Mark& mark : marks_) {
    STAVE_ASSERT(at <= mark.begin && mark.begin < mark.end && mark.end <= end);
    const bool safe = bench_.shared.engine.fulfilled(mark.pending);
    output_.append(old.substr(at - from, (safe ? mark.end : mark.begin) - at));
    if (!safe && !mark.message) bench_.writer.error(error);
    at = mark.end;
  }
  output_.append(old.substr(at - from));
}

}  // namespace stave::resp
