#include "types/hash/paged.h"

namespace stave::types::hash {

namespace {

constexpr char kLayout = 1;
constexpr unsigned kItems = 2;

Field field_of(const ItemText& name, const ItemText& value) {
  return {.name = name.view(), .value = value.view()};
}

/// What visits elements of buckets, of what visits fields.
auto visiting(Reader::Visit visit) {
  return
      [visit](const char* name) { return visit(field_of(item::read(name), item::read(name + item::size_at(name)))); };
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

std::optional<ItemText> Paged::find(std::string_view name) const {
  const char* const at = buckets_.find(name);
  if (at == nullptr) return std::nullopt;
  return item::read(at + item::size_at(at));
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

std::optional<UnixMs> Paged::deadline(std::string_view name) const {
  return buckets_.find(name) != nullptr ? std::optional(kNever) : std::nullopt;
}

bool Paged::set_deadline(std::string_view name, UnixMs deadline) {
  STAVE_ASSERT(deadline == kNever);
  return buckets_.find(name) != nullptr;
}

void Paged::fill(std::string_view form) {
  const Run run(form);
  STAVE_ASSERT(run.layout() == 0);
  buckets_.fill(run);
  note_change();
}

bool Paged::set(std::string_view name, std::string_view value, UnixMs deadline) {
  STAVE_ASSERT(deadline == kNever);
  const EncodedItem item(value);
  const auto put = buckets_.set(name, &item);
  if (put != paged::Buckets::Put::kSame) note_change();
  return put == paged::Buckets::Put::kNew;
}

bool Paged::remove(std::string_view name) {
  if (!buckets_.remove(name)) return false;
  note_change();
  return true;
}

}  // namespace stave::types::hash
