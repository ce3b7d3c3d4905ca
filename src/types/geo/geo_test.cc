#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "types/geo/area.h"
#include "types/geo/point.h"

namespace stave::types::geo {
namespace {

constexpr Point kPalermo{13.361389, 38.115556};
constexpr Point kCatania{15.087269, 37.502669};

TEST(GeoPoint, has_the_score_that_redis_gives_it) {
  EXPECT_EQ(score_of(kPalermo), 3479099956230698.0);
  EXPECT_EQ(score_of(kCatania), 3479447370796909.0);
  const Point back = point_of(score_of(kPalermo));
  EXPECT_EQ(back.longitude, 13.36138933897018433);
  EXPECT_EQ(back.latitude, 38.11555639549629859);
  const auto text = geohash_text(back);
  EXPECT_EQ(std::string_view(text.data(), text.size()), "sqc8b49rny0");
}

TEST(GeoPoint, is_as_far_from_another_as_redis_says) {
  const double metres = distance(point_of(score_of(kPalermo)), point_of(score_of(kCatania)));
  EXPECT_NEAR(metres, 166274.1516, 0.00005);
  EXPECT_EQ(distance(kPalermo, kPalermo), 0);
}

TEST(GeoPoint, comes_of_any_score) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const double score : {0.0, -1.0, 0.5, 4503599627370495.0, 4503599627370496.0, 1e18, 1e19, 1e300, -1e300,
                             kInfinity, -kInfinity, 5e-324})
    EXPECT_TRUE(is_valid(point_of(score))) << score;
  for (const Point edge : {Point{180, kLatitudeMax}, Point{-180, -kLatitudeMax}, Point{180, -kLatitudeMax}}) {
    ASSERT_TRUE(is_valid(edge));
    EXPECT_TRUE(is_valid(point_of(score_of(edge))));
  }
  EXPECT_FALSE(is_valid({std::nan(""), 0}));
  EXPECT_FALSE(is_valid({0, 85.06}));
}

TEST(GeoCell, has_neighbours_all_around) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 1000; ++i) {
    const auto step = 6 + static_cast<unsigned>(random() % 21);
    const Cell cell = cell_of(
        {std::uniform_real_distribution(-170.0, 170.0)(random), std::uniform_real_distribution(-70.0, 70.0)(random)},
        step);
    const Cell east = neighbour(cell, 1, 0);
    const Cell north = neighbour(cell, 0, 1);
    EXPECT_EQ(neighbour(east, -1, 0).bits, cell.bits);
    EXPECT_EQ(neighbour(north, 0, -1).bits, cell.bits);
    EXPECT_EQ(neighbour(neighbour(cell, 1, 1), -1, -1).bits, cell.bits);
    EXPECT_DOUBLE_EQ(bounds_of(east).min.longitude, bounds_of(cell).max.longitude);
    EXPECT_DOUBLE_EQ(bounds_of(north).min.latitude, bounds_of(cell).max.latitude);
  }
}

/// Whether the score lies in one of the spans.
bool covered(const ScoreSpans& spans, double score) {
  for (const ScoreSpan& span : spans)
    if (score >= span.from && score < span.to) return true;
  return false;
}

// Beyond some thousand kilometres, and at the edges of the map, Redis finds fewer than there are, and so do we.
TEST(GeoArea, looks_where_its_points_are) {
  std::mt19937_64 random(2);
  const auto uniform = [&](double from, double to) { return std::uniform_real_distribution(from, to)(random); };
  for (int round = 0; round < 300; ++round) {
    const Point centre{uniform(-150, 150), uniform(-65, 65)};
    const double size = std::pow(10, uniform(0, 5.5));
    const Area circle = Area::circle(centre, size);
    const Area box = Area::box(centre, size, size / 2);
    const ScoreSpans in_circle = circle.spans();
    const ScoreSpans in_box = box.spans();
    int found = 0;
    for (int i = 0; i < 300; ++i) {
      const double degrees = size / 111000;
      const Point at{centre.longitude + uniform(-1, 1) * degrees / std::cos(centre.latitude * kDegree),
                     centre.latitude + uniform(-1, 1) * degrees};
      const double score = score_of(at);
      const Point stored = point_of(score);
      const double metres = distance(centre, stored);
      const auto within = circle.distance_within(stored);
      EXPECT_EQ(within.has_value(), metres <= size) << metres << ' ' << size;
      if (within) {
        ++found;
        EXPECT_EQ(*within, metres);
        EXPECT_TRUE(covered(in_circle, score));
      }
      if (box.distance_within(stored)) {
        EXPECT_TRUE(covered(in_box, score));
      }
    }
    EXPECT_GT(found, 0);
  }
}

TEST(GeoArea, may_be_a_polygon) {
  // An L.
  const Area area = Area::polygon({{0, 0}, {10, 0}, {10, 5}, {5, 5}, {5, 10}, {0, 10}});
  const ScoreSpans spans = area.spans();
  for (const Point inside : {Point{1, 1}, Point{9, 1}, Point{9, 4.9}, Point{4.9, 9}, Point{2, 9.9}}) {
    EXPECT_TRUE(area.distance_within(inside).has_value()) << inside.longitude;
    EXPECT_TRUE(covered(spans, score_of(inside)));
  }
  for (const Point outside : {Point{6, 6}, Point{-1, 1}, Point{11, 1}, Point{1, 11}, Point{9, 5.1}})
    EXPECT_FALSE(area.distance_within(outside).has_value()) << outside.longitude;
  // All around the map.
  const Area all = Area::polygon({{-180, -85}, {180, -85}, {180, 85}, {-180, 85}});
  EXPECT_TRUE(all.distance_within({100, 50}).has_value());
  EXPECT_TRUE(covered(all.spans(), score_of({-179, -84})));
  EXPECT_TRUE(covered(all.spans(), score_of({179, 84})));
}

}  // namespace
}  // namespace stave::types::geo
