#include "base/memory_limit.h"

#include <gtest/gtest.h>

#include <map>

namespace stave::base {
namespace {

using Files = std::map<std::string, std::string>;

std::optional<MemoryLimit> limit_of(const Files& files) {
  return memory_limit([&](const std::string& path) -> std::optional<std::string> {
    const auto found = files.find(path);
    return found == files.end() ? std::nullopt : std::optional(found->second);
  });
}

constexpr const char* kMeminfo = "MemTotal:        8388608 kB\nMemFree:  1 kB\n";

TEST(MemoryLimit, is_the_smallest_of_the_control_groups_around_the_process) {
  const auto limit = limit_of({{"/proc/meminfo", kMeminfo},
                               {"/proc/self/cgroup", "0::/kubepods/pod1/c1\n"},
                               {"/sys/fs/cgroup/kubepods/pod1/c1/memory.max", "max\n"},
                               {"/sys/fs/cgroup/kubepods/pod1/memory.max", "1073741824\n"},
                               {"/sys/fs/cgroup/kubepods/memory.max", "4294967296\n"}});
  ASSERT_TRUE(limit);
  EXPECT_TRUE(limit->of_cgroup);
  EXPECT_EQ(limit->bytes, 1u << 30);
}

TEST(MemoryLimit, is_found_where_a_container_sees_its_own_group_as_the_root) {
  for (const char* const path : {"0::/\n", "0::/docker/abc\n"}) {
    const auto limit = limit_of(
        {{"/proc/meminfo", kMeminfo}, {"/proc/self/cgroup", path}, {"/sys/fs/cgroup/memory.max", "536870912\n"}});
    ASSERT_TRUE(limit);
    EXPECT_TRUE(limit->of_cgroup);
    EXPECT_EQ(limit->bytes, 512u << 20);
  }
}

TEST(MemoryLimit, of_version_1_is_the_memory_controllers) {
  Files files{{"/proc/meminfo", kMeminfo},
              {"/proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/docker/abc\n"},
              {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "1073741824\n"}};
  ASSERT_TRUE(limit_of(files));
  EXPECT_EQ(limit_of(files)->bytes, 1u << 30);
  files["/sys/fs/cgroup/memory/memory.limit_in_bytes"] = "9223372036854771712\n";
  EXPECT_FALSE(limit_of(files)->of_cgroup) << "that is none";
}

TEST(MemoryLimit, is_the_machines_memory_without_a_group_that_limits) {
  for (const Files& files :
       {Files{{"/proc/meminfo", kMeminfo}},
        Files{{"/proc/meminfo", kMeminfo}, {"/proc/self/cgroup", "0::/\n"}, {"/sys/fs/cgroup/memory.max", "max\n"}},
        Files{{"/proc/meminfo", kMeminfo},
              {"/proc/self/cgroup", "nonsense\n"},
              {"/sys/fs/cgroup/memory.max", "99999999999999"}}}) {
    const auto limit = limit_of(files);
    ASSERT_TRUE(limit);
    EXPECT_FALSE(limit->of_cgroup);
    EXPECT_EQ(limit->bytes, std::uint64_t{8} << 30);
  }
  EXPECT_FALSE(limit_of({}));
  EXPECT_FALSE(limit_of({{"/proc/meminfo", "MemTotal: lots"}}));
}

TEST(MemoryLimit, of_this_process_is_known) {
  ASSERT_TRUE(memory_limit());
  EXPECT_GT(memory_limit()->bytes, 1u << 20);
}

}  // namespace
}  // namespace stave::base
