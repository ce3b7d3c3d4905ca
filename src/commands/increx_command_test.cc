#include "commands/increx_command.h"

#include "commands/collections_for_test.h"
#include "commands/fixture_for_test.h"

namespace stave::commands {
namespace {

class Increx : public CommandsTest {
 protected:
  /// What it answers, and what the key holds then.
  std::string on(std::string_view held, std::vector<std::string_view> options) {
    if (!held.empty()) {
      run({"SET", "n", held});
    } else {
      run({"DEL", "n"});
    }
    options.insert(options.begin(), {"INCREX", "n"});
    std::string answer = run(options) + " ";
    return answer.append(run({"GET", "n"}));
  }
};

constexpr const char* kSyntax = "-ERR syntax error";
constexpr std::string_view kMost = "9223372036854775807";
constexpr std::string_view kLeast = "-9223372036854775808";

TEST_F(Increx, adds_one_or_what_is_said) {
  EXPECT_EQ(on("", {}), "[1, 1] \"1\"");
  EXPECT_EQ(on("10", {}), "[11, 1] \"11\"");
  EXPECT_EQ(on("10", {"byint", "-15"}), "[-5, -15] \"-5\"");
  EXPECT_EQ(on("10", {"BYFLOAT", "0.5"}), "[10.500000, 0.500000] \"10.5\"");
  EXPECT_EQ(on("1.5", {"BYFLOAT", "0.5"}), "[2.000000, 0.500000] \"2\"");
  EXPECT_EQ(on("1.5", {}), "-ERR value is not an integer or out of range \"1.5\"");
  EXPECT_EQ(on("x", {"BYFLOAT", "1"}), "-ERR value is not a valid float \"x\"");
}

TEST_F(Increx, stays_within_its_bounds) {
  EXPECT_EQ(on("10", {"BYINT", "5", "UBOUND", "15"}), "[15, 5] \"15\"");
  EXPECT_EQ(on("10", {"BYINT", "6", "UBOUND", "15"}), "[10, 0] \"10\"");
  EXPECT_EQ(on("10", {"BYINT", "6", "UBOUND", "15", "SATURATE"}), "[15, 5] \"15\"");
  EXPECT_EQ(on("5", {"LBOUND", "0", "BYINT", "100", "UBOUND", "10", "SATURATE"}), "[10, 5] \"10\"");
  EXPECT_EQ(on("10", {"BYINT", "-20", "LBOUND", "0"}), "[10, 0] \"10\"");
  EXPECT_EQ(on("10", {"BYINT", "-20", "LBOUND", "0", "SATURATE"}), "[0, -10] \"0\"");
  // What is beyond a bound already comes back to it, whatever the direction.
  EXPECT_EQ(on("", {"LBOUND", "5", "SATURATE"}), "[5, 5] \"5\"");
  EXPECT_EQ(on("20", {"BYINT", "-1", "UBOUND", "10", "SATURATE"}), "[10, -10] \"10\"");
  EXPECT_EQ(on("", {"LBOUND", "5"}), "[0, 0] nil");
  EXPECT_EQ(on("", {"UBOUND", "0", "SATURATE"}), "[0, 0] \"0\"");
  EXPECT_EQ(on("10", {"BYFLOAT", "5.5", "UBOUND", "12.5"}), "[10.000000, 0.000000] \"10\"");
  EXPECT_EQ(on("10", {"BYFLOAT", "5.5", "UBOUND", "12.5", "SATURATE"}), "[12.500000, 2.500000] \"12.5\"");
  EXPECT_EQ(on("10", {"BYFLOAT", "1", "UBOUND", "inf"}), "[11.000000, 1.000000] \"11\"");
}

TEST_F(Increx, takes_the_limits_of_its_type_for_bounds) {
  EXPECT_EQ(on(kMost, {}), "[9223372036854775807, 0] \"9223372036854775807\"");
  EXPECT_EQ(on(kMost, {"SATURATE"}), "[9223372036854775807, 0] \"9223372036854775807\"");
  EXPECT_EQ(on("9223372036854775800", {"BYINT", kMost, "SATURATE"}),
            "[9223372036854775807, 7] \"9223372036854775807\"");
  EXPECT_EQ(on("-9223372036854775800", {"BYINT", kLeast, "SATURATE"}),
            "[-9223372036854775808, -8] \"-9223372036854775808\"");
  EXPECT_EQ(on("10", {"BYINT", kMost, "UBOUND", "100", "SATURATE"}), "[100, 90] \"100\"");
  EXPECT_EQ(on(kMost, {"BYINT", "-5", "UBOUND", kLeast, "SATURATE"}),
            "-ERR applied increment would overflow \"9223372036854775807\"");
  EXPECT_EQ(on("10", {"BYFLOAT", "1e4932", "UBOUND", "100"}), "[10.000000, 0.000000] \"10\"");
  EXPECT_EQ(on("1e4932", {"BYFLOAT", "1e4932", "UBOUND", "100", "SATURATE"}).substr(0, 12), "[100.000000,");
  EXPECT_EQ(on("10", {"BYFLOAT", "1", "LBOUND", "inf", "UBOUND", "inf", "SATURATE"}),
            "-ERR applied increment would be Infinity \"10\"");
  EXPECT_EQ(on("inf", {"BYFLOAT", "-inf"}), "-ERR increment would produce NaN or Infinity \"inf\"");
  EXPECT_EQ(on("inf", {"BYFLOAT", "1"}), "[inf, 0.000000] \"inf\"");
}

TEST_F(Increx, answers_floats_as_text_to_old_clients) {
  run({"HELLO", "2"});
  EXPECT_EQ(on("10", {"BYFLOAT", "0.25"}), "[\"10.25\", \"0.25\"] \"10.25\"");
  EXPECT_EQ(on("inf", {"BYFLOAT", "1"}), "[\"inf\", \"0\"] \"inf\"");
}

TEST_F(Increx, keeps_sets_and_removes_the_expiry) {
  const auto ttl_after = [&](std::vector<std::string_view> options, std::string_view ex) {
    run({"DEL", "n"});
    run({"SET", "n", "10"});
    if (!ex.empty()) run({"EXPIRE", "n", ex});
    options.insert(options.begin(), {"INCREX", "n"});
    run(options);
    return run({"TTL", "n"});
  };
  EXPECT_EQ(ttl_after({}, "500"), "500");
  EXPECT_EQ(ttl_after({"EX", "100"}, "500"), "100");
  EXPECT_EQ(ttl_after({"PX", "100000"}, ""), "100");
  EXPECT_EQ(ttl_after({"PERSIST"}, "500"), "-1");
  EXPECT_EQ(ttl_after({"PERSIST"}, ""), "-1");
  EXPECT_EQ(ttl_after({"EX", "100", "ENX"}, "500"), "500");
  EXPECT_EQ(ttl_after({"ENX", "EX", "100"}, ""), "100");
  EXPECT_EQ(ttl_after({"EXAT", "1"}, "500"), "-2");
  EXPECT_EQ(ttl_after({"PXAT", "1", "ENX"}, "500"), "500");
  // An increment that is not made changes nothing.
  EXPECT_EQ(ttl_after({"UBOUND", "10", "EX", "100"}, "500"), "500");
  EXPECT_EQ(ttl_after({"UBOUND", "10", "PERSIST"}, "500"), "500");
  EXPECT_EQ(ttl_after({"UBOUND", "10", "SATURATE", "EX", "100"}, "500"), "100");
  run({"DEL", "n"});
  EXPECT_EQ(run({"INCREX", "n", "EX", "100", "ENX"}), "[1, 1]");
  EXPECT_EQ(run({"TTL", "n"}), "100");
}

TEST_F(Increx, refuses_nonsense) {
  const auto refusal = [&](std::vector<std::string_view> options) {
    options.insert(options.begin(), {"INCREX", "n"});
    return run(options);
  };
  for (const std::vector<std::string_view>& options :
       std::vector<std::vector<std::string_view>>{{"FOO"},
                                                  {"BYINT"},
                                                  {"LBOUND"},
                                                  {"BYINT", "1", "BYINT", "2"},
                                                  {"BYINT", "1", "BYFLOAT", "2"},
                                                  {"LBOUND", "1", "LBOUND", "2"},
                                                  {"SATURATE", "SATURATE"},
                                                  {"ENX", "ENX", "EX", "1"},
                                                  {"PERSIST", "PERSIST"},
                                                  {"PERSIST", "ENX"},
                                                  {"EX", "10", "PERSIST"},
                                                  {"EX", "10", "EX", "20"},
                                                  {"EX", "10", "PX", "20"},
                                                  {"KEEPTTL"}})
    EXPECT_EQ(refusal(options), kSyntax) << options[0];
  EXPECT_EQ(refusal({"ENX"}), "-ERR ENX flag requires an expiration");
  EXPECT_EQ(refusal({"BYINT", "1.5"}), "-ERR Increment is not an integer or out of range");
  EXPECT_EQ(refusal({"BYFLOAT", "x"}), "-ERR Increment is not a valid float");
  EXPECT_EQ(refusal({"LBOUND", "inf"}), "-ERR LBOUND is not an integer or out of range");
  EXPECT_EQ(refusal({"BYFLOAT", "1", "UBOUND", "x"}), "-ERR UBOUND is not a valid float");
  EXPECT_EQ(refusal({"LBOUND", "10", "UBOUND", "5"}), "-ERR LBOUND can't be greater than UBOUND");
  EXPECT_EQ(refusal({"BYFLOAT", "1", "UBOUND", "-inf"}), "-ERR LBOUND can't be greater than UBOUND");
  EXPECT_EQ(refusal({"EX", "0"}), "-ERR invalid expire time in 'increx' command");
  EXPECT_EQ(refusal({"EX", "x"}), "-ERR value is not an integer or out of range");
  EXPECT_EQ(run({"EXISTS", "n"}), "0");
  for (const AnyValue& value : some_collections()) {
    put_value(*engine_, {0, "n"}, value);
    EXPECT_TRUE(refusal({}).starts_with("-WRONGTYPE"));
    EXPECT_TRUE(refusal({"BYFLOAT", "1"}).starts_with("-WRONGTYPE"));
  }
}

}  // namespace
}  // namespace stave::commands
