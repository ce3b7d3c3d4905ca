#include "doors/http/rights.h"

#include <gtest/gtest.h>

#include "commands/table.h"

namespace stave::http {
namespace {

TEST(Rights, every_route_that_is_not_open_has_its_commands_and_they_exist) {
  for (const Route& route : route_table()) {
    const auto commands = commands_of(route);
    if (route.has(kOpen)) continue;
    ASSERT_TRUE(commands) << route.name;
    std::string_view rest = *commands;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(' '), rest.size());
      EXPECT_NE(commands::find_command(rest.substr(0, end)), nullptr) << route.name;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
}

}  // namespace
}  // namespace stave::http
