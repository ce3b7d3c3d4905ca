// The log as lines, and the doctor's sentences, on stores made for the purpose.
#include <gtest/gtest.h>

#include "base/random.h"
#include "doors/tools/doctor.h"
#include "doors/tools/log_dump.h"
#include "doors/tools/place.h"
#include "log/log_test_support.h"
#include "log/segment.h"
#include "store/engine.h"
#include "store/transaction.h"
#include "testing/sim_file_system.h"

namespace stave::tools {
namespace {

TEST(Place, is_an_lsn_or_a_moment) {
  EXPECT_EQ(parse_place("123456"), Place(Lsn{123456}));
  EXPECT_EQ(parse_place("0x1e240"), Place(Lsn{123456}));
  EXPECT_EQ(parse_place("2024-01-15T10:30:00Z"), Place(UnixMs{1'705'314'600'000}));
  EXPECT_EQ(parse_place("2024-01-15T10:30:00.25Z"), Place(UnixMs{1'705'314'600'250}));
  EXPECT_EQ(parse_place("2024-01-15"), Place(UnixMs{1'705'276'800'000}));
  EXPECT_EQ(parse_place("@1705314600.25"), Place(UnixMs{1'705'314'600'250}));
  for (const char* const bad :
       {"", "x", "-5", "0x", "@", "@-1", "2024-01-15T10:30:00", "2024-02-30", "2024-01-15T24:00:00Z", "281474976710656",
        "2024-01-15T10:30:00.Z", "2024-01-15T10:30:00.1234Z", "@1.", "1 "})
    EXPECT_EQ(parse_place(bad), std::nullopt) << bad;
  EXPECT_EQ(moment_text(UnixMs{1'705'314'600'250}), "2024-01-15T10:30:00.250Z");
  EXPECT_EQ(moment_text(UnixMs{-1}), "1969-12-31T23:59:59.999Z");
}

// A number above 2^63 was a time before 1970.
TEST(Place, is_a_moment_where_only_a_moment_can_be) {
  EXPECT_EQ(parse_moment("1705314600250"), UnixMs{1'705'314'600'250});
  EXPECT_EQ(parse_moment("@1705314600.25"), UnixMs{1'705'314'600'250});
  EXPECT_EQ(parse_moment("2024-01-15"), UnixMs{1'705'276'800'000});
  EXPECT_EQ(parse_moment(std::to_string(kUnixMsMax)), UnixMs{kUnixMsMax});
  for (const char* const bad :
       {"", "-5", "0x1e240", "140737488355328", "9223372036854775808", "18446744073709551615", "18446744073709551616"})
    EXPECT_EQ(parse_moment(bad), std::nullopt) << bad;
}

class LookTest : public testing::Test {
 protected:
  void open() {
    Options options;
    options.file_system = &disk_;
    options.clock = &clock_;
    options.background = false;
    options.segment_bytes = 64u << 10;
    options.log_buffer_bytes = 64u << 10;
    options.disk_reserve_bytes = 0;
    options.shards = 1;
    options.checkpoint_bytes = 0;
    options.checkpoint_interval_ms = 0;
    auto opened = store::Engine::open("/db", options);
    ASSERT_TRUE(opened) << opened.error().describe();
    engine_ = std::move(*opened);
  }
  Lsn put(std::string_view key, std::string_view value, Expiry expiry = {}) {
    Lsn version;
    EXPECT_TRUE(engine_->put({0, key}, value, expiry, Sync::kDefault, &version));
    EXPECT_TRUE(engine_->log().wait_durable(engine_->log().tail()));
    return version;
  }
  void close() {
    ASSERT_TRUE(engine_->close());
    engine_.reset();
  }
  std::vector<std::string> dump(LogDump task = {}, const std::function<bool()>& wait = [] { return false; }) {
    task.directory = "/db";
    std::vector<std::string> lines;
    const auto done = dump_log(
        disk_, task,
        [&](std::string_view line) {
          lines.emplace_back(line);
          return true;
        },
        wait);
    EXPECT_TRUE(done) << done.error().describe();
    return lines;
  }
  std::string consult(Verdict expected, const std::string& repair = "") {
    std::string said;
    const Verdict verdict = examine_store(disk_, {.directory = "/db", .repair = repair},
                                          [&](std::string_view line) { said.append(line) += '\n'; });
    EXPECT_EQ(static_cast<int>(verdict), static_cast<int>(expected)) << said;
    return said;
  }
  static bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

