#include "types/geo/area.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/assert.h"

namespace stave::types::geo {

namespace {

constexpr double kMercatorMax = 20037726.37;

/// So many steps that an area of that reach is covered by a cell and those around it.
unsigned steps_for(double reach, double latitude) noexcept {
  if (reach == 0) return kStepMax;
  int step = 1;
  for (; reach < kMercatorMax; reach *= 2) ++step;
  step -= 2;
  // Towards the poles the columns are narrower.
  if (latitude > 66 || latitude < -66) {
    --step;
    if (latitude > 80 || latitude < -80) --step;
  }
  return static_cast<unsigned>(std::clamp(step, 1, static_cast<int>(kStepMax)));
}

/// Whether the cells around one reach beyond the bounds.
bool cover(const Cell& cell, const Bounds& bounds) noexcept {
  return !(bounds_of(neighbour(cell, 0, 1)).max.latitude < bounds.max.latitude ||
           bounds_of(neighbour(cell, 0, -1)).min.latitude > bounds.min.latitude ||
           bounds_of(neighbour(cell, 1, 0)).max.longitude < bounds.max.longitude ||
           bounds_of(neighbour(cell, -1, 0)).min.longitude > bounds.min.longitude);
}

ScoreSpan span_of(const Cell& cell) noexcept {
  const unsigned shift = 2 * (kStepMax - cell.step);
  return {static_cast<double>(cell.bits << shift), static_cast<double>((cell.bits + 1) << shift)};
}

}  // namespace

void join(ScoreSpans& spans) noexcept {
  std::sort(spans.begin(), spans.end(), [](const ScoreSpan& a, const ScoreSpan& b) { return a.from < b.from; });
  std::size_t kept = 0;
  for (const ScoreSpan& span : spans) {
    if (kept > 0 && spans[kept - 1].to == span.from) {
      spans[kept - 1].to = span.to;
    } else {
      spans[kept++] = span;
    }
  }
  spans.resize(kept);
}

Area Area::circle(const Point& centre, double radius) {
  Area area(Shape::kCircle, centre);
  area.width_ = area.height_ = radius;
  area.find_bounds();
  // A little more than is right: what is left is measured.
  constexpr double kSlack = 1e-9;
  const double angle = radius / kEarthRadius;
  area.latitude_reach_ = angle / kDegree * (1 + kSlack) + kSlack;
  const double sine = std::sin(std::min(angle, 1.5)) / std::cos(centre.latitude * kDegree);
  area.longitude_reach_ =
      angle < 1.5 && sine < 1 ? std::asin(sine) / kDegree * (1 + kSlack) + kSlack : 2 * kLongitudeMax;
  return area;
}

Area Area::box(const Point& centre, double width, double height) {
  Area area(Shape::kBox, centre);
  area.width_ = width;
  area.height_ = height;
  area.find_bounds();
  return area;
}

Area Area::polygon(std::vector<Point> corners) {
  STAVE_ASSERT(corners.size() >= 3);
  Bounds bounds{{kLongitudeMax, kLatitudeMax}, {-kLongitudeMax, -kLatitudeMax}};
  double x = 0;
  double y = 0;
  double z = 0;
  for (const Point& corner : corners) {
    bounds.min.longitude = std::min(bounds.min.longitude, corner.longitude);
    bounds.min.latitude = std::min(bounds.min.latitude, corner.latitude);
    bounds.max.longitude = std::max(bounds.max.longitude, corner.longitude);
    bounds.max.latitude = std::max(bounds.max.latitude, corner.latitude);
    const double longitude = corner.longitude * kDegree;
    const double latitude = corner.latitude * kDegree;
    x += kEarthRadius * std::cos(latitude) * std::cos(longitude);
    y += kEarthRadius * std::cos(latitude) * std::sin(longitude);
    z += kEarthRadius * std::sin(latitude);
  }
  const auto count = static_cast<double>(corners.size());
  x /= count;
  y /= count;
  z /= count;
  const Point mean{std::atan2(y, x) / kDegree, std::atan2(z, std::sqrt(x * x + y * y)) / kDegree};
  Area area(Shape::kPolygon, mean);
  // Rounding, or corners all around a pole, may put it a little beyond the map.
  // The easternmost meridian is beyond the last column.
  area.centre_.longitude = std::clamp(mean.longitude, -kLongitudeMax, kLongitudeMax - 1e-9);
  area.centre_.latitude = std::clamp(mean.latitude, -kLatitudeMax, kLatitudeMax);
  area.corners_ = std::move(corners);
  area.bounds_ = bounds;
  return area;
}

/// The upper and the lower edge of an area as wide as that differ in degrees: the one nearer to a pole counts.
void Area::find_bounds() noexcept {
  const double half = shape_ == Shape::kCircle ? 1 : 2;
  const double height = height_ / half / kEarthRadius / kDegree;
  const double top = width_ / half / kEarthRadius / std::cos((centre_.latitude + height) * kDegree) / kDegree;
  const double bottom = width_ / half / kEarthRadius / std::cos((centre_.latitude - height) * kDegree) / kDegree;
  const double width = centre_.latitude < 0 ? bottom : top;
  bounds_ = {{centre_.longitude - width, centre_.latitude - height},
             {centre_.longitude + width, centre_.latitude + height}};
}

/// How far from the centre a point of the area can be.
double Area::reach() const noexcept {
  switch (shape_) {
    case Shape::kCircle: return width_;
    case Shape::kBox: return std::sqrt((width_ / 2) * (width_ / 2) + (height_ / 2) * (height_ / 2));
    case Shape::kPolygon: break;
  }
  double farthest = 0;
  for (const double longitude : {bounds_.min.longitude, bounds_.max.longitude})
    for (const double latitude : {bounds_.min.latitude, bounds_.max.latitude})
      farthest = std::max(farthest, distance(centre_, {longitude, latitude}));
  return farthest;
}

ScoreSpans Area::spans() const noexcept {
  unsigned steps = steps_for(reach(), centre_.latitude);
  Cell cell = cell_of(centre_, steps);
  // One step less is what Redis tries, and what a circle or a box needs at most; a polygon gets what it needs.
  for (int tries = shape_ == Shape::kPolygon ? static_cast<int>(kStepMax) : 1;
       tries > 0 && steps > 1 && !cover(cell, bounds_); --tries)
    cell = cell_of(centre_, --steps);
  struct Direction {
    int east;
    int north;
  };
  constexpr Direction kAround[] = {{0, 0}, {0, 1}, {0, -1}, {1, 0}, {-1, 0}, {1, 1}, {-1, 1}, {1, -1}, {-1, -1}};
  const Bounds own = bounds_of(cell);
  const auto needed = [&](const Direction& to) {
    if (steps < 2) return true;
    if (to.north < 0 && own.min.latitude < bounds_.min.latitude) return false;
    if (to.north > 0 && own.max.latitude > bounds_.max.latitude) return false;
    if (to.east < 0 && own.min.longitude < bounds_.min.longitude) return false;
    return !(to.east > 0 && own.max.longitude > bounds_.max.longitude);
  };
  ScoreSpans spans;
  for (const Direction& to : kAround) {
    if (!needed(to)) continue;
    const ScoreSpan span = span_of(neighbour(cell, to.east, to.north));
    // On a map of two by two the same cell lies on both sides.
    if (std::none_of(spans.begin(), spans.end(), [&](const ScoreSpan& other) { return other.from == span.from; }))
      spans.push_back(span);
  }
  return spans;
}

bool Area::far_away(const Point& point) const noexcept {
  if (std::fabs(point.latitude - centre_.latitude) > latitude_reach_) return true;
  const double east = std::fabs(point.longitude - centre_.longitude);
  return std::min(east, 2 * kLongitudeMax - east) > longitude_reach_;
}

/// Whether a ray from the point crosses the outline an odd number of times (Franklin's PNPOLY).
bool Area::in_polygon(const Point& point) const noexcept {
  bool inside = false;
  for (std::size_t i = 0, j = corners_.size() - 1; i < corners_.size(); j = i++) {
    const Point& a = corners_[i];
    const Point& b = corners_[j];
    if ((a.latitude > point.latitude) == (b.latitude > point.latitude)) continue;
    const double crossing =
        (b.longitude - a.longitude) * (point.latitude - a.latitude) / (b.latitude - a.latitude) + a.longitude;
    if (point.longitude < crossing) inside = !inside;
  }
  return inside;
}

std::optional<double> Area::distance_within(const Point& point) const noexcept {
  switch (shape_) {
    case Shape::kCircle: {
      if (far_away(point)) return std::nullopt;
      const double metres = distance(centre_, point);
      return metres > width_ ? std::nullopt : std::optional(metres);
    }
    case Shape::kBox:
      if (latitude_distance(point.latitude, centre_.latitude) > height_ / 2) return std::nullopt;
      if (distance(point, {centre_.longitude, point.latitude}) > width_ / 2) return std::nullopt;
      break;
    case Shape::kPolygon:
      if (!in_polygon(point)) return std::nullopt;
      break;
  }
  return distance(centre_, point);
}

}  // namespace stave::types::geo
