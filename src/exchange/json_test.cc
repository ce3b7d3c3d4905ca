#include "exchange/json.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "exchange/collect_for_test.h"
#include "exchange/files.h"
#include "types/hash/compact.h"
#include "types/stream/builder.h"

namespace stave::exchange {
namespace {

constexpr UnixMs kTime{1'705'314'600'000};

std::string write_json(const std::vector<Entry>& entries, std::size_t waiting_bytes_max = kWaitingBytesMax) {
  MemoryOutput out;
  write_all(*make_json_writer(out, waiting_bytes_max), entries, {.time = kTime, .lsn = Lsn{77}});
  return std::move(out.bytes());
}
Error json_error(std::string_view text) {
  auto read = read_text(text);
  EXPECT_FALSE(read) << text;
  return read ? Error(ErrorCode::kAborted, "") : std::move(read).error();
}
auto sorted(std::vector<Entry> entries) {
  std::ranges::sort(entries, {}, [](const Entry& e) { return std::pair(e.database, e.key); });
  return entries;
}

TEST(Json, has_the_documented_form) {
  EXPECT_EQ(write_json({{.key = "user:1", .value = "Alice"},
                        {.database = 1, .key = "k", .value = "v"},
                        {.key = "\xff", .value = "Bob \"B\"\n"},
                        {.key = "soon", .value = "gone", .expiry = {UnixMs{1'800'000'000'000}, 60'000}},
                        {.key = "raw", .value = "\xff"}}),
            R"({
  "version": 2,
  "timestamp": "2024-01-15T10:30:00Z",
  "lsn": 77,
  "data": {
    "user:1": "Alice",
    "soon": {"type": "string", "value": "gone", "expires_at": 1800000000000, "sliding_ms": 60000},
    "raw": {"type": "string", "value_base64": "/w=="}
  },
  "entries": [
    {"database": 1, "key": "k", "type": "string", "value": "v"},
    {"key_base64": "/w==", "type": "string", "value": "Bob \"B\"\n"}
  ],
  "count": 5
}
)");
  EXPECT_EQ(write_json({}),
            "{\n  \"version\": 2,\n  \"timestamp\": \"2024-01-15T10:30:00Z\",\n  \"lsn\": 77,\n  \"data\": {},\n"
            "  \"count\": 0\n}\n");
}

TEST(Json, lines_have_the_documented_form) {
  const std::vector<Entry> entries = {{.key = "a", .value = "one\ntwo"},
                                      {.database = 2, .key = "\xff", .value = "", .expiry = {UnixMs{5}, 0}}};
  const std::string text = write_all(Format::kNdjson, entries, {});
  EXPECT_EQ(text,
            "{\"key\": \"a\", \"type\": \"string\", \"value\": \"one\\ntwo\"}\n"
            "{\"database\": 2, \"key_base64\": \"/w==\", \"type\": \"string\", \"value\": \"\", \"expires_at\": 5}\n");
  EXPECT_EQ(read_text(text)->entries, entries);
}

// Random entries, any bytes, several databases, expiries; also with a writer that may hold back next to nothing.
TEST(Json, every_entry_survives) {
  for (const unsigned seed : {1u, 2u, 3u}) {
    SCOPED_TRACE(seed);
    const std::vector<Entry> entries = random_entries(seed, 2000);
    for (const std::size_t waiting : {kWaitingBytesMax, std::size_t{2000}, std::size_t{0}}) {
      const auto read = read_text(write_json(entries, waiting));
      ASSERT_TRUE(read) << read.error().describe();
      EXPECT_EQ(sorted(read->entries), sorted(entries));
      EXPECT_EQ(read->summary.header.time, kTime);
      EXPECT_EQ(read->summary.header.lsn, Lsn{77});
    }
    const auto lines = read_text(write_all(Format::kNdjson, entries, {}));
    ASSERT_TRUE(lines) << lines.error().describe();
    EXPECT_EQ(lines->entries, entries);
  }
}

TEST(Json, version_1_is_read) {
  const auto read = read_text(R"({"version": 1, "timestamp": "2024-01-15T10:30:00Z",
    "expires_at": {"user:1": 1800000000000}, "data": {"user:1": "Alice", "caf\u00e9": "\ud83d\ude00"},
    "data_base64": {"/w==": "AAE="}, "expires_at_base64": {"/w==": 7}, "sliding_ms_base64": {"/w==": 9},
    "databases": {"3": {"data": {"x": "y"}}}})");
  ASSERT_TRUE(read) << read.error().describe();
  EXPECT_EQ(read->entries,
            (std::vector<Entry>{{.key = "caf\xc3\xa9", .value = "\xf0\x9f\x98\x80"},
                                {.key = "user:1", .value = "Alice", .expiry = {UnixMs{1'800'000'000'000}, 0}},
                                {.key = "\xff", .value = std::string("\0\1", 2), .expiry = {UnixMs{7}, 9}},
                                {.database = 3, .key = "x", .value = "y"}}));
  EXPECT_EQ(read->summary.header.time, kTime);
  EXPECT_EQ(read->summary.format, Format::kJson);
}

TEST(Json, an_error_names_line_column_and_offset) {
  const Error error = json_error("{\n  \"version\": 1,\n  \"data\": {\"a\": }\n}");
  EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
  EXPECT_NE(error.message().find("line 3, column 17"), std::string::npos) << error.message();
  EXPECT_EQ(error.offset(), 34);
  EXPECT_EQ(error.file(), "test");
}

TEST(Json, what_is_not_understood_in_full_is_refused) {
  EXPECT_EQ(json_error(R"({"version": 3, "data": {}})").code(), ErrorCode::kUnsupported);
  for (const std::string_view bad :
       {R"({"version": 2, "data": {"a": "b"}, "count": 2})",
        R"({"version": 2, "surprise": 1})",
        R"({"version": 2, "data": {"a": 1}})",
        R"({"version": 2, "data": {"a": {"type": "string"}}})",
        R"({"version": 2, "data": {"a": {"value": "b", "sliding_ms": 5}}})",
        R"({"version": 2, "data": {"a": {"value": [1]}}})",
        R"({"version": 2, "data": {"a": {"value": "b", "key": "c"}}})",
        R"({"version": 2, "entries": [{"key": "a", "value": "b", "x": 1}]})",
        R"({"version": 2, "entries": [{"key": "a"}]})",
        R"({"version": 2, "entries": [{"value": "a"}]})",
        R"({"version": 2, "entries": [{"key": "a", "value": "b", "expires_at": 0}]})",
        R"({"version": 2, "entries": [{"key": "a", "value": "b", "expires_at": 1.5}]})",
        R"({"version": 2, "entries": [{"key": "a", "value": "b", "value_base64": "YQ=="}]})",
        R"({"version": 2, "entries": [{"key": "a", "value": "b"},]})",
        R"({"version": 1, "databases": {"": {}}})",
        R"({"version": 1, "databases": {"0": {}}})",
        R"({"version": 1, "databases": {"01": {}}})",
        R"({"version": 1, "databases": {"-1": {}}})",
        R"({"version": 1, "databases": {"+1": {}}})",
        R"({"version": 1, "databases": {"1x": {}}})",
        R"({"version": 1, "databases": {"256": {}}})",
        R"({"version": 1, "databases": {"99999999999999999999": {}}})",
        R"({"version": 2} {})",
        R"({"version": 2, })",
        R"({"data": {"a": "b"}, "version": 2})",
        R"({"version": 1, "entries": []})",
        "{\"version\": 2, \"data\": {\"\xff\": \"\"}}",
        R"({"version": 2, "data": {"a": "\ud800"}})",
        R"({"version": 2, "data": {"a": "\x"}})",
        "{\"version\": 2, \"data\": {\"a\": \"\n\"}}",
        R"({"version": 02})",
        R"({"version": -2})",
        R"({})",
        R"({"key": "a", "value": "b"} ])"})
    EXPECT_EQ(json_error(bad).code(), ErrorCode::kCorrupt) << bad;
  EXPECT_EQ(json_error(R"({"version": 2, "entries": [{"key": "a", "value": "b", "database": 300}]})").code(),
            ErrorCode::kInvalidArgument);
}

// Of two the later one won, or both were taken: what a file says twice is not known.
TEST(Json, what_is_there_twice_is_refused_and_named) {
  for (const auto& [name, bad] : std::initializer_list<std::pair<std::string_view, std::string_view>>{
           {"database", R"({"version": 2, "entries": [{"key": "a", "value": "b", "database": 1, "database": 2}]})"},
           {"database", R"({"version": 2, "entries": [{"key": "a", "value": "b", "database": 0, "database": 0}]})"},
           {"expires_at",
            R"({"version": 2, "entries": [{"key": "a", "value": "b", "expires_at": 7, "expires_at": 9}]})"},
           {"sliding_ms",
            R"({"version": 2, "data": {"a": {"value": "b", "sliding_ms": 7, "expires_at": 9, "sliding_ms": 7}}})"},
           {"database", R"({"key": "a", "value": "b", "database": 1, "database": 2})"},
           {"version", R"({"version": 2, "version": 2})"},
           {"timestamp", R"({"timestamp": "2024-01-15T10:30:00Z", "version": 2, "timestamp": "2024-01-15T10:30:00Z"})"},
           {"lsn", R"({"version": 2, "lsn": 1, "lsn": 2})"},
           {"count", R"({"version": 2, "count": 3, "count": 0})"},
           {"data", R"({"version": 2, "data": {"a": "b"}, "data": {"c": "d"}})"},
           {"entries", R"({"version": 2, "entries": [], "entries": []})"},
           {"databases", R"({"version": 1, "databases": {}, "databases": {}})"},
           {"a", R"({"version": 1, "data": {"a": "b"}, "expires_at": {"a": 7, "a": 9}})"},
           {"a", R"({"version": 1, "data": {"a": "b"}, "expires_at": {"a": 7}, "sliding_ms": {"a": 7, "a": 9}})"}}) {
    const Error error = json_error(bad);
    EXPECT_EQ(error.code(), ErrorCode::kCorrupt) << bad;
    EXPECT_NE(error.message().find('"' + std::string(name) + "\" is there twice"), std::string::npos)
        << error.message() << " for " << bad;
  }
}

// What a later Stave wrote is named and left out; the rest comes in.
TEST(Json, a_type_it_does_not_know_is_skipped_and_named) {
  for (const std::string_view value :
       {R"(["a", {"b": [null, true, -1.5e3]}])", R"({"a": "b", "c": [1], "d": "e"})", "7", "[[1, 2, 3], 4]",
        R"([["a", {"b": "c"}], "d"])", R"([["a", "b", "c"]])", "[]", "{}", R"(["a", ["b", 1]])"}) {
    for (const bool type_first : {false, true}) {
      const std::string type = R"("type": "future")";
      const std::string members =
          type_first ? type + R"(, "value": )" + std::string(value) : R"("value": )" + std::string(value) + ", " + type;
      const auto read = read_text(R"({"version": 2, "data": {"l": {)" + members + R"(}, "s": "v"}, "count": 2})");
      ASSERT_TRUE(read) << value << read.error().describe();
      EXPECT_EQ(read->entries, (std::vector<Entry>{{.key = "s", .value = "v"}}));
      EXPECT_EQ(read->skipped, std::vector<std::string>{"l: future"});
    }
  }
}

/// Two entries and a group that was given one of them.
std::string some_stream() {
  types::stream::Builder builder;
  const types::stream::Field fields[] = {{.name = "f", .value = "v"}, {.name = "n", .value = "12"}};
  builder.append({.ms = 1, .seq = 0}, {fields, 1});
  builder.append({.ms = 2, .seq = 5}, fields);
  const auto group = builder.add_group("g", {.ms = 1, .seq = 0}, 1);
  const auto consumer = builder.add_consumer(group, "c", 1000, 900);
  builder.add_consumer(group, "d", 800, std::nullopt);
  builder.add_pending(group, {.ms = 1, .seq = 0}, {.consumer = consumer, .delivered_ms = 900, .deliveries = 3});
  builder.set_counters({.entries_added = 4, .last_id = {.ms = 3, .seq = 0}, .max_deleted_id = {.ms = 3, .seq = 0}});
  return builder.finish().value();
}

TEST(Json, streams_have_the_documented_form) {
  const std::vector<Entry> entries = {{.key = "s", .value = some_stream(), .kind = Kind::kStream}};
  const std::string text = write_all(Format::kNdjson, entries, {});
  EXPECT_EQ(
      text.substr(text.find("{\"key\": \"s\"")),
      R"({"key": "s", "type": "stream", "value": [{"last_id": "3-0", "entries_added": 4, "max_deleted_id": "3-0", )"
      R"("groups": {"g": {"last_id": "1-0", "entries_read": 1, "consumers": {"c": {"seen": 1000, "active": 900, )"
      R"("pending": [["1-0", 900, 3]]}, "d": {"seen": 800, "pending": []}}}}}, ["1-0", "f", "v"], )"
      R"(["2-5", "f", "v", "n", "12"]]})"
      "\n");
  const auto read = read_text(text);
  ASSERT_TRUE(read) << read.error().describe();
  EXPECT_EQ(read->entries, entries);
}

TEST(Json, streams_that_contradict_themselves_are_refused) {
  const auto with = [](std::string_view value) {
    return read_text(R"({"version": 2, "data": {"s": {"type": "stream", "value": )" + std::string(value) +
                     R"(}}, "count": 1})");
  };
  EXPECT_TRUE(with(R"([{"last_id": "1-0", "entries_added": 1}, ["1-0", "f", "v"]])"));
  EXPECT_TRUE(with(R"([{"last_id": "1-0"}])")) << "a stream may be empty";
  for (const std::string_view value :
       {R"([])", R"(["1-0"])", R"([{"last_id": "1-0", "entries_added": 1}, ["1-0", "f"]])",
        R"([{"last_id": "1-0", "entries_added": 1}, ["2-0", "f", "v"]])",
        R"([{"last_id": "2-0", "entries_added": 2}, ["2-0", "f", "v"], ["1-0", "f", "v"]])",
        R"([{"last_id": "2-0", "entries_added": 0}, ["2-0", "f", "v"]])", R"([{"last_id": "x"}])", R"([{"future": 1}])",
        R"([{"last_id": "1-0"}, "text"])", R"([{"last_id": "1-0"}, ["0-0", "f", "v"]])",
        R"([{"last_id": "1-0", "groups": {"g": {"last_id": "1-0"}, "g": {"last_id": "1-0"}}}])",
        R"([{"groups": {"g": {"consumers": {"c": {"pending": [["1-0", 5, 1], ["1-0", 5, 1]]}}}}}])"})
    EXPECT_FALSE(with(value)) << value;
}

TEST(Json, collections_have_the_documented_form) {
  const std::vector<Entry> entries = {
      {.key = "h", .value = collection(Kind::kHash, {"f", "v", "n", "12"}), .kind = Kind::kHash},
      {.key = "l", .value = collection(Kind::kList, {"a", "", "a"}), .expiry = {UnixMs{9}, 0}, .kind = Kind::kList},
      {.key = "s", .value = collection(Kind::kSet, {"a", "7"}), .kind = Kind::kSet},
      {.key = "z",
       .value = sorted_set({{"b", 0.1}, {"a", 1e300}, {"c", -HUGE_VAL}, {"d", 3}}),
       .kind = Kind::kSortedSet},
      {.key = "raw", .value = collection(Kind::kHash, {"\xff", "a"}), .kind = Kind::kHash},
      {.key = "rawz", .value = sorted_set({{"\xff", 2}}), .kind = Kind::kSortedSet}};
  const std::string text = write_all(Format::kNdjson, entries, {});
  EXPECT_EQ(text, R"({"key": "h", "type": "hash", "value": {"f": "v", "n": "12"}}
{"key": "l", "type": "list", "value": ["a", "", "a"], "expires_at": 9}
{"key": "s", "type": "set", "value": ["a", "7"]}
{"key": "z", "type": "zset", "value": [["c", "-inf"], ["b", 0.1], ["d", 3], ["a", 1e+300]]}
{"key": "raw", "type": "hash", "value_base64": {"/w==": "YQ=="}}
{"key": "rawz", "type": "zset", "value_base64": [["/w==", 2]]}
)");
  EXPECT_EQ(read_text(text)->entries, entries);
}

// "expires_at" is when the key dies by itself, though its entry tells when its last field does.
TEST(Json, deadlines_of_fields_have_the_documented_form) {
  CollectionBuilder builder;
  builder.begin(Kind::kHash, 1000);
  builder.add("f", "v", UnixMs{7});
  builder.add("g", "w");
  const Entry some{
      .key = "some", .value = std::string(builder.finish()), .expiry = {UnixMs{99}, 5}, .kind = Kind::kHash};
  builder.begin(Kind::kHash, 1000);
  builder.add("\xff", "v", UnixMs{8});
  Entry all{.key = "all", .value = std::string(builder.finish()), .kind = Kind::kHash};
  types::hash::Compact settled(all.value);
  Entry kept = all;
  kept.expiry = settled.settle({UnixMs{50}, 0});
  kept.value = settled.form();
  EXPECT_EQ(kept.expiry.at, UnixMs{8});
  const std::string text = write_all(Format::kNdjson, {some, all, kept}, {});
  EXPECT_EQ(
      text,
      R"({"key": "some", "type": "hash", "value": {"f": "v", "g": "w"}, "fields_expire_at": {"f": 7}, "expires_at": 99, "sliding_ms": 5}
{"key": "all", "type": "hash", "value_base64": {"/w==": "dg=="}, "fields_expire_at_base64": {"/w==": 8}}
{"key": "all", "type": "hash", "value_base64": {"/w==": "dg=="}, "fields_expire_at_base64": {"/w==": 8}, "expires_at": 50}
)");
  Entry own = all;
  own.expiry.at = UnixMs{50};
  EXPECT_EQ(read_text(text)->entries, (std::vector<Entry>{some, all, own}));
  for (const std::string_view bad :
       {R"("type": "hash", "fields_expire_at": {"f": 7}, "value": {"f": "v"})",
        R"("type": "list", "value": ["f"], "fields_expire_at": {"f": 7})",
        R"("type": "hash", "value": {"f": "v"}, "fields_expire_at": {"g": 7})",
        R"("type": "hash", "value": {"f": "v"}, "fields_expire_at": {"f": 0})",
        R"("type": "hash", "value": {"f": "v"}, "fields_expire_at": {"f": "7"})",
        R"("type": "hash", "value": {"f": "v"}, "fields_expire_at": {"f": 7, "f": 7})",
        R"("type": "hash", "value": {"f": "v"}, "fields_expire_at": {"f": 7}, "fields_expire_at": {}})"}) {
    const std::string document = R"({"version": 2, "entries": [{"key": "k", )" + std::string(bad) + "}]}";
    EXPECT_EQ(json_error(document).code(), ErrorCode::kCorrupt) << bad;
  }
}

TEST(Json, every_collection_survives) {
  for (const unsigned seed : {1u, 2u}) {
    SCOPED_TRACE(seed);
    const std::vector<Entry> entries = random_collections(seed, 300);
    const auto document = read_text(write_json(entries));
    ASSERT_TRUE(document) << document.error().describe();
    EXPECT_EQ(sorted(document->entries), sorted(entries));
    const auto lines = read_text(write_all(Format::kNdjson, entries, {}));
    ASSERT_TRUE(lines) << lines.error().describe();
    EXPECT_EQ(lines->entries, entries);
  }
}

// As another program may write them.
TEST(Json, a_collection_may_tell_its_type_behind_it) {
  const auto document = read_text(R"({"version": 2, "entries": [
    {"key": "s", "value": ["b", "a"], "type": "set"},
    {"key": "z", "value": [["b", 2E0], ["a", -0.0], ["c", "inf"]], "type": "zset"},
    {"value": {"f": "v"}, "type": "hash", "key": "h"}]})");
  ASSERT_TRUE(document) << document.error().describe();
  EXPECT_EQ(document->entries,
            (std::vector<Entry>{
                {.key = "s", .value = collection(Kind::kSet, {"b", "a"}), .kind = Kind::kSet},
                {.key = "z", .value = sorted_set({{"a", 0}, {"b", 2}, {"c", HUGE_VAL}}), .kind = Kind::kSortedSet},
                {.key = "h", .value = collection(Kind::kHash, {"f", "v"}), .kind = Kind::kHash}}));
}

