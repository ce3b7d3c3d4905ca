// /db/{key}/scores: the members of a sorted set with their scores: by rank, by score, and one by one.
#include <algorithm>
#include <cmath>
#include <limits>

#include "doors/http/collections.h"
#include "doors/http/handlers.h"

namespace stave::http {

using store::SortedSet;
using types::sorted_set::Element;
namespace json = boost::json;

namespace {

Outcomes<bool> descending(const Exchange& exchange) {
  const std::string* const order = exchange.param("order");
  if (order == nullptr || *order == "asc") return false;
  if (*order == "desc") return true;
  return std::unexpected(bad_parameter("order must be asc or desc"));
}

/// A bound of a range of scores: `1.5`, `(1.5` without the score itself, `-inf`, `inf`.
struct Bound {
  double score;
  bool without = false;
};
Outcomes<Bound> bound_of(const Exchange& exchange, std::string_view name, double initial) {
  const std::string* const text = exchange.param(name);
  if (text == nullptr) return Bound{.score = initial};
  const bool without = text->starts_with('(');
  const auto score = score_of(std::string_view(*text).substr(without ? 1 : 0));
  if (!score) return std::unexpected(bad_parameter(std::string(name) + " must be a score: 1.5, (1.5, -inf or inf"));
  return Bound{.score = *score, .without = without};
}

/// Which of them, in which order.
struct ScoresWish {
  Bound min{};
  Bound max{};
  std::uint64_t offset = 0;
  std::size_t limit = 0;
  bool descending = false;
};
Outcomes<ScoresWish> scores_wish(const Exchange& exchange) {
  const auto way = descending(exchange);
  if (!way) return std::unexpected(way.error());
  const auto page = page_wish(exchange, kElementsInitial);
  if (!page) return std::unexpected(page.error());
  const auto min = bound_of(exchange, "min", -std::numeric_limits<double>::infinity());
  if (!min) return std::unexpected(min.error());
  const auto max = bound_of(exchange, "max", std::numeric_limits<double>::infinity());
  if (!max) return std::unexpected(max.error());
  ScoresWish wish{.min = *min, .max = *max, .limit = page->limit, .descending = *way};
  if (const std::string* text = exchange.param("offset")) {
    const auto offset = types::parse_unsigned(*text);
    if (!offset) return std::unexpected(bad_parameter("offset must be a number, from 0"));
    wish.offset = *offset;
  }
  return wish;
}

/// The ranks of a range, and how many there are in all of it.
struct Ranks {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::uint64_t of = 0;
};
Ranks ranks_of(const types::sorted_set::Reader& set, const ScoresWish& wish) {
  const std::uint64_t from = set.count_below(wish.min.score, wish.min.without);
  const std::uint64_t to = std::max(from, set.count_below(wish.max.score, !wish.max.without));
  const std::uint64_t skipped = std::min(wish.offset, to - from);
  const std::uint64_t shown = std::min<std::uint64_t>(wish.limit, to - from - skipped);
  if (wish.descending) return {.from = to - skipped - shown, .to = to - skipped, .of = to - from};
  return {.from = from + skipped, .to = from + skipped + shown, .of = to - from};
}

Problem bad_score() {
  return bad_document("a score is a number, \"inf\" or \"-inf\"");
}

/// What a PUT sends: a number, or {"score": 5}.
Outcomes<double> read_score(std::string_view text) {
  auto document = parse_document(text);
  if (!document) return std::unexpected(std::move(document.error()));
  const json::object* const object = document->if_object();
  const json::value* const value = object == nullptr ? &*document : object->if_contains("score");
  if (value == nullptr || (object != nullptr && object->size() != 1)) return std::unexpected(bad_score());
  const auto score = score_of(*value);
  if (!score) return std::unexpected(bad_score());
  return *score;
}

struct ScorePatch {
  std::string member;
  std::optional<double> score;  ///< None: it is to go.
};
Outcomes<std::vector<ScorePatch>> read_score_patch(std::string_view text) {
  auto document = parse_document(text);
  if (!document) return std::unexpected(std::move(document.error()));
  const json::object* const object = document->if_object();
  if (object == nullptr) return std::unexpected(bad_document("a patch is an object: {\"alice\": 310, \"bob\": null}"));
  std::vector<ScorePatch> patches;
  patches.reserve(object->size());
  for (const auto& member : *object) {
    ScorePatch patch{.member = std::string(member.key().data(), member.key().size()), .score = std::nullopt};
    if (!member.value().is_null() && !(patch.score = score_of(member.value()))) return std::unexpected(bad_score());
    patches.push_back(std::move(patch));
  }
  return patches;
}

}  // namespace

Response list_scores(Exchange& exchange) {
  const auto wish = scores_wish(exchange);
  if (!wish) return answer_problem(wish.error());
  const auto write = [wish = *wish](const CopiedCollection& collection, Draft& out, Response&) {
    const types::sorted_set::Reader& set = *collection.as<SortedSet>();
    const Ranks ranks = ranks_of(set, wish);
    bool first = true;
    const auto show = [&](const Element& element) {
      out.text(std::exchange(first, false) ? "" : ",");
      draft_pair(element, out);
      return out.good();
    };
    out.text("{\"scores\":[");
    if (wish.descending) {
      set.visit_backwards(ranks.from, ranks.to, show);
    } else {
      set.visit(ranks.from, ranks.to, show);
    }
    out.text("],\"matching\":" + std::to_string(ranks.of) + ",\"size\":" + std::to_string(set.size()) + "}\n");
    return std::optional<Problem>();
  };
  return read_as_json(exchange, SortedSet::kType, write);
}

Response get_score(Exchange& exchange) {
  const auto way = descending(exchange);
  if (!way) return answer_problem(way.error());
  return read_collection(
      exchange, SortedSet::kType,
      [member = exchange.element, backwards = *way](const Collection& collection, Response described) {
        const types::sorted_set::Reader& set = *collection->as<SortedSet>();
        const auto score = set.score(member);
        const auto rank = set.rank(member);
        if (!score || !rank) {
          Response response = answer_problem(no_such_element("member"));
          response.pending = described.pending;
          return response;
        }
        described.type = kJsonType;
        described.body = "{\"score\":" + score_json(*score) +
                         ",\"rank\":" + std::to_string(backwards ? set.size() - 1 - *rank : *rank) + "}\n";
        return described;
      });
}

Response put_score(Exchange& exchange) {
  const auto score = read_score(exchange.request.body);
  if (!score) return answer_problem(score.error());
  bool is_new = false;
  const auto edit = [&](store::Opened<SortedSet>& set) -> std::optional<Problem> {
    is_new = set.editor().set(exchange.element, *score);
    return std::nullopt;
  };
  return answer_changed<SortedSet>(
      exchange, edit, [&](const CollectionChange& done) { return answer_change(is_new ? 201 : 204, done); });
}

Response delete_score(Exchange& exchange) {
  const auto edit = [&](store::Opened<SortedSet>& set) -> std::optional<Problem> {
    if (!set.existed()) return no_such_key();
    if (!set.editor().remove(exchange.element)) return no_such_element("member");
    return std::nullopt;
  };
  return answer_changed<SortedSet>(exchange, edit,
                                   [&](const CollectionChange& done) { return answer_change(204, done); });
}

Response patch_scores(Exchange& exchange) {
  const auto patches = read_score_patch(exchange.request.body);
  if (!patches) return answer_problem(patches.error());
  Patched patched;
  const auto edit = [&](store::Opened<SortedSet>& set) -> std::optional<Problem> {
    for (const ScorePatch& patch : *patches) {
      if (patch.score) {
        patched.added += set.growing_editor().set(patch.member, *patch.score) ? 1 : 0;
      } else {
        patched.removed += set.editor().remove(patch.member) ? 1 : 0;
      }
    }
    patched.size = set.reader().size();
    return std::nullopt;
  };
  return answer_changed<SortedSet>(exchange, edit,
                                   [&](const CollectionChange& done) { return answer_patched(patched, done); });
}

}  // namespace stave::http
