#include "doors/resp/settings.h"

#include <gtest/gtest.h>

#include <map>

#include "commands/encoding_limits.h"
#include "doors/resp/secret.h"
#include "doors/resp/shared.h"

namespace stave::resp {
namespace {

std::string refusal(const char* name, const char* value) {
  Settings settings;
  const auto done = settings.set(name, value);
  return done ? "" : done.error().message();
}

TEST(Settings, begin_with_the_defaults_of_the_table) {
  const Settings settings;
  EXPECT_EQ(settings.number(option_id("port")), 6379);
  EXPECT_EQ(settings.number(option_id("segment-size")), 64 * kMega);
  EXPECT_EQ(settings.number(option_id("sync-interval")), 1000);
  EXPECT_EQ(settings.text(option_id("bind")), "127.0.0.1 -::1");
  EXPECT_EQ(settings.sync(), Sync::kAlways);
  EXPECT_TRUE(settings.flag(option_id("protected-mode")));
}

TEST(Settings, have_a_valid_default_in_every_row) {
  for (const Option& option : kOptions) {
    Settings settings;
    EXPECT_TRUE(settings.set(option.name, option.initial).has_value()) << option.name;
    EXPECT_TRUE(option.help.ends_with('.')) << option.name;
  }
}

TEST(Settings, read_sizes_and_times_with_suffixes) {
  Settings settings;
  const struct {
    const char* name;
    const char* value;
    std::int64_t number;
  } cases[] = {
      {"segment-size", "1gb", kGiga},
      {"segment-size", "100K", 100'000},
      {"segment-size", "128Kb", 128 * 1024},
      {"segment-size", "1000000b", 1'000'000},
      {"timeout", "5m", 300},
      {"timeout", "2h", 7200},
      {"timeout", "30", 30},
      {"sync-interval", "2s", 2000},
      {"sync-interval", "250ms", 250},
      {"segment-age", "7d", 604'800'000},
      {"slowlog-log-slower-than", "1ms", 1000},
      {"slowlog-log-slower-than", "-1", -1},
  };
  for (const auto& c : cases) {
    ASSERT_TRUE(settings.set(c.name, c.value).has_value()) << c.name << " " << c.value;
    EXPECT_EQ(settings.number(static_cast<std::size_t>(Settings::find(c.name) - kOptions)), c.number)
        << c.name << " " << c.value;
  }
}

TEST(Settings, refuse_bad_values_and_say_what_would_be_right) {
  EXPECT_EQ(refusal("port", "abc"), "port cannot be \"abc\"; it must be a whole number from -1 to 65535");
  for (const auto& [name, value] :
       std::initializer_list<std::pair<const char*, const char*>>{{"port", "65536"},
                                                                  {"port", "-2"},
                                                                  {"port", ""},
                                                                  {"port", "6379x"},
                                                                  {"port", "1kb"},
                                                                  {"port", "99999999999999999999"},
                                                                  {"segment-size", "1"},
                                                                  {"segment-size", "9999999gb"},
                                                                  {"segment-size", "1tb"},
                                                                  {"sync-interval", "1us"},
                                                                  {"sync", "sometimes"},
                                                                  {"sync", ""},
                                                                  {"protected-mode", "maybe"},
                                                                  {"dir", "a\nb"},
                                                                  {"timeout", "1.5"},
                                                                  {"no-such-option", "1"},
                                                                  {"appendonly", "no"},
                                                                  {"maxmemory", "-1"},
                                                                  {"maxmemory-policy", "lru"},
                                                                  {"compression", "gzip"},
                                                                  {"compression-level", "0"},
                                                                  {"compression-level", "20"},
                                                                  {"max-space-amplification", "1"},
                                                                  {"max-space-amplification", "1.0999"},
                                                                  {"max-space-amplification", "100.001"},
                                                                  {"max-space-amplification", "-2"},
                                                                  {"max-space-amplification", "2,5"},
                                                                  {"max-space-amplification", ""},
                                                                  {"max-space-amplification", "2."},
                                                                  {"snapshot-file", ""},
                                                                  {"snapshot-file", "../x"},
                                                                  {"snapshot-file", "a/b"},
                                                                  {"dbfilename", ".hidden"},
                                                                  {"dbfilename", "x.partial"},
                                                                  {"save", "900"},
                                                                  {"save", "900 0"},
                                                                  {"save", "900 x"},
                                                                  {"snapshot-every", "-1"},
                                                                  {"appendonly", "no"},
                                                                  {"daemonize", "yes"}})
    EXPECT_NE(refusal(name, value), "") << name << " " << value;
}

TEST(Settings, accept_the_one_value_of_a_fixed_option) {
  EXPECT_EQ(refusal("appendonly", "yes"), "");
  EXPECT_EQ(refusal("daemonize", "no"), "");
}

TEST(Settings, read_ratios_and_show_them_as_short_as_they_can_be) {
  Settings settings;
  constexpr std::size_t kId = option_id("max-space-amplification");
  for (const auto& [text, number, shown] :
       std::initializer_list<std::tuple<const char*, std::int64_t, const char*>>{{"0", 0, "0"},
                                                                                 {"2", 2000, "2"},
                                                                                 {"1.1", 1100, "1.1"},
                                                                                 {"2.50", 2500, "2.5"},
                                                                                 {"1.125", 1125, "1.125"},
                                                                                 {"100.000", 100'000, "100"},
                                                                                 {"3.007", 3007, "3.007"}}) {
    ASSERT_TRUE(settings.set("max-space-amplification", text).has_value()) << text;
    EXPECT_EQ(settings.number(kId), number);
    EXPECT_EQ(settings.shown(kId), shown);
  }
}

TEST(Settings, read_save_points_in_one_line_or_in_several) {
  Settings settings;
  ASSERT_TRUE(settings.set("save", "  900 1   300 100 ").has_value());
  EXPECT_EQ(settings.shown(option_id("save")), "900 1 300 100");
  ASSERT_TRUE(settings.load("redis.conf", "save 900 1\nsave 300 10\n").has_value());
  EXPECT_EQ(settings.shown(option_id("save")), "900 1 300 10");
  ASSERT_TRUE(settings.load("redis.conf", "save 900 1\nsave \"\"\nsave 60 7\n").has_value());
  EXPECT_EQ(settings.shown(option_id("save")), "60 7");
  ASSERT_TRUE(settings.change("save", "").has_value());
  EXPECT_EQ(settings.shown(option_id("save")), "");
}

TEST(Settings, know_the_snapshot_file_by_both_names) {
  Settings settings;
  ASSERT_TRUE(settings.set("dbfilename", "dump.json").has_value());
  EXPECT_EQ(settings.text(option_id("snapshot-file")), "dump.json");
  ASSERT_TRUE(settings.change("snapshot-file", "all.ndjson").has_value());
  EXPECT_EQ(settings.shown(option_id("dbfilename")), "all.ndjson");
  // Written back under the name it has in the file, once.
  EXPECT_EQ(settings.rewritten("dbfilename dump.json\n"), "dbfilename all.ndjson\n");
}

TEST(Settings, open_the_store_as_the_options_say) {
  Settings settings;
  for (const auto& [name, value] :
       std::initializer_list<std::pair<const char*, const char*>>{{"maxmemory", "100mb"},
                                                                  {"maxmemory-policy", "volatile-ttl"},
                                                                  {"compression", "ZSTD"},
                                                                  {"compression-level", "9"},
                                                                  {"max-space-amplification", "1.5"},
                                                                  {"clean-rate", "10mb"},
                                                                  {"checkpoint-bytes", "1gb"},
                                                                  {"checkpoint-interval", "5m"},
                                                                  {"history-age", "7d"},
                                                                  {"history-bytes", "2gb"}})
    ASSERT_TRUE(settings.set(name, value).has_value()) << name;
  const auto options = settings.store_options();
  ASSERT_TRUE(options.has_value());
  EXPECT_EQ(options->max_memory_bytes, 100u << 20);
  EXPECT_EQ(options->memory_policy, MemoryPolicy::kVolatileTtl);
  EXPECT_EQ(options->packing, Packing::kZstd);
  EXPECT_EQ(options->packing_level, 9);
  EXPECT_DOUBLE_EQ(options->max_space_amplification, 1.5);
  EXPECT_EQ(options->clean_bytes_per_second, 10u << 20);
  EXPECT_EQ(options->checkpoint_bytes, 1u << 30);
  EXPECT_EQ(options->checkpoint_interval_ms, 300'000);
  EXPECT_EQ(options->history_ms, 604'800'000);
  EXPECT_EQ(options->history_bytes, 2ull << 30);
}

// The table says each default once, and the library says its own: they are the same store.
TEST(Settings, have_the_defaults_of_the_library) {
  const auto options = Settings().store_options();
  ASSERT_TRUE(options.has_value());
  const Options library;
  EXPECT_EQ(options->max_memory_bytes, library.max_memory_bytes);
  EXPECT_EQ(options->memory_policy, library.memory_policy);
  EXPECT_EQ(options->packing, library.packing);
  EXPECT_EQ(options->packing_level, library.packing_level);
  EXPECT_DOUBLE_EQ(options->max_space_amplification, library.max_space_amplification);
  EXPECT_EQ(options->clean_bytes_per_second, library.clean_bytes_per_second);
  EXPECT_EQ(options->checkpoint_bytes, library.checkpoint_bytes);
  EXPECT_EQ(options->checkpoint_interval_ms, library.checkpoint_interval_ms);
  EXPECT_EQ(options->history_ms, library.history_ms);
  EXPECT_EQ(options->history_bytes, library.history_bytes);
}

TEST(Settings, know_sync_by_both_names) {
  Settings settings;
  ASSERT_TRUE(settings.set("appendfsync", "everysec").has_value());
  EXPECT_EQ(settings.sync(), Sync::kInterval);
  EXPECT_EQ(settings.shown(option_id("sync")), "interval");
  ASSERT_TRUE(settings.set("SYNC", "os").has_value());
  EXPECT_EQ(settings.shown(option_id("appendfsync")), "no");
}

TEST(Settings, have_the_limits_of_encodings_that_the_commands_have) {
  for (const commands::EncodingOption& option : commands::kEncodingOptions) {
    for (const std::string_view name : {option.name, option.old_name}) {
      if (name.empty()) continue;
      const Option* const row = Settings::find(name);
      ASSERT_NE(row, nullptr) << name;
      EXPECT_EQ(row->initial, std::to_string(option.initial)) << name;
      EXPECT_EQ(row->least, option.least) << name;
      EXPECT_EQ(row->most, option.most) << name;
      EXPECT_EQ(row->type, option.bytes ? OptionType::kBytes : OptionType::kInteger) << name;
      EXPECT_EQ(row->change, Change::kLive) << name;
    }
    if (option.old_name.empty()) continue;
    Settings settings;
    ASSERT_TRUE(settings.set(option.old_name, "7").has_value());
    const auto id = static_cast<std::size_t>(Settings::find(option.name) - kOptions);
    EXPECT_EQ(settings.number(id), 7);
    settings.note(id, 8);
    EXPECT_EQ(settings.shown(static_cast<std::size_t>(Settings::find(option.old_name) - kOptions)), "8");
    EXPECT_EQ(settings.rewritten(""), std::string(option.name) + " 8\n");
  }
}

TEST(Settings, never_show_the_password) {
  Settings settings;
  EXPECT_EQ(settings.shown(option_id("requirepass")), "");
  ASSERT_TRUE(settings.set("requirepass", "hunter2").has_value());
  for (const auto& [name, value] : settings.all()) EXPECT_EQ(value.find("hunter2"), std::string::npos) << name;
  EXPECT_EQ(settings.rewritten("").find("hunter2"), std::string::npos);
  EXPECT_TRUE(password_matches("hunter2", settings.text(option_id("requirepass"))));
  EXPECT_FALSE(password_matches("hunter3", settings.text(option_id("requirepass"))));
  EXPECT_FALSE(password_matches("", settings.text(option_id("requirepass"))));
}

TEST(Settings, leave_the_password_alone_when_its_mask_is_written_back) {
  Settings settings;
  ASSERT_TRUE(settings.set("requirepass", "hunter2").has_value());
  ASSERT_TRUE(settings.change("requirepass", settings.shown(option_id("requirepass"))).has_value());
  EXPECT_TRUE(password_matches("hunter2", settings.text(option_id("requirepass"))));
}

TEST(Settings, take_a_password_that_is_already_hashed) {
  Settings settings;
  ASSERT_TRUE(settings.set("requirepass", "sha256:2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824")
                  .has_value());
  EXPECT_TRUE(password_matches("hello", settings.text(option_id("requirepass"))));
}

TEST(Settings, let_later_sources_win) {
  Settings settings;
  ASSERT_TRUE(
      settings.load("f", "# a comment\n\nport 7000\n  DIR  \"my data\"\r\nbind 127.0.0.1 ::1\ntimeout 1h").has_value());
  EXPECT_EQ(settings.number(option_id("port")), 7000);
  EXPECT_EQ(settings.text(option_id("dir")), "my data");
  EXPECT_EQ(settings.text(option_id("bind")), "127.0.0.1 ::1");
  EXPECT_EQ(settings.number(option_id("timeout")), 3600);
  const std::map<std::string, const char*> environment{{"PORT", "7001"},
                                                       {"STAVE_SYNC_INTERVAL", "5s"},
                                                       {"FILENAME", "there"},
                                                       {"TIMEOUT", "nonsense"},
                                                       {"STAVE_DAEMONIZE", "nonsense"}};
  ASSERT_TRUE(settings
                  .load_environment([&](const char* name) {
                    const auto found = environment.find(name);
                    return found == environment.end() ? nullptr : found->second;
                  })
                  .has_value());
  EXPECT_EQ(settings.number(option_id("port")), 7001);
  EXPECT_EQ(settings.number(option_id("sync-interval")), 5000);
  EXPECT_EQ(settings.text(option_id("dir")), "there");
}

TEST(Settings, name_the_line_of_a_bad_configuration) {
  Settings settings;
  const auto done = settings.load("stave.conf", "port 7000\nprot 7001\n");
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().message(), "stave.conf, line 2: there is no option \"prot\"; did you mean port?");
}

TEST(Settings, change_only_live_options_while_running) {
  Settings settings;
  EXPECT_TRUE(settings.change("maxclients", "100").has_value());
  const auto port = settings.change("port", "1");
  ASSERT_FALSE(port.has_value());
  EXPECT_EQ(port.error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(settings.change("port", "x").error().code(), ErrorCode::kInvalidArgument);
}

TEST(Settings, are_rewritten_in_place_with_comments_kept) {
  Settings settings;
  const std::string before = "# mine\nport 7000\nmaxclients 5\n";
  ASSERT_TRUE(settings.load("f", before).has_value());
  ASSERT_TRUE(settings.change("maxclients", "6").has_value());
  ASSERT_TRUE(settings.change("appendfsync", "no").has_value());
  const std::string after = settings.rewritten(before);
  EXPECT_EQ(after, "# mine\nport 7000\nmaxclients 6\nsync os\n");
  Settings again;
  ASSERT_TRUE(again.load("f", after).has_value());
  EXPECT_EQ(again.all(), settings.all());
}

TEST(Settings, refuse_a_log_buffer_that_is_no_power_of_two) {
  Settings settings;
  ASSERT_TRUE(settings.set("log-buffer", "5mb").has_value());
  EXPECT_FALSE(settings.store_options().has_value());
}

}  // namespace
}  // namespace stave::resp