  sim::SimFileSystem disk_{1};
  ManualClock clock_;
  std::unique_ptr<store::Engine> engine_;
};

TEST_F(LookTest, shows_each_record_as_a_line_that_loses_nothing) {
  open();
  put("user:1", "Alice");
  put(std::string_view("\xff\x00", 2), "\xfe", Expiry{.at = UnixMs{1'700'000'060'000}});
  close();
  const auto lines = dump({.values = true});
  ASSERT_GE(lines.size(), 3u);
  EXPECT_EQ(lines[0],
            R"({"lsn":4096,"version":4096,"time":"2023-11-14T22:13:20.000Z","kind":"string","db":0,"key":"user:1",)"
            R"("size":5,"value":"Alice","length":43,"commit":true,"relocated":false,"compressed":false})");
  EXPECT_TRUE(
      has(lines[1], R"("key_base64":"/wA=","size":1,"expiry":"2023-11-14T22:14:20.000Z","value_base64":"/g==")"))
      << lines[1];
  EXPECT_TRUE(has(lines.back(), R"("kind":"close")"));
  for (const std::string& line : dump({.keys_only = true})) EXPECT_TRUE(has(line, "\"key")) << line;
}

TEST_F(LookTest, shows_a_compressed_value_as_it_was_written) {
  open();
  const std::string value(5000, 'z');
  put("long", value);
  close();
  const auto lines = dump({.values = true});
  EXPECT_TRUE(has(lines[0], R"("size":5000,"value":"zzzz)")) << lines[0];
}

TEST_F(LookTest, begins_and_ends_where_it_is_told) {
  open();
  const Lsn first = put("a", "1");
  clock_.advance_ms(1000);
  const Lsn second = put("b", "2");
  clock_.advance_ms(1000);
  put("c", "3");
  const auto only = [&](const LogDump& task) {
    std::string keys;
    for (const std::string& line : dump(task)) keys += line.at(line.find("\"key\":\"") + 7);
    return keys;
  };
  EXPECT_EQ(only({.from = std::to_string(raw(second))}), "bc");
  EXPECT_EQ(only({.from = std::to_string(raw(first) + 1)}), "bc") << "the first batch at or behind it";
  EXPECT_EQ(only({.to = std::to_string(raw(second))}), "a");
  EXPECT_EQ(only({.from = "2023-11-14T22:13:21Z"}), "bc");
  EXPECT_EQ(only({.from = "2023-11-14T22:13:20.5Z", .to = "2023-11-14T22:13:22Z"}), "b");
  EXPECT_EQ(only({.from = "2030-01-01"}), "");
  const auto refused = dump_log(disk_, {.directory = "/db", .from = "soon"}, nullptr, nullptr);
  EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(LookTest, follows_a_store_at_work_over_the_ends_of_segments) {
  open();
  int written = 0;
  // Noise, or compression would make it too short to fill a segment.
  base::Random random(3);
  std::string value(3000, ' ');
  for (char& c : value) c = static_cast<char>(random.below(256));
  const auto write_some = [&] {
    for (int i = 0; i < 7; ++i) put("key" + std::to_string(written++), value);
    return written < 200;
  };
  const auto lines = dump({.follow = true}, write_some);
  EXPECT_GT(engine_->log().segments().size(), 1u) << "else this shows nothing";
  ASSERT_GE(lines.size(), 190u);
  for (std::size_t i = 0; i < lines.size(); ++i)
    ASSERT_TRUE(has(lines[i], "\"key\":\"key" + std::to_string(i) + "\"")) << lines[i];
}

TEST_F(LookTest, the_doctor_calls_a_sound_store_sound) {
  open();
  put("a", "1");
  EXPECT_TRUE(has(consult(Verdict::kSound), "is open now"));
  ASSERT_TRUE(engine_->checkpoint());
  put("b", "2");
  close();
  const std::string said = consult(Verdict::kSound);
  EXPECT_TRUE(has(said, "closed in good order")) << said;
  EXPECT_TRUE(has(said, "index image")) << said;
}

TEST_F(LookTest, the_doctor_names_the_keys_that_lost_something) {
  open();
  put("stale", "old");
  const Lsn lost = put("stale", "new");
  const Lsn gone = put("only in the image", "x");
  put("whole", "y");
  ASSERT_TRUE(engine_->checkpoint());
  close();
  const std::string segment = "/db/" + log::segment_name(log::kFirstLsn);
  ASSERT_TRUE(disk_.flip_bit(segment, 8 * (raw(lost) + 35)));
  ASSERT_TRUE(disk_.flip_bit(segment, 8 * (raw(gone) + 35)));
  const auto before = disk_.dump();
  const std::string said = consult(Verdict::kDamaged);
  EXPECT_TRUE(disk_.dump() == before);
  EXPECT_TRUE(has(said, segment + " at byte " + std::to_string(raw(lost)))) << said;
  EXPECT_TRUE(has(said, "LOST   key \"stale\" in database 0: its record at LSN " + std::to_string(raw(lost)) +
                            " is gone; an older value, of LSN 4096, is left."))
      << said;
  EXPECT_TRUE(has(said, "LOST   key \"only in the image\"")) << said;
  EXPECT_FALSE(has(said, "LOST   key \"whole\"")) << said;

  const std::string repaired = consult(Verdict::kDamaged, "/saved");
  EXPECT_TRUE(has(repaired, "The copy opens, with 2 keys.")) << repaired;
  EXPECT_TRUE(has(repaired, "LOST   key \"stale\"")) << repaired;
  EXPECT_TRUE(has(consult(Verdict::kUnknown, "/saved"), "must be new or empty"));
}

TEST_F(LookTest, the_doctor_says_what_he_cannot_examine) {
  ASSERT_TRUE(disk_.create_directories("/db"));
  EXPECT_TRUE(has(consult(Verdict::kUnknown), "there is no store"));
  open();
  put("a", "1");
  close();
  auto identity = log::encode_identity(*log::load_identity(disk_, "/db"));
  log::set_format_version(identity, log::kFormatVersion + 1);
  ASSERT_TRUE(disk_.overwrite("/db/STAVE", 0, identity));
  EXPECT_TRUE(has(consult(Verdict::kUnknown), "use a newer one"));
}

TEST_F(LookTest, the_doctor_finds_an_image_that_points_astray) {
  open();
  put("a", "1");
  put("b", "2");
  ASSERT_TRUE(engine_->checkpoint());
  close();
  std::string image;
  const std::vector<std::string> names = *disk_.list("/db");
  for (const std::string& name : names)
    if (name.ends_with(".image")) image = "/db/" + name;
  ASSERT_FALSE(image.empty());
  const std::uint64_t size = disk_.dump().at(image).size();
  ASSERT_TRUE(disk_.flip_bit(image, 8 * (size / 2)));
  const std::string said = consult(Verdict::kDamaged);
  EXPECT_TRUE(has(said, "DAMAGE " + image)) << said;
  EXPECT_TRUE(has(said, "the store opens without it")) << said;
}

}  // namespace
}  // namespace stave::tools
