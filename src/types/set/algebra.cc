#include "types/set/algebra.h"

#include <algorithm>
#include <vector>

#include "base/assert.h"
#include "types/names.h"

namespace stave::types::set {

namespace {

std::vector<const Reader*> by_size(Readers sets) {
  std::vector<const Reader*> sorted(sets.begin(), sets.end());
  std::ranges::sort(sorted, {}, [](const Reader* set) { return set->size(); });
  return sorted;
}

/// Whether a difference is found sooner by searching than by hashing, as Redis reckons: a search is worth twice its
/// price, for it may end early and needs no memory.
bool search_is_less(Readers sets) {
  std::uint64_t hashed = 0;
  for (const Reader* set : sets) hashed += set->size();
  return sets[0]->size() * sets.size() / 2 <= hashed;
}

}  // namespace

void visit_intersection(Readers sets, Reader::Visit visit) {
  STAVE_ASSERT(!sets.empty());
  const std::vector<const Reader*> sorted = by_size(sets);
  const std::span<const Reader* const> others = std::span(sorted).subspan(1);
  sorted[0]->visit([&](std::string_view member) {
    const auto has_it = [&](const Reader* set) { return set->contains(member); };
    return !std::ranges::all_of(others, has_it) || visit(member);
  });
}

void visit_union(Readers sets, Reader::Visit visit) {
  STAVE_ASSERT(!sets.empty());
  if (sets.size() == 1) return sets[0]->visit(visit);
  Names seen(std::ranges::max(sets, {}, &Reader::size)->size());
  bool goes_on = true;
  for (const Reader* set : sets) {
    set->visit([&](std::string_view member) { return goes_on = !seen.add(member).is_new || visit(member); });
    if (!goes_on) return;
  }
}

void visit_difference(Readers sets, Reader::Visit visit) {
  STAVE_ASSERT(!sets.empty());
  if (search_is_less(sets)) {
    // The largest first: most likely it has the member.
    std::vector<const Reader*> others = by_size(sets.subspan(1));
    std::ranges::reverse(others);
    sets[0]->visit([&](std::string_view member) {
      const auto has_it = [&](const Reader* set) { return set->contains(member); };
      return std::ranges::any_of(others, has_it) || visit(member);
    });
    return;
  }
  Names members(sets[0]->size());
  sets[0]->visit([&](std::string_view member) { return members.add(member), true; });
  std::vector<bool> gone(members.size());
  std::size_t left = members.size();
  for (const Reader* set : sets.subspan(1)) {
    set->visit([&](std::string_view member) {
      const auto number = members.find(member);
      if (number && !gone[*number]) {
        gone[*number] = true;
        --left;
      }
      return left != 0;
    });
    if (left == 0) return;
  }
  for (std::size_t number = 0; number != members.size(); ++number)
    if (!gone[number] && !visit(members[number])) return;
}

}  // namespace stave::types::set
