#include "exchange/aof.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/crc64.h"
#include "exchange/collect_for_test.h"

namespace stave::exchange {
namespace {

using namespace std::string_literals;

/// One call as the file holds it.
std::string call(std::initializer_list<std::string_view> arguments) {
  std::string out = "*" + std::to_string(arguments.size()) + "\r\n";
  for (const std::string_view argument : arguments)
    out += "$" + std::to_string(argument.size()) + "\r\n" + std::string(argument) + "\r\n";
  return out;
}
std::string preamble() {
  std::string bytes = "REDIS0010\xfe\x00\x00\x01p\x01v\xff"s;
  char crc[8];
  base::store(crc, base::crc64(bytes));
  return bytes + std::string(crc, 8);
}

struct Read {
  std::vector<std::string> calls;  ///< Their words, joined by blanks; the SELECT 0 of each file among them.
  std::vector<Entry> entries;
  Summary summary;
};

class Aof : public testing::Test {
 protected:
  Result<Read> read(std::string_view bytes, bool may_be_cut = true, const Limits& limits = {}) {
    MemoryInput input(bytes);
    return gather([&](Sink& sink, CallRef into) { return read_aof(input, "test", sink, into, limits, may_be_cut); });
  }
  Result<Read> read_directory() {
    return gather([&](Sink& sink, CallRef into) { return read_aof_directory(*files_, "aof", sink, into, {}); });
  }
  void put(const std::string& name, std::string_view bytes) {
    ASSERT_TRUE(files_->create_directories("aof"));
    auto file = files_->open("aof/" + name, OpenMode::kCreate);
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->write_at(0, base::as_bytes(bytes)));
  }

  std::unique_ptr<FileSystem> files_ = make_memory_file_system();

