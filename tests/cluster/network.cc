#include "network.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace stave::cluster {

/// One connection. Way 0 is that of who dialled.
struct Network::Wire {
  Wire(int a, int b, std::uint64_t seed) : nodes{a, b}, random(seed) {}
  const int nodes[2];
  std::mutex mutex;
  std::condition_variable news;
  base::Random random;
  std::deque<std::byte> ways[2];
  bool held[2] = {false, false};
  bool spoils[2] = {false, false};
  bool nudged[2] = {false, false};
  bool shut = false;
};

class Network::End final : public replication::Link {
 public:
  End(std::shared_ptr<Wire> wire, int end) : wire_(std::move(wire)), end_(end) {}
  ~End() override { shut(); }

  Result<void> send(std::span<const std::byte> bytes) override {
    const std::lock_guard lock(wire_->mutex);
    if (wire_->shut) return fail(ErrorCode::kIo, "the connection is broken");
    auto& way = wire_->ways[end_];
    way.insert(way.end(), bytes.begin(), bytes.end());
    if (wire_->spoils[end_] && !bytes.empty()) {
      wire_->spoils[end_] = false;
      way[way.size() - 1 - wire_->random.below(bytes.size())] ^= std::byte{1} << wire_->random.below(8);
    }
    wire_->news.notify_all();
    return {};
  }

  Result<std::size_t> receive(std::span<std::byte> into, std::int64_t wait_ms) override {
    std::unique_lock lock(wire_->mutex);
    auto& way = wire_->ways[1 - end_];
    bool& nudged = wire_->nudged[end_];
    const auto has = [&] { return !way.empty() && !wire_->held[1 - end_]; };
    wire_->news.wait_for(lock, std::chrono::milliseconds(wait_ms), [&] { return wire_->shut || has() || nudged; });
    nudged = false;
    if (wire_->shut && (way.empty() || wire_->held[1 - end_])) return fail(ErrorCode::kIo, "the connection is broken");
    if (!has()) return std::size_t{0};
    std::size_t count = std::min(into.size(), way.size());
    // A stream keeps no borders.
    if (count > 1 && wire_->random.below(4) == 0) count = 1 + wire_->random.below(count - 1);
    std::copy_n(way.begin(), count, into.begin());
    way.erase(way.begin(), way.begin() + static_cast<std::ptrdiff_t>(count));
    return count;
  }

  void nudge() noexcept override {
    const std::lock_guard lock(wire_->mutex);
    wire_->nudged[end_] = true;
    wire_->news.notify_all();
  }
  void shut() noexcept override {
    const std::lock_guard lock(wire_->mutex);
    wire_->shut = true;
    wire_->news.notify_all();
  }
  [[nodiscard]] std::string peer() const override { return "n" + std::to_string(wire_->nodes[1 - end_]) + ":9"; }

 private:
  const std::shared_ptr<Wire> wire_;
  const int end_;
};

Network::Network(int nodes, std::uint64_t seed)
    : nodes_(nodes),
      random_(seed),
      ways_(static_cast<std::size_t>(nodes * nodes)),
      served_(static_cast<std::size_t>(nodes)) {}

replication::Dial Network::dial_of(int from) {
  return [this, from](const std::string& address) { return dial(from, address); };
}

Result<std::unique_ptr<replication::Link>> Network::dial(int from, const std::string& address) {
  const int to = address.size() > 2 ? address[1] - '0' : -1;
  const std::lock_guard lock(mutex_);
  if (to < 0 || to >= nodes_ || served_[static_cast<std::size_t>(to)] == nullptr || way(from, to).parted)
    return fail(ErrorCode::kIo, "nobody answers at " + address);
  auto wire = std::make_shared<Wire>(from, to, random_.next());
  wire->held[0] = way(from, to).held;
  wire->held[1] = way(to, from).held;
  std::erase_if(wires_, [](const auto& known) { return known.expired(); });
  wires_.push_back(wire);
  served_[static_cast<std::size_t>(to)]->serve(std::make_unique<End>(wire, 1));
  return std::make_unique<End>(std::move(wire), 0);
}

void Network::serve(int node, replication::Followers* followers) {
  const std::lock_guard lock(mutex_);
  served_[static_cast<std::size_t>(node)] = followers;
}

void Network::cut_locked(int a, int b) {
  for (const auto& known : wires_) {
    const auto wire = known.lock();
    if (!wire || !((wire->nodes[0] == a && wire->nodes[1] == b) || (wire->nodes[0] == b && wire->nodes[1] == a)))
      continue;
    const std::lock_guard lock(wire->mutex);
    wire->shut = true;
    for (auto& way : wire->ways)
      if (random_.below(2) == 0) way.resize(random_.below(way.size() + 1));
    wire->news.notify_all();
  }
}

void Network::cut(int a, int b) {
  const std::lock_guard lock(mutex_);
  cut_locked(a, b);
}

void Network::part(int a, int b, bool apart) {
  const std::lock_guard lock(mutex_);
  way(a, b).parted = way(b, a).parted = apart;
  if (apart) cut_locked(a, b);
}

bool Network::parted(int a, int b) const {
  const std::lock_guard lock(mutex_);
  return ways_[static_cast<std::size_t>(a * nodes_ + b)].parted;
}

void Network::isolate(int node, bool apart) {
  for (int other = 0; other < nodes_; ++other)
    if (other != node) part(node, other, apart);
}

void Network::hold(int from, int to, bool held) {
  const std::lock_guard lock(mutex_);
  way(from, to).held = held;
  for (const auto& known : wires_) {
    const auto wire = known.lock();
    if (!wire) continue;
    const std::lock_guard wire_lock(wire->mutex);
    for (int end = 0; end < 2; ++end)
      if (wire->nodes[end] == from && wire->nodes[1 - end] == to) wire->held[end] = held;
    wire->news.notify_all();
  }
}

void Network::let_go(int node) {
  for (int other = 0; other < nodes_; ++other) {
    hold(node, other, false);
    hold(other, node, false);
  }
}

void Network::spoil(int from, int to) {
  const std::lock_guard lock(mutex_);
  for (const auto& known : wires_) {
    const auto wire = known.lock();
    if (!wire) continue;
    const std::lock_guard wire_lock(wire->mutex);
    for (int end = 0; end < 2; ++end)
      if (wire->nodes[end] == from && wire->nodes[1 - end] == to) wire->spoils[end] = true;
  }
}

void Network::heal() {
  for (int a = 0; a < nodes_; ++a)
    for (int b = 0; b < nodes_; ++b) {
      if (a == b) continue;
      part(a, b, false);
      hold(a, b, false);
    }
}

}  // namespace stave::cluster
