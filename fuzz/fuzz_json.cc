// The JSON loader refuses or understands any document; what it understood is written and read back the same.
#include <memory>
#include <string>

#include "doors/shell/json_file.h"
#include "input.h"

namespace stave::fuzz {
namespace {

/// A store in memory, made anew now and then because its log only grows.
class Scratch {
 public:
  Store& empty() {
    if (store_ == nullptr || ++uses_ % 500 == 0) {
      store_.reset();
      files_ = make_memory_file_system();
      Options options;
      options.file_system = files_.get();
      options.clock = &clock_;
      options.sync = Sync::kOs;
      options.background = false;
      options.segment_bytes = 64u << 10;
      options.log_buffer_bytes = 64u << 10;
      options.shards = 1;
      options.disk_reserve_bytes = 0;
      auto opened = Store::open("store", options);
      require(opened.has_value());
      store_ = std::move(*opened);
    } else {
      require(store_->flush_all().has_value());
    }
    return *store_;
  }

 private:
  ManualClock clock_;
  std::unique_ptr<FileSystem> files_;
  std::unique_ptr<Store> store_;
  std::size_t uses_ = 0;
};

void round_trip(std::string_view text) {
  static Scratch first;
  static Scratch second;
  Store& store = first.empty();
  if (!shell::load_json(store, text)) return;
  const auto written = shell::to_json(store, UnixMs{1'700'000'000'000});
  require(written.has_value());
  Store& again = second.empty();
  require(shell::load_json(again, *written).has_value());
  require(shell::to_json(again, UnixMs{1'700'000'000'000}) == *written);
}

}  // namespace
}  // namespace stave::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  stave::fuzz::round_trip({reinterpret_cast<const char*>(data), size});
  return 0;
}