TEST(Json, what_is_no_collection_of_its_type_is_refused) {
  for (const std::string_view entry : {R"("type": "list", "value": "a")",
                                       R"("type": "list", "value": {"a": "b"})",
                                       R"("type": "list", "value": [1])",
                                       R"("type": "list", "value": [])",
                                       R"("type": "list", "value": [["a", 1]])",
                                       R"("type": "set", "value": [])",
                                       R"("type": "set", "value": ["a", "a"])",
                                       R"("value": ["a", "a"], "type": "set")",
                                       R"("type": "set", "value": ["a", null])",
                                       R"("type": "hash", "value": {})",
                                       R"("type": "hash", "value": [])",
                                       R"("type": "hash", "value": {"a": 1})",
                                       R"("type": "hash", "value": {"a": "b", "a": "c"})",
                                       R"("type": "zset", "value": [])",
                                       R"("type": "zset", "value": ["a"])",
                                       R"("type": "zset", "value": [["a"]])",
                                       R"("type": "zset", "value": [["a", "1"]])",
                                       R"("type": "zset", "value": [["a", 1, 2]])",
                                       R"("type": "zset", "value": [["a", 1], ["a", 2]])",
                                       R"("type": "zset", "value": [["a", 1e999]])",
                                       R"("type": "zset", "value": [["a", 01]])",
                                       R"("type": "zset", "value": [["a", -]])",
                                       R"("type": "zset", "value": [["a", 1.]])",
                                       R"("type": "zset", "value": [["a", 1e]])",
                                       R"("type": "zset", "value": [["a", "nan"]])",
                                       R"("type": "zset", "value": [[1, "a"]])",
                                       R"("type": "list", "value_base64": ["?"])",
                                       R"("type": "hash", "value_base64": {"?": ""})",
                                       R"("type": "string", "value": ["a"])",
                                       R"("value": {"a": "b"})",
                                       R"("type": "string", "value": {})"}) {
    const std::string text = R"({"version": 2, "entries": [{"key": "k", )" + std::string(entry) + "}]}";
    EXPECT_EQ(json_error(text).code(), ErrorCode::kCorrupt) << entry;
  }
  const std::string large = R"({"key": "k", "type": "list", "value": ["0123456789", "0123456789"]})";
  EXPECT_EQ(read_text(large, {.value_bytes_max = 30}).error().code(), ErrorCode::kTooLarge);
  EXPECT_TRUE(read_text(large, {.value_bytes_max = 100}));
}

