#include "doors/http/request_reader.h"

#include <gtest/gtest.h>

#include <charconv>
#include <vector>

namespace stave::http {
namespace {

using Status = RequestReader::Status;

constexpr std::size_t kLarge = keyspace::Block::kMappedFrom;

struct Outcome {
  std::vector<std::string> requests;  ///< "verb target body"
  int status = 0;                     ///< Of the refusal; 0: none.
  std::string code;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome read_all(std::string_view text, std::size_t piece_max, const BodyPlan& plan = {.bytes_max = 1000}) {
  keyspace::SystemChunkSource source;
  RequestReader reader({.target_bytes_max = 200, .head_bytes_max = 400});
  Outcome outcome;
  std::string buffer;
  std::size_t fed = 0;
  while (fed < text.size()) {
    const std::size_t piece = std::min(piece_max, text.size() - fed);
    buffer.append(text.substr(fed, piece));
    fed += piece;
    for (;;) {
      std::size_t consumed = 0;
      const Status status = reader.read(buffer, consumed);
      buffer.erase(0, consumed);
      if (status == Status::kMore) break;
      if (status == Status::kBad) {
        outcome.status = reader.problem().status;
        outcome.code = reader.problem().code;
        return outcome;
      }
      if (status == Status::kHead) {
        reader.plan_body({.keep = plan.keep,
                          .check_json = plan.check_json,
                          .bytes_max = plan.bytes_max,
                          .large = plan.large ? std::optional(keyspace::BlockWriter(source)) : std::nullopt});
        continue;
      }
      const Request& request = reader.request();
      outcome.requests.push_back(std::string(verb_name(request.verb)) + " " + request.target + " " +
                                 std::string(request.content()));
      EXPECT_EQ(static_cast<bool>(request.large_body), request.content().size() >= kLarge && plan.large);
      if (reader.problem().status != 0) outcome.requests.back() += " !" + std::string(reader.problem().code);
      reader.next();
    }
  }
  return outcome;
}

TEST(RequestReader, reads_the_same_however_the_bytes_are_cut) {
  const std::string text =
      "\r\nGET /a?b HTTP/1.1\r\nHost: x\r\n\r\n"
      "PUT /b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
      "POST /c HTTP/1.1\r\nhost: x\r\ntransfer-encoding: Chunked\r\n\r\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nT: x\r\n\r\n"
      "DELETE /d HTTP/1.0\r\n\r\n";
  const Outcome whole = read_all(text, text.size());
  EXPECT_EQ(whole.requests, (std::vector<std::string>{"GET /a?b ", "PUT /b hello", "POST /c abcde", "DELETE /d "}));
  EXPECT_EQ(whole.status, 0);
  for (std::size_t piece = 1; piece < 20; ++piece) EXPECT_EQ(read_all(text, piece), whole) << piece;
}

TEST(RequestReader, refuses_what_can_be_read_in_two_ways) {
  const std::string head = "PUT / HTTP/1.1\r\nHost: x\r\n";
  for (const std::string more :
       {"Content-Length: 1\r\nContent-Length: 2\r\n", "Content-Length: 1\r\nContent-Length: 1\r\n",
        "Content-Length: 1, 1\r\n", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "X: a\r\n b\r\n", "Host: y\r\n",
        "Content-Length: -1\r\n", "Content-Length:\r\n", "Bad Name: 1\r\n", "X: \x01\r\n"})
    EXPECT_EQ(read_all(head + more + "\r\nab", 1000).status, 400) << more;
  EXPECT_EQ(read_all(head + "Transfer-Encoding: gzip, chunked\r\n\r\n", 1000).status, 501);
  EXPECT_EQ(read_all("GET / HTTP/1.1\r\n\r\n", 1000).status, 400);
  EXPECT_EQ(read_all("GET / HTTP/3.0\r\nHost: x\r\n\r\n", 1000).status, 505);
}

TEST(RequestReader, keeps_its_limits) {
  EXPECT_EQ(read_all("GET /" + std::string(300, 'a'), 7).status, 414);
  EXPECT_EQ(read_all("GET / HTTP/1.1\r\nHost: x\r\n" + std::string(400, 'a'), 7).status, 431);
  EXPECT_EQ(
      read_all("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + std::string(1001, 'a'), 50)
          .status,
      413);
  EXPECT_EQ(
      read_all("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(20'000, 'a'), 100)
          .status,
      400);
}

TEST(RequestReader, gathers_a_large_body_in_the_block_it_will_lie_in) {
  keyspace::SystemChunkSource source;
  const std::string head = "PUT / HTTP/1.1\r\nHost: x\r\n";
  for (const std::size_t size : {kLarge - 1, kLarge, kLarge + 70'001}) {
    std::string body(size, '\0');
    for (std::size_t i = 0; i < size; ++i) body[i] = static_cast<char>(i % 251);
    const std::string announced = head + "Content-Length: " + std::to_string(size) + "\r\n\r\n" + body;
    std::string chunked = head + "Transfer-Encoding: chunked\r\n\r\n";
    for (std::size_t at = 0; at < size; at += 100'000) {
      const std::string_view piece = std::string_view(body).substr(at, 100'000);
      char length[20];
      const auto end = std::to_chars(length, length + sizeof length, piece.size(), 16);
      chunked.append(length, end.ptr).append("\r\n").append(piece).append("\r\n");
    }
    chunked += "0\r\n\r\n";
    for (const std::string& text : {announced, chunked}) {
      const Outcome read = read_all(text, 65'536, {.bytes_max = 2 * kLarge, .large = keyspace::BlockWriter(source)});
      ASSERT_EQ(read.requests.size(), 1u) << read.status;
      EXPECT_TRUE(read.requests[0] == "PUT / " + body) << size;
      EXPECT_TRUE(read_all(text, 65'536, {.bytes_max = 2 * kLarge}) == read) << "into a string where there is no block";
    }
  }
  // Longer than may be, and cut short.
  const std::string endless =
      head + "Transfer-Encoding: chunked\r\n\r\n600000\r\n" + std::string(0x600000, 'x') + "\r\n";
  EXPECT_EQ(read_all(endless, 65'536, {.bytes_max = kLarge, .large = keyspace::BlockWriter(source)}).status, 413);
  EXPECT_EQ(read_all(endless, 65'536, {.bytes_max = 2 * kLarge, .large = keyspace::BlockWriter(source)}).status, 0);
}

TEST(RequestReader, joins_lists_and_tells_a_body_that_is_not_json) {
  RequestReader reader({});
  std::size_t consumed = 0;
  ASSERT_EQ(reader.read("GET / HTTP/1.1\r\nHost: x\r\nIf-Match: \"1\"\r\nif-match: \"2\"\r\n\r\n", consumed),
            Status::kHead);
  EXPECT_EQ(reader.request().header(Header::kIfMatch), "\"1\", \"2\"");
  const BodyPlan json{.check_json = true, .bytes_max = 100};
  EXPECT_EQ(read_all("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{]", 1, json).requests,
            std::vector<std::string>{"PUT / {] !invalid_json"});
}

}  // namespace
}  // namespace stave::http
