#include "commands/sorted_set_aggregate.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/try.h"
#include "types/names.h"

namespace stave::commands {

using types::sorted_set::Element;

// --- sources ---------------------------------------------------------------------------------------------------------

Result<void> Source::take(Part& part, store::KeyRef key, store::Access access) {
  const auto held = part.find(key, store::as_root(access));
  if (!held) return {};
  if (held->type == store::Set::kType) return copy_out(part, key, access, plain_);
  return copy_out(part, key, access, scored_);
}

std::uint64_t Source::size() const noexcept {
  if (const auto* set = plain_.reader()) return set->size();
  return scored_.reader() == nullptr ? 0 : scored_.reader()->size();
}

void Source::visit(Visit visit) const {
  if (const auto* set = plain_.reader()) {
    set->visit([&](std::string_view member) { return visit({.member = member, .score = 1}); });
  } else if (const auto* sorted = scored_.reader()) {
    sorted->visit(0, sorted->size(), visit);
  }
}

std::optional<double> Source::score(std::string_view member) const {
  if (const auto* set = plain_.reader()) return set->contains(member) ? std::optional(1.0) : std::nullopt;
  return scored_.reader() == nullptr ? std::nullopt : scored_.reader()->score(member);
}

namespace {

// --- scores ----------------------------------------------------------------------------------------------------------

double weighted(const Source& source, double score, Aggregate aggregate) noexcept {
  return aggregate == Aggregate::kCount ? source.weight : source.weight * score;
}
/// The first score of an element: an infinite one of no weight is none.
double first_score(const Source& source, double score, Aggregate aggregate) noexcept {
  const double value = weighted(source, score, aggregate);
  return std::isnan(value) ? 0 : value;
}

void aggregate_into(double& total, double value, Aggregate aggregate) noexcept {
  switch (aggregate) {
    case Aggregate::kSum:
    case Aggregate::kCount:
      total += value;
      // Infinities of both signs make up for one another.
      if (std::isnan(total)) total = 0;
      break;
    case Aggregate::kMin: total = value < total ? value : total; break;
    case Aggregate::kMax: total = value > total ? value : total; break;
  }
}

// --- gathering -------------------------------------------------------------------------------------------------------

/// Elements found by their members, while they are gathered from source after source.
class Gathered {
 public:
  struct Found {
    double score = 0;
    std::size_t sources = 0;  ///< How many have it, of those that were looked at.
  };

  /// For so many, about.
  explicit Gathered(std::uint64_t expected) : members_(expected) {}

  Found* find(std::string_view member) {
    const auto number = members_.find(member);
    return number ? &found_[*number] : nullptr;
  }
  /// The one of that member, and whether it is new: then with this score.
  std::pair<Found*, bool> find_or_add(std::string_view member, double score) {
    const auto [number, is_new] = members_.add(member);
    if (is_new) found_.push_back({.score = score, .sources = 1});
    return {&found_[number], is_new};
  }
  void add(std::string_view member, double score) { find_or_add(member, score); }
  [[nodiscard]] std::uint64_t size() const noexcept { return found_.size(); }
  /// Every one of them; `visit(member, found)` says whether to go on.
  template <class Visit>
  void visit(Visit&& visit) {
    for (std::size_t number = 0; number != found_.size(); ++number)
      if (!visit(members_[number], found_[number])) return;
  }
  /// Those that as many sources have, in the order of a sorted set.
  [[nodiscard]] KeptElements take(std::size_t sources) const {
    std::vector<Element> elements;
    for (std::size_t number = 0; number != found_.size(); ++number) {
      // A zero is no negative one.
      if (found_[number].sources == sources)
        elements.push_back({.member = members_[number], .score = found_[number].score + 0.0});
    }
    const auto before = [](const Element& a, const Element& b) {
      return a.score != b.score ? a.score < b.score : a.member < b.member;
    };
    // What comes from one sorted set most often is in order.
    if (!std::is_sorted(elements.begin(), elements.end(), before)) std::sort(elements.begin(), elements.end(), before);
    KeptElements kept;
    kept.reserve(elements.size());
    for (const Element& element : elements) kept.emplace_back(element);
    return kept;
  }

