// Places on the earth as scores of a sorted set: longitude and latitude, 26 bits each, their bits taking turns.
//
// The cells, the constants and the order of every operation on doubles are those of Redis, so that scores, coordinates
// and distances are the same to the last digit. The earth is a sphere here (radius 6372797.560856 m), distances are the
// haversine formula's. Must not know: sets, commands. Threads: any.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace stave::types::geo {

/// Degrees.
struct Point {
  double longitude = 0;
  double latitude = 0;
};
inline constexpr double kLongitudeMax = 180;
inline constexpr double kLatitudeMax = 85.05112878;  ///< EPSG:3857: where a map as wide as high ends.
inline constexpr double kEarthRadius = 6372797.560856;
inline constexpr double kDegree = 3.14159265358979323846 / 180.0;

/// Whether the point can be encoded; not a NaN either.
[[nodiscard]] constexpr bool is_valid(const Point& point) noexcept {
  return point.longitude >= -kLongitudeMax && point.longitude <= kLongitudeMax && point.latitude >= -kLatitudeMax &&
         point.latitude <= kLatitudeMax;
}

/// A part of the map: of 2^step columns and as many rows, the one whose numbers' bits take turns in `bits`, the row's
/// lowest bit first.
struct Cell {
  std::uint64_t bits = 0;
  unsigned step = 0;
};
inline constexpr unsigned kStepMax = 26;

struct Bounds {
  Point min;
  Point max;
};

/// The cell that a valid point lies in; `step` is 1 to kStepMax.
[[nodiscard]] Cell cell_of(const Point& point, unsigned step) noexcept;
[[nodiscard]] Bounds bounds_of(const Cell& cell) noexcept;
/// The cell so many columns to the east and rows to the north; beyond an edge, the one at the opposite edge.
[[nodiscard]] Cell neighbour(const Cell& cell, int east, int north) noexcept;

/// The score of a valid point, a whole number; and the middle of the smallest cell that a score means. Any score means
/// one, if only by the bits that are left of it.
[[nodiscard]] double score_of(const Point& point) noexcept;
[[nodiscard]] std::uint64_t bits_of_score(double score) noexcept;
[[nodiscard]] Point point_of(double score) noexcept;

/// Metres.
[[nodiscard]] double distance(const Point& a, const Point& b) noexcept;
/// Metres along a meridian.
[[nodiscard]] double latitude_distance(double a, double b) noexcept;

/// The standard geohash of a point, 11 characters, of which the last is always '0'.
[[nodiscard]] std::array<char, 11> geohash_text(const Point& point) noexcept;

}  // namespace stave::types::geo
