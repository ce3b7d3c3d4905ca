// Areas on the earth: what lies in one, and which cells of the map have to be looked through for it.
//
// Promises: the same points as Redis and Valkey find, in the same order of cells. Must not know: sets, commands.
// Threads: any.
#pragma once

#include <boost/container/static_vector.hpp>
#include <cstdint>
#include <optional>
#include <vector>

#include "types/geo/point.h"

namespace stave::types::geo {

/// Scores from `from` on, below `to`.
struct ScoreSpan {
  double from = 0;
  double to = 0;
};
using ScoreSpans = boost::container::static_vector<ScoreSpan, 9>;
/// Puts them in order, and those that follow one another together.
void join(ScoreSpans& spans) noexcept;

class Area {
 public:
  /// Metres. Not negative.
  static Area circle(const Point& centre, double radius);
  static Area box(const Point& centre, double width, double height);
  /// At least three corners. Its centre is the mean of theirs.
  static Area polygon(std::vector<Point> corners);

  /// The distance from the centre, of a point that lies in the area.
  [[nodiscard]] std::optional<double> distance_within(const Point& point) const noexcept;
  /// Where in the order of scores all points of the area lie. Cost: constant.
  [[nodiscard]] ScoreSpans spans() const noexcept;

 private:
  enum class Shape : std::uint8_t { kCircle, kBox, kPolygon };
  Area(Shape shape, const Point& centre) noexcept : shape_(shape), centre_(centre) {}
  void find_bounds() noexcept;
  [[nodiscard]] double reach() const noexcept;
  [[nodiscard]] bool far_away(const Point& point) const noexcept;
  [[nodiscard]] bool in_polygon(const Point& point) const noexcept;

  Shape shape_;
  Point centre_;
  double width_ = 0;  ///< Or the radius.
  double height_ = 0;
  std::vector<Point> corners_;
  Bounds bounds_;
  /// Of a circle: beyond so many degrees a point need not be asked for its distance.
  double longitude_reach_ = 0;
  double latitude_reach_ = 0;
};

}  // namespace stave::types::geo