 private:
  types::Names members_;
  std::vector<Found> found_;  ///< By the member's number.
};

/// The smallest first, those of one size in their order, as Redis takes them.
std::vector<const Source*> by_size(const Sources& sources) {
  std::vector<std::pair<std::uint64_t, std::size_t>> order;
  for (std::size_t i = 0; i < sources.size(); ++i) order.emplace_back(sources[i].size(), i);
  std::sort(order.begin(), order.end());
  std::vector<const Source*> sorted;
  for (const auto& [size, at] : order) sorted.push_back(&sources[at]);
  return sorted;
}

/// Shows which of the gathered elements `source` has, with the score there: by looking for each, or by walking over the
/// source when that is less work. `show` says whether to go on.
template <class Show>
void visit_common(Gathered& gathered, const Source& source, Show&& show) {
  constexpr std::uint64_t kSearchesToAWalk = 16;
  if (gathered.size() < source.size() / kSearchesToAWalk) {
    gathered.visit([&](std::string_view member, Gathered::Found& found) {
      const auto score = source.score(member);
      return !score || show(found, *score);
    });
    return;
  }
  source.visit([&](const Element& element) {
    Gathered::Found* const found = gathered.find(element.member);
    return found == nullptr || show(*found, element.score);
  });
}

/// The elements of the smallest source, each with the number of sources, up to the one before `last`, that have it one
/// after the other.
void gather_common(const std::vector<const Source*>& sources, std::size_t last, Aggregate aggregate,
                   Gathered& gathered) {
  sources.front()->visit([&](const Element& element) {
    gathered.add(element.member, first_score(*sources.front(), element.score, aggregate));
    return true;
  });
  for (std::size_t i = 1; i < last && gathered.size() != 0; ++i) {
    const Source& source = *sources[i];
    visit_common(gathered, source, [&](Gathered::Found& found, double score) {
      if (found.sources != i) return true;
      ++found.sources;
      aggregate_into(found.score, weighted(source, score, aggregate), aggregate);
      return true;
    });
  }
}

}  // namespace

// --- the three -------------------------------------------------------------------------------------------------------

KeptElements unite(const Sources& sources, Aggregate aggregate) {
  const std::vector<const Source*> sorted = by_size(sources);
  Gathered gathered(sorted.empty() ? 0 : sorted.back()->size());
  for (const Source* source : sorted) {
    source->visit([&](const Element& element) {
      const double score = first_score(*source, element.score, aggregate);
      const auto [found, is_new] = gathered.find_or_add(element.member, score);
      if (!is_new) aggregate_into(found->score, score, aggregate);
      return true;
    });
  }
  return gathered.take(1);
}

KeptElements intersect(const Sources& sources, Aggregate aggregate) {
  STAVE_ASSERT(!sources.empty());
  const std::vector<const Source*> sorted = by_size(sources);
  Gathered gathered(sorted.front()->size());
  gather_common(sorted, sources.size(), aggregate, gathered);
  return gathered.take(sources.size());
}

KeptElements subtract(const Sources& sources) {
  STAVE_ASSERT(!sources.empty());
  Gathered gathered(sources.front().size());
  sources.front().visit([&](const Element& element) {
    gathered.add(element.member, element.score);
    return true;
  });
  for (std::size_t i = 1; i < sources.size(); ++i) {
    visit_common(gathered, sources[i], [](Gathered::Found& found, double) {
      found.sources = 0;
      return true;
    });
  }
  return gathered.take(1);
}

std::uint64_t count_common(const Sources& sources, std::uint64_t limit) {
  STAVE_ASSERT(!sources.empty());
  const std::vector<const Source*> sorted = by_size(sources);
  if (sorted.size() == 1) return std::min(sorted.front()->size(), limit);
  const std::size_t last = sorted.size() - 1;
  Gathered gathered(sorted.front()->size());
  gather_common(sorted, last, Aggregate::kCount, gathered);
  std::uint64_t count = 0;
  visit_common(gathered, *sorted[last], [&](Gathered::Found& found, double) {
    if (found.sources == last) ++count;
    return count < limit;
  });
  return std::min(count, limit);
}

}  // namespace stave::commands
