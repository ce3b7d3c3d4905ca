#include "cluster.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "replication/pair_for_test.h"

namespace stave::cluster {

Cluster::Cluster(std::uint64_t seed) : random_(seed) {
  const int count = 3 + static_cast<int>(random_.below(3));
  replicas_ = static_cast<std::uint32_t>(random_.below(4));
  if (replicas_ == 3) replicas_ = 1;
  if (static_cast<int>(replicas_) > count - 2) replicas_ = 1;
  sync_ = random_.coin() ? Sync::kAlways : Sync::kOs;
  network_ = std::make_unique<Network>(count, random_.next());
  for (int i = 0; i < count; ++i)
    nodes_.push_back(std::make_unique<Node>(
        *network_, Node::Setup{.number = i, .seed = random_.next(), .sync = sync_, .replicas = replicas_}));
  lost_until_.assign(nodes_.size(), Lsn{kLsnMax});
  lost_until_[0] = kNoLsn;
  copies_seen_.assign(nodes_.size(), 0);
}

void Cluster::fail_with(const std::string& why) {
  if (failure_.empty()) failure_ = why;
}

void Cluster::did(const std::string& what) {
  did_.push_back(what);
}

std::string Cluster::log() const {
  std::string text = std::to_string(nodes_.size()) + " nodes, min-replicas-durable " + std::to_string(replicas_) +
                     (sync_ == Sync::kAlways ? ", sync always\n" : ", sync os\n");
  for (const std::string& what : did_) text += what + "\n";
  for (const auto& node : nodes_) {
    text += "node " + std::to_string(node->number()) + ":\n";
    for (const std::string& line : node->lines()) text += "  " + line + "\n";
  }
  return text;
}

void Cluster::pass_time(std::int64_t ms) {
  for (const auto& node : nodes_) node->clock().advance_ms(ms + static_cast<std::int64_t>(random_.below(3)));
}

bool Cluster::run() {
  if (!node(0).start(-1)) {
    fail_with("the first node does not start");
    return false;
  }
  for (int i = 1; i < size(); ++i) static_cast<void>(node(i).start(0));
  const std::uint64_t steps = 40 + random_.below(60);
  for (std::uint64_t i = 0; i < steps && failure_.empty(); ++i) step();
  if (failure_.empty()) finish();
  counts_.promised = history_.promised();
  for (const auto& node : nodes_) node->stop();
  return failure_.empty();
}

// --- what clients do -------------------------------------------------------------------------------

void Cluster::write_one(Node& node, bool counts) {
  store::Engine& engine = node.engine();
  // The doors' own question.
  if (engine.replicas().lacking()) return;
  Write write{.number = ++next_write_, .changes = {}};
  const std::string value = "v" + std::to_string(write.number) + "-" +
                            std::string(random_.below(60), static_cast<char>('a' + write.number % 26));
  const int first = static_cast<int>(random_.below(kKeys));
  const int second = static_cast<int>(random_.below(kKeys));
  write.changes[first] = value;
  if (second != first && random_.one_in(3))
    write.changes[second] = random_.coin() ? std::optional(value + "+") : std::nullopt;
  std::vector<std::string> names;
  for (const auto& [key, change] : write.changes) names.push_back(key_of(key));
  std::vector<store::KeyRef> keys;
  for (const std::string& name : names) keys.push_back({0, name});
  Result<store::Pending> pending = [&]() -> Result<store::Pending> {
    store::Transaction transaction(engine, keys);
    std::size_t at = 0;
    for (const auto& [key, change] : write.changes) {
      const store::KeyRef ref = keys[at++];
      if (!change) {
        transaction.erase(ref);
      } else if (auto put = transaction.put(ref, *change, Expiry{}); !put) {
        return fail(std::move(put).error());
      }
    }
    return transaction.commit(Sync::kDefault);
  }();
  if (!pending) {
    // Of any other error it is known that nothing was done.
    if (pending.error().code() == ErrorCode::kIo) history_.attempted(std::move(write));
    return;
  }
  ++counts_.writes;
  Lsn version = kNoLsn;
  for (const auto& [key, shown] : node.view().values)
    if (write.changes.contains(key)) version = std::max(version, shown.second);
  const auto terms = engine.terms().state().terms;
  Write* const known = history_.wrote(terms, version, std::move(write));
  if (known == nullptr) return fail_with("two writes of one term lie at LSN " + std::to_string(raw(version)));
  if (counts) waiting_.push_back({*pending, known});
}

void Cluster::write_noise(Node& node) {
  store::Engine& engine = node.engine();
  const std::string key = "noise" + std::to_string(random_.below(40));
  const std::string value(random_.one_in(30) ? 20'000 : random_.below(300), static_cast<char>('a' + random_.below(26)));
  switch (random_.below(8)) {
    case 0: static_cast<void>(engine.put({1, key}, value, {.at = engine.now() + 40, .sliding_ms = 0})); break;
    case 1: static_cast<void>(engine.put({1, key}, value, {.at = engine.now() + 400, .sliding_ms = 400})); break;
    case 2: static_cast<void>(engine.read({1, key}, store::Access::kTouch, [](const store::ValueView*) {})); break;
    case 3:
      if (random_.one_in(6)) static_cast<void>(engine.flush(1));
      break;
    default: static_cast<void>(engine.put({1, key}, value, Expiry{})); break;
  }
}

void Cluster::write_some() {
  if (!leader().leads()) return;
  const std::uint64_t count = 1 + random_.below(12);
  for (std::uint64_t i = 0; i < count; ++i) {
    write_one(leader(), true);
    if (random_.coin()) write_noise(leader());
  }
}

// What is shown is promised as what is acknowledged is.
void Cluster::read_one() {
  if (!leader().leads()) return;
  const std::string name = key_of(static_cast<int>(random_.below(kKeys)));
  std::string value;
  Lsn version = kNoLsn;
  const auto pending = leader().engine().read({0, name}, store::Access::kTouch, [&](const store::ValueView* view) {
    if (view == nullptr) return;
    value = view->value;
    version = view->version;
  });
  if (!pending || value.empty()) return;
  Write* const write = history_.find(value, leader().view(), version);
  if (write == nullptr) return fail_with("the leader shows what nobody wrote: " + value);
  waiting_.push_back({*pending, write});
}

void Cluster::hear_answers() {
  if (!leader().up()) return waiting_.clear();
  std::erase_if(waiting_, [&](const Waiting& waiting) {
    // As the doors do: nothing is written before somebody waits for it.
    static_cast<void>(leader().engine().wait(waiting.pending));
    if (!leader().engine().fulfilled(waiting.pending)) return false;
    waiting.write->promised = replicas_ != 0;
    return true;
  });
}

// --- what must hold --------------------------------------------------------------------------------

void Cluster::look_at(Node& node) {
  if (!node.whole()) return;
  ++counts_.views;
  const View view = node.view();
  if (!node.well()) return;
  if (const std::string wrong = history_.check(view); !wrong.empty())
    fail_with("node " + std::to_string(node.number()) + " (" + history_.describe(view) + "): " + wrong);
}

void Cluster::look_at_promises(Node& node) {
  if (replicas_ == 0 || waived_ || !node.well()) return;
  const View view = node.view();
  if (const std::string wrong = history_.lost(view); !wrong.empty())
    fail_with("node " + std::to_string(node.number()) + " leads (" + history_.describe(view) + "): " + wrong);
}

std::string Cluster::state_of(Node& node) const {
  if (!node.up()) return "down";
  std::string text = node.engine().follows() ? "follows" : "leads";
  if (!node.whole()) text += ", half a copy";
  if (const auto following = node.group().following())
    text += " " + following->leader + (following->connected ? "" : " (not: " + following->trouble + ")");
  return text + ", " + history_.describe(node.view()) + ", promised " +
         std::to_string(node.engine().terms().promised()) + ", followers " +
         std::to_string(node.group().followers().size());
}

bool Cluster::all_equal_soon() {
  constexpr int kRounds = 4000;
  for (int round = 0; round < kRounds && failure_.empty(); ++round) {
    settle();
    tell_stray();
    for (const auto& node : nodes_)
      if (node->number() != leader_) {
        bring_up(*node);
        const auto following = node->up() ? node->group().following() : std::nullopt;
        if (!following || following->leader != leader().address()) tell_to_follow(*node);
      }
    if (!leader().leads()) lead_again_or_take_over();
    if (leader().up()) {
      const Lsn end = leader().engine().log().tail();
      static_cast<void>(leader().engine().log().wait_written(end));
      const auto terms = leader().engine().terms().state().terms;
      if (std::ranges::all_of(nodes_, [&](const auto& node) {
            return node->whole() && node->engine().log().tail() == end &&
                   node->engine().terms().state().terms == terms &&
                   node->engine().follows() == (node->number() != leader_);
          }))
        return true;
    }
    // So much that a follower tries again at once, and is not taken for dead.
    pass_time(round % 100 == 0 ? 11'000 : 20);
    rest_ms(5);
  }
  for (const auto& node : nodes_) did("node " + std::to_string(node->number()) + ": " + state_of(*node));
  return false;
}

void Cluster::compare_all() {
  // Nothing whose time comes is left to be shown by either.
  pass_time(3'600'000);
  store::Engine& one = leader().engine();
  const auto contents = replication::contents_of(one);
  for (const auto& node : nodes_) {
    if (node->number() == leader_) continue;
    store::Engine& other = node->engine();
    const Lsn first = std::max(one.log().stats().first, other.log().stats().first);
    if (replication::records_of(one, first) != replication::records_of(other, first))
      fail_with("the logs of nodes " + std::to_string(leader_) + " and " + std::to_string(node->number()) + " differ");
    if (replication::contents_of(other) != contents)
      fail_with("nodes " + std::to_string(leader_) + " and " + std::to_string(node->number()) + " hold different keys");
  }
}

void Cluster::finish() {
  did("heals");
  network_->heal();
  for (const auto& node : nodes_) node->keep_power();
  tell_stray();
  for (int i = 0; i < 4000 && handing_ >= 0; ++i) {
    settle();
    pass_time(i % 100 == 99 ? 11'000 : 20);
    rest_ms(5);
    if (handing_ >= 0 && !node(handing_).up()) bring_up(node(handing_));
    if (!leader().leads() && !leader().up()) lead_again_or_take_over();
  }
  if (handing_ >= 0) fail_with("a handing over does not end");
  if (!failure_.empty()) return;
  for (int round = 0; round < 2 && failure_.empty(); ++round) {
    if (!all_equal_soon()) return fail_with("the nodes do not come to the same");
    for (const auto& node : nodes_) look_at(*node);
    look_at_promises(leader());
    if (round == 0) {
      waiting_.clear();
      write_some();
      for (int i = 0; i < 2000 && !waiting_.empty() && replicas_ != 0; ++i) {
        hear_answers();
        rest_ms(2);
        pass_time(2);
      }
      if (replicas_ != 0 && !waiting_.empty())
        fail_with("with everybody there a write is not acknowledged: " + std::to_string(waiting_.size()) + " of them");
    }
  }
  if (failure_.empty()) compare_all();
}

}  // namespace stave::cluster
