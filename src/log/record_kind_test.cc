#include "log/record_kind.h"

#include <gtest/gtest.h>

#include <set>
#include <string_view>

namespace stave::log {
namespace {

constexpr int kNumbers = 256;

RecordKind kind_of(int number) {
  return static_cast<RecordKind>(number);
}

TEST(RecordKind, has_traits_for_every_number_and_the_format_s_names) {
  std::set<std::string_view> names;
  int known = 0;
  for (int number = 0; number < kNumbers; ++number) {
    const KindTraits& t = traits(kind_of(number));
    known += t.known ? 1 : 0;
    if (t.known) {
      EXPECT_FALSE(t.name.empty()) << number;
    }
    if (!t.name.empty()) {
      EXPECT_TRUE(names.insert(t.name).second) << t.name;
    }
  }
  EXPECT_EQ(known, 28);
  EXPECT_EQ(names,
            (std::set<std::string_view>{"delete",       "expire",       "evict",       "set_expiry", "flush",
                                        "swap",         "close",        "refresh",     "trim",       "lost",
                                        "patch",        "string",       "term",        "json",       "hash",
                                        "list",         "set",          "sorted_set",  "stream",     "sketch",
                                        "page",         "paged_hash",   "paged_list",  "paged_set",  "paged_sorted_set",
                                        "paged_stream", "paged_sketch", "paged_string"}));
}

// What is derived from several columns elsewhere must not contradict itself.
TEST(RecordKind, answers_agree_with_one_another) {
  for (int number = 0; number < kNumbers; ++number) {
    const RecordKind kind = kind_of(number);
    const KindTraits& t = traits(kind);
    EXPECT_TRUE(!t.whole_database || !t.has_key) << number;
    EXPECT_TRUE(!t.in_history || t.has_key) << number;
    EXPECT_TRUE(!t.sets_version || t.has_key) << number;
    EXPECT_TRUE(t.value == ValuePart::kNone || t.has_key) << number;
    EXPECT_TRUE(!t.removes_key || (t.has_key && t.value == ValuePart::kNone && !t.may_live)) << number;
    EXPECT_TRUE(!is_value(kind) || (t.may_live && t.sets_version && t.in_history)) << number;
    EXPECT_FALSE(is_value(kind) && is_delta(kind)) << number;
    EXPECT_TRUE(t.known || (t.has_key && t.may_live && t.value == ValuePart::kNone && !t.removes_key)) << number;
  }
}

TEST(RecordKind, knows_values_changes_and_removals) {
  EXPECT_TRUE(is_value(RecordKind::kString) && is_value(RecordKind::kJson));
  EXPECT_TRUE(is_value(RecordKind::kSortedSet) && is_value(RecordKind::kPage) && is_value(RecordKind::kPagedHash));
  EXPECT_TRUE(is_delta(RecordKind::kSetExpiry) && is_delta(RecordKind::kRefresh));
  EXPECT_TRUE(traits(RecordKind::kEvict).removes_key && traits(RecordKind::kExpire).removes_key);
  EXPECT_TRUE(is_delta(RecordKind::kPatch) && traits(RecordKind::kPatch).sets_version);
  EXPECT_FALSE(traits(RecordKind::kSetExpiry).may_live || traits(RecordKind::kPatch).may_live);
  EXPECT_FALSE(traits(RecordKind::kRefresh).may_live || traits(RecordKind::kRefresh).sets_version);
  EXPECT_TRUE(traits(RecordKind::kFlush).whole_database && traits(RecordKind::kSwap).whole_database);
  EXPECT_FALSE(has_key(RecordKind::kClose) || has_key(RecordKind::kTrim) || has_key(RecordKind::kLost));
  EXPECT_FALSE(traits(kind_of(0)).known || traits(kind_of(13)).known || traits(kind_of(255)).known);
}

}  // namespace
}  // namespace stave::log