 private:
  template <class Start>
  Result<Read> gather(Start&& start) {
    Read read;
    Collector collector;
    const auto into = [&](std::span<const std::string_view> arguments) -> Result<void> {
      std::string words;
      for (const std::string_view argument : arguments) words.append(words.empty() ? "" : " ").append(argument);
      read.calls.push_back(words);
      return {};
    };
    auto summary = start(collector, into);
    if (!summary) return fail(std::move(summary).error());
    read.entries = collector.entries;
    read.summary = *summary;
    return read;
  }
};

using Words = std::vector<std::string>;

TEST_F(Aof, calls_are_handed_on_in_order) {
  const auto result =
      read("#TS:1705314600\r\n" + call({"SELECT", "3"}) + call({"SET", "a", "1\r\n2"}) + call({"DEL", ""}));
  ASSERT_TRUE(result) << result.error().describe();
  EXPECT_EQ(result->calls, (Words{"SELECT 0", "SELECT 3", "SET a 1\r\n2", "DEL "}));
  EXPECT_EQ(result->summary.commands, 3u);
  EXPECT_FALSE(result->summary.truncated);
  EXPECT_EQ(read("")->calls, Words{"SELECT 0"});
}

TEST_F(Aof, a_snapshot_may_come_first) {
  const auto result = read(preamble() + call({"SET", "a", "1"}));
  ASSERT_TRUE(result) << result.error().describe();
  EXPECT_EQ(result->entries, (std::vector<Entry>{{.key = "p", .value = "v"}}));
  EXPECT_EQ(result->calls, (Words{"SELECT 0", "SET a 1"}));
  EXPECT_EQ(result->summary.entries, 1u);
  EXPECT_EQ(read(preamble())->entries.size(), 1u);
}

TEST_F(Aof, a_cut_tail_is_told_and_nothing_of_it_is_done) {
  const std::string first = call({"SET", "a", "1"});
  const std::string text = first + call({"SET", "b", "22"});
  for (std::size_t size = first.size() + 1; size < text.size(); ++size) {
    const auto result = read(text.substr(0, size));
    ASSERT_TRUE(result) << size << result.error().describe();
    EXPECT_EQ(result->calls, (Words{"SELECT 0", "SET a 1"})) << size;
    EXPECT_TRUE(result->summary.truncated) << size;
    EXPECT_EQ(read(text.substr(0, size), false).error().code(), ErrorCode::kCorrupt);
  }
}

// A transaction that lost its EXEC never happened.
TEST_F(Aof, transactions_are_whole_or_nothing) {
  const std::string text = call({"multi"}) + call({"SET", "a", "1"}) + call({"SET", "b", "2"}) + call({"EXEC"});
  EXPECT_EQ(read(text)->calls, (Words{"SELECT 0", "SET a 1", "SET b 2"}));
  for (const std::size_t cut : {std::size_t{1}, call({"EXEC"}).size(), call({"EXEC"}).size() + 3}) {
    const auto result = read(text.substr(0, text.size() - cut));
    ASSERT_TRUE(result) << result.error().describe();
    EXPECT_EQ(result->calls, Words{"SELECT 0"});
    EXPECT_TRUE(result->summary.truncated);
  }
  EXPECT_EQ(read(call({"MULTI"}) + call({"SET", "a", "1"}) + call({"DISCARD"}))->calls, Words{"SELECT 0"});
  EXPECT_EQ(read(call({"MULTI"}) + call({"MULTI"})).error().code(), ErrorCode::kCorrupt);
}

TEST_F(Aof, what_is_not_a_call_is_refused_with_its_place) {
  const std::string good = call({"SET", "a", "1"});
  for (const std::string& bad : {"SET a 1\r\n"s, "*0\r\n"s, "*x\r\n"s, "*1\r\n+3\r\nSET\r\n"s, "*1\r\n$3\r\nSETxx"s,
                                 std::string(20, '\0'), "*-1\r\n"s, std::string(200, '9')}) {
    const auto result = read(good + bad);
    ASSERT_FALSE(result) << bad;
    EXPECT_EQ(result.error().code(), ErrorCode::kCorrupt) << bad;
    EXPECT_GE(result.error().offset(), static_cast<std::int64_t>(good.size())) << bad;
  }
  EXPECT_EQ(read("*2000000\r\n").error().code(), ErrorCode::kTooLarge);
  EXPECT_EQ(read("*1\r\n$99999999999\r\n").error().code(), ErrorCode::kTooLarge);
  EXPECT_TRUE(read("*1\r\n$400000000\r\nabc")->summary.truncated) << "announced, but it never came";
}

TEST_F(Aof, a_directory_is_read_by_its_manifest) {
  put("appendonly.aof.manifest",
      "file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof.1.incr.aof seq 1 type h\n"
      "file \"with blank.aof\" seq 2 type i\nfile appendonly.aof.3.incr.aof seq 3 type i startoffset 5\n");
  put("appendonly.aof.2.base.rdb", preamble());
  put("with blank.aof", call({"SELECT", "5"}) + call({"SET", "a", "1"}));
  put("appendonly.aof.3.incr.aof", call({"SET", "b", "2"}) + "*1\r\n$");
  const auto result = read_directory();
  ASSERT_TRUE(result) << result.error().describe();
  EXPECT_EQ(result->entries.size(), 1u);
  EXPECT_EQ(result->calls, (Words{"SELECT 0", "SELECT 5", "SET a 1", "SELECT 0", "SET b 2"}));
  EXPECT_TRUE(result->summary.truncated);
  EXPECT_EQ(result->summary.commands, 3u);
}

TEST_F(Aof, only_the_last_file_of_a_directory_may_be_cut) {
  put("a.manifest", "file one seq 1 type i\nfile two seq 2 type i\n");
  put("one", call({"SET", "a", "1"}) + "*1\r\n");
  put("two", call({"SET", "b", "2"}));
  const auto result = read_directory();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(result.error().file(), "aof/one");
}

TEST_F(Aof, a_directory_without_what_it_needs_is_refused) {
  ASSERT_TRUE(files_->create_directories("aof"));
  EXPECT_EQ(read_directory().error().code(), ErrorCode::kNotFound);
  put("a.manifest", "file missing seq 1 type i\n");
  EXPECT_EQ(read_directory().error().code(), ErrorCode::kNotFound);
  put("b.manifest", "");
  EXPECT_EQ(read_directory().error().code(), ErrorCode::kInvalidArgument);
}

TEST(AofManifest, a_malformed_line_is_refused) {
  for (const std::string_view bad :
       {"file ../x seq 1 type i", "file a seq 1", "file a type i", "seq 1 type i", "file a seq x type i",
        "file a seq 1 type z", "file", "file \"a seq 1 type i", "file a/b seq 1 type i", "file .. seq 1 type i",
        "file a seq 1 type b\nfile b seq 2 type b", "file a seq 2 type i\nfile b seq 2 type i"})
    EXPECT_EQ(parse_manifest(bad, "m").error().code(), ErrorCode::kCorrupt) << bad;
  EXPECT_TRUE(parse_manifest("# nothing\n\n", "m")->empty());
}

}  // namespace
}  // namespace stave::exchange
