// What goes on beside an image while it is written.
#include "store/checkpoint.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "store/options_for_test.h"
#include "testing/interleave_hook.h"

namespace stave::store {
namespace {

class CheckpointBeside : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { open(); }
  void open() {
    engine_.reset();
    Options options = still_options(*files_, clock_, 2);
    options.sync = Sync::kAlways;
    auto opened = Engine::open("store", options);
    ASSERT_TRUE(opened) << opened.error().describe();
    engine_ = std::move(*opened);
  }
  void put(int database, const std::string& key, const std::string& value) {
    const auto pending = engine_->put({database, key}, value, {});
    ASSERT_TRUE(pending && engine_->wait(*pending));
  }
  std::map<std::string, std::string> held(int database) {
    std::map<std::string, std::string> found;
    visit_all(*engine_, database, [&](std::string_view key, const ValueView& view) { found.emplace(key, view.value); });
    return found;
  }

  std::unique_ptr<FileSystem> files_ = make_memory_file_system();
  ManualClock clock_{UnixMs{1'000'000}};
  std::unique_ptr<Engine> engine_;
};

// An image used to be begun at the log's end as it was before a flush, and to be judged by the flushes that came after
// it: a flush in between was replayed over keys that were set, and acknowledged, behind it.
TEST_P(CheckpointBeside, flush_loses_nothing_that_follows_it) {
  put(0, "old", "1");
  testing::InterleaveHook flush(GetParam(), [&] {
    ASSERT_TRUE(engine_->flush(0));
    put(0, "new", "acknowledged");
  });
  ASSERT_TRUE(engine_->checkpoint());
  ASSERT_TRUE(flush.ran());
  open();
  EXPECT_EQ(held(0), (std::map<std::string, std::string>{{"new", "acknowledged"}}));
}

TEST_P(CheckpointBeside, swap_leaves_every_key_where_it_went) {
  put(0, "a", "zero");
  put(1, "b", "one");
  testing::InterleaveHook swap(GetParam(), [&] {
    ASSERT_TRUE(engine_->swap(0, 1));
    put(0, "c", "after");
  });
  ASSERT_TRUE(engine_->checkpoint());
  ASSERT_TRUE(swap.ran());
  open();
  EXPECT_EQ(held(0), (std::map<std::string, std::string>{{"b", "one"}, {"c", "after"}}));
  EXPECT_EQ(held(1), (std::map<std::string, std::string>{{"a", "zero"}}));
}

INSTANTIATE_TEST_SUITE_P(Moments, CheckpointBeside,
                         ::testing::Values("checkpoint: the world known, not yet the log's end",
                                           "checkpoint: next block", "checkpoint: all blocks taken",
                                           "checkpoint: image about to get its name"));

}  // namespace
}  // namespace stave::store
