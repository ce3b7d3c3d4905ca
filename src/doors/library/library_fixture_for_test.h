// A store over files in memory and a clock that is moved by hand, for the tests of the library door.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "stave/store.h"

namespace stave {

class LibraryTest : public testing::Test {
 protected:
  LibraryTest() { reopen(); }

  void reopen() {
    store_.reset();
    auto opened = Store::open("data", options());
    ASSERT_TRUE(opened) << opened.error().describe();
    store_ = std::move(*opened);
  }
  Options options() {
    Options options;
    options.file_system = files_.get();
    options.clock = &clock_;
    options.background = false;
    options.segment_bytes = 1 << 20;
    options.disk_reserve_bytes = 0;
    options.key_bytes_max = 1000;
    options.value_bytes_max = 100'000;
    return options;
  }
  Store& store() { return *store_; }
  std::optional<std::string> get(std::string_view key) {
    auto value = store().get(key);
    EXPECT_TRUE(value) << value.error().describe();
    return value ? *value : std::nullopt;
  }

  std::unique_ptr<FileSystem> files_ = make_memory_file_system();
  ManualClock clock_;
  std::unique_ptr<Store> store_;
};

}  // namespace stave
