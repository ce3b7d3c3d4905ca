#include "commands/geo_commands.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/try.h"
#include "commands/collection.h"
#include "commands/geo_arguments.h"

namespace stave::commands {

using store::SortedSet;
using GeoPoint = types::geo::Point;
using SortedSetReader = types::sorted_set::Reader;

namespace {

struct GeoAddOptions {
  bool only_new = false;
  bool only_present = false;
  bool count_changed = false;
  std::size_t first = 2;  ///< The argument with the first longitude.
};

Result<GeoAddOptions> parse_geo_add(const Call& call) {
  GeoAddOptions options;
  std::size_t& i = options.first;
  for (; i < call.size(); ++i) {
    if (call.is(i, "NX")) {
      options.only_new = true;
    } else if (call.is(i, "XX")) {
      options.only_present = true;
    } else if (call.is(i, "CH")) {
      options.count_changed = true;
    } else {
      break;
    }
  }
  const std::size_t rest = call.size() - i;
  if (rest == 0 || rest % 3 != 0 || (options.only_new && options.only_present)) return syntax_error();
  return options;
}

/// The places of the members from argument 2 on; nullopt for one that is not there.
Result<std::vector<std::optional<GeoPoint>>> places(Call& call) {
  std::vector<std::optional<GeoPoint>> found(call.size() - 2);
  STAVE_TRY(look_at<SortedSet>(call, 1, [&](const SortedSetReader* set) -> Result<void> {
    if (set == nullptr) return {};
    for (std::size_t i = 0; i < found.size(); ++i)
      if (const auto score = set->score(call[2 + i])) found[i] = types::geo::point_of(*score);
    return {};
  }));
  return found;
}

}  // namespace

Result<void> geoadd_command(Call& call) {
  STAVE_ASSIGN(const GeoAddOptions options, parse_geo_add(call));
  std::vector<double> scores;
  scores.reserve((call.size() - options.first) / 3);
  for (std::size_t i = options.first; i < call.size(); i += 3) {
    STAVE_ASSIGN(const GeoPoint point, point_argument(call, i));
    scores.push_back(types::geo::score_of(point));
  }
  std::int64_t added = 0;
  std::int64_t changed = 0;
  const auto change = [&](store::Opened<SortedSet>& opened) -> Result<void> {
    added = changed = 0;
    for (std::size_t i = 0; i < scores.size(); ++i) {
      auto& set = opened.growing_editor();
      const std::string_view member = call[options.first + 3 * i + 2];
      const auto old = set.score(member);
      if ((old ? options.only_new : options.only_present) || old == scores[i]) continue;
      set.set(member, scores[i]);
      ++(old ? changed : added);
    }
    return {};
  };
  STAVE_TRY(change_collection<SortedSet>(call, 1, change));
  call.reply().integer(added + (options.count_changed ? changed : 0));
  return {};
}

Result<void> geodist_command(Call& call) {
  double unit = 1;
  if (call.size() > 5) return syntax_error();
  if (call.size() == 5) {
    STAVE_ASSIGN(unit, unit_argument(call, 4));
  }
  std::array<std::optional<double>, 2> scores;
  STAVE_TRY(look_at<SortedSet>(call, 1, [&](const SortedSetReader* set) -> Result<void> {
    if (set == nullptr) return {};
    scores = {set->score(call[2]), set->score(call[3])};
    return {};
  }));
  if (!scores[0] || !scores[1]) {
    call.reply().null();
    return {};
  }
  const double metres = types::geo::distance(types::geo::point_of(*scores[0]), types::geo::point_of(*scores[1]));
  answer_distance(call.reply(), metres / unit);
  return {};
}

Result<void> geohash_command(Call& call) {
  STAVE_ASSIGN(const auto found, places(call));
  Sink& reply = call.reply();
  reply.array(found.size());
  for (const auto& place : found) {
    if (place) {
      const auto text = types::geo::geohash_text(*place);
      reply.bulk({text.data(), text.size()});
    } else {
      reply.null();
    }
  }
  return {};
}

Result<void> geopos_command(Call& call) {
  STAVE_ASSIGN(const auto found, places(call));
  Sink& reply = call.reply();
  reply.array(found.size());
  for (const auto& place : found) {
    if (place) {
      answer_point(reply, *place);
    } else {
      reply.null_array();
    }
  }
  return {};
}

}  // namespace stave::commands
