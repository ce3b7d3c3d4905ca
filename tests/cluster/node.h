// A machine of a simulated cluster: a disk, a clock, and while it is up a store and its part in the group.
//
// Promises: what a power cut leaves is what the disk had synced, and what the seed says of the rest; the machine comes
// up as a server does (prepare, open, group). Must not know: what the others do, what was written.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "history.h"
#include "network.h"
#include "replication/group.h"
#include "testing/sim_file_system.h"

namespace stave::cluster {

/// Threads: one, but for what its own group calls.
class Node {
 public:
  struct Setup {
    int number = 0;
    std::uint64_t seed = 0;
    Sync sync = Sync::kOs;
    std::uint32_t replicas = 0;  ///< As min-replicas-durable.
  };
  Node(Network& network, const Setup& setup);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Starts it, told to follow that node, or as what it was when negative. Errors: it stays down, and can be tried
  /// again.
  Result<void> start(int told);
  /// The store was to be closed and opened again: does that. False: there was nothing to do.
  bool reopen_if_asked();
  /// A good end.
  void stop();
  /// The power fails, after some more operations of the disk, perhaps.
  void lose_power();
  /// A power cut that was to come does not.
  void keep_power() {
    if (!disk_->crashed()) disk_->crash_at(sim::kForever);
  }
  /// The process alone dies.
  void kill();
  /// The machine is replaced by one that has nothing.
  void replace();

  [[nodiscard]] bool up() const noexcept { return engine_ != nullptr; }
  /// Its disk does what it is told.
  [[nodiscard]] bool well() const { return up() && !disk_->crashed() && engine_->log().health().has_value(); }
  [[nodiscard]] bool leads() const { return well() && !engine_->follows(); }
  [[nodiscard]] bool whole() const { return up() && engine_->terms().whole(engine_->log().tail()); }
  [[nodiscard]] bool asked_to_reopen() const noexcept { return reopen_.load(); }
  [[nodiscard]] store::Engine& engine() noexcept { return *engine_; }
  [[nodiscard]] replication::Group& group() noexcept { return *group_; }
  [[nodiscard]] ManualClock& clock() noexcept { return clock_; }
  [[nodiscard]] int number() const noexcept { return setup_.number; }
  [[nodiscard]] std::string address() const { return Network::address_of(setup_.number); }
  /// What it shows, of one moment.
  [[nodiscard]] View view();
  /// Every byte of its disk in files of that ending.
  [[nodiscard]] std::string bytes_of(const std::string& ending) const;
  /// What it told its operator, at last.
  [[nodiscard]] std::vector<std::string> lines() const;
  [[nodiscard]] bool told(const std::string& words) const;
  [[nodiscard]] sim::SimFileSystem& disk() noexcept { return *disk_; }
  /// What was cut from its log by the last `reopen_if_asked`, from where; kNoLsn: nothing.
  [[nodiscard]] Lsn cut_at() const noexcept { return cut_at_; }

 private:
  [[nodiscard]] Options options();
  Result<void> open(const std::string& told, const replication::Rebuild& rebuild);
  void part_with_group();
  void tell(const std::string& line);

  Network& network_;
  const Setup setup_;
  base::Random random_;
  ManualClock clock_;
  std::unique_ptr<sim::SimFileSystem> disk_;
  std::unique_ptr<store::Engine> engine_;
  std::unique_ptr<replication::Group> group_;
  std::string told_;
  Lsn cut_at_ = kNoLsn;
  std::atomic<bool> reopen_{false};
  mutable std::mutex lines_mutex_;
  std::vector<std::string> lines_;
};

}  // namespace stave::cluster
