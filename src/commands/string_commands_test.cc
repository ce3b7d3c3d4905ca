#include "commands/string_commands.h"

#include "commands/fixture_for_test.h"

namespace stave::commands {
namespace {

class Strings : public CommandsTest {};

constexpr const char* kSyntax = "-ERR syntax error";
constexpr const char* kNotInteger = "-ERR value is not an integer or out of range";
constexpr const char* kTooLarge = "-ERR string exceeds maximum allowed size (proto-max-bulk-len)";

TEST_F(Strings, set_then_get) {
  EXPECT_EQ(run({"GET", "a"}), "nil");
  EXPECT_EQ(run({"SET", "a", "1"}), "OK");
  EXPECT_EQ(run({"get", "a"}), "\"1\"");
  EXPECT_EQ(run({"SET", "a", ""}), "OK");
  EXPECT_EQ(run({"GET", "a"}), "\"\"");
  const std::string_view binary("\0\r\n\xff", 4);
  EXPECT_EQ(run({"SET", binary, binary}), "OK");
  EXPECT_EQ(reply({"GET", binary}).text, binary);
}

TEST_F(Strings, set_takes_conditions) {
  EXPECT_EQ(run({"SET", "a", "1", "XX"}), "nil");
  EXPECT_EQ(run({"SET", "a", "1", "nx"}), "OK");
  EXPECT_EQ(run({"SET", "a", "2", "NX"}), "nil");
  EXPECT_EQ(run({"SET", "a", "2", "XX"}), "OK");
  EXPECT_EQ(run({"SET", "a", "3", "IFEQ", "1"}), "nil");
  EXPECT_EQ(run({"SET", "a", "3", "IFEQ", "2"}), "OK");
  EXPECT_EQ(run({"SET", "b", "3", "IFEQ", ""}), "nil");
  EXPECT_EQ(run({"GET", "a"}), "\"3\"");
  EXPECT_EQ(run({"EXISTS", "b"}), "0");
  EXPECT_EQ(run({"SET", "a", "4", "IFEQ", "3", "GET"}), "\"3\"");
  EXPECT_EQ(run({"SET", "a", "5", "IFEQ", "3", "GET"}), "\"4\"");
  EXPECT_EQ(run({"GET", "a"}), "\"4\"");
}

TEST_F(Strings, set_with_get_returns_the_old_value) {
  EXPECT_EQ(run({"SET", "a", "1", "GET"}), "nil");
  EXPECT_EQ(run({"SET", "a", "2", "GET"}), "\"1\"");
  EXPECT_EQ(run({"SET", "a", "3", "NX", "GET"}), "\"2\"");
  EXPECT_EQ(run({"SET", "b", "3", "XX", "GET"}), "nil");
  EXPECT_EQ(run({"GET", "a"}), "\"2\"");
  EXPECT_EQ(run({"GETSET", "a", "9"}), "\"2\"");
  EXPECT_EQ(run({"GETSET", "new", "9"}), "nil");
}

TEST_F(Strings, set_takes_an_expiry) {
  EXPECT_EQ(run({"SET", "a", "1", "EX", "10"}), "OK");
  EXPECT_EQ(run({"TTL", "a"}), "10");
  EXPECT_EQ(run({"SET", "a", "2", "KEEPTTL"}), "OK");
  EXPECT_EQ(run({"TTL", "a"}), "10");
  EXPECT_EQ(run({"SET", "a", "3"}), "OK");
  EXPECT_EQ(run({"TTL", "a"}), "-1");
  EXPECT_EQ(run({"SET", "a", "1", "PX", "1500"}), "OK");
  EXPECT_EQ(run({"PTTL", "a"}), "1500");
  EXPECT_EQ(run({"SET", "a", "1", "EXAT", "1700000100"}), "OK");
  EXPECT_EQ(run({"TTL", "a"}), "100");
  EXPECT_EQ(run({"SET", "a", "1", "PXAT", "1700000000001"}), "OK");
  clock_.advance_ms(1);
  EXPECT_EQ(run({"GET", "a"}), "nil");
  EXPECT_EQ(run({"SET", "a", "1", "EXAT", "1"}), "OK");
  EXPECT_EQ(run({"EXISTS", "a"}), "0");
}

TEST_F(Strings, set_refuses_what_does_not_go_together) {
  EXPECT_EQ(run({"SET", "a", "1", "NX", "XX"}), kSyntax);
  EXPECT_EQ(run({"SET", "a", "1", "NX", "IFEQ", "1"}), kSyntax);
  EXPECT_EQ(run({"SET", "a", "1", "IFEQ"}), kSyntax);
  EXPECT_EQ(run({"SET", "a", "1", "EX"}), kSyntax);
  EXPECT_EQ(run({"SET", "a", "1", "EX", "1", "PX", "1"}), kSyntax);
  EXPECT_EQ(run({"SET", "a", "1", "KEEPTTL", "EX", "1"}), kSyntax);
  EXPECT_EQ(run({"SET", "a", "1", "PERSIST"}), kSyntax);
  EXPECT_EQ(run({"SET", "a", "1", "EXAT", "1", "SLIDING"}), kSyntax);
  EXPECT_EQ(run({"SET", "a", "1", "SLIDING"}), kSyntax);
  EXPECT_EQ(run({"SET", "a", "1", "EX", "x"}), kNotInteger);
  for (const char* amount : {"0", "-1", "9223372036854775807", "9223372036854775"})
    EXPECT_EQ(run({"SET", "a", "1", "EX", amount}), "-ERR invalid expire time in 'set' command") << amount;
  EXPECT_EQ(run({"EXISTS", "a"}), "0");
}

// Redis takes every deadline that fits 64 bits; there is room for 48.
TEST_F(Strings, a_deadline_later_than_can_be_kept_is_kept_as_the_latest) {
  constexpr const char* kLatest = "140737488355327";
  for (const char* at : {"140737488355327", "140737488355328", "9223370399119966", "9223372036854775807"}) {
    EXPECT_EQ(run({"SET", "a", "1", "PXAT", at}), "OK") << at;
    EXPECT_EQ(run({"PEXPIRETIME", "a"}), kLatest) << at;
    EXPECT_EQ(run({"SET", "a", "1"}), "OK");
    EXPECT_EQ(run({"PEXPIREAT", "a", at}), "1") << at;
    EXPECT_EQ(run({"PEXPIRETIME", "a"}), kLatest) << at;
    EXPECT_EQ(run({"GETEX", "a", "PXAT", at}), "\"1\"") << at;
    EXPECT_EQ(run({"PEXPIRETIME", "a"}), kLatest) << at;
  }
  EXPECT_EQ(run({"EXPIRE", "a", "200000000000"}), "1");
  EXPECT_EQ(run({"PEXPIRETIME", "a"}), kLatest);
  EXPECT_EQ(run({"PSETEX", "a", "9000000000000000000", "1"}), "OK");
  reopen();
  EXPECT_EQ(run({"PEXPIRETIME", "a"}), kLatest);
}

TEST_F(Strings, a_sliding_expiry_is_put_off_by_use) {
  EXPECT_EQ(run({"SET", "a", "1", "EX", "10", "SLIDING"}), "OK");
  clock_.advance_ms(8000);
  EXPECT_EQ(run({"TTL", "a"}), "2");
  EXPECT_EQ(run({"GET", "a"}), "\"1\"");
  EXPECT_EQ(run({"TTL", "a"}), "10");
  EXPECT_EQ(run({"CLIENT", "NO-TOUCH", "ON"}), "OK");
  clock_.advance_ms(8000);
  EXPECT_EQ(run({"GET", "a"}), "\"1\"");
  EXPECT_EQ(run({"TTL", "a"}), "2");
  clock_.advance_ms(2000);
  EXPECT_EQ(run({"GET", "a"}), "nil");
}

TEST_F(Strings, getex_changes_the_expiry) {
  EXPECT_EQ(run({"GETEX", "a", "EX", "x"}), "nil");
  run({"SET", "a", "1"});
  EXPECT_EQ(run({"GETEX", "a"}), "\"1\"");
  EXPECT_EQ(run({"GETEX", "a", "EX", "10"}), "\"1\"");
  EXPECT_EQ(run({"TTL", "a"}), "10");
  EXPECT_EQ(run({"GETEX", "a", "PX", "5000", "SLIDING"}), "\"1\"");
  clock_.advance_ms(4000);
  EXPECT_EQ(run({"GET", "a"}), "\"1\"");
  EXPECT_EQ(run({"PTTL", "a"}), "5000");
  EXPECT_EQ(run({"GETEX", "a", "PERSIST"}), "\"1\"");
  EXPECT_EQ(run({"TTL", "a"}), "-1");
  EXPECT_EQ(run({"GETEX", "a", "PERSIST", "EX", "1"}), kSyntax);
  EXPECT_EQ(run({"GETEX", "a", "KEEPTTL"}), kSyntax);
  EXPECT_EQ(run({"GETEX", "a", "EX", "0"}), "-ERR invalid expire time in 'getex' command");
  EXPECT_EQ(run({"GETEX", "a", "EXAT", "1"}), "\"1\"");
  EXPECT_EQ(run({"EXISTS", "a"}), "0");
}

TEST_F(Strings, getdel_setnx_setex_psetex_strlen) {
  EXPECT_EQ(run({"GETDEL", "a"}), "nil");
  EXPECT_EQ(run({"SETNX", "a", "1"}), "1");
  EXPECT_EQ(run({"SETNX", "a", "2"}), "0");
  EXPECT_EQ(run({"STRLEN", "a"}), "1");
  EXPECT_EQ(run({"GETDEL", "a"}), "\"1\"");
  EXPECT_EQ(run({"STRLEN", "a"}), "0");
  EXPECT_EQ(run({"SETEX", "a", "10", "v"}), "OK");
  EXPECT_EQ(run({"TTL", "a"}), "10");
  EXPECT_EQ(run({"PSETEX", "a", "1500", "v"}), "OK");
  EXPECT_EQ(run({"PTTL", "a"}), "1500");
  EXPECT_EQ(run({"SETEX", "a", "0", "v"}), "-ERR invalid expire time in 'setex' command");
  EXPECT_EQ(run({"PSETEX", "a", "x", "v"}), kNotInteger);
}

TEST_F(Strings, append_and_setrange_build_values) {
  EXPECT_EQ(run({"APPEND", "a", "Hello "}), "6");
  EXPECT_EQ(run({"APPEND", "a", "World"}), "11");
  EXPECT_EQ(run({"APPEND", "empty", ""}), "0");
  EXPECT_EQ(run({"EXISTS", "empty"}), "1");
  EXPECT_EQ(run({"SETRANGE", "a", "6", "Stave"}), "11");
  EXPECT_EQ(run({"GET", "a"}), "\"Hello Stave\"");
  EXPECT_EQ(run({"SETRANGE", "b", "2", "x"}), "3");
  EXPECT_EQ(reply({"GET", "b"}).text, std::string("\0\0x", 3));
  EXPECT_EQ(run({"SETRANGE", "none", "5", ""}), "0");
  EXPECT_EQ(run({"EXISTS", "none"}), "0");
  EXPECT_EQ(run({"SETRANGE", "a", "-1", "x"}), "-ERR offset is out of range");
  EXPECT_EQ(run({"SETRANGE", "a", "536870912", "x"}), kTooLarge);
  EXPECT_EQ(run({"SETRANGE", "a", "9223372036854775807", "x"}), kTooLarge);
  EXPECT_EQ(run({"SETRANGE", "a", "x", "x"}), kNotInteger);
}

TEST_F(Strings, append_keeps_the_expiry) {
  run({"SET", "a", "1", "EX", "10"});
  run({"APPEND", "a", "2"});
  run({"SETRANGE", "a", "0", "9"});
  run({"INCR", "a"});
  EXPECT_EQ(run({"GET", "a"}), "\"93\"");
  EXPECT_EQ(run({"TTL", "a"}), "10");
}

TEST_F(Strings, getrange_counts_from_both_ends) {
  run({"SET", "a", "This is a string"});
  EXPECT_EQ(run({"GETRANGE", "a", "0", "3"}), "\"This\"");
  EXPECT_EQ(run({"SUBSTR", "a", "-3", "-1"}), "\"ing\"");
  EXPECT_EQ(run({"GETRANGE", "a", "0", "-1"}), "\"This is a string\"");
  EXPECT_EQ(run({"GETRANGE", "a", "10", "100"}), "\"string\"");
  EXPECT_EQ(run({"GETRANGE", "a", "5", "2"}), "\"\"");
  EXPECT_EQ(run({"GETRANGE", "a", "-1", "-100"}), "\"\"");
  EXPECT_EQ(run({"GETRANGE", "a", "-100", "-100"}), "\"T\"");
  EXPECT_EQ(run({"GETRANGE", "a", "-9223372036854775808", "9223372036854775807"}), "\"This is a string\"");
  EXPECT_EQ(run({"GETRANGE", "none", "0", "-1"}), "\"\"");
  EXPECT_EQ(run({"GETRANGE", "a", "x", "1"}), kNotInteger);
}

TEST_F(Strings, refuse_keys_and_values_over_the_limit) {
  const std::string key(70'000, 'k');
  EXPECT_EQ(run({"GET", key}), "nil");
  EXPECT_EQ(run({"SET", key, "1"}).substr(0, 8), "-ERR key");
  close();
  options_.value_bytes_max = 10;
  open();
  EXPECT_EQ(run({"SET", "a", "12345678901"}), kTooLarge);
  EXPECT_EQ(run({"SET", "a", "1234567890"}), "OK");
  EXPECT_EQ(run({"APPEND", "a", "1"}), kTooLarge);
  EXPECT_EQ(run({"SETRANGE", "a", "10", "1"}), kTooLarge);
  EXPECT_EQ(run({"MSET", "b", "1", "c", "12345678901"}), kTooLarge);
  EXPECT_EQ(run({"EXISTS", "b"}), "0");
}

class Numbers : public CommandsTest {};

TEST_F(Numbers, count_up_and_down) {
  EXPECT_EQ(run({"INCR", "n"}), "1");
  EXPECT_EQ(run({"INCRBY", "n", "10"}), "11");
  EXPECT_EQ(run({"DECR", "n"}), "10");
  EXPECT_EQ(run({"DECRBY", "n", "15"}), "-5");
  EXPECT_EQ(run({"GET", "n"}), "\"-5\"");
}

TEST_F(Numbers, refuse_overflow_and_text) {
  run({"SET", "n", "9223372036854775807"});
  EXPECT_EQ(run({"INCR", "n"}), "-ERR increment or decrement would overflow");
  run({"SET", "n", "-9223372036854775808"});
  EXPECT_EQ(run({"DECR", "n"}), "-ERR increment or decrement would overflow");
  EXPECT_EQ(run({"DECRBY", "n", "-9223372036854775808"}), "-ERR decrement would overflow");
  for (const char* text : {"a", "", " 1", "1 ", "01", "+1", "1.0"}) {
    run({"SET", "n", text});
    EXPECT_EQ(run({"INCR", "n"}), kNotInteger) << text;
  }
  EXPECT_EQ(run({"INCRBY", "n", "x"}), kNotInteger);
}

TEST_F(Numbers, incrbyfloat_spells_results_without_exponents) {
  EXPECT_EQ(run({"INCRBYFLOAT", "f", "10.50"}), "\"10.5\"");
  EXPECT_EQ(run({"INCRBYFLOAT", "f", "0.1"}), "\"10.6\"");
  EXPECT_EQ(run({"INCRBYFLOAT", "f", "-10.6"}), "\"0\"");
  run({"SET", "f", "5.0e3"});
  EXPECT_EQ(run({"INCRBYFLOAT", "f", "2.0e2"}), "\"5200\"");
  run({"SET", "f", "abc"});
  EXPECT_EQ(run({"INCRBYFLOAT", "f", "1"}), "-ERR value is not a valid float");
  run({"SET", "f", "1"});
  EXPECT_EQ(run({"INCRBYFLOAT", "f", "nan"}), "-ERR value is not a valid float");
  EXPECT_EQ(run({"INCRBYFLOAT", "f", "inf"}), "-ERR increment would produce NaN or Infinity");
}

class ManyKeys : public CommandsTest {};

TEST_F(ManyKeys, are_set_and_read_at_once) {
  EXPECT_EQ(run({"MSET", "a", "1", "b", "2"}), "OK");
  EXPECT_EQ(run({"MGET", "a", "none", "b", "a"}), "[\"1\", nil, \"2\", \"1\"]");
  EXPECT_EQ(run({"MSET", "a", "1", "a", "2"}), "OK");
  EXPECT_EQ(run({"GET", "a"}), "\"2\"");
  EXPECT_EQ(run({"MSETNX", "c", "1", "a", "9"}), "0");
  EXPECT_EQ(run({"EXISTS", "c"}), "0");
  EXPECT_EQ(run({"MSETNX", "c", "1", "d", "9"}), "1");
  EXPECT_EQ(run({"MSET", "a", "1", "b"}), "-ERR wrong number of arguments for 'mset' command");
  EXPECT_EQ(run({"MSETNX", "a", "1", "b"}), "-ERR wrong number of arguments for 'msetnx' command");
  run({"SET", "e", "1", "EX", "10"});
  run({"MSET", "e", "2"});
  EXPECT_EQ(run({"TTL", "e"}), "-1");
}

class Lcs : public CommandsTest {};

TEST_F(Lcs, finds_text_length_and_places) {
  run({"MSET", "key1", "ohmytext", "key2", "mynewtext"});
  EXPECT_EQ(run({"LCS", "key1", "key2"}), "\"mytext\"");
  EXPECT_EQ(run({"LCS", "key1", "key2", "LEN"}), "6");
  EXPECT_EQ(run({"LCS", "key1", "key2", "IDX"}), "{\"matches\", [[[4, 7], [5, 8]], [[2, 3], [0, 1]]], \"len\", 6}");
  EXPECT_EQ(run({"LCS", "key1", "key2", "IDX", "MINMATCHLEN", "4", "WITHMATCHLEN"}),
            "{\"matches\", [[[4, 7], [5, 8], 4]], \"len\", 6}");
  EXPECT_EQ(run({"LCS", "key1", "none"}), "\"\"");
  EXPECT_EQ(run({"LCS", "none", "none", "IDX"}), "{\"matches\", [], \"len\", 0}");
}

TEST_F(Lcs, refuses_contradictions_and_too_much_work) {
  EXPECT_EQ(run({"LCS", "a", "b", "LEN", "IDX"}), "-ERR If you want both the length and indexes, please just use IDX.");
  EXPECT_EQ(run({"LCS", "a", "b", "FOO"}), kSyntax);
  EXPECT_EQ(run({"LCS", "a", "b", "MINMATCHLEN", "x"}), kNotInteger);
  run({"SETRANGE", "a", "200000", "x"});
  run({"SETRANGE", "b", "200000", "y"});
  EXPECT_EQ(run({"LCS", "a", "b"}), "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
}

/// Tells what came by reference and what by copy.
class WatchingSink final : public Sink {
 public:
  void status(std::string_view) override {}
  void error(std::string_view text) override { FAIL() << text; }
  void integer(std::int64_t) override {}
  void bulk(std::string_view bytes) override { longest_copy = std::max(longest_copy, bytes.size()); }
  void shared_bulk(const SharedBytes& bytes) override { shared.emplace_back(bytes.view()); }
  void null() override {}
  void null_array() override {}
  void array(std::size_t) override {}
  void map(std::size_t) override {}
  void set(std::size_t) override {}
  void real(double) override {}
  void boolean(bool) override {}
  void big_number(std::string_view) override {}
  void verbatim(std::string_view, std::string_view) override {}
  void push(std::size_t) override {}
  [[nodiscard]] int protocol() const noexcept override { return 3; }
  std::size_t longest_copy = 0;
  std::vector<std::string> shared;
};

class LargeStrings : public CommandsTest {};

// Whatever shows a large value shows it by reference: a copy of many bytes is made under no lock, and a thousand
// references take no memory.
TEST_F(LargeStrings, are_shown_by_reference_by_every_command) {
  const std::string large(100'000, 'x');
  const std::vector<std::vector<std::string_view>> calls = {{"GET", "k"},
                                                            {"GETRANGE", "k", "0", "-1"},
                                                            {"SUBSTR", "k", "0", "-1"},
                                                            {"GETSET", "k", "new"},
                                                            {"SET", "k", "new", "GET"},
                                                            {"SET", "k", "new", "XX", "GET"},
                                                            {"SET", "k", "new", "NX", "GET"},
                                                            {"GETDEL", "k"},
                                                            {"GETEX", "k"},
                                                            {"GETEX", "k", "EX", "100"},
                                                            {"MGET", "small", "k", "none", "k"}};
  for (const auto& call : calls) {
    SCOPED_TRACE(std::string(call[0]) + " with " + std::to_string(call.size()) + " words");
    run({"MSET", "k", large, "small", "s"});
    WatchingSink sink;
    dispatch(*session_, call, sink);
    ASSERT_EQ(sink.shared.size(), call[0] == "MGET" ? 2u : 1u);
    for (const std::string& shown : sink.shared) EXPECT_EQ(shown, large);
    EXPECT_LE(sink.longest_copy, 1u);
  }
}

TEST_F(LargeStrings, a_part_is_a_part_of_the_same_memory_or_a_short_copy) {
  std::string large(100'000, 'x');
  large[50'000] = 'y';
  run({"SET", "k", large});
  EXPECT_EQ(run({"GETRANGE", "k", "49999", "50001"}), "\"xyx\"");
  EXPECT_EQ(run({"GETRANGE", "k", "50000", "90000"}), "\"" + large.substr(50'000, 40'001) + "\"");
  EXPECT_EQ(run({"GETRANGE", "k", "-20000", "-1"}), "\"" + large.substr(80'000) + "\"");
  EXPECT_EQ(run({"MGET", "none", "k", "k"}), "[nil, \"" + large + "\", \"" + large + "\"]");
  EXPECT_EQ(run({"GETDEL", "k"}), "\"" + large + "\"");
  EXPECT_EQ(run({"GET", "k"}), "nil");
}

}  // namespace
}  // namespace stave::commands
