// One thread of the HTTP door: an Asio loop over its own connections.
//
// A turn: whatever is ready is handled; then, once for all connections, the log is asked for what their answers wait
// for, work goes a step further, lines of the access log are written, and the dead are buried.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "commands/channels.h"
#include "doors/http/connection.h"

namespace stave::http {

/// The way to a thread for others, who may come after it has gone. Threads: any.
class Mailbox {
 public:
  explicit Mailbox(asio::io_context& io) noexcept : io_(&io) {}
  /// Has the thread call it; it is forgotten when there is none any more.
  void post(std::function<void()> call) STAVE_EXCLUDES(mutex_);
  void retire() STAVE_EXCLUDES(mutex_);

 private:
  base::Mutex mutex_;
  asio::io_context* io_ STAVE_GUARDED_BY(mutex_);
};

class IoThread final : public ConnectionHost {
 public:
  IoThread(Hub& hub, int number);
  ~IoThread() override;
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  void start();
  /// The store is open: from now on it tells this thread how far its log is, here and on followers, and messages come
  /// in. Threads: any, once.
  void attach(commands::Environment& environment);
  /// Finishes what is in flight, for as long as the configuration grants, and ends. Threads: any.
  void stop();
  void join();

  [[nodiscard]] asio::io_context& context() noexcept { return io_; }
  [[nodiscard]] std::size_t connections() const noexcept { return count_.load(std::memory_order_relaxed); }
  /// Counts a connection that is on its way here. Threads: any.
  void expect_one() noexcept { count_.fetch_add(1, std::memory_order_relaxed); }
  /// Takes a socket of this thread's context, which was expected. `tls`: null for none. Only on this thread.
  void adopt(asio::ip::tcp::socket socket, std::shared_ptr<asio::ssl::context> tls);
  /// Called every so often on this thread, besides its own checks. Set before `start`.
  std::function<void()> on_tick;

  void hold(Connection& connection) override;
  void work(Connection& connection) override;
  std::function<void()> way_back(Connection& connection) override;
  void bury(Connection& connection) override;
  void close_wanted() override;
  [[nodiscard]] std::uint64_t now_ns() const override { return hub_.clock.monotonic_ns(); }
  [[nodiscard]] std::string_view date() override;
  [[nodiscard]] std::string_view next_request_id() override;
  void log_access(const AccessEntry& entry, std::string_view client) override;
  [[nodiscard]] commands::Post* post() override { return post_ ? &*post_ : nullptr; }
  [[nodiscard]] std::span<char> scratch() override { return {scratch_.get(), kScratchBytes}; }

 private:
  static constexpr std::size_t kScratchBytes = 64 * 1024;
  static constexpr std::uint64_t kGatherFromNs = 1'500'000;
  static constexpr std::uint64_t kGatherNsMax = 4'000'000;

  void run();
  void schedule_turn_end();
  void end_turn();
  void ask_for_disk();
  /// Whether the next sync is put off until more have come.
  bool gathers(Lsn durable);
  void log_advanced() noexcept;
  void deliver();
  void release_held();
  void fail_held(const Error& error);
  void arm_tick();
  void tick();
  void begin_stop();
  void bury_the_dead();

  Hub& hub_;
  int number_;
  asio::io_context io_{1};
  const std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>(io_);
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> guard_;
  asio::steady_timer timer_;
  asio::steady_timer gather_timer_;
  std::thread thread_;
  std::atomic<std::size_t> count_{0};
  std::atomic<store::Engine*> engine_{nullptr};
  std::uint64_t listener_ = 0;
  std::uint64_t replica_listener_ = 0;
  std::atomic<bool> waits_for_log_{false};
  std::optional<commands::Post> post_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> held_;
  std::vector<Connection*> working_;
  std::vector<Connection*> buried_;
  std::vector<Connection*> turn_;
  store::Pending wanted_;  ///< What all that ever waited waits for; it only grows.
  Lsn asked_durable_ = kNoLsn;
  Lsn seen_durable_ = kNoLsn;
  Lsn seen_written_ = kNoLsn;
  std::uint64_t seen_replicas_ = 0;
  std::uint64_t asked_ns_ = 0;
  std::uint64_t sync_ns_ = 0;  ///< How long a sync takes, smoothed.
  std::uint64_t gather_until_ns_ = 0;
  std::size_t returning_ = 0;  ///< Connections that were answered and may ask again at any moment.
  bool gather_armed_ = false;
  bool turn_scheduled_ = false;
  bool stopping_ = false;
  bool failure_told_ = false;
  std::uint64_t stop_deadline_ns_ = 0;
  std::int64_t date_second_ = -1;
  std::string date_;
  std::array<char, 16> id_prefix_{};
  std::uint64_t id_count_ = 0;
  std::string id_;
  std::string access_lines_;
  std::unique_ptr<char[]> scratch_ = std::make_unique_for_overwrite<char[]>(kScratchBytes);
};

}  // namespace stave::http
