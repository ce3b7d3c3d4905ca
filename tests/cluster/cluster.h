// One schedule of a simulated cluster: who writes, what breaks, who leads, and what must hold, all as a seed says.
//
// The operator of this cluster does what docs/replication.md asks of one: before a node takes over, the former leader
// is out of reach, all but as many machines as may be lost are asked, and the one that has most leads.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "history.h"
#include "network.h"
#include "node.h"

namespace stave::cluster {

/// What schedules came to, so that a campaign can say that it did anything.
struct Counts {
  std::uint64_t writes = 0;
  std::uint64_t promised = 0;
  std::uint64_t takeovers = 0;
  std::uint64_t handovers = 0;
  std::uint64_t power_cuts = 0;
  std::uint64_t cuts = 0;    ///< Of a log that its leader has not.
  std::uint64_t copies = 0;  ///< From the beginning, after the first.
  std::uint64_t views = 0;
  std::uint64_t waived = 0;  ///< More was lost than the promise speaks of.
};

class Cluster {
 public:
  explicit Cluster(std::uint64_t seed);
  /// False: something did not hold; `failure` says what.
  bool run();
  [[nodiscard]] const std::string& failure() const noexcept { return failure_; }
  [[nodiscard]] const Counts& counts() const noexcept { return counts_; }
  /// What the nodes told their operators, and what the schedule did.
  [[nodiscard]] std::string log() const;

 private:
  struct Waiting {
    store::Pending pending;
    Write* write;
  };
  // --- what clients do (cluster.cc)
  void write_some();
  void write_one(Node& node, bool counts);
  void write_noise(Node& node);
  void read_one();
  void hear_answers();
  // --- what must hold
  void look_at(Node& node);
  void look_at_promises(Node& node);
  void finish();
  bool all_equal_soon();
  [[nodiscard]] std::string state_of(Node& node) const;
  void compare_all();
  // --- what breaks, and what the operator does (faults.cc)
  void step();
  void break_something();
  void break_node();
  void break_network();
  void keep_house();
  void settle();
  void reopen(Node& node);
  void note_copies(Node& node);
  void note_losses();
  void bring_up(Node& node);
  void lead_again_or_take_over();
  void take_over();
  void restart_for_vote(Node& old);
  Node* choose(const Node& old);
  void tell_to_follow(Node& node);
  void hand_over();
  void end_handover();
  void tell_stray();
  /// Whether the leader, or one more machine, may be lost and the promise holds.
  [[nodiscard]] bool may_lose(int number) const;
  void lose(int number);

  void fail_with(const std::string& why);
  void did(const std::string& what);
  [[nodiscard]] Node& leader() { return *nodes_[static_cast<std::size_t>(leader_)]; }
  [[nodiscard]] Node& node(int number) { return *nodes_[static_cast<std::size_t>(number)]; }
  [[nodiscard]] int size() const noexcept { return static_cast<int>(nodes_.size()); }
  [[nodiscard]] Node& any() { return *nodes_[random_.below(nodes_.size())]; }
  void pass_time(std::int64_t ms);

  base::Random random_;
  std::uint32_t replicas_ = 0;
  Sync sync_ = Sync::kOs;
  std::unique_ptr<Network> network_;
  std::vector<std::unique_ptr<Node>> nodes_;
  History history_;
  std::vector<Waiting> waiting_;
  int leader_ = 0;
  int handing_ = -1;  ///< To whom.
  int stray_ = -1;    ///< Leads still, alone, and is to be told.
  /// A machine that has lost what it had counts among those until it has so much on its disk again.
  std::vector<Lsn> lost_until_;
  std::vector<std::size_t> copies_seen_;
  bool waived_ = false;
  std::uint64_t next_write_ = 0;
  Counts counts_;
  std::string failure_;
  std::vector<std::string> did_;
};

}  // namespace stave::cluster
