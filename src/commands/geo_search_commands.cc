#include "commands/geo_search_commands.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/try.h"
#include "commands/arguments.h"
#include "commands/collection.h"
#include "commands/geo_arguments.h"
#include "types/geo/area.h"
#include "types/string/number.h"

namespace stave::commands {

using store::KeyRef;
using store::SortedSet;
using types::geo::Area;
using GeoPoint = types::geo::Point;
using types::sorted_set::Element;
using SortedSetReader = types::sorted_set::Reader;

namespace {

/// What a command's name says.
struct SearchForm {
  enum class From : std::uint8_t { kPoint, kMember, kOptions };
  From from = From::kOptions;
  std::size_t source = 1;  ///< The argument that is the sorted set.
  bool may_store = false;  ///< With STORE and STOREDIST, which name a key.
  bool stores = false;     ///< Always, to its first argument.
};

enum class Order : std::uint8_t { kNone, kNearest, kFarthest };

/// A call, understood.
struct AreaSearch {
  std::optional<Area> area;  ///< None: there is no such set.
  double unit = 1;
  Order order = Order::kNone;
  std::size_t count = 0;  ///< 0: all.
  bool any = false;
  bool with_distance = false;
  bool with_score = false;
  bool with_place = false;
  bool store_distance = false;

  [[nodiscard]] bool with_something() const noexcept { return with_distance || with_score || with_place; }
};

/// Understands the arguments, which takes the set: a member's place is looked up where it is named, so that of several
/// errors the first one is answered.
class SearchParser {
 public:
  SearchParser(const Call& call, const SearchForm& form, const SortedSetReader* set) noexcept
      : call_(call), form_(form), set_(set) {}
  Result<AreaSearch> parse();

 private:
  Result<std::size_t> parse_base();
  Result<bool> parse_order(std::size_t& i);
  Result<bool> parse_centre(std::size_t& i);
  Result<bool> parse_shape(std::size_t& i);
  Result<void> parse_polygon(std::size_t& i);
  Result<void> parse_radius(std::size_t i);
  Result<GeoPoint> place_of(std::size_t i) const;
  Result<void> check(bool stored) const;
  /// Whether argument `i` is this word and so many others follow it.
  [[nodiscard]] bool is(std::size_t i, std::string_view word, std::size_t followed) const {
    return call_.size() - i > followed && call_.is(i, word);
  }

