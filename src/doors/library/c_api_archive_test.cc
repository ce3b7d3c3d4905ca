// The C door: snapshots, backups, the past, cursors, batches of everything, settings.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>

#include "stave/stave.h"

namespace stave {
namespace {

class CArchive : public testing::Test {
 protected:
  CArchive() : place_(std::filesystem::temp_directory_path() / ("stave_c_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(place_);
    store_ = open(path("data"));
  }
  ~CArchive() override {
    stave_close(store_, nullptr);
    std::filesystem::remove_all(place_);
  }
  static stave_store* open(const std::string& directory) {
    stave_options* options = stave_options_new();
    stave_options_set_segment_bytes(options, 1 << 20);
    stave_options_set_history_bytes(options, 1 << 20);
    stave_options_set_packing(options, STAVE_PACKING_ZSTD);
    stave_options_set_packing_level(options, 5);
    stave_options_set_max_memory_bytes(options, 64 << 20);
    stave_options_set_memory_policy(options, STAVE_SPILL);
    stave_store* store = stave_open(directory.c_str(), options, nullptr);
    stave_options_free(options);
    EXPECT_NE(store, nullptr);
    return store;
  }
  [[nodiscard]] std::string path(const std::string& name) const { return place_ / name; }
  void set(const std::string& key, const std::string& value) {
    ASSERT_EQ(stave_set(store_, key.data(), key.size(), value.data(), value.size(), nullptr, &version_, nullptr),
              STAVE_OK);
  }
  static std::string get(stave_store* store, const std::string& key) {
    char* value = nullptr;
    std::size_t size = 0;
    if (stave_get(store, 0, key.data(), key.size(), &value, &size, nullptr) != STAVE_OK) return "(absent)";
    std::string copy(value, size);
    stave_free(value);
    return copy;
  }

  std::filesystem::path place_;
  stave_store* store_ = nullptr;
  std::uint64_t version_ = 0;  ///< Of what was set last.
};

TEST_F(CArchive, snapshots_are_written_and_loaded) {
  set("a", "1");
  set("b", "2");
  for (const char* name : {"data.json", "data.ndjson", "data.stave"}) {
    std::uint64_t keys = 0;
    ASSERT_EQ(stave_snapshot(store_, path(name).c_str(), STAVE_SNAPSHOT_BY_NAME, &keys, nullptr), STAVE_OK);
    EXPECT_EQ(keys, 2u);
    stave_store* other = stave_open(":memory:", nullptr, nullptr);
    keys = 0;
    ASSERT_EQ(stave_load(other, path(name).c_str(), &keys, nullptr), STAVE_OK);
    EXPECT_EQ(keys, 2u);
    EXPECT_EQ(get(other, "b"), "2");
    stave_close(other, nullptr);
  }
  stave_error* error = nullptr;
  EXPECT_EQ(stave_load(store_, path("none").c_str(), nullptr, &error), STAVE_NOT_FOUND);
  EXPECT_NE(std::string(stave_error_message(error)).find("none"), std::string::npos);
  stave_error_free(error);
  EXPECT_EQ(stave_snapshot(store_, path("x").c_str(), 99, nullptr, nullptr), STAVE_INVALID_ARGUMENT);
  EXPECT_EQ(stave_snapshot(store_, nullptr, 0, nullptr, nullptr), STAVE_INVALID_ARGUMENT);
  EXPECT_EQ(stave_load(store_, nullptr, nullptr, nullptr), STAVE_INVALID_ARGUMENT);
}

TEST_F(CArchive, the_past_is_told_shown_and_brought_back) {
  set("a", "1");
  const std::uint64_t first = version_;
  set("a", "22");
  ASSERT_EQ(stave_delete(store_, "a", 1, nullptr, nullptr, nullptr), STAVE_OK);
  stave_key_version* versions = nullptr;
  std::size_t count = 0;
  ASSERT_EQ(stave_history(store_, 0, "a", 1, 10, &versions, &count, nullptr), STAVE_OK);
  ASSERT_EQ(count, 3u);
  EXPECT_STREQ(stave_kind_name(versions[0].kind), "delete");
  EXPECT_EQ(versions[0].alive, 0);
  EXPECT_EQ(versions[1].size, 2u);
  EXPECT_EQ(versions[2].version, first);
  EXPECT_STREQ(stave_kind_name(versions[2].kind), "set");
  stave_free(versions);
  EXPECT_EQ(stave_history(store_, 0, "none", 4, 10, &versions, &count, nullptr), STAVE_OK);
  EXPECT_EQ(versions, nullptr);

  char* value = nullptr;
  std::size_t size = 0;
  const auto point = static_cast<std::int64_t>(first);
  ASSERT_EQ(stave_get_at(store_, 0, "a", 1, STAVE_AT_LSN, point, &value, &size, nullptr, nullptr), STAVE_OK);
  EXPECT_EQ(std::string(value, size), "1");
  stave_free(value);
  int changed = 0;
  ASSERT_EQ(stave_revert(store_, "a", 1, STAVE_AT_LSN, point, nullptr, &changed, nullptr), STAVE_OK);
  EXPECT_EQ(changed, 1);
  EXPECT_EQ(get(store_, "a"), "1");
  for (const int kind : {int{STAVE_NOW}, 7, -1})
    EXPECT_EQ(stave_revert(store_, "a", 1, kind, point, nullptr, nullptr, nullptr), STAVE_INVALID_ARGUMENT);
  EXPECT_EQ(stave_revert(store_, "a", 1, STAVE_AT_LSN, -1, nullptr, nullptr, nullptr), STAVE_INVALID_ARGUMENT);
}

TEST_F(CArchive, a_backup_becomes_a_store_again_whole_or_as_of_a_point) {
  set("a", "1");
  set("a", "2");
  const auto second = static_cast<std::int64_t>(version_);
  std::uint64_t end = 0;
  ASSERT_EQ(stave_backup(store_, path("backup").c_str(), &end, nullptr), STAVE_OK);
  EXPECT_GT(end, version_);
  set("a", "3");
  const std::string backup = path("backup");
  struct Case {
    const char* target;
    const char* log;
    int kind;
    const char* expected;
  };
  for (const Case& one : {Case{"all", nullptr, STAVE_NOW, "2"}, Case{"before", nullptr, STAVE_AT_LSN, "1"},
                          Case{"with_log", "data", STAVE_NOW, "3"}}) {
    stave_error* error = nullptr;
    const std::string log = one.log == nullptr ? "" : path(one.log);
    ASSERT_EQ(stave_restore(backup.c_str(), path(one.target).c_str(), one.log == nullptr ? nullptr : log.c_str(),
                            one.kind, second, &error),
              STAVE_OK)
        << stave_error_message(error);
    stave_store* restored = open(path(one.target));
    EXPECT_EQ(get(restored, "a"), one.expected) << one.target;
    stave_close(restored, nullptr);
  }
  EXPECT_EQ(stave_restore(backup.c_str(), path("all").c_str(), nullptr, STAVE_NOW, 0, nullptr), STAVE_CONFLICT);
  EXPECT_EQ(stave_restore(nullptr, path("x").c_str(), nullptr, STAVE_NOW, 0, nullptr), STAVE_INVALID_ARGUMENT);
}

TEST_F(CArchive, a_cursor_shows_what_begins_with_its_prefix) {
  for (int i = 0; i < 600; ++i) set("k" + std::to_string(i), std::to_string(i));
  set("other", "x");
  ASSERT_EQ(stave_list_push(store_, "klist", 5, STAVE_BACK, "e", 1, nullptr, nullptr, nullptr), STAVE_OK);
  stave_cursor* cursor = stave_cursor_new(store_, 0, "k", 1);
  std::set<std::string> seen;
  const char* key = nullptr;
  const char* value = nullptr;
  const char* type = nullptr;
  std::size_t key_size = 0;
  std::size_t value_size = 0;
  while (stave_cursor_next(cursor, &key, &key_size, &value, &value_size, &type, nullptr) == STAVE_OK) {
    const std::string name(key, key_size);
    seen.insert(name);
    EXPECT_EQ(std::string(value, value_size), name == "klist" ? "" : name.substr(1));
    EXPECT_STREQ(type, name == "klist" ? "list" : "string");
  }
  EXPECT_EQ(seen.size(), 601u);
  stave_cursor_free(cursor);
  cursor = stave_cursor_new(store_, 99, nullptr, 0);
  EXPECT_EQ(stave_cursor_next(cursor, &key, &key_size, nullptr, nullptr, nullptr, nullptr), STAVE_INVALID_ARGUMENT);
  stave_cursor_free(cursor);
}

TEST_F(CArchive, a_batch_and_a_transaction_do_everything) {
  stave_batch* batch = stave_batch_new();
  EXPECT_EQ(stave_batch_set_expiring(batch, "e", 1, "x", 1, STAVE_TTL_AFTER, 60'000), STAVE_OK);
  EXPECT_EQ(stave_batch_append(batch, "a", 1, "xy", 2), STAVE_OK);
  EXPECT_EQ(stave_batch_expire(batch, "a", 1, STAVE_TTL_AFTER, 60'000), STAVE_OK);
  EXPECT_EQ(stave_batch_hash_set(batch, "h", 1, "f", 1, "v", 1), STAVE_OK);
  EXPECT_EQ(stave_batch_hash_remove(batch, "h", 1, "g", 1), STAVE_OK);
  EXPECT_EQ(stave_batch_list_push(batch, "l", 1, STAVE_FRONT, "e", 1), STAVE_OK);
  EXPECT_EQ(stave_batch_set_add(batch, "s", 1, "m", 1), STAVE_OK);
  EXPECT_EQ(stave_batch_set_remove(batch, "s", 1, "n", 1), STAVE_OK);
  EXPECT_EQ(stave_batch_sorted_set_add(batch, "z", 1, "m", 1, 2.5), STAVE_OK);
  EXPECT_EQ(stave_batch_sorted_set_remove(batch, "z", 1, "n", 1), STAVE_OK);
  EXPECT_EQ(stave_batch_list_push(batch, "l", 1, 9, "e", 1), STAVE_INVALID_ARGUMENT);
  EXPECT_EQ(stave_batch_expire(batch, "a", 1, 9, 1), STAVE_INVALID_ARGUMENT);
  EXPECT_EQ(stave_batch_commit(store_, batch, nullptr, nullptr), STAVE_OK);
  stave_batch_free(batch);
  std::uint64_t keys = 0;
  EXPECT_EQ(stave_size(store_, 0, &keys, nullptr), STAVE_OK);
  EXPECT_EQ(keys, 6u);

  const auto work = [](stave_txn* txn, void*) {
    std::uint64_t length = 0;
    int yes = 0;
    char* value = nullptr;
    std::size_t size = 0;
    std::uint64_t version = 0;
    std::int64_t expires = 0;
    EXPECT_EQ(stave_txn_append(txn, "a", 1, "z", 1, &length), STAVE_OK);
    EXPECT_EQ(length, 3u);
    EXPECT_EQ(stave_txn_exists(txn, "none", 4, &yes), STAVE_OK);
    EXPECT_EQ(yes, 0);
    EXPECT_EQ(stave_txn_get_versioned(txn, "e", 1, &value, &size, &version, &expires), STAVE_OK);
    EXPECT_GT(version, 0u);
    EXPECT_GT(expires, 0);
    stave_free(value);
    EXPECT_EQ(stave_txn_set_if(txn, "e", 1, "y", 1, STAVE_IF_VERSION, version + 1, nullptr, 0, &yes), STAVE_OK);
    EXPECT_EQ(yes, 0);
    EXPECT_EQ(stave_txn_set_if(txn, "e", 1, "y", 1, STAVE_IF_VALUE, 0, "x", 1, &yes), STAVE_OK);
    EXPECT_EQ(yes, 1);
    EXPECT_EQ(stave_txn_set_if(txn, "e", 1, "y", 1, 9, 0, nullptr, 0, &yes), STAVE_INVALID_ARGUMENT);
    EXPECT_EQ(stave_txn_expire(txn, "l", 1, STAVE_TTL_AFTER, 1000), STAVE_OK);
    EXPECT_EQ(stave_txn_expire(txn, "none", 4, STAVE_TTL_AFTER, 1000), STAVE_NOT_FOUND);
    EXPECT_EQ(stave_txn_expire(txn, "l", 1, 9, 1000), STAVE_INVALID_ARGUMENT);
    return 0;
  };
  EXPECT_EQ(stave_transact(store_, nullptr, 0, work, nullptr, nullptr, nullptr), STAVE_OK);
  EXPECT_EQ(get(store_, "a"), "xyz");
  EXPECT_EQ(get(store_, "e"), "y");
}

TEST(CSettings, numbers_that_mean_nothing_are_refused) {
  const auto refused = [](void (*set)(stave_options*, int), int number) {
    stave_options* options = stave_options_new();
    set(options, number);
    stave_error* error = nullptr;
    EXPECT_EQ(stave_open(":memory:", options, &error), nullptr) << number;
    EXPECT_EQ(stave_error_code(error), STAVE_INVALID_ARGUMENT) << number;
    stave_error_free(error);
    stave_options_free(options);
  };
  for (const int number : {-1, 9, 256, 257, INT32_MAX}) {
    refused(stave_options_set_memory_policy, number);
    refused(stave_options_set_packing, number);
    refused(stave_options_set_sync, number);
    if (number != 9) refused(stave_options_set_packing_level, number);
  }
}

}  // namespace
}  // namespace stave
