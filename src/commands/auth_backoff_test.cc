#include "commands/auth_backoff.h"

#include <gtest/gtest.h>

namespace stave::commands {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;

TEST(AuthBackoff, waits_longer_after_each_failure_and_forgets_after_success) {
  AuthBackoff backoff;
  EXPECT_EQ(backoff.wait_until_ns("1.2.3.4"), 0u);
  backoff.failed("1.2.3.4", 1000);
  backoff.failed("1.2.3.4", 1000);
  EXPECT_EQ(backoff.wait_until_ns("1.2.3.4"), 0u);
  std::uint64_t before = 1000;
  for (int i = 0; i < 5; ++i) {
    backoff.failed("1.2.3.4", 1000);
    EXPECT_GT(backoff.wait_until_ns("1.2.3.4"), before);
    before = backoff.wait_until_ns("1.2.3.4");
  }
  for (int i = 0; i < 100; ++i) backoff.failed("1.2.3.4", 1000);
  EXPECT_LE(backoff.wait_until_ns("1.2.3.4"), 1000 + 10 * kSecondNs);
  EXPECT_EQ(backoff.wait_until_ns("1.2.3.5"), 0u);
  backoff.succeeded("1.2.3.4");
  EXPECT_EQ(backoff.wait_until_ns("1.2.3.4"), 0u);
}

TEST(AuthBackoff, forgets_failures_of_long_ago) {
  AuthBackoff backoff;
  for (int i = 0; i < 10; ++i) backoff.failed("1.2.3.4", kSecondNs);
  backoff.failed("1.2.3.4", 700 * kSecondNs);
  EXPECT_LT(backoff.wait_until_ns("1.2.3.4"), 700 * kSecondNs);
}

TEST(AuthBackoff, does_not_grow_with_the_number_of_addresses) {
  AuthBackoff backoff;
  for (std::size_t i = 0; i < 3 * AuthBackoff::kHostsMax; ++i) {
    const std::string host = std::to_string(i);
    for (int failure = 0; failure < 4; ++failure) backoff.failed(host, kSecondNs);
    EXPECT_GT(backoff.wait_until_ns(host), kSecondNs);
  }
  EXPECT_LE(backoff.hosts(), AuthBackoff::kHostsMax);
}

TEST(AuthBackoff, knows_hosts_without_their_ports) {
  EXPECT_EQ(host_of("1.2.3.4:5678"), "1.2.3.4");
  EXPECT_EQ(host_of("[::1]:5678"), "[::1]");
}

TEST(AuthBackoff, tells_of_one_failure_in_ten_seconds_for_each_host) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  AuthBackoff backoff;
  EXPECT_TRUE(backoff.failed("1.2.3.4", kSecond));
  EXPECT_FALSE(backoff.failed("1.2.3.4", 2 * kSecond));
  EXPECT_TRUE(backoff.failed("5.6.7.8", 2 * kSecond));
  EXPECT_FALSE(backoff.failed("1.2.3.4", 10 * kSecond));
  EXPECT_TRUE(backoff.failed("1.2.3.4", 11 * kSecond));
}

}  // namespace
}  // namespace stave::commands
