#include "commands/reference.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "commands/version.h"

namespace stave::commands {
namespace {

std::string file_text(const char* path) {
  const auto root = std::filesystem::path(__FILE__).parent_path().parent_path().parent_path();
  std::ifstream file(root / path);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(Reference, is_the_page_that_is_committed) {
  EXPECT_EQ(command_reference(), file_text("docs/reference/commands.md"))
      << "stave commands > docs/reference/commands.md";
}

TEST(Version, is_that_of_the_build) {
  EXPECT_NE(file_text("CMakeLists.txt").find("project(Stave VERSION " + std::string(kStaveVersion) + " "),
            std::string::npos);
}

}  // namespace
}  // namespace stave::commands
