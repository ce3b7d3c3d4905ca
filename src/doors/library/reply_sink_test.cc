#include "doors/library/reply_sink.h"

#include <gtest/gtest.h>

#include "commands/environment.h"
#include "stave/store.h"

namespace stave::library {
namespace {

using Kind = Reply::Kind;

class ReplySinkTest : public testing::Test {
 protected:
  ReplySinkTest() {
    Options options;
    options.file_system = files_.get();
    options.background = false;
    options.segment_bytes = 1 << 20;
    options.disk_reserve_bytes = 0;
    engine_ = std::move(*store::Engine::open("data", options));
    environment_.emplace(*engine_, host_);
    session_.emplace(*environment_, commands::ClientInfo{}, nullptr);
  }
  std::unique_ptr<FileSystem> files_ = make_memory_file_system();
  std::unique_ptr<store::Engine> engine_;
  commands::Host host_;
  std::optional<commands::Environment> environment_;
  std::optional<commands::Session> session_;
};

TEST_F(ReplySinkTest, builds_nested_aggregates) {
  ReplySink sink(*session_);
  sink.array(3);
  sink.integer(1);
  sink.map(1);
  sink.bulk("key");
  sink.array(2);
  sink.null();
  sink.boolean(true);
  sink.array(0);
  const Reply reply = sink.take();
  ASSERT_EQ(reply.elements.size(), 3u);
  EXPECT_EQ(reply.elements[0].integer, 1);
  EXPECT_EQ(reply.elements[1].kind, Kind::kMap);
  ASSERT_EQ(reply.elements[1].elements.size(), 2u);
  EXPECT_EQ(reply.elements[1].elements[1].elements[1].kind, Kind::kBoolean);
  EXPECT_TRUE(reply.elements[2].elements.empty());
}

TEST_F(ReplySinkTest, an_announced_size_costs_nothing_until_it_is_there) {
  ReplySink sink(*session_);
  sink.array(std::size_t{1} << 60);
  sink.integer(1);
  EXPECT_EQ(sink.take().elements.size(), 1u);
}

TEST_F(ReplySinkTest, errors_stay_on_one_line) {
  ReplySink sink(*session_);
  sink.error("ERR a\r\nb");
  EXPECT_EQ(sink.take().text, "ERR a  b");
}

TEST_F(ReplySinkTest, nothing_written_is_null) {
  EXPECT_TRUE(ReplySink(*session_).take().is_null());
}

}  // namespace
}  // namespace stave::library
