#include "doors/shell/json_file.h"

#include <gtest/gtest.h>

#include <random>

#include "doors/shell/target.h"

namespace stave::shell {
namespace {

class JsonFile : public testing::Test {
 protected:
  std::unique_ptr<Store> make() {
    files_.push_back(make_memory_file_system());
    Options options;
    options.file_system = files_.back().get();
    options.clock = &clock_;
    options.background = false;
    options.sync = Sync::kOs;
    options.segment_bytes = 1 << 20;
    options.disk_reserve_bytes = 0;
    options.value_bytes_max = 1 << 20;
    auto store = Store::open("data", options);
    EXPECT_TRUE(store) << store.error().describe();
    return std::move(*store);
  }
  /// What loading `text` says.
  Error load_error(std::string_view text) {
    const auto store = make();
    auto loaded = load_json(*store, text);
    EXPECT_FALSE(loaded) << text;
    EXPECT_EQ(store->stats().keys, 0u) << "nothing is loaded: " << text;
    return loaded ? Error(ErrorCode::kAborted, "") : std::move(loaded).error();
  }

  std::vector<std::unique_ptr<FileSystem>> files_;
  ManualClock clock_{UnixMs{1'705'314'600'000}};
};

TEST_F(JsonFile, has_the_documented_form) {
  const auto store = make();
  ASSERT_TRUE(store->set("user:2", "Bob \"B\"\n"));
  ASSERT_TRUE(store->set("user:1", "Alice"));
  EXPECT_EQ(
      *to_json(*store, clock_.wall()),
      "{\n  \"version\": 1,\n  \"timestamp\": \"2024-01-15T10:30:00Z\",\n  \"data\": {\n    \"user:1\": \"Alice\",\n"
      "    \"user:2\": \"Bob \\\"B\\\"\\n\"\n  }\n}\n");
  EXPECT_EQ(*to_json(*make(), clock_.wall()),
            "{\n  \"version\": 1,\n  \"timestamp\": \"2024-01-15T10:30:00Z\",\n  \"data\": {}\n}\n");
}

TEST_F(JsonFile, reads_what_a_person_would_write) {
  const auto store = make();
  const auto loaded = load_json(
      *store,
      R"({"version": 1, "timestamp": "2024-01-15T10:30:00Z", "data": {"user:1": "Alice", "caf\u00e9": "\u0000"}})");
  ASSERT_TRUE(loaded) << loaded.error().describe();
  EXPECT_EQ(*store->get("user:1"), "Alice");
  EXPECT_EQ(*store->get("caf\xc3\xa9"), std::string("\0", 1));
  EXPECT_TRUE(load_json(*make(), "{\"version\":1}\n"));
}

// Random keys and values of any bytes in several databases, with and without expiries, there and back.
TEST_F(JsonFile, every_byte_survives_the_round_trip) {
  const unsigned seed = 4711;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const auto bytes = [&](std::size_t most) {
    std::string text(random() % most, '\0');
    const bool text_only = random() % 2 == 0;
    for (char& c : text) c = static_cast<char>(text_only ? ' ' + random() % 90 : random());
    return text;
  };
  const auto first = make();
  for (int i = 0; i < 2000; ++i) {
    const auto kind = random() % 4;
    const Ttl ttl = kind == 0   ? Ttl::after_ms(1 + static_cast<std::int64_t>(random() % 1'000'000))
                    : kind == 1 ? Ttl::sliding_ms(1 + static_cast<std::int64_t>(random() % 1'000'000))
                                : Ttl::none();
    ASSERT_TRUE(first->set(bytes(20), bytes(100), {.database = static_cast<int>(random() % 16), .ttl = ttl}));
  }
  const std::string text = *to_json(*first, clock_.wall());
  const auto second = make();
  const auto loaded = load_json(*second, text);
  ASSERT_TRUE(loaded) << loaded.error().describe();
  EXPECT_EQ(*to_json(*second, clock_.wall()), text);
  for (int database = 0; database < 16; ++database) {
    const auto keys = *first->keys({}, {.database = database});
    ASSERT_EQ(*second->keys({}, {.database = database}), keys);
    for (const auto& key : keys) {
      const auto a = *first->get_versioned(key, {.database = database});
      const auto b = *second->get_versioned(key, {.database = database});
      ASSERT_EQ(a->value, b->value);
      ASSERT_EQ(a->expiry, b->expiry);
    }
  }
}

TEST_F(JsonFile, keys_whose_time_is_up_are_left_out) {
  const auto store = make();
  ASSERT_TRUE(load_json(*store, R"({"version":1,"data":{"a":"1","b":"2"},"expires_at":{"a":1000,"b":9999999999999}})"));
  EXPECT_EQ(*store->keys(), std::vector<std::string>{"b"});
}

TEST_F(JsonFile, a_file_from_the_future_is_refused) {
  const Error error = load_error(R"({"version": 3, "data": {}, "new": 1})");
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_NE(error.message().find("later"), std::string::npos);
}

// The server's snapshots come in too; what the shell could not save again is refused.
TEST_F(JsonFile, reads_version_2) {
  const auto store = make();
  const auto loaded = load_json(*store, R"({"version": 2, "data": {"a": "1", "b": {"value_base64": "/w=="}},
    "entries": [{"database": 2, "key": "c", "value": "3", "expires_at": 9999999999999}], "count": 3})");
  ASSERT_TRUE(loaded) << loaded.error().describe();
  EXPECT_EQ(*store->get("b"), "\xff");
  EXPECT_EQ(*store->get("c", {.database = 2}), "3");
  EXPECT_EQ(load_error(R"({"version": 2, "data": {"a": "1", "l": {"type": "list", "value": ["x"]}}})").code(),
            ErrorCode::kUnsupported);
}

TEST_F(JsonFile, a_key_that_is_no_string_is_refused_and_named) {
  const auto store = make();
  ASSERT_TRUE(store->set("a", "1"));
  ASSERT_TRUE(store->hash_set("user\n1", "name", "Alice"));
  const auto refused = to_json(*store, clock_.wall());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnsupported);
  EXPECT_NE(refused.error().message().find("\"user\\n1\" holds a hash"), std::string::npos)
      << refused.error().message();
  ASSERT_TRUE(store->remove("user\n1"));
  EXPECT_TRUE(to_json(*store, clock_.wall()));
}

