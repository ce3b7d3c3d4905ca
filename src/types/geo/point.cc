#include "types/geo/point.h"

#include <algorithm>
#include <cmath>

#include "base/assert.h"

namespace stave::types::geo {

namespace {

constexpr double kLatitudeScale = kLatitudeMax - -kLatitudeMax;
constexpr double kLongitudeScale = kLongitudeMax - -kLongitudeMax;
constexpr std::uint64_t kRowBits = 0x5555555555555555ull;
constexpr std::uint64_t kColumnBits = ~kRowBits;

/// The lower 32 bits with a free place above each.
std::uint64_t spread(std::uint64_t x) noexcept {
  x = (x | x << 16) & 0x0000ffff0000ffffull;
  x = (x | x << 8) & 0x00ff00ff00ff00ffull;
  x = (x | x << 4) & 0x0f0f0f0f0f0f0f0full;
  x = (x | x << 2) & 0x3333333333333333ull;
  return (x | x << 1) & kRowBits;
}
/// Every second bit, together again.
std::uint32_t gather(std::uint64_t x) noexcept {
  x &= kRowBits;
  x = (x | x >> 1) & 0x3333333333333333ull;
  x = (x | x >> 2) & 0x0f0f0f0f0f0f0f0full;
  x = (x | x >> 4) & 0x00ff00ff00ff00ffull;
  x = (x | x >> 8) & 0x0000ffff0000ffffull;
  return static_cast<std::uint32_t>(x | x >> 16);
}

std::uint64_t interleaved(const Point& point, double latitude_min, double latitude_scale, unsigned step) noexcept {
  STAVE_ASSERT(step >= 1 && step <= kStepMax);
  const auto cells = static_cast<double>(std::uint64_t{1} << step);
  const double row = (point.latitude - latitude_min) / latitude_scale * cells;
  const double column = (point.longitude - -kLongitudeMax) / kLongitudeScale * cells;
  return spread(static_cast<std::uint32_t>(row)) | spread(static_cast<std::uint32_t>(column)) << 1;
}

/// Where row or column `number` begins.
double edge(std::uint32_t number, double min, double scale, unsigned step) noexcept {
  return min + static_cast<double>(number) / static_cast<double>(std::uint64_t{1} << step) * scale;
}

/// Adds to the bits of `own` that belong to one direction, as if they were next to each other; the sum is cut to
/// `step` bits.
std::uint64_t moved(std::uint64_t bits, std::uint64_t own, std::uint64_t other, int by, unsigned step) noexcept {
  const std::uint64_t mask = own & ((std::uint64_t{1} << 2 * step) - 1);
  const std::uint64_t gaps = other & ((std::uint64_t{1} << 2 * step) - 1);
  std::uint64_t part = bits & own;
  const std::uint64_t one = own & (~own + 1);
  if (by > 0) {
    part = (part | gaps) + one;  // the gaps hand a carry on
  } else if (by < 0) {
    part -= one;
  }
  return (part & mask) | (bits & other);
}

}  // namespace

Cell cell_of(const Point& point, unsigned step) noexcept {
  STAVE_ASSERT(is_valid(point));
  return {interleaved(point, -kLatitudeMax, kLatitudeScale, step), step};
}

Bounds bounds_of(const Cell& cell) noexcept {
  const std::uint32_t row = gather(cell.bits);
  const std::uint32_t column = gather(cell.bits >> 1);
  // 32 bits, as there: of a score that is no point's, a number may be the last one.
  const std::uint32_t next_row = row + 1;
  const std::uint32_t next_column = column + 1;
  return {
      {edge(column, -kLongitudeMax, kLongitudeScale, cell.step), edge(row, -kLatitudeMax, kLatitudeScale, cell.step)},
      {edge(next_column, -kLongitudeMax, kLongitudeScale, cell.step),
       edge(next_row, -kLatitudeMax, kLatitudeScale, cell.step)}};
}

Cell neighbour(const Cell& cell, int east, int north) noexcept {
  std::uint64_t bits = cell.bits;
  if (east != 0) bits = moved(bits, kColumnBits, kRowBits, east, cell.step);
  if (north != 0) bits = moved(bits, kRowBits, kColumnBits, north, cell.step);
  return {bits, cell.step};
}

double score_of(const Point& point) noexcept {
  return static_cast<double>(cell_of(point, kStepMax).bits);
}

// What a processor of x86-64 makes of such a conversion, in which C++ leaves the rest undefined.
std::uint64_t bits_of_score(double score) noexcept {
  constexpr double kTwoTo63 = 9223372036854775808.0;
  constexpr std::uint64_t kTop = std::uint64_t{1} << 63;
  if (score >= 2 * kTwoTo63) return 0;
  if (score >= kTwoTo63) return static_cast<std::uint64_t>(score - kTwoTo63) ^ kTop;
  if (score < -kTwoTo63) return kTop;
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(score));
}

Point point_of(double score) noexcept {
  const Bounds bounds = bounds_of({bits_of_score(score), kStepMax});
  const double longitude = (bounds.min.longitude + bounds.max.longitude) / 2;
  const double latitude = (bounds.min.latitude + bounds.max.latitude) / 2;
  return {std::clamp(longitude, -kLongitudeMax, kLongitudeMax), std::clamp(latitude, -kLatitudeMax, kLatitudeMax)};
}

double latitude_distance(double a, double b) noexcept {
  return kEarthRadius * std::fabs(b * kDegree - a * kDegree);
}

double distance(const Point& a, const Point& b) noexcept {
  const double v = std::sin((b.longitude * kDegree - a.longitude * kDegree) / 2);
  // On one meridian, where the formula would only lose digits.
  if (v == 0.0) return latitude_distance(a.latitude, b.latitude);
  const double from = a.latitude * kDegree;
  const double to = b.latitude * kDegree;
  const double u = std::sin((to - from) / 2);
  const double h = u * u + std::cos(from) * std::cos(to) * v * v;
  return 2.0 * kEarthRadius * std::asin(std::sqrt(h));
}

std::array<char, 11> geohash_text(const Point& point) noexcept {
  constexpr std::string_view kDigits = "0123456789bcdefghjkmnpqrstuvwxyz";
  constexpr double kPole = 90;
  const std::uint64_t bits = interleaved(point, -kPole, 2 * kPole, kStepMax);
  std::array<char, 11> text;
  for (unsigned i = 0; i < 10; ++i) text[i] = kDigits[bits >> (2 * kStepMax - (i + 1) * 5) & 0x1f];
  text[10] = kDigits[0];  // 52 bits are no more digits
  return text;
}

}  // namespace stave::types::geo
