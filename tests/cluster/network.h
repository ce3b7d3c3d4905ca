// The network between the nodes of a simulated cluster: streams in memory that are chopped, held back, spoiled and cut.
//
// Promises: what is sent arrives in order or not at all, as on a connection; a pair that is parted has none. Must not
// know: what is sent.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "base/random.h"
#include "replication/followers.h"
#include "replication/link.h"

namespace stave::cluster {

/// Lets the nodes' own threads go on for so long.
inline void rest_ms(std::uint64_t ms) {
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, std::chrono::milliseconds(ms));
}

/// Threads: any.
class Network {
 public:
  Network(int nodes, std::uint64_t seed);

  /// For the node `from`.
  [[nodiscard]] replication::Dial dial_of(int from);
  /// Who takes connections at that node; null: nobody. Once it returns nobody is given to the former one.
  void serve(int node, replication::Followers* followers);

  /// Breaks every connection of the pair and lets none be made, or lets them be made again.
  void part(int a, int b, bool apart);
  [[nodiscard]] bool parted(int a, int b) const;
  void isolate(int node, bool apart);
  /// What goes that way arrives later, once it is let go; other nodes are not concerned.
  void hold(int from, int to, bool held);
  /// Nothing from or to that node is held back any more.
  void let_go(int node);
  /// The next bytes that go that way are not those that were sent.
  void spoil(int from, int to);
  /// Breaks the connections of the pair; they may come again at once.
  void cut(int a, int b);
  void heal();

  static std::string address_of(int node) { return "n" + std::to_string(node) + ":1"; }

 private:
  struct Wire;
  class End;
  struct Way {
    bool parted = false;
    bool held = false;
  };
  Result<std::unique_ptr<replication::Link>> dial(int from, const std::string& address);
  void cut_locked(int a, int b);
  [[nodiscard]] Way& way(int from, int to) { return ways_[static_cast<std::size_t>(from * nodes_ + to)]; }

  const int nodes_;
  mutable std::mutex mutex_;
  base::Random random_;
  std::vector<Way> ways_;
  std::vector<replication::Followers*> served_;
  std::vector<std::weak_ptr<Wire>> wires_;
};

}  // namespace stave::cluster