TEST(Json, limits_are_checked_while_a_string_comes_in) {
  const std::string text = write_json({{.key = "a", .value = std::string(100'000, 'x')}});
  EXPECT_EQ(read_text(text, {.value_bytes_max = 99'999}).error().code(), ErrorCode::kTooLarge);
  EXPECT_TRUE(read_text(text, {.value_bytes_max = 100'000}));
  EXPECT_EQ(json_error("{\"version\": 2, \"entries\": " + std::string(100'000, '[')).code(), ErrorCode::kCorrupt);
}

TEST(Json, a_cut_document_is_never_taken_for_a_whole_one) {
  const std::string text = write_json(
      {{.key = "user:1", .value = "Ali\xc3\xa9"}, {.database = 1, .key = "k", .value = "v", .expiry = {UnixMs{9}, 2}}});
  for (std::size_t size = 0; size + 2 < text.size(); ++size) {
    const auto read = read_text(std::string_view(text).substr(0, size));
    ASSERT_FALSE(read) << size;
    ASSERT_GE(read.error().offset(), 0);
  }
}

TEST(IsoTime, is_written_and_read_back) {
  EXPECT_EQ(iso_time(UnixMs{1'705'314'600'999}), "2024-01-15T10:30:00Z");
  EXPECT_EQ(from_iso_time("2024-01-15T10:30:00Z"), kTime);
  for (const std::string_view bad :
       {"", "2024-01-15", "2024-13-15T10:30:00Z", "2024-02-30T10:30:00Z", "2024-01-15T24:30:00Z"})
    EXPECT_EQ(from_iso_time(bad), std::nullopt) << bad;
}

TEST(Detect, knows_formats_by_their_first_bytes) {
  EXPECT_EQ(detect(std::string_view("\x00\x4b\x56\xdb\x00\x00\x00\x01", 8)), Format::kBinary1);
  EXPECT_EQ(detect(std::string_view("\x00\x4b\x56\xdb\x00\x00\x00\x02", 8)), Format::kBinary2);
  EXPECT_EQ(detect("REDIS0011"), Format::kRdb);
  EXPECT_EQ(detect("*2\r\n$6\r\nSELECT\r\n"), Format::kAof);
  EXPECT_EQ(detect(" \n{ \"version\": 1"), Format::kJson);
  EXPECT_EQ(detect("{\"key\": \"a\""), Format::kNdjson);
  EXPECT_EQ(detect("{ \"database\" : 1"), Format::kNdjson);
  EXPECT_EQ(detect(""), std::nullopt);
  EXPECT_EQ(detect("hello"), std::nullopt);
}

}  // namespace
}  // namespace stave::exchange
