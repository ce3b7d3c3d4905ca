// What clients of a simulated cluster did, and what may be seen of it: the history of writes is a tree, since whoever
// leads after a loss goes on from an earlier place, and a node's history of terms says which way through it is its own.
//
// Promises: a write belongs to the reign that its record lies in; what a node shows is either what all writes of its
// way up to one place make, or it is told. Must not know: nodes, networks, what is to happen next.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "store/engine.h"

namespace stave::cluster {

inline constexpr int kKeys = 12;
inline std::string key_of(int number) {
  return "key" + std::to_string(number);
}

/// What one transaction did; nullopt: it removed the key. One value at least was put.
struct Write {
  std::uint64_t number = 0;
  std::map<int, std::optional<std::string>> changes;
  bool promised = false;  ///< As many followers as were asked for have it on their disks, or somebody was shown it.
};

/// What a node shows at one moment, and its way there.
struct View {
  std::map<int, std::pair<std::string, Lsn>> values;
  std::vector<store::Term> terms;
  Lsn tail = kNoLsn;
};

/// Threads: one.
class History {
 public:
  /// Of the reign that the last of `terms` that begins before it says. Null: another write lies there.
  Write* wrote(std::span<const store::Term> terms, Lsn lsn, Write write);
  /// Nobody knows whether it was logged: it may turn up.
  void attempted(Write write);
  /// Why that cannot be; empty: it can.
  std::string check(const View& view);
  /// The write that a value is of; null: nobody wrote it. What may have been written was, once it is seen.
  Write* find(const std::string& value, const View& view, Lsn version);
  /// The first promised write that is not on that way; empty: all are.
  [[nodiscard]] std::string lost(const View& view) const;
  [[nodiscard]] std::uint64_t promised() const;
  [[nodiscard]] std::string describe(const View& view) const;

 private:
  using Reign = std::pair<std::uint64_t, log::NodeId>;
  static Reign reign_at(std::span<const store::Term> terms, Lsn lsn);
  template <class Visit>
  void walk(const View& view, const Visit& visit) const;

  std::map<Reign, std::map<Lsn, Write>> reigns_;
  std::vector<Write> attempted_;
};

}  // namespace stave::cluster
