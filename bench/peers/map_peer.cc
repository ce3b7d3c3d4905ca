#include <mutex>
#include <unordered_map>

#include "peer.h"

namespace bench {
namespace {

/// Looked up by view, so that the map is not charged for building a std::string.
struct ViewHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};

class GuardedMap final : public Peer {
 public:
  [[nodiscard]] std::string_view name() const override { return "map+mutex"; }
  void open(const std::string&) override {}
  void close() override { map_.clear(); }
  bool get(std::string_view key, std::string& value) override {
    const std::lock_guard lock(mutex_);
    const auto found = map_.find(key);
    if (found == map_.end()) return false;
    value = found->second;
    return true;
  }
  void set(std::string_view key, std::string_view value) override {
    const std::lock_guard lock(mutex_);
    if (const auto found = map_.find(key); found != map_.end()) {
      found->second = value;
    } else {
      map_.emplace(key, value);
    }
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, std::string, ViewHash, std::equal_to<>> map_;
};

}  // namespace

std::unique_ptr<Peer> make_guarded_map() {
  return std::make_unique<GuardedMap>();
}

}  // namespace bench
