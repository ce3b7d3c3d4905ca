// The C door and callers that do not mean well, or do not look. The bytes that are too many are not there: whoever
// looks at them dies.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "stave/options.h"
#include "stave/stave.h"

namespace stave {
namespace {

constexpr std::size_t kHuge[] = {kKeyBytesLimit + 1, std::size_t{1} << 62, SIZE_MAX};

class CApi : public testing::Test {
 protected:
  CApi() {
    stave_options* options = stave_options_new();
    stave_options_set_in_memory(options, 1);
    store_ = stave_open("data", options, nullptr);
    stave_options_free(options);
  }
  ~CApi() override { stave_close(store_, nullptr); }

  stave_store* store_ = nullptr;
};

TEST_F(CApi, reading_refuses_a_key_longer_than_any_before_it_looks_at_it) {
  for (const std::size_t size : kHuge) {
    char* value = nullptr;
    std::size_t value_size = 0;
    int exists = 0;
    const stave_bytes key{"k", size};
    stave_value one{};
    EXPECT_EQ(stave_get(store_, 0, "k", size, &value, &value_size, nullptr), STAVE_TOO_LARGE);
    EXPECT_EQ(stave_get_range(store_, 0, "k", size, 0, -1, &value, &value_size, nullptr), STAVE_TOO_LARGE);
    EXPECT_EQ(stave_exists(store_, 0, "k", size, &exists, nullptr), STAVE_TOO_LARGE);
    EXPECT_EQ(stave_mget(store_, 0, &key, 1, &one, nullptr), STAVE_TOO_LARGE);
    std::uint64_t cursor = 0;
    const auto visit = [](const char*, std::size_t, const char*, std::size_t, void*) {};
    EXPECT_EQ(stave_scan(store_, 0, &cursor, "k", size, 10, visit, nullptr, nullptr), STAVE_TOO_LARGE);
  }
}

TEST_F(CApi, writing_refuses_a_key_longer_than_any_before_it_looks_at_it) {
  for (const std::size_t size : kHuge) {
    const stave_bytes key{"k", size};
    const stave_bytes value{"v", 1};
    EXPECT_EQ(stave_set(store_, "k", size, "v", 1, nullptr, nullptr, nullptr), STAVE_TOO_LARGE);
    EXPECT_EQ(stave_set_if(store_, "k", size, "v", 1, STAVE_IF_ABSENT, 0, nullptr, 0, nullptr, nullptr, nullptr),
              STAVE_TOO_LARGE);
    EXPECT_EQ(stave_mset(store_, &key, &value, 1, nullptr, nullptr), STAVE_TOO_LARGE);
    EXPECT_EQ(stave_delete(store_, "k", size, nullptr, nullptr, nullptr), STAVE_TOO_LARGE);
    EXPECT_EQ(stave_increment(store_, "k", size, 1, nullptr, nullptr, nullptr), STAVE_TOO_LARGE);
    EXPECT_EQ(stave_append(store_, "k", size, "v", 1, nullptr, nullptr, nullptr), STAVE_TOO_LARGE);
    EXPECT_EQ(stave_set_range(store_, "k", size, 0, "v", 1, nullptr, nullptr, nullptr), STAVE_TOO_LARGE);
    EXPECT_EQ(stave_expire(store_, "k", size, nullptr, nullptr), STAVE_TOO_LARGE);
  }
}

TEST_F(CApi, a_transaction_refuses_a_key_longer_than_any_before_it_looks_at_it) {
  const auto nothing = [](stave_txn*, void*) { return 0; };
  const auto all = [](stave_txn* txn, void* context) {
    const std::size_t size = *static_cast<std::size_t*>(context);
    char* value = nullptr;
    std::size_t value_size = 0;
    EXPECT_EQ(stave_txn_get(txn, "k", size, &value, &value_size), STAVE_TOO_LARGE);
    EXPECT_EQ(stave_txn_set(txn, "k", size, "v", 1), STAVE_TOO_LARGE);
    EXPECT_EQ(stave_txn_delete(txn, "k", size, nullptr), STAVE_TOO_LARGE);
    EXPECT_EQ(stave_txn_increment(txn, "k", size, 1, nullptr), STAVE_TOO_LARGE);
    return 0;
  };
  for (std::size_t size : kHuge) {
    const stave_bytes key{"k", size};
    EXPECT_EQ(stave_transact(store_, &key, 1, nothing, nullptr, nullptr, nullptr), STAVE_TOO_LARGE);
    EXPECT_EQ(stave_transact(store_, nullptr, 0, all, &size, nullptr, nullptr), STAVE_OK);
  }
}

TEST_F(CApi, a_batch_refuses_what_no_store_could_hold_before_it_copies_it) {
  stave_batch* batch = stave_batch_new();
  for (const std::size_t size : kHuge) {
    EXPECT_EQ(stave_batch_set(batch, "k", size, "v", 1), STAVE_TOO_LARGE);
    EXPECT_EQ(stave_batch_delete(batch, "k", size), STAVE_TOO_LARGE);
    EXPECT_EQ(stave_batch_increment(batch, "k", size, 1), STAVE_TOO_LARGE);
  }
  EXPECT_EQ(stave_batch_set(batch, "k", 1, "v", kValueBytesLimit + 1), STAVE_TOO_LARGE);
  EXPECT_EQ(stave_batch_set(batch, "k", 1, "v", SIZE_MAX), STAVE_TOO_LARGE);
  // Half of what was asked for is not what was asked for.
  EXPECT_EQ(stave_batch_commit(store_, batch, nullptr, nullptr), STAVE_TOO_LARGE);
  std::uint64_t keys = 99;
  EXPECT_EQ(stave_size(store_, 0, &keys, nullptr), STAVE_OK);
  EXPECT_EQ(keys, 0u);
  stave_batch_clear(batch);
  EXPECT_EQ(stave_batch_set(batch, "k", 1, "v", 1), STAVE_OK);
  EXPECT_EQ(stave_batch_commit(store_, batch, nullptr, nullptr), STAVE_OK);
  stave_batch_free(batch);
}

TEST_F(CApi, a_command_refuses_an_argument_longer_than_any_before_it_looks_at_it) {
  stave_session* session = stave_session_new(store_);
  for (const std::size_t size : {std::size_t{1} << 62, SIZE_MAX}) {
    const stave_bytes get[] = {{"GET", 3}, {"k", size}};
    stave_reply* reply = stave_execute(session, get, 2);
    ASSERT_NE(reply, nullptr);
    EXPECT_EQ(stave_reply_kind(reply), STAVE_REPLY_ERROR);
    EXPECT_NE(std::string(stave_reply_text(reply, nullptr)).find("exceeds maximum"), std::string::npos);
    stave_reply_free(reply);
  }
  EXPECT_EQ(stave_execute(session, nullptr, SIZE_MAX), nullptr);
  stave_session_free(session);
}

TEST_F(CApi, more_keys_than_there_can_be_are_an_error_and_no_exception) {
  const auto nothing = [](stave_txn*, void*) { return 0; };
  EXPECT_EQ(stave_mset(store_, nullptr, nullptr, SIZE_MAX, nullptr, nullptr), STAVE_NO_MEMORY);
  EXPECT_EQ(stave_transact(store_, nullptr, SIZE_MAX, nothing, nullptr, nullptr, nullptr), STAVE_NO_MEMORY);
}

TEST_F(CApi, what_is_not_there_is_an_invalid_argument) {
  stave_error* error = nullptr;
  EXPECT_EQ(stave_open(nullptr, nullptr, &error), nullptr);
  EXPECT_EQ(stave_error_code(error), STAVE_INVALID_ARGUMENT);
  stave_error_free(error);
  EXPECT_EQ(stave_transact(store_, nullptr, 0, nullptr, nullptr, nullptr, nullptr), STAVE_INVALID_ARGUMENT);
  std::uint64_t cursor = 0;
  EXPECT_EQ(stave_scan(store_, 0, &cursor, nullptr, 0, 10, nullptr, nullptr, nullptr), STAVE_INVALID_ARGUMENT);
}

TEST_F(CApi, the_greatest_offset_is_too_large_as_every_other_beyond_the_limit) {
  ASSERT_EQ(stave_set(store_, "k", 1, "abc", 3, nullptr, nullptr, nullptr), STAVE_OK);
  for (const std::uint64_t offset : {std::uint64_t{1} << 40, UINT64_MAX - 1, UINT64_MAX})
    EXPECT_EQ(stave_set_range(store_, "k", 1, offset, "x", 1, nullptr, nullptr, nullptr), STAVE_TOO_LARGE) << offset;
  char* value = nullptr;
  std::size_t size = 0;
  ASSERT_EQ(stave_get(store_, 0, "k", 1, &value, &size, nullptr), STAVE_OK);
  EXPECT_EQ(std::string(value, size), "abc");
  stave_free(value);
}

}  // namespace
}  // namespace stave
