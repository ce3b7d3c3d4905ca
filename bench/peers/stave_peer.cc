#include "peer.h"
#include "stave/store.h"

namespace bench {
namespace {

class StavePeer final : public Peer {
 public:
  [[nodiscard]] std::string_view name() const override { return "stave"; }
  void limit_memory(std::uint64_t bytes) override { memory_ = bytes; }
  void open(const std::string& directory) override {
    stave::Options options;
    options.max_memory_bytes = memory_;
    options.sync = stave::Sync::kOs;
    auto opened = stave::Store::open(directory, options);
    if (!opened) std::fprintf(stderr, "stave: %s\n", opened.error().describe().c_str());
    check(opened.has_value(), "stave open");
    store_ = std::move(*opened);
  }
  void close() override {
    check(store_->close().has_value(), "stave close");
    store_.reset();
  }
  bool get(std::string_view key, std::string& value) override {
    const auto found = store_->get_into(key, value);
    check(found.has_value(), "stave get");
    return *found;
  }
  void set(std::string_view key, std::string_view value) override {
    check(store_->set(key, value).has_value(), "stave set");
  }
  bool set_durable(std::string_view key, std::string_view value) override {
    check(store_->set(key, value, {.sync = stave::Sync::kAlways}).has_value(), "stave set");
    return true;
  }
  int multi_get(std::span<const std::string_view> keys) override {
    const auto values = store_->multi_get(keys);
    check(values.has_value(), "stave multi_get");
    int found = 0;
    for (const auto& value : *values) found += value.has_value() ? 1 : 0;
    return found;
  }

 private:
  std::uint64_t memory_ = 0;
  std::unique_ptr<stave::Store> store_;
};

}  // namespace

std::unique_ptr<Peer> make_stave() {
  return std::make_unique<StavePeer>();
}

}  // namespace bench
