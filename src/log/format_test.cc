// A whole small store, byte by byte, as docs/format.md says: it must open for ever.
#include <gtest/gtest.h>

#include "log/log.h"
#include "log/log_test_support.h"

namespace stave::log {
namespace {

constexpr std::string_view kIdentity =
    "53544156452d49440100000040000000a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
    "0068e5cf8b01000000000000000000000000000000000000e8b66e3a76a87ff4";
/// Behind it, zeros up to 4096 bytes.
constexpr std::string_view kHeader =
    "53544156455345470100000000100000a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
    "0010000000000000efcdab89674523010068e5cf8b010000f6f305c6c6f54b62";
constexpr std::string_view kRecords =
    // A batch of two strings, the second with a sliding expiry, in database 1.
    "2b00000010100068e5cf8b0106000000000000000000c0486fa910806340d3b1"
    "757365723a31416c696365"
    "3900000010070068e5cf8b010600000000000000010083b139e027a7962ed5a0"
    "6052e6cf8b01000060ea000000000000757365723a32426f62"
    // A deletion that points back to the first.
    "2600000001010168e5cf8b01060000100000000000000faef07279938d2f18a1"
    "757365723a31"
    // The mark of a clean close.
    "2000000007110268e5cf8b0100000000000000000000203e7ddf622c733790db";

std::vector<std::byte> bytes_of(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    bytes.push_back(static_cast<std::byte>(16 * digit(hex[i]) + digit(hex[i + 1])));
  return bytes;
}

TEST(Format, of_version_1_opens_and_says_what_it_always_said) {
  const auto files = make_memory_file_system();
  ASSERT_TRUE(files->create_directories("/store"));
  auto identity = files->open("/store/STAVE", OpenMode::kCreate);
  ASSERT_TRUE(identity);
  ASSERT_TRUE((*identity)->write_at(0, bytes_of(kIdentity)));
  auto segment = files->open("/store/0000000000001000.seg", OpenMode::kCreate);
  ASSERT_TRUE(segment);
  ASSERT_TRUE((*segment)->write_at(0, bytes_of(kHeader)));
  ASSERT_TRUE((*segment)->write_at(4096, bytes_of(kRecords)));

  Options options;
  options.file_system = files.get();
  options.background = false;
  RecoveryReport report;
  std::vector<std::string> seen;
  const auto replay = [&](std::span<const RecordView> run) -> Result<void> {
    for (const RecordView& r : run) {
      seen.push_back(std::to_string(raw(r.lsn)) + " kind " + std::to_string(static_cast<int>(r.kind)) + " flags " +
                     std::to_string(r.flags) + " db " + std::to_string(r.database) + " time " +
                     std::to_string(raw(r.time)) + " expiry " + std::to_string(raw(r.expiry.at)) + "/" +
                     std::to_string(r.expiry.sliding_ms) + " prev " + std::to_string(raw(r.prev)) + " " +
                     std::string(r.key) + "=" + std::string(r.payload));
    }
    return {};
  };
  const auto log = Log::open("/store", options, replay, &report);
  ASSERT_TRUE(log) << log.error().describe();
  EXPECT_EQ(seen, (std::vector<std::string>{
                      "4096 kind 16 flags 16 db 0 time 1700000000000 expiry 0/0 prev 0 user:1=Alice",
                      "4139 kind 16 flags 7 db 1 time 1700000000000 expiry 1700000060000/60000 prev 0 user:2=Bob",
                      "4196 kind 1 flags 1 db 0 time 1700000000001 expiry 0/0 prev 4096 user:1=",
                      "4234 kind 7 flags 17 db 0 time 1700000000002 expiry 0/0 prev 0 =",
                  }));
  EXPECT_TRUE(report.clean);
  EXPECT_EQ(report.batches, 3u);
  EXPECT_EQ((*log)->tail(), Lsn{4266});
}

}  // namespace
}  // namespace stave::log
