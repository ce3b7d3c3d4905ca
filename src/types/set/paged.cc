#include "types/set/paged.h"

#include <string>
#include <unordered_set>
#include <vector>

namespace stave::types::set {

namespace {

constexpr char kLayout = 1;
constexpr unsigned kItems = 1;

/// What visits elements of buckets, of what visits members.
auto visiting(Reader::Visit visit) {
  return [visit](const char* member) { return visit(item::read(member).view()); };
}

}  // namespace

std::string Paged::empty_root(std::uint64_t seed) {
  std::string root(1 + paged::Buckets::kStateBytes, kLayout);
  paged::Buckets::put_empty_state(root.data() + 1, seed);
  return root;
}

bool Paged::well_formed(std::string_view root) noexcept {
  return !root.empty() && root[0] == kLayout && paged::Buckets::well_formed(root.substr(1));
}

Paged::Paged(Pages& pages, std::string_view root) : buckets_(pages, kItems, 1, root.substr(1)) {
  STAVE_ASSERT(well_formed(root));
  std::memcpy(root_, root.data(), sizeof root_);
}

void Paged::note_change() noexcept {
  buckets_.put_state(root_ + 1);
  changed_ = true;
}

void Paged::visit(Visit visit) const {
  buckets_.visit(visiting(visit));
}

std::uint64_t Paged::scan(std::uint64_t cursor, std::size_t count, Visit visit) const {
  return buckets_.scan(cursor, count, visiting(visit));
}

void Paged::visit_random(std::uint64_t random, Visit visit) const {
  buckets_.visit_random(random, visiting(visit));
}

void Paged::fill(std::string_view form) {
  buckets_.fill(Run(form));
  note_change();
}

bool Paged::add(std::string_view member) {
  if (buckets_.set(member, nullptr) != paged::Buckets::Put::kNew) return false;
  note_change();
  return true;
}

bool Paged::remove(std::string_view member) {
  if (!buckets_.remove(member)) return false;
  note_change();
  return true;
}

// Few are drawn, and drawn again when they were before; of many, each member in turn is taken with the chance that
// leaves all choices as likely (Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S).
void Paged::visit_sample(std::uint64_t count, base::Random& random, Visit visit) const {
  constexpr std::uint64_t kFew = 16;
  if (count >= size()) return this->visit(visit);
  if (count > size() / kFew) {
    std::uint64_t left = size();
    this->visit([&](std::string_view member) {
      STAVE_ASSERT(left != 0 && count <= left);
      if (random.below(left--) >= count) return true;
      return visit(member) && --count != 0;
    });
    return;
  }
  std::unordered_set<std::string> drawn;
  bool goes_on = true;
  // Not to be had: nothing is visited.
  for (bool visited = true; visited && goes_on && drawn.size() < count;) {
    visited = false;
    visit_random(random.next(), [&](std::string_view member) {
      visited = true;
      if (drawn.emplace(member).second) goes_on = visit(member);
      return true;
    });
  }
}

void Paged::take_sample(std::uint64_t count, base::Random& random, Visit visit) {
  std::vector<std::string> taken;
  visit_sample(count, random, [&](std::string_view member) {
    taken.emplace_back(member);
    return true;
  });
  for (const std::string& member : taken) {
    visit(member);
    remove(member);
  }
}

}  // namespace stave::types::set
