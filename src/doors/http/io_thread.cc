#include "doors/http/io_thread.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <charconv>
#include <chrono>

#include "base/assert.h"
#include "base/random.h"
#include "base/thread.h"
#include "doors/http/times.h"

namespace stave::http {
namespace {

constexpr std::chrono::milliseconds kTick(250);
constexpr std::size_t kAccessBytes = 64 * 1024;

std::string address_text(const asio::ip::tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + host + "]:" + port : host + ":" + port;
}

}  // namespace

void Mailbox::post(std::function<void()> call) {
  base::MutexLock lock(mutex_);
  if (io_ != nullptr) asio::post(*io_, std::move(call));
}

void Mailbox::retire() {
  base::MutexLock lock(mutex_);
  io_ = nullptr;
}

IoThread::IoThread(Hub& hub, int number)
    : hub_(hub), number_(number), guard_(asio::make_work_guard(io_)), timer_(io_), gather_timer_(io_) {
  std::ranges::fill(id_prefix_, '0');
  std::array<char, 16> digits{};
  const auto done = std::to_chars(digits.data(), digits.data() + digits.size(), base::thread_random(), 16);
  STAVE_ASSERT(done.ec == std::errc{});
  std::copy_backward(digits.data(), done.ptr, id_prefix_.data() + id_prefix_.size());
}

IoThread::~IoThread() {
  stop();
  join();
  mailbox_->retire();
}

void IoThread::start() {
  STAVE_ASSERT(!thread_.joinable());
  arm_tick();
  thread_ = base::start_thread([this] { run(); });
}

void IoThread::attach(commands::Environment& environment) {
  STAVE_ASSERT(engine_.load() == nullptr);
  store::Engine& engine = environment.engine();
  post_.emplace(environment.channels(), [this, mailbox = mailbox_] { mailbox->post([this] { deliver(); }); });
  engine_.store(&engine, std::memory_order_release);
  listener_ = engine.log().add_listener([this] { log_advanced(); });
  replica_listener_ = engine.replicas().add_listener([this] { log_advanced(); });
}

void IoThread::stop() {
  if (thread_.joinable()) asio::post(io_, [this] { begin_stop(); });
}

void IoThread::join() {
  if (!thread_.joinable()) return;
  thread_.join();
  if (store::Engine* const engine = engine_.load()) {
    engine->log().remove_listener(listener_);
    engine->replicas().remove_listener(replica_listener_);
  }
}

void IoThread::run() {
  base::enter_thread("stave-http-" + std::to_string(number_));
  io_.run();
}

void IoThread::adopt(asio::ip::tcp::socket socket, std::shared_ptr<asio::ssl::context> tls) {
  ErrorCodeOfSystem problem;
  const auto peer = socket.remote_endpoint(problem);
  const auto own = problem ? asio::ip::tcp::endpoint{} : socket.local_endpoint(problem);
  if (problem || stopping_) {
    count_.fetch_sub(1, std::memory_order_relaxed);
    hub_.connections.fetch_sub(1, std::memory_order_relaxed);
    hub_.descriptors.give_back();
    return;
  }
  auto connection = std::make_unique<Connection>(hub_, *this, address_text(peer), address_text(own));
  Connection& fresh = *connection;
  fresh.books.index = connections_.size();
  connections_.push_back(std::move(connection));
  fresh.start(tls ? make_tls_transport(std::move(socket), std::move(tls), fresh)
                  : make_plain_transport(std::move(socket), fresh));
}

// --- turns ------------------------------------------------------------------------------------

void IoThread::schedule_turn_end() {
  if (turn_scheduled_) return;
  turn_scheduled_ = true;
  // Behind whatever is ready now.
  asio::post(io_, [this] { end_turn(); });
}

void IoThread::hold(Connection& connection) {
  if (!connection.books.in_held) {
    connection.books.in_held = true;
    held_.push_back(&connection);
    if (returning_ > 0) --returning_;
  }
  wanted_.merge(connection.held());
  schedule_turn_end();
}

void IoThread::work(Connection& connection) {
  if (!connection.books.in_working) {
    connection.books.in_working = true;
    working_.push_back(&connection);
  }
  schedule_turn_end();
}

std::function<void()> IoThread::way_back(Connection& connection) {
  return [mailbox = mailbox_, parking = connection.parking()] {
    mailbox->post([parking] {
      // Held by the connection alone, on this very thread: while it is there, so is the connection.
      if (const auto waiting = parking.lock()) (*waiting)->resume();
    });
  };
}

void IoThread::bury(Connection& connection) {
  if (!connection.books.in_buried) {
    connection.books.in_buried = true;
    buried_.push_back(&connection);
  }
  schedule_turn_end();
}

void IoThread::end_turn() {
  STAVE_ASSERT(turn_scheduled_ && turn_.empty());
  turn_scheduled_ = false;
  if (!working_.empty()) {
    turn_.swap(working_);
    for (Connection* connection : turn_) connection->books.in_working = false;
    for (Connection* connection : turn_) connection->step();
    turn_.clear();
  }
  if (!held_.empty()) ask_for_disk();
  if (!access_lines_.empty()) {
    hub_.access_log(access_lines_);
    access_lines_.clear();
  }
  bury_the_dead();
}

void IoThread::bury_the_dead() {
  if (buried_.empty()) return;
  const auto is_buried = [](const Connection* connection) { return connection->books.in_buried; };
  std::erase_if(held_, is_buried);
  std::erase_if(working_, is_buried);
  for (Connection* connection : buried_) {
    const std::size_t index = connection->books.index;
    STAVE_ASSERT(index < connections_.size() && connections_[index].get() == connection);
    connections_.back()->books.index = index;
    std::swap(connections_[index], connections_.back());
    connections_.pop_back();
  }
  const std::size_t before = count_.fetch_sub(buried_.size(), std::memory_order_relaxed);
  STAVE_ASSERT(before >= buried_.size());
  hub_.connections.fetch_sub(static_cast<std::int64_t>(buried_.size()), std::memory_order_relaxed);
  hub_.descriptors.give_back(static_cast<std::int64_t>(buried_.size()));
  buried_.clear();
  if (stopping_ && connections_.empty()) {
    timer_.cancel();
    gather_timer_.cancel();
    guard_.reset();
  }
}

// --- the disk ---------------------------------------------------------------------------------

void IoThread::ask_for_disk() {
  STAVE_ASSERT(engine_.load(std::memory_order_acquire) != nullptr);
  store::Engine& engine = *engine_.load(std::memory_order_acquire);
  log::Log& log = engine.log();
  // What lies behind a large value that is being written has to wait for it; this thread has not.
  if (wanted_.written > log.written()) {
    if (auto done = log.write_out_before(wanted_.written); !done) return fail_held(done.error());
  }
  // Announced before the log is looked at for the last time, so one of the two sees the other.
  waits_for_log_.store(true);
  const Lsn durable = log.durable();
  if (wanted_.durable > durable && wanted_.durable > asked_durable_ && !gathers(durable)) {
    log.request_sync(wanted_.durable);
    asked_durable_ = wanted_.durable;
    asked_ns_ = now_ns();
    returning_ = 0;
  }
  if (auto well = log.health(); !well) return fail_held(well.error());
  const Lsn written = log.written();
  if (durable != seen_durable_ || (wanted_.written > seen_written_ && written != seen_written_) ||
      (wanted_.replicas != 0 && engine.replicas().news() != seen_replicas_) || engine.fulfilled(wanted_))
    release_held();
}

// As in the Redis door: when the disk is slow, a sync that starts while half of the clients are still reading their
// last answers serves only the other half, and so would all that follow. So one at a time, and the clients just
// answered may come back first.
bool IoThread::gathers(Lsn durable) {
  if (sync_ns_ < kGatherFromNs) return false;
  if (asked_durable_ > durable) return true;
  const std::uint64_t now = now_ns();
  if (returning_ == 0 || now >= gather_until_ns_) return false;
  if (!gather_armed_) {
    gather_armed_ = true;
    gather_timer_.expires_after(std::chrono::nanoseconds(gather_until_ns_ - now));
    gather_timer_.async_wait([this](const ErrorCodeOfSystem&) {
      gather_armed_ = false;
      if (!held_.empty()) schedule_turn_end();
    });
  }
  return true;
}

void IoThread::log_advanced() noexcept {
  if (waits_for_log_.exchange(false)) asio::post(io_, [this] { release_held(); });
}

void IoThread::deliver() {
  try {
    post_->drain([](const commands::Message& message, const std::string* pattern, commands::Session& session) {
      static_cast<Connection&>(*session.control()).hear(message, pattern);
    });
  } catch (const std::bad_alloc&) {
    // Whoever missed one could not know, so all of this thread's find that they have lost their connection.
    for (const auto& connection : connections_)
      if (connection->listens()) connection->kill();
  }
}

void IoThread::release_held() {
  store::Engine& engine = *engine_.load(std::memory_order_acquire);
  log::Log& log = engine.log();
  seen_written_ = log.written();
  seen_replicas_ = engine.replicas().news();
  const Lsn durable = log.durable();
  STAVE_ASSERT(seen_durable_ <= durable);
  const bool finished = asked_durable_ != kNoLsn && seen_durable_ < asked_durable_ && durable >= asked_durable_;
  seen_durable_ = durable;
  if (held_.empty()) return;
  if (auto well = log.health(); !well) return fail_held(well.error());
  std::vector<Connection*> waiting;
  waiting.swap(held_);
  returning_ = 0;
  for (Connection* connection : waiting) connection->books.in_held = false;
  for (Connection* connection : waiting) connection->pump();  // whoever still waits comes back by itself
  if (!finished) return;
  const std::uint64_t now = now_ns();
  sync_ns_ = (3 * sync_ns_ + (now - asked_ns_)) / 4;
  gather_until_ns_ = now + std::min(sync_ns_ / 2, kGatherNsMax);
  returning_ = waiting.size() - std::min(waiting.size(), held_.size());
}

void IoThread::fail_held(const Error& error) {
  if (!std::exchange(failure_told_, true))
    hub_.log.error("The log has failed: {}. Answers that wait for it are withdrawn.", error.describe());
  std::vector<Connection*> waiting;
  waiting.swap(held_);
  for (Connection* connection : waiting) {
    connection->books.in_held = false;
    connection->fail_held(error);
  }
}

// --- time -------------------------------------------------------------------------------------

void IoThread::arm_tick() {
  timer_.expires_after(kTick);
  timer_.async_wait([this](const ErrorCodeOfSystem& problem) {
    if (problem || !guard_) return;
    tick();
    arm_tick();
  });
}

void IoThread::tick() {
  if (on_tick) on_tick();
  const bool over = stopping_ && now_ns() >= stop_deadline_ns_;
  // A log that fails tells its listeners; looking again costs nothing.
  if (!held_.empty()) schedule_turn_end();
  for (const auto& connection : connections_) {
    if (over) {
      connection->kill();
    } else {
      connection->check_time();
    }
  }
}

void IoThread::begin_stop() {
  if (stopping_) return;
  stopping_ = true;
  stop_deadline_ns_ = now_ns() + static_cast<std::uint64_t>(hub_.config.stop_timeout_ms) * 1'000'000;
  for (const auto& connection : connections_) connection->stop();
  if (connections_.empty()) {
    timer_.cancel();
    gather_timer_.cancel();
    guard_.reset();
  }
}

void IoThread::close_wanted() {
  asio::post(io_, [this] {
    for (const auto& connection : connections_) connection->obey_close();
  });
}

// --- what answers need ------------------------------------------------------------------------

std::string_view IoThread::date() {
  const UnixMs now = hub_.clock.wall();
  if (raw(now) / 1000 != date_second_) {
    date_second_ = raw(now) / 1000;
    date_ = http_date(now);
  }
  return date_;
}

std::string_view IoThread::next_request_id() {
  id_.assign(id_prefix_.data(), id_prefix_.size());
  id_ += '-';
  id_ += std::to_string(++id_count_);
  return id_;
}

void IoThread::log_access(const AccessEntry& entry, std::string_view client) {
  const std::uint64_t now = now_ns();
  append_access_line(access_lines_, hub_.config.access_log, entry, client, hub_.clock.wall(),
                     (now - std::min(now, entry.began_ns)) / 1000);
  if (access_lines_.size() >= kAccessBytes) {
    hub_.access_log(access_lines_);
    access_lines_.clear();
  }
  schedule_turn_end();
}

}  // namespace stave::http
