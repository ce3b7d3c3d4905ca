// The thread that sends the log to one follower, from where that is on, and hears what it says of itself.
//
// Part of followers.h, which see. Promises: what a follower has yet to read stays in the log while it is connected; a
// follower that is to take over is told so only once it has everything, or whoever asked for it said that it need not.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "replication/followers.h"

namespace stave::replication {

/// What is guarded by the followers' lock is so marked in words: their lock is not to be named here.
class Followers::Shipper {
 public:
  Shipper(Followers& all, std::unique_ptr<Link> link, std::function<bool()> allowed);
  ~Shipper();
  Shipper(const Shipper&) = delete;
  Shipper& operator=(const Shipper&) = delete;

  void start();
  void shut() noexcept;
  [[nodiscard]] bool done() const noexcept { return done_.load(std::memory_order_acquire); }
  /// It streams; what it has said may be counted. Under the followers' lock.
  bool streams = false;
  FollowerInfo info_;
  /// Set by who wants this follower to lead, and cleared when it has been told. Under the followers' lock.
  std::optional<HandOver> hand_over;

 private:
  void run() noexcept;
  Result<void> serve();
  Result<void> refuse(const Error& why);
  [[nodiscard]] std::uint64_t term() const noexcept { return all_.engine_.terms().number(); }
  [[nodiscard]] std::uint64_t now_ns() const { return all_.engine_.clock().monotonic_ns(); }
  Result<void> begin_term_for(const Hello& hello);
  void begin_to_keep(const Hello& hello);
  void keep_from(Lsn lsn);
  /// Another connection of the same follower has come. Under the followers' lock.
  void make_way() noexcept;
  void leave() noexcept;
  Result<void> stream(Lsn position);
  /// Sends what follows `position`, if there is anything. Returns where that ends.
  Result<Lsn> send_some(Lsn position, std::span<std::byte> buffer);
  /// What was sent is so much of what may be sent in a second.
  void pace(std::uint64_t bytes);
  Result<void> tell_end(Lsn written, std::uint64_t now);
  void note_progress(Lsn written, std::uint64_t now);
  Result<void> send_dictionaries();
  /// What the follower says, waiting for it for `wait_ms` at most.
  Result<void> hear(Lsn sent, std::int64_t wait_ms);
  Result<void> hear_frame(const Frame& frame, Lsn sent, std::uint64_t now);
  Result<void> hand_over_if_asked(Lsn sent);

  Followers& all_;
  const std::unique_ptr<Link> link_;
  const std::function<bool()> allowed_;
  FrameReader reader_;
  log::NodeId node_{};
  Kept* kept_ = nullptr;  ///< Null before it has said who it is, and once it has made way.
  /// How far the log was written at some moments since the one of which the follower has everything.
  struct Mark {
    Lsn written;
    std::uint64_t at_ns;
  };
  std::deque<Mark> marks_;
  std::vector<std::uint32_t> dictionaries_;
  std::size_t dictionaries_seen_ = 0;
  std::uint64_t told_ns_ = 0;
  std::uint64_t next_ns_ = 0;  ///< When more may be sent.
  std::atomic<bool> stopping_{false};
  std::atomic<bool> done_{false};
  std::thread thread_;
};

}  // namespace stave::replication
