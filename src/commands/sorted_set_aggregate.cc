#include "commands/sorted_set_aggregate.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/hash.h"
#include "base/random.h"
#include "base/try.h"

namespace stave::commands {

using types::sorted_set::Element;

// --- sources ---------------------------------------------------------------------------------------------------------

Result<void> Source::take(Part& part, store::KeyRef key, store::Access access) {
  const auto held = part.find(key, access);
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

/// Keyed, so that nobody can choose members that make it slow.
struct KeyedHash {
  base::HashKey key{base::thread_random(), base::thread_random()};
  std::size_t operator()(std::string_view member) const noexcept { return base::sip_hash(key, member); }
};

/// Elements found by their members, while they are gathered from source after source.
class Gathered {
 public:
  struct Found {
    KeptElement element;
    std::size_t sources = 0;  ///< How many have it, of those that were looked at.
  };

  Found* find(std::string_view member) {
    const auto found = by_member_.find(member);
    return found == by_member_.end() ? nullptr : found->second;
  }
  /// The member is new.
  void add(std::string_view member, double score) {
    Found& found = all_.emplace_back(Found{KeptElement(member, score), 1});
    by_member_.emplace(found.element.member, &found);
  }
  [[nodiscard]] std::uint64_t size() const noexcept { return all_.size(); }
  [[nodiscard]] std::deque<Found>& all() noexcept { return all_; }
  /// Those that as many sources have, in the order of a sorted set. Nothing is left here.
  [[nodiscard]] KeptElements take(std::size_t sources) {
    by_member_.clear();
    KeptElements elements;
    for (Found& found : all_) {
      if (found.sources != sources) continue;
      // A zero is no negative one.
      found.element.score += 0.0;
      elements.push_back(std::move(found.element));
    }
    all_.clear();
    std::sort(elements.begin(), elements.end(), [](const KeptElement& a, const KeptElement& b) {
      return std::tie(a.score, a.member) < std::tie(b.score, b.member);
    });
    return elements;
  }

 private:
  std::deque<Found> all_;  // whose elements stay where they are
  std::unordered_map<std::string_view, Found*, KeyedHash> by_member_;
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
    for (Gathered::Found& found : gathered.all())
      if (const auto score = source.score(found.element.member); score && !show(found, *score)) return;
    return;
  }
  source.visit([&](const Element& element) {
    Gathered::Found* const found = gathered.find(element.member);
    return found == nullptr || show(*found, element.score);
  });
}

/// The elements of the smallest source, each with the number of sources, up to the one before `last`, that have it one
/// after the other.
Gathered gather_common(const std::vector<const Source*>& sources, std::size_t last, Aggregate aggregate) {
  Gathered gathered;
  sources.front()->visit([&](const Element& element) {
    gathered.add(element.member, first_score(*sources.front(), element.score, aggregate));
    return true;
  });
  for (std::size_t i = 1; i < last && gathered.size() != 0; ++i) {
    const Source& source = *sources[i];
    visit_common(gathered, source, [&](Gathered::Found& found, double score) {
      if (found.sources != i) return true;
      ++found.sources;
      aggregate_into(found.element.score, weighted(source, score, aggregate), aggregate);
      return true;
    });
  }
  return gathered;
}

}  // namespace

// --- the three -------------------------------------------------------------------------------------------------------

KeptElements unite(const Sources& sources, Aggregate aggregate) {
  Gathered gathered;
  for (const Source* source : by_size(sources)) {
    source->visit([&](const Element& element) {
      const double score = first_score(*source, element.score, aggregate);
      if (Gathered::Found* const found = gathered.find(element.member)) {
        aggregate_into(found->element.score, score, aggregate);
      } else {
        gathered.add(element.member, score);
      }
      return true;
    });
  }
  return gathered.take(1);
}

KeptElements intersect(const Sources& sources, Aggregate aggregate) {
  STAVE_ASSERT(!sources.empty());
  return gather_common(by_size(sources), sources.size(), aggregate).take(sources.size());
}

KeptElements subtract(const Sources& sources) {
  STAVE_ASSERT(!sources.empty());
  Gathered gathered;
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
  Gathered gathered = gather_common(sorted, last, Aggregate::kCount);
  std::uint64_t count = 0;
  visit_common(gathered, *sorted[last], [&](Gathered::Found& found, double) {
    if (found.sources == last) ++count;
    return count < limit;
  });
  return std::min(count, limit);
}

}  // namespace stave::commands
