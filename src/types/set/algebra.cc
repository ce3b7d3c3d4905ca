#include "types/set/algebra.h"

#include <algorithm>
#include <cstring>
#include <memory_resource>
#include <unordered_set>
#include <vector>

#include "base/assert.h"
#include "base/hash.h"
#include "base/random.h"

namespace stave::types::set {

namespace {

/// Members by themselves, for as long as an operation takes: their texts lie one behind the other. The hash is keyed,
/// for strangers choose the members; it is kept, for it costs more than the rest of a look.
class Gathered {
 public:
  /// False when it is there already.
  bool add(std::string_view member) {
    const auto [at, is_new] = members_.insert(named(member));
    if (!is_new) return false;
    char* const text = static_cast<char*>(memory_.allocate(member.size() + 1, 1));
    if (!member.empty()) std::memcpy(text, member.data(), member.size());
    at->text = {text, member.size()};
    return true;
  }
  void remove(std::string_view member) { members_.erase(named(member)); }
  [[nodiscard]] bool empty() const noexcept { return members_.empty(); }
  [[nodiscard]] bool has(std::string_view member) const { return members_.contains(named(member)); }

 private:
  struct Member {
    mutable std::string_view text;  ///< Of whoever asks, then of its own: the same bytes.
    std::uint64_t hash;
    bool operator==(const Member& other) const noexcept { return hash == other.hash && text == other.text; }
  };
  struct Hash {
    std::size_t operator()(const Member& member) const noexcept { return member.hash; }
  };
  [[nodiscard]] Member named(std::string_view member) const noexcept {
    return {.text = member, .hash = base::sip_hash(key_, member)};
  }

  base::HashKey key_{.k0 = base::thread_random(), .k1 = base::thread_random()};
  std::pmr::monotonic_buffer_resource memory_{4096};
  std::pmr::unordered_set<Member, Hash> members_{&memory_};
};

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
  Gathered seen;
  bool goes_on = true;
  for (const Reader* set : sets) {
    set->visit([&](std::string_view member) { return goes_on = !seen.add(member) || visit(member); });
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
  Gathered left;
  sets[0]->visit([&](std::string_view member) { return left.add(member); });
  for (const Reader* set : sets.subspan(1)) {
    set->visit([&](std::string_view member) { return left.remove(member), !left.empty(); });
    if (left.empty()) return;
  }
  sets[0]->visit([&](std::string_view member) { return !left.has(member) || visit(member); });
}

}  // namespace stave::types::set
