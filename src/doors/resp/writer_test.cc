#include "doors/resp/writer.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace stave::resp {
namespace {

class FixedWriter final : public Writer {
 public:
  explicit FixedWriter(int protocol) : protocol_(protocol) {}
  [[nodiscard]] int protocol() const noexcept override { return protocol_; }

 private:
  int protocol_;
};

std::string take(Output& output) {
  std::string text;
  iovec pieces[8];
  while (const std::size_t count = output.gather(output.appended(), pieces, 8)) {
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < count; ++i) {
      text.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
      bytes += pieces[i].iov_len;
    }
    output.advance(bytes);
  }
  return text;
}

template <class Write>
std::string written(int protocol, Write write) {
  BlockPool pool;
  Output output(pool);
  FixedWriter writer(protocol);
  writer.bind(output);
  write(writer);
  return take(output);
}

TEST(Writer, encodes_each_kind_in_both_protocols) {
  const auto both = [](auto write) { return written(2, write) + "|" + written(3, write); };
  EXPECT_EQ(both([](Writer& w) { w.status("OK"); }), "+OK\r\n|+OK\r\n");
  EXPECT_EQ(both([](Writer& w) { w.status("PONG"); }), "+PONG\r\n|+PONG\r\n");
  EXPECT_EQ(both([](Writer& w) { w.error("ERR no"); }), "-ERR no\r\n|-ERR no\r\n");
  EXPECT_EQ(both([](Writer& w) { w.integer(-42); }), ":-42\r\n|:-42\r\n");
  EXPECT_EQ(both([](Writer& w) { w.bulk("hello"); }), "$5\r\nhello\r\n|$5\r\nhello\r\n");
  EXPECT_EQ(both([](Writer& w) { w.null(); }), "$-1\r\n|_\r\n");
  EXPECT_EQ(both([](Writer& w) { w.null_array(); }), "*-1\r\n|_\r\n");
  EXPECT_EQ(both([](Writer& w) { w.array(3); }), "*3\r\n|*3\r\n");
  EXPECT_EQ(both([](Writer& w) { w.map(12); }), "*24\r\n|%12\r\n");
  EXPECT_EQ(both([](Writer& w) { w.set(2); }), "*2\r\n|~2\r\n");
  EXPECT_EQ(both([](Writer& w) { w.push(2); }), "*2\r\n|>2\r\n");
  EXPECT_EQ(both([](Writer& w) { w.real(3.5); }), "$3\r\n3.5\r\n|,3.5\r\n");
  EXPECT_EQ(both([](Writer& w) { w.boolean(true); }), ":1\r\n|#t\r\n");
  EXPECT_EQ(both([](Writer& w) { w.big_number("123"); }), "$3\r\n123\r\n|(123\r\n");
  EXPECT_EQ(both([](Writer& w) { w.verbatim("txt", "hi"); }), "$2\r\nhi\r\n|=6\r\ntxt:hi\r\n");
}

TEST(Writer, encodes_the_ends_of_the_integers) {
  EXPECT_EQ(written(2, [](Writer& w) { w.integer(std::numeric_limits<std::int64_t>::min()); }),
            ":-9223372036854775808\r\n");
  EXPECT_EQ(written(2, [](Writer& w) { w.integer(std::numeric_limits<std::int64_t>::max()); }),
            ":9223372036854775807\r\n");
}

TEST(Writer, lets_no_line_break_into_errors_and_statuses) {
  EXPECT_EQ(written(2, [](Writer& w) { w.error("ERR unknown 'a\r\n+OK\r\n'"); }), "-ERR unknown 'a  +OK  '\r\n");
  EXPECT_EQ(written(2, [](Writer& w) { w.status("a\nb"); }), "+a b\r\n");
}

TEST(Output, gives_back_what_was_appended_across_blocks) {
  BlockPool pool;
  Output output(pool);
  std::string expected;
  for (int i = 0; i < 2000; ++i) {
    const std::string piece(static_cast<std::size_t>(i % 97), static_cast<char>('a' + i % 26));
    output.append(piece);
    expected += piece;
  }
  const std::string large(100'000, 'L');
  output.append(large);
  expected += large;
  output.append("end");
  expected += "end";
  EXPECT_EQ(output.pending(), expected.size());
  EXPECT_EQ(take(output), expected);
  EXPECT_EQ(output.pending(), 0u);
}

TEST(Output, hands_out_no_byte_past_the_limit) {
  BlockPool pool;
  Output output(pool);
  output.append("safe");
  const std::uint64_t limit = output.appended();
  output.append("not yet");
  iovec pieces[4];
  ASSERT_EQ(output.gather(limit, pieces, 4), 1u);
  EXPECT_EQ(pieces[0].iov_len, 4u);
  output.advance(4);
  EXPECT_EQ(output.gather(limit, pieces, 4), 0u);
  EXPECT_EQ(take(output), "not yet");
}

TEST(Output, takes_back_what_must_not_be_sent) {
  for (const std::size_t safe : {0u, 5u, 16'000u, 40'000u}) {
    for (const std::size_t sent : {std::size_t{0}, safe / 2, safe}) {
      BlockPool pool;
      Output output(pool);
      std::string expected(safe, 's');
      for (std::size_t i = 0; i < safe; ++i) output.append("s");
      const std::uint64_t mark = output.appended();
      for (int i = 0; i < 5000; ++i) output.append("secret");
      std::size_t gone = 0;
      iovec pieces[8];
      while (gone < sent) {
        const std::size_t count = output.gather(sent, pieces, 8);
        ASSERT_GT(count, 0u);
        output.advance(pieces[0].iov_len);
        gone += pieces[0].iov_len;
      }
      output.truncate(mark);
      EXPECT_EQ(output.appended(), mark);
      output.append("error");
      EXPECT_EQ(take(output), std::string(safe - sent, 's') + "error");
    }
  }
}

}  // namespace
}  // namespace stave::resp