  enum class Shape : std::uint8_t { kNone, kCircle, kBox, kPolygon };
  const Call& call_;
  const SearchForm& form_;
  const SortedSetReader* set_;
  AreaSearch search_;
  Shape shape_ = Shape::kNone;
  bool from_member_ = false;
  bool from_point_ = false;
  GeoPoint centre_;
  double width_ = 0;  ///< Or the radius.
  double height_ = 0;
  std::vector<GeoPoint> corners_;
};

Result<GeoPoint> SearchParser::place_of(std::size_t i) const {
  STAVE_ASSERT(set_ != nullptr);
  const auto score = set_->score(call_[i]);
  if (!score) return answer_error("ERR could not decode requested zset member");
  return types::geo::point_of(*score);
}

/// Arguments `i` and the next.
Result<void> SearchParser::parse_radius(std::size_t i) {
  STAVE_ASSIGN(width_, length_argument(call_, i, "ERR need numeric radius"));
  if (width_ < 0) return answer_error("ERR radius cannot be negative");
  STAVE_ASSIGN(search_.unit, unit_argument(call_, i + 1));
  shape_ = Shape::kCircle;
  return {};
}

/// What stands before the options; returns where those begin.
Result<std::size_t> SearchParser::parse_base() {
  switch (form_.from) {
    case SearchForm::From::kOptions: break;
    case SearchForm::From::kPoint: {
      STAVE_ASSIGN(centre_, point_argument(call_, 2));
      STAVE_TRY(parse_radius(4));
      return 6;
    }
    case SearchForm::From::kMember: {
      // Without a set it does not matter what the rest says.
      if (set_ == nullptr) return 5;
      STAVE_ASSIGN(centre_, place_of(2));
      STAVE_TRY(parse_radius(3));
      return 5;
    }
  }
  return form_.source + 1;
}

Result<bool> SearchParser::parse_order(std::size_t& i) {
  if (is(i, "WITHDIST", 0)) {
    search_.with_distance = true;
  } else if (is(i, "WITHHASH", 0)) {
    search_.with_score = true;
  } else if (is(i, "WITHCOORD", 0)) {
    search_.with_place = true;
  } else if (is(i, "ANY", 0)) {
    search_.any = true;
  } else if (is(i, "ASC", 0)) {
    search_.order = Order::kNearest;
  } else if (is(i, "DESC", 0)) {
    search_.order = Order::kFarthest;
  } else if (is(i, "COUNT", 1)) {
    STAVE_ASSIGN(const std::int64_t count, integer_argument(call_, i + 1));
    if (count <= 0) return answer_error("ERR COUNT must be > 0");
    search_.count = static_cast<std::size_t>(count);
    ++i;
  } else {
    return false;
  }
  ++i;
  return true;
}

Result<bool> SearchParser::parse_centre(std::size_t& i) {
  if (shape_ == Shape::kPolygon) return false;
  if (!from_point_ && is(i, "FROMMEMBER", 1)) {
    if (set_ != nullptr) {
      STAVE_ASSIGN(centre_, place_of(i + 1));
    }
    from_member_ = true;
    i += 2;
    return true;
  }
  if (from_member_ || !is(i, "FROMLONLAT", 2)) return false;
  STAVE_ASSIGN(centre_, point_argument(call_, i + 1));
  from_point_ = true;
  i += 3;
  return true;
}

Result<void> SearchParser::parse_polygon(std::size_t& i) {
  const auto corners = types::parse_integer(call_[i + 1]);
  if (!corners) return answer_error("ERR invalid number of vertices");
  const std::size_t room = (call_.size() - i - 2) / 2;
  if (*corners < 3 || static_cast<std::uint64_t>(*corners) > room)
    return answer_error("ERR GEOSEARCH BYPOLYGON must have at least 3 vertices");
  corners_.reserve(static_cast<std::size_t>(*corners));
  i += 2;
  for (std::int64_t n = 0; n < *corners; ++n, i += 2) {
    STAVE_ASSIGN(const GeoPoint corner, point_argument(call_, i));
    corners_.push_back(corner);
  }
  shape_ = Shape::kPolygon;
  search_.unit = 1;
  return {};
}

Result<bool> SearchParser::parse_shape(std::size_t& i) {
  if ((shape_ == Shape::kNone || shape_ == Shape::kCircle) && is(i, "BYRADIUS", 2)) {
    STAVE_TRY(parse_radius(i + 1));
    i += 3;
    return true;
  }
  if ((shape_ == Shape::kNone || shape_ == Shape::kBox) && is(i, "BYBOX", 3)) {
    STAVE_ASSIGN(width_, length_argument(call_, i + 1, "ERR need numeric width"));
    STAVE_ASSIGN(height_, length_argument(call_, i + 2, "ERR need numeric height"));
    if (width_ < 0 || height_ < 0) return answer_error("ERR height or width cannot be negative");
    STAVE_ASSIGN(search_.unit, unit_argument(call_, i + 3));
    shape_ = Shape::kBox;
    i += 4;
    return true;
  }
  if (shape_ == Shape::kNone && !from_member_ && !from_point_ && is(i, "BYPOLYGON", 2)) {
    STAVE_TRY(parse_polygon(i));
    return true;
  }
  return false;
}

Result<void> SearchParser::check(bool stored) const {
  if (stored && search_.with_something())
    return answer_error(std::string("ERR ") + (form_.stores ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS") +
                        " is not compatible with WITHDIST, WITHHASH and WITHCOORD options");
  if (form_.from == SearchForm::From::kOptions) {
    if (!from_member_ && !from_point_ && shape_ != Shape::kPolygon)
      return answer_error("ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for " + quoted(call_[0]));
    if (shape_ == Shape::kNone)
      return answer_error("ERR exactly one of BYRADIUS, BYBOX and BYPOLYGON can be specified for " + quoted(call_[0]));
  }
  if (search_.any && search_.count == 0) return answer_error("ERR the ANY argument requires COUNT argument");
  return {};
}

Result<AreaSearch> SearchParser::parse() {
  STAVE_ASSIGN(std::size_t i, parse_base());
  bool stored = form_.stores;
  while (i < call_.size()) {
    STAVE_ASSIGN(bool taken, parse_order(i));
    if (!taken && form_.may_store && (is(i, "STORE", 1) || is(i, "STOREDIST", 1))) {
      search_.store_distance = call_.is(i, "STOREDIST");
      stored = taken = true;
      i += 2;
    }
    if (!taken && form_.stores && is(i, "STOREDIST", 0)) {
      search_.store_distance = taken = true;
      ++i;
    }
    if (!taken && form_.from == SearchForm::From::kOptions) {
      STAVE_ASSIGN(taken, parse_centre(i));
    }
    if (!taken && form_.from == SearchForm::From::kOptions) {
      STAVE_ASSIGN(taken, parse_shape(i));
    }
    if (!taken) return syntax_error();
  }
  STAVE_TRY(check(stored));
  if (set_ == nullptr) return std::move(search_);
  // Some of them must be the nearest, unless any will do.
  if (search_.count != 0 && search_.order == Order::kNone && !search_.any) search_.order = Order::kNearest;
  switch (shape_) {
    case Shape::kNone: STAVE_ASSERT(false && "a search without an area"); break;
    case Shape::kCircle: search_.area = Area::circle(centre_, width_ * search_.unit); break;
    case Shape::kBox: search_.area = Area::box(centre_, width_ * search_.unit, height_ * search_.unit); break;
    case Shape::kPolygon: search_.area = Area::polygon(std::move(corners_)); break;
  }
  return std::move(search_);
}

/// A member that was found. Its bytes lie with those of the others.
struct Found {
  GeoPoint place;
  double distance = 0;
  double score = 0;
  std::size_t at = 0;
  std::size_t size = 0;
};

class Findings {
 public:
  void search(const SortedSetReader& set, const AreaSearch& search) {
    const std::size_t limit = search.any ? search.count : 0;
    const auto full = [&] { return limit != 0 && found_.size() >= limit; };
    auto spans = search.area->spans();
    // What is put in order anyway may be found in any.
    if (search.order != Order::kNone && !search.any) types::geo::join(spans);
    for (const auto& span : spans) {
      if (full()) break;
      set.visit(set.count_below(span.from, false), set.size(), [&](const Element& element) {
        if (element.score >= span.to) return false;
        const GeoPoint place = types::geo::point_of(element.score);
        if (const auto distance = search.area->distance_within(place)) {
          found_.push_back({place, *distance / search.unit, element.score, members_.size(), element.member.size()});
          members_.append(element.member);
        }
        return !full();
      });
    }
    arrange(search);
  }

  [[nodiscard]] std::size_t size() const noexcept { return found_.size(); }
  void answer(Sink& reply, const AreaSearch& search) const {
    const std::size_t parts =
        std::size_t{1} + (search.with_distance ? 1 : 0) + (search.with_score ? 1 : 0) + (search.with_place ? 1 : 0);
    reply.array(found_.size());
    for (const Found& found : found_) {
      if (parts > 1) reply.array(parts);
      reply.bulk(member(found));
      if (search.with_distance) answer_distance(reply, found.distance);
      if (search.with_score) reply.integer(static_cast<std::int64_t>(types::geo::bits_of_score(found.score)));
      if (search.with_place) answer_point(reply, found.place);
    }
  }
  /// Each member once, so that in their order they are appended.
  void put_into(types::sorted_set::Compact& set, bool distances) const {
    std::vector<std::pair<double, std::string_view>> elements;
    elements.reserve(found_.size());
    for (const Found& found : found_) elements.emplace_back(distances ? found.distance : found.score, member(found));
    std::ranges::sort(elements);
    for (const auto& [score, name] : elements) set.append(name, score);
  }

 private:
  [[nodiscard]] std::string_view member(const Found& found) const noexcept {
    return std::string_view(members_).substr(found.at, found.size);
  }
  void arrange(const AreaSearch& search) {
    const bool cut = search.count != 0 && search.count < found_.size();
    const auto middle = found_.begin() + static_cast<std::ptrdiff_t>(cut ? search.count : found_.size());
    const auto sort = [&](auto&& before) {
      if (cut) std::nth_element(found_.begin(), middle, found_.end(), before);
      std::sort(found_.begin(), middle, before);
    };
    // Those of one distance stay in the order in which they were found.
    if (search.order == Order::kNearest) {
      sort([](const Found& a, const Found& b) {
        return a.distance != b.distance ? a.distance < b.distance : a.at < b.at;
      });
    } else if (search.order == Order::kFarthest) {
      sort([](const Found& a, const Found& b) {
        return a.distance != b.distance ? a.distance > b.distance : a.at < b.at;
      });
    }
    found_.erase(middle, found_.end());
  }

  std::vector<Found> found_;
  std::string members_;
};

/// The argument that names where GEORADIUS stores; nullopt: it does not.
std::optional<std::size_t> store_argument(const Call& call, std::size_t first) {
  std::optional<std::size_t> found;
  for (std::size_t i = first; i + 1 < call.size(); ++i) {
    const bool store = call.is(i, "STORE") || call.is(i, "STOREDIST");
    if (!store && !call.is(i, "COUNT")) continue;
    ++i;
    if (store) found = i;
  }
  return found;
}

Result<void> answer_search(Call& call, const SearchForm& form) {
  AreaSearch search;
  Findings findings;
  STAVE_TRY(look_at<SortedSet>(call, form.source, [&](const SortedSetReader* set) -> Result<void> {
    STAVE_ASSIGN(search, SearchParser(call, form, set).parse());
    if (set != nullptr) findings.search(*set, search);
    return {};
  }));
  findings.answer(call.reply(), search);
  return {};
}

Result<void> store_search(Call& call, const SearchForm& form, std::size_t destination) {
  const std::array<KeyRef, 2> keys = {call.key(destination), call.key(form.source)};
  Part part(call.session(), keys);
  SortedSet::Compact result;
  {
    STAVE_ASSIGN(const auto source, store::open_collection<SortedSet>(part, keys[1]));
    const SortedSetReader* const set = source.existed() ? &source.reader() : nullptr;
    STAVE_ASSIGN(const AreaSearch search, SearchParser(call, form, set).parse());
    Findings findings;
    if (set != nullptr) findings.search(*set, search);
    findings.put_into(result, search.store_distance);
    STAVE_TRY(source.whole());
  }
  const std::uint64_t size = result.size();
  STAVE_TRY(store::put_collection<SortedSet>(part, keys[0], result));
  STAVE_TRY(call.commit(part));
  call.reply().integer(static_cast<std::int64_t>(size));
  return {};
}

Result<void> search_around(Call& call, SearchForm::From from, bool may_store) {
  const SearchForm form{.from = from, .may_store = may_store};
  if (may_store)
    if (const auto destination = store_argument(call, from == SearchForm::From::kPoint ? 6 : 5))
      return store_search(call, form, *destination);
  return answer_search(call, form);
}

}  // namespace

Result<void> georadius_command(Call& call) {
  return search_around(call, SearchForm::From::kPoint, true);
}
Result<void> georadius_ro_command(Call& call) {
  return search_around(call, SearchForm::From::kPoint, false);
}
Result<void> georadiusbymember_command(Call& call) {
  return search_around(call, SearchForm::From::kMember, true);
}
Result<void> georadiusbymember_ro_command(Call& call) {
  return search_around(call, SearchForm::From::kMember, false);
}
Result<void> geosearch_command(Call& call) {
  return answer_search(call, {});
}
Result<void> geosearchstore_command(Call& call) {
  return store_search(call, {.source = 2, .stores = true}, 1);
}

}  // namespace stave::commands
