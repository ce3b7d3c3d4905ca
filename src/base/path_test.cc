#include "base/path.h"

#include <gtest/gtest.h>

namespace stave::base {
namespace {

TEST(Path, every_path_has_one_normal_spelling) {
  const std::pair<const char*, const char*> expected[] = {
      {"", "."},
      {".", "."},
      {"./", "."},
      {"/", "/"},
      {"//", "/"},
      {"a", "a"},
      {"a/", "a"},
      {"./a", "a"},
      {"a//b/./c/", "a/b/c"},
      {"/a/../b", "/b"},
      {"/..", "/"},
      {"/../a", "/a"},
      {"..", ".."},
      {"../a/..", ".."},
      {"a/../..", ".."},
      {"../../a", "../../a"},
      {"a/..", "."},
  };
  for (const auto& [path, normal] : expected) EXPECT_EQ(normal_path(path), normal) << path;
}

TEST(Path, the_parent_is_the_directory_above) {
  const std::pair<const char*, const char*> expected[] = {{"/a/b", "/a"}, {"/a", "/"}, {"/", "/"},
                                                          {"a/b", "a"},   {"a", "."},  {".", "."}};
  for (const auto& [path, parent] : expected) EXPECT_EQ(parent_path(path), parent) << path;
}

}  // namespace
}  // namespace stave::base
