// Collections through the C door: what is handed out, and callers that do not mean well.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "stave/options.h"
#include "stave/stave.h"

namespace stave {
namespace {

using Strings = std::vector<std::string>;

class CCollections : public testing::Test {
 protected:
  CCollections() {
    stave_options* options = stave_options_new();
    stave_options_set_in_memory(options, 1);
    store_ = stave_open("data", options, nullptr);
    stave_options_free(options);
  }
  ~CCollections() override { stave_close(store_, nullptr); }

  stave_store* store_ = nullptr;
};

/// Takes over what was handed out.
Strings taken(stave_element* elements, std::size_t count) {
  Strings all;
  EXPECT_EQ(elements == nullptr, count == 0);
  for (std::size_t i = 0; i < count; ++i) {
    all.emplace_back(elements[i].data, elements[i].size);
    EXPECT_EQ(elements[i].data[elements[i].size], '\0');
  }
  stave_free(elements);
  return all;
}

TEST_F(CCollections, a_hash_hands_out_fields_and_values_by_turns) {
  int added = 9;
  std::uint64_t number = 0;
  EXPECT_EQ(stave_hash_set(store_, "h", 1, "a\0b", 3, "", 0, nullptr, &added, nullptr), STAVE_OK);
  EXPECT_EQ(added, 1);
  const stave_bytes fields[] = {{"a\0b", 3}, {"n", 1}};
  const stave_bytes values[] = {{"x", 1}, {"7", 1}};
  EXPECT_EQ(stave_hash_set_many(store_, "h", 1, fields, values, 2, nullptr, &number, nullptr), STAVE_OK);
  EXPECT_EQ(number, 1u);
  EXPECT_EQ(stave_hash_size(store_, 0, "h", 1, &number, nullptr), STAVE_OK);
  EXPECT_EQ(number, 2u);
  stave_element* all = nullptr;
  std::size_t count = 0;
  EXPECT_EQ(stave_hash_get_all(store_, 0, "h", 1, &all, &count, nullptr), STAVE_OK);
  EXPECT_EQ(taken(all, count), (Strings{std::string("a\0b", 3), "x", "n", "7"}));
  char* value = nullptr;
  EXPECT_EQ(stave_hash_get(store_, 0, "h", 1, "n", 1, &value, &count, nullptr), STAVE_OK);
  EXPECT_EQ(std::string(value, count), "7");
  stave_free(value);
  EXPECT_EQ(stave_hash_get(store_, 0, "h", 1, "m", 1, &value, &count, nullptr), STAVE_NOT_FOUND);
  EXPECT_EQ(value, nullptr);
  int removed = 9;
  EXPECT_EQ(stave_hash_remove(store_, "h", 1, "m", 1, nullptr, &removed, nullptr), STAVE_OK);
  EXPECT_EQ(removed, 0);
  EXPECT_EQ(stave_hash_remove(store_, "h", 1, "n", 1, nullptr, nullptr, nullptr), STAVE_OK);
  EXPECT_EQ(stave_hash_get_all(store_, 0, "none", 4, &all, &count, nullptr), STAVE_OK);
  EXPECT_EQ(taken(all, count), Strings{});
}

TEST_F(CCollections, a_list_and_a_set_do_what_the_library_does) {
  std::uint64_t size = 0;
  const stave_bytes more[] = {{"x", 1}, {"", 0}};
  EXPECT_EQ(stave_list_push(store_, "l", 1, STAVE_BACK, "b", 1, nullptr, &size, nullptr), STAVE_OK);
  EXPECT_EQ(stave_list_push_many(store_, "l", 1, STAVE_FRONT, more, 2, nullptr, &size, nullptr), STAVE_OK);
  EXPECT_EQ(size, 3u);
  stave_element* all = nullptr;
  std::size_t count = 0;
  EXPECT_EQ(stave_list_range(store_, 0, "l", 1, 0, -1, &all, &count, nullptr), STAVE_OK);
  EXPECT_EQ(taken(all, count), (Strings{"", "x", "b"}));
  char* element = nullptr;
  for (const std::string wanted : {"", "x", "b"}) {
    EXPECT_EQ(stave_list_pop(store_, "l", 1, STAVE_FRONT, nullptr, &element, &count, nullptr), STAVE_OK);
    EXPECT_EQ(std::string(element, count), wanted);
    stave_free(element);
  }
  EXPECT_EQ(stave_list_pop(store_, "l", 1, STAVE_FRONT, nullptr, &element, &count, nullptr), STAVE_NOT_FOUND);
  EXPECT_EQ(element, nullptr);
  EXPECT_EQ(stave_list_size(store_, 0, "l", 1, &size, nullptr), STAVE_OK);
  EXPECT_EQ(size, 0u);

  int yes = 9;
  EXPECT_EQ(stave_set_add(store_, "s", 1, "m", 1, nullptr, &yes, nullptr), STAVE_OK);
  EXPECT_EQ(yes, 1);
  EXPECT_EQ(stave_set_add_many(store_, "s", 1, more, 2, nullptr, &size, nullptr), STAVE_OK);
  EXPECT_EQ(size, 2u);
  EXPECT_EQ(stave_set_contains(store_, 0, "s", 1, "", 0, &yes, nullptr), STAVE_OK);
  EXPECT_EQ(yes, 1);
  EXPECT_EQ(stave_set_remove(store_, "s", 1, "", 0, nullptr, &yes, nullptr), STAVE_OK);
  EXPECT_EQ(stave_set_contains(store_, 0, "s", 1, "", 0, &yes, nullptr), STAVE_OK);
  EXPECT_EQ(yes, 0);
  EXPECT_EQ(stave_set_members(store_, 0, "s", 1, &all, &count, nullptr), STAVE_OK);
  EXPECT_EQ(taken(all, count), (Strings{"m", "x"}));
  EXPECT_EQ(stave_set_size(store_, 0, "s", 1, &size, nullptr), STAVE_OK);
  EXPECT_EQ(size, 2u);
}

TEST_F(CCollections, a_sorted_set_hands_out_scores_too) {
  const stave_bytes members[] = {{"a", 1}, {"b", 1}, {"c", 1}};
  const double scores[] = {2, -1.5, 2};
  std::uint64_t number = 0;
  EXPECT_EQ(stave_sorted_set_add_many(store_, "z", 1, members, scores, 3, nullptr, &number, nullptr), STAVE_OK);
  EXPECT_EQ(number, 3u);
  int added = 9;
  EXPECT_EQ(stave_sorted_set_add(store_, "z", 1, "a", 1, HUGE_VAL, nullptr, &added, nullptr), STAVE_OK);
  EXPECT_EQ(added, 0);
  stave_element* all = nullptr;
  std::size_t count = 0;
  EXPECT_EQ(stave_sorted_set_range(store_, 0, "z", 1, 0, -1, STAVE_ASCENDING, &all, &count, nullptr), STAVE_OK);
  ASSERT_EQ(count, 3u);
  EXPECT_EQ(all[0].score, -1.5);
  EXPECT_EQ(all[2].score, HUGE_VAL);
  EXPECT_EQ(taken(all, count), (Strings{"b", "c", "a"}));
  EXPECT_EQ(stave_sorted_set_range_by_score(store_, 0, "z", 1, -1.5, 2, STAVE_WITHOUT_MIN, UINT64_MAX, STAVE_DESCENDING,
                                            &all, &count, nullptr),
            STAVE_OK);
  EXPECT_EQ(taken(all, count), Strings{"c"});
  EXPECT_EQ(stave_sorted_set_range_by_score(store_, 0, "z", 1, -HUGE_VAL, HUGE_VAL, 0, 2, STAVE_DESCENDING, &all,
                                            &count, nullptr),
            STAVE_OK);
  EXPECT_EQ(taken(all, count), (Strings{"a", "c"}));
  double score = 0;
  EXPECT_EQ(stave_sorted_set_score(store_, 0, "z", 1, "b", 1, &score, nullptr), STAVE_OK);
  EXPECT_EQ(score, -1.5);
  EXPECT_EQ(stave_sorted_set_score(store_, 0, "z", 1, "n", 1, &score, nullptr), STAVE_NOT_FOUND);
  EXPECT_EQ(stave_sorted_set_rank(store_, 0, "z", 1, "b", 1, STAVE_DESCENDING, &number, nullptr), STAVE_OK);
  EXPECT_EQ(number, 2u);
  EXPECT_EQ(stave_sorted_set_rank(store_, 0, "z", 1, "n", 1, STAVE_ASCENDING, &number, nullptr), STAVE_NOT_FOUND);
  EXPECT_EQ(stave_sorted_set_remove(store_, "z", 1, "b", 1, nullptr, &added, nullptr), STAVE_OK);
  EXPECT_EQ(added, 1);
  EXPECT_EQ(stave_sorted_set_size(store_, 0, "z", 1, &number, nullptr), STAVE_OK);
  EXPECT_EQ(number, 2u);
}

TEST_F(CCollections, numbers_that_stand_for_nothing_are_refused) {
  stave_element* all = nullptr;
  std::size_t count = 0;
  char* element = nullptr;
  std::uint64_t rank = 0;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const int bad : {-1, 2, INT32_MAX}) {
    EXPECT_EQ(stave_list_push(store_, "k", 1, bad, "x", 1, nullptr, nullptr, nullptr), STAVE_INVALID_ARGUMENT);
    EXPECT_EQ(stave_list_pop(store_, "k", 1, bad, nullptr, &element, &count, nullptr), STAVE_INVALID_ARGUMENT);
    EXPECT_EQ(stave_sorted_set_rank(store_, 0, "k", 1, "m", 1, bad, &rank, nullptr), STAVE_INVALID_ARGUMENT);
    EXPECT_EQ(stave_sorted_set_range(store_, 0, "k", 1, 0, -1, bad, &all, &count, nullptr), STAVE_INVALID_ARGUMENT);
  }
  for (const int bad : {-1, 4, INT32_MAX})
    EXPECT_EQ(stave_sorted_set_range_by_score(store_, 0, "k", 1, 0, 1, bad, 9, STAVE_ASCENDING, &all, &count, nullptr),
              STAVE_INVALID_ARGUMENT);
  stave_error* error = nullptr;
  EXPECT_EQ(stave_sorted_set_add(store_, "k", 1, "m", 1, nan, nullptr, nullptr, &error), STAVE_INVALID_ARGUMENT);
  EXPECT_NE(std::string(stave_error_message(error)).find("score"), std::string::npos);
  stave_error_free(error);
  EXPECT_EQ(all, nullptr);
  std::uint64_t keys = 9;
  EXPECT_EQ(stave_size(store_, 0, &keys, nullptr), STAVE_OK);
  EXPECT_EQ(keys, 0u);
}

// The bytes that are too many are not there: whoever looks at them dies.
TEST_F(CCollections, elements_longer_than_any_are_refused_before_they_are_looked_at) {
  for (const std::size_t size : {kValueBytesLimit + 1, std::size_t{1} << 62, SIZE_MAX}) {
    char* value = nullptr;
    std::size_t value_size = 0;
    int yes = 0;
    double score = 0;
    std::uint64_t rank = 0;
    const stave_bytes huge{"x", size};
    const stave_bytes small{"x", 1};
    EXPECT_EQ(stave_hash_set(store_, "k", 1, "x", size, "v", 1, nullptr, nullptr, nullptr), STAVE_TOO_LARGE);
    EXPECT_EQ(stave_hash_set(store_, "k", 1, "f", 1, "x", size, nullptr, nullptr, nullptr), STAVE_TOO_LARGE);
    EXPECT_EQ(stave_hash_set_many(store_, "k", 1, &small, &huge, 1, nullptr, nullptr, nullptr), STAVE_TOO_LARGE);
    EXPECT_EQ(stave_hash_get(store_, 0, "k", 1, "x", size, &value, &value_size, nullptr), STAVE_TOO_LARGE);
    EXPECT_EQ(stave_hash_remove(store_, "k", 1, "x", size, nullptr, nullptr, nullptr), STAVE_TOO_LARGE);
    EXPECT_EQ(stave_list_push(store_, "k", 1, STAVE_BACK, "x", size, nullptr, nullptr, nullptr), STAVE_TOO_LARGE);
    EXPECT_EQ(stave_set_add_many(store_, "k", 1, &huge, 1, nullptr, nullptr, nullptr), STAVE_TOO_LARGE);
    EXPECT_EQ(stave_set_contains(store_, 0, "k", 1, "x", size, &yes, nullptr), STAVE_TOO_LARGE);
    EXPECT_EQ(stave_set_remove(store_, "k", 1, "x", size, nullptr, nullptr, nullptr), STAVE_TOO_LARGE);
    EXPECT_EQ(stave_sorted_set_add(store_, "k", 1, "x", size, 1, nullptr, nullptr, nullptr), STAVE_TOO_LARGE);
    EXPECT_EQ(stave_sorted_set_score(store_, 0, "k", 1, "x", size, &score, nullptr), STAVE_TOO_LARGE);
    EXPECT_EQ(stave_sorted_set_rank(store_, 0, "k", 1, "x", size, 0, &rank, nullptr), STAVE_TOO_LARGE);
    EXPECT_EQ(stave_set_add(store_, "x", size, "m", 1, nullptr, nullptr, nullptr), STAVE_TOO_LARGE);
  }
  EXPECT_EQ(stave_set_add_many(store_, "k", 1, nullptr, SIZE_MAX, nullptr, nullptr, nullptr), STAVE_NO_MEMORY);
  EXPECT_EQ(stave_hash_set_many(store_, "k", 1, nullptr, nullptr, SIZE_MAX, nullptr, nullptr, nullptr),
            STAVE_NO_MEMORY);
}

TEST_F(CCollections, a_key_of_another_type_is_told_by_its_number) {
  ASSERT_EQ(stave_set(store_, "k", 1, "v", 1, nullptr, nullptr, nullptr), STAVE_OK);
  stave_element* all = nullptr;
  std::size_t count = 9;
  EXPECT_EQ(stave_hash_set(store_, "k", 1, "f", 1, "v", 1, nullptr, nullptr, nullptr), STAVE_WRONG_TYPE);
  EXPECT_EQ(stave_set_members(store_, 0, "k", 1, &all, &count, nullptr), STAVE_WRONG_TYPE);
  EXPECT_EQ(all, nullptr);
  EXPECT_EQ(count, 0u);
}

/// Does one of everything in a transaction, and gives up when `context` says so.
int all_of_them(stave_txn* txn, void* context) {
  std::uint64_t number = 0;
  int yes = 9;
  char* bytes = nullptr;
  std::size_t size = 0;
  double score = 0;
  stave_element* all = nullptr;
  EXPECT_EQ(stave_txn_hash_set(txn, "h", 1, "f", 1, "v", 1, &yes), STAVE_OK);
  EXPECT_EQ(yes, 1);
  EXPECT_EQ(stave_txn_hash_get(txn, "h", 1, "f", 1, &bytes, &size), STAVE_OK);
  EXPECT_EQ(std::string(bytes, size), "v");
  stave_free(bytes);
  EXPECT_EQ(stave_txn_hash_get(txn, "h", 1, "n", 1, &bytes, &size), STAVE_NOT_FOUND);
  EXPECT_EQ(stave_txn_hash_get_all(txn, "h", 1, &all, &size), STAVE_OK);
  EXPECT_EQ(taken(all, size), (Strings{"old", "1", "f", "v"}));
  EXPECT_EQ(stave_txn_hash_remove(txn, "h", 1, "old", 3, &yes), STAVE_OK);
  EXPECT_EQ(stave_txn_hash_size(txn, "h", 1, &number), STAVE_OK);
  EXPECT_EQ(number, 1u);
  EXPECT_EQ(stave_txn_list_push(txn, "l", 1, STAVE_FRONT, "x", 1, &number), STAVE_OK);
  EXPECT_EQ(number, 2u);
  EXPECT_EQ(stave_txn_list_pop(txn, "l", 1, STAVE_BACK, &bytes, &size), STAVE_OK);
  EXPECT_EQ(std::string(bytes, size), "old");
  stave_free(bytes);
  EXPECT_EQ(stave_txn_list_range(txn, "l", 1, 0, -1, &all, &size), STAVE_OK);
  EXPECT_EQ(taken(all, size), Strings{"x"});
  EXPECT_EQ(stave_txn_list_size(txn, "l", 1, &number), STAVE_OK);
  EXPECT_EQ(stave_txn_list_push(txn, "l", 1, 7, "x", 1, &number), STAVE_INVALID_ARGUMENT);
  EXPECT_EQ(stave_txn_set_add(txn, "s", 1, "m", 1, &yes), STAVE_OK);
  EXPECT_EQ(stave_txn_set_remove(txn, "s", 1, "old", 3, &yes), STAVE_OK);
  EXPECT_EQ(yes, 1);
  EXPECT_EQ(stave_txn_set_contains(txn, "s", 1, "old", 3, &yes), STAVE_OK);
  EXPECT_EQ(yes, 0);
  EXPECT_EQ(stave_txn_set_members(txn, "s", 1, &all, &size), STAVE_OK);
  EXPECT_EQ(taken(all, size), Strings{"m"});
  EXPECT_EQ(stave_txn_set_size(txn, "s", 1, &number), STAVE_OK);
  EXPECT_EQ(stave_txn_sorted_set_add(txn, "z", 1, "m", 1, 0.5, &yes), STAVE_OK);
  EXPECT_EQ(stave_txn_sorted_set_score(txn, "z", 1, "m", 1, &score), STAVE_OK);
  EXPECT_EQ(score, 0.5);
  EXPECT_EQ(stave_txn_sorted_set_rank(txn, "z", 1, "m", 1, STAVE_ASCENDING, &number), STAVE_OK);
  EXPECT_EQ(number, 0u);
  EXPECT_EQ(stave_txn_sorted_set_range(txn, "z", 1, 0, -1, STAVE_DESCENDING, &all, &size), STAVE_OK);
  EXPECT_EQ(taken(all, size), (Strings{"old", "m"}));
  EXPECT_EQ(stave_txn_sorted_set_range_by_score(txn, "z", 1, 1, 9, 0, 9, STAVE_ASCENDING, &all, &size), STAVE_OK);
  EXPECT_EQ(taken(all, size), Strings{"old"});
  EXPECT_EQ(stave_txn_sorted_set_remove(txn, "z", 1, "old", 3, &yes), STAVE_OK);
  EXPECT_EQ(stave_txn_sorted_set_size(txn, "z", 1, &number), STAVE_OK);
  EXPECT_EQ(number, 1u);
  EXPECT_EQ(stave_txn_hash_set(txn, "s", 1, "f", 1, "v", 1, nullptr), STAVE_WRONG_TYPE);
  return *static_cast<int*>(context);
}

TEST_F(CCollections, a_transaction_is_undone_or_done) {
  ASSERT_EQ(stave_hash_set(store_, "h", 1, "old", 3, "1", 1, nullptr, nullptr, nullptr), STAVE_OK);
  ASSERT_EQ(stave_list_push(store_, "l", 1, STAVE_BACK, "old", 3, nullptr, nullptr, nullptr), STAVE_OK);
  ASSERT_EQ(stave_set_add(store_, "s", 1, "old", 3, nullptr, nullptr, nullptr), STAVE_OK);
  ASSERT_EQ(stave_sorted_set_add(store_, "z", 1, "old", 3, 1, nullptr, nullptr, nullptr), STAVE_OK);
  const stave_bytes keys[] = {{"h", 1}, {"l", 1}, {"s", 1}, {"z", 1}};
  stave_element* all = nullptr;
  std::size_t count = 0;
  for (int gives_up : {1, 1, 0}) {
    EXPECT_EQ(stave_transact(store_, keys, 4, all_of_them, &gives_up, nullptr, nullptr),
              gives_up != 0 ? STAVE_ABORTED : STAVE_OK);
    EXPECT_EQ(stave_hash_get_all(store_, 0, "h", 1, &all, &count, nullptr), STAVE_OK);
    EXPECT_EQ(taken(all, count), gives_up != 0 ? (Strings{"old", "1"}) : (Strings{"f", "v"}));
    EXPECT_EQ(stave_list_range(store_, 0, "l", 1, 0, -1, &all, &count, nullptr), STAVE_OK);
    EXPECT_EQ(taken(all, count), Strings{gives_up != 0 ? "old" : "x"});
    EXPECT_EQ(stave_set_members(store_, 0, "s", 1, &all, &count, nullptr), STAVE_OK);
    EXPECT_EQ(taken(all, count), Strings{gives_up != 0 ? "old" : "m"});
    EXPECT_EQ(stave_sorted_set_range(store_, 0, "z", 1, 0, -1, STAVE_ASCENDING, &all, &count, nullptr), STAVE_OK);
    EXPECT_EQ(taken(all, count), Strings{gives_up != 0 ? "old" : "m"});
  }
}

}  // namespace
}  // namespace stave