TEST_F(JsonFile, malformed_json_is_refused_with_its_position) {
  const Error error = load_error("{\n  \"version\": 1,\n  \"data\": {\"a\": }\n}");
  EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
  EXPECT_NE(error.message().find("line 3, column 17"), std::string::npos) << error.message();
  for (const std::string_view bad : {"",
                                     "   ",
                                     "{",
                                     "[]",
                                     "null",
                                     "{}",
                                     "{\"version\": 1} x",
                                     "{\"version\": \"1\"}",
                                     "{\"version\": 0}",
                                     "{\"version\": 1, \"data\": []}",
                                     "{\"version\": 1, \"data\": {\"a\": 1}}",
                                     "{\"version\": 1, \"data\": {\"a\": \"\xff\"}}",
                                     "{\"version\": 1, \"timestamp\": 5}",
                                     "{\"version\": 1, \"surprise\": 5}",
                                     "{\"version\": 1, \"data_base64\": {\"!\": \"\"}}",
                                     "{\"version\": 1, \"data_base64\": {\"YQ==\": \"?\"}}",
                                     "{\"version\": 1, \"data\": {\"a\": \"\"}, \"data_base64\": {\"YQ==\": \"\"}}",
                                     "{\"version\": 1, \"expires_at\": {\"a\": 5}}",
                                     "{\"version\": 1, \"data\": {\"a\": \"\"}, \"expires_at\": {\"a\": -5}}",
                                     "{\"version\": 1, \"data\": {\"a\": \"\"}, \"expires_at\": {\"a\": \"5\"}}",
                                     "{\"version\": 1, \"data\": {\"a\": \"\"}, \"sliding_ms\": {\"a\": 5}}",
                                     "{\"version\": 1, \"databases\": {\"0\": {}}}",
                                     "{\"version\": 1, \"databases\": {\"16\": {}}}",
                                     "{\"version\": 1, \"databases\": {\"x\": {}}}",
                                     "{\"version\": 1, \"databases\": {\"3\": {\"version\": 1}}}"})
    EXPECT_EQ(load_error(bad).code(), ErrorCode::kCorrupt) << bad;
  EXPECT_EQ(load_error(std::string(100'000, '[')).code(), ErrorCode::kCorrupt);
}

TEST_F(JsonFile, replacing_a_file_leaves_no_temporary_and_reads_back) {
  const auto files = make_memory_file_system();
  ASSERT_TRUE(files->create_directories("dir"));
  EXPECT_EQ(read_file(*files, "dir/a.json").error().code(), ErrorCode::kNotFound);
  ASSERT_TRUE(replace_file(*files, "dir/a.json", "one"));
  ASSERT_TRUE(replace_file(*files, "dir/a.json", "second"));
  EXPECT_EQ(*read_file(*files, "dir/a.json"), "second");
  EXPECT_EQ(files->list("dir")->size(), 1u);
}

TEST(ServerAddress, is_read_in_all_its_forms) {
  EXPECT_EQ(parse_address("localhost:7000")->port, 7000);
  EXPECT_EQ(parse_address("localhost:7000")->host, "localhost");
  EXPECT_EQ(parse_address("example.org")->port, 6379);
  EXPECT_EQ(parse_address(":7000")->host, "127.0.0.1");
  EXPECT_EQ(parse_address("[::1]:7000")->host, "::1");
  EXPECT_EQ(parse_address("::1")->host, "::1");
  for (const std::string_view bad : {"a:0", "a:65536", "a:b", "a:", "[::1"}) EXPECT_FALSE(parse_address(bad)) << bad;
}

}  // namespace
}  // namespace stave::shell
