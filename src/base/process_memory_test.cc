#include "base/process_memory.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/memory_map.h"

namespace stave::base {
namespace {

TEST(ProcessMemory, grows_with_what_is_touched_and_shrinks_with_what_is_forgotten) {
  constexpr std::size_t kBytes = std::size_t{64} << 20;
  const auto before = own_memory();
  if (!before) GTEST_SKIP() << before.error().describe();
  std::byte* const at = map_memory(kBytes, 4096);
  ASSERT_NE(at, nullptr);
  std::memset(at, 1, kBytes);
  // The kernel counts in steps; a little is always under way.
  EXPECT_GT(*own_memory(), *before + kBytes * 9 / 10);
  forget_memory(at, kBytes);
  EXPECT_LT(*own_memory(), *before + kBytes / 10);
  EXPECT_EQ(at[12345], std::byte{0});
  unmap_memory(at, kBytes);
}

}  // namespace
}  // namespace stave::base
