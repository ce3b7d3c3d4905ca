// Room that is prepared while the segment it is for comes to its end.
#include "log/space.h"

#include <gtest/gtest.h>

#include <thread>

#include "testing/gated_file_system.h"

namespace stave::log {
namespace {

using sim::Gate;

// The zeros of a step that began before the roll made the segment long again behind its end, also in backups.
TEST(Space, lets_a_segment_go_once_nobody_prepares_room_in_it) {
  const auto memory = make_memory_file_system();
  Gate gate;
  const auto files = make_gated_file_system(*memory, gate);
  ASSERT_TRUE(files->create_directories("/log"));
  auto ring = base::RingMemory::create(64u << 10);
  ASSERT_TRUE(ring);
  Tail tail(std::move(*ring), raw(kFirstLsn));
  Space space({.files = files.get(), .directory = "/log", .segment_bytes = 8u << 20, .zero_fill = true}, tail);
  auto opened = files->open("/log/old", OpenMode::kCreate);
  ASSERT_TRUE(opened);
  const std::shared_ptr<File> old = std::move(*opened);
  space.adopt(old, raw(kFirstLsn), 0);
  ASSERT_TRUE(space.ensure_spare(Use::kWrite));
  gate.close(Gate::Call::kWrite, "/old");
  std::thread preparing([&] { EXPECT_TRUE(space.prepare(raw(kFirstLsn) + (1u << 20), Use::kWrite)); });
  ASSERT_TRUE(gate.await());
  ASSERT_TRUE(space.roll({.store_id = {}, .base = kFirstLsn + 100, .salt = 1, .created = UnixMs{0}}));
  std::thread settling([&] {
    space.let_go();
    EXPECT_TRUE(old->truncate(kSegmentHeaderBytes + 100));
  });
  gate.open();
  preparing.join();
  settling.join();
  EXPECT_EQ(*old->size(), kSegmentHeaderBytes + 100);
}

}  // namespace
}  // namespace stave::log
