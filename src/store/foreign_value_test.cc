#include "store/foreign_value.h"

#include <gtest/gtest.h>

#include "types/hash/compact.h"

namespace stave::store {
namespace {

constexpr std::int64_t kHour = 3'600'000;

class ForeignValues : public testing::Test {
 protected:
  /// A hash in the store whose fields die so many milliseconds from now; 0: never.
  std::string hash(std::initializer_list<std::pair<std::string_view, std::int64_t>> fields, Expiry* expiry = nullptr) {
    types::hash::Compact hash({}, time_.now());
    for (const auto& [name, ms] : fields)
      hash.set(name, "v", ms == 0 ? types::hash::kNever : UnixMs{raw(time_.now()) + ms});
    const Expiry settled = hash.settle(expiry != nullptr ? *expiry : Expiry{});
    if (expiry != nullptr) *expiry = settled;
    return std::string(hash.form());
  }
  static UnixMs deadline(std::string_view form, std::string_view field) {
    return types::hash::Compact(form).deadline(field).value_or(UnixMs{-1});
  }

  ManualClock clock_;
  StoreClock time_{clock_};
};

TEST_F(ForeignValues, are_as_they_are_unless_fields_expire) {
  const std::string plain = hash({{"f", 0}});
  EXPECT_EQ(shown_value(time_, time_.now(), ValueType::kHash, plain), std::nullopt);
  EXPECT_EQ(shown_value(time_, time_.now(), ValueType::kString, "\1"), std::nullopt);
  EXPECT_FALSE(adopted_value(time_, time_.now(), ValueType::kHash, plain, {}));
  EXPECT_FALSE(adopted_value(time_, time_.now(), ValueType::kString, "", {}));
}

TEST_F(ForeignValues, tell_deadlines_by_the_wall_clock_and_come_back_by_the_stores) {
  Expiry expiry{UnixMs{raw(time_.now()) + 5 * kHour}, 0};
  const std::string form = hash({{"f", kHour}, {"g", 2 * kHour}}, &expiry);
  EXPECT_EQ(expiry.at, time_.now() + 2 * kHour) << "with its last field";
  clock_.set_wall(clock_.wall() + -24 * kHour);
  time_.look();
  ASSERT_NE(time_.offset_ms(), 0);
  const auto shown = shown_value(time_, time_.now(), ValueType::kHash, form);
  ASSERT_TRUE(shown);
  EXPECT_TRUE(types::hash::Compact::well_formed(*shown));
  EXPECT_EQ(deadline(*shown, "f"), clock_.wall() + kHour);
  const auto own = types::hash::Compact(*shown).own_expiry();
  ASSERT_TRUE(own);
  EXPECT_EQ(own->at, clock_.wall() + 5 * kHour);
  const auto back = adopted_value(time_, time_.now(), ValueType::kHash, *shown, {time_.from_wall(own->at), 0});
  ASSERT_TRUE(back);
  EXPECT_EQ(back->value, form);
  EXPECT_EQ(back->expiry, expiry);
}

TEST_F(ForeignValues, are_without_the_fields_whose_time_is_up) {
  const std::string form = hash({{"f", kHour}, {"g", 0}, {"h", 2 * kHour}});
  const UnixMs later = time_.now() + kHour;
  const auto shown = shown_value(time_, later, ValueType::kHash, form);
  ASSERT_TRUE(shown);
  EXPECT_EQ(types::hash::Compact(*shown).size(), 2u);
  const auto last = shown_value(time_, time_.now() + 2 * kHour, ValueType::kHash, form);
  ASSERT_TRUE(last);
  EXPECT_FALSE(types::hash::Compact::expiring(*last)) << "what is left lives on";
  EXPECT_EQ(shown_value(time_, later, ValueType::kHash, hash({{"f", kHour}})), "");
  const auto adopted = adopted_value(time_, later, ValueType::kHash, hash({{"f", kHour}}), {});
  ASSERT_TRUE(adopted);
  EXPECT_TRUE(adopted->value.empty());
}

}  // namespace
}  // namespace stave::store
