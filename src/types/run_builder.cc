#include "types/run_builder.h"

#include <span>

#include "base/random.h"
#include "types/run.h"

namespace stave::types {

namespace {

/// One large collection must not keep its memory for those that follow.
constexpr std::size_t kKeptMax = 1u << 20;

std::string_view item_at(std::string_view items, std::size_t at) noexcept {
  STAVE_ASSERT(at < items.size());
  return items.substr(at, item::size_at(items.data() + at));
}

}  // namespace

std::string Items::take_form(unsigned layout) {
  std::string form = Run::head(count_, layout);
  form.append(bytes_);
  bytes_ = std::string();
  count_ = 0;
  return form;
}

void Items::clear() noexcept {
  if (bytes_.capacity() > kKeptMax) bytes_ = std::string();
  bytes_.clear();
  count_ = 0;
}

void ItemIndex::clear() noexcept {
  if (slots_.capacity() > kKeptMax / sizeof(std::uint32_t)) slots_ = {};
  slots_.clear();
  used_ = 0;
}

std::size_t ItemIndex::slot_of(std::string_view item) const noexcept {
  STAVE_ASSERT(!slots_.empty());
  return base::sip_hash(key_, item) & (slots_.size() - 1);
}

void ItemIndex::grow(std::string_view items) {
  constexpr std::size_t kSlotsMin = 16;
  if (!keyed_) base::system_entropy(std::as_writable_bytes(std::span(&key_, 1)));
  keyed_ = true;
  std::vector<std::uint32_t> old(slots_.empty() ? kSlotsMin : 2 * slots_.size());
  old.swap(slots_);
  for (const std::uint32_t place : old) {
    if (place == 0) continue;
    std::size_t slot = slot_of(item_at(items, place - 1));
    while (slots_[slot] != 0) slot = (slot + 1) & (slots_.size() - 1);
    slots_[slot] = place;
  }
}

bool ItemIndex::insert(std::string_view items, std::size_t at) {
  STAVE_ASSERT(at < kBytesMax);
  if (2 * (used_ + 1) > slots_.size()) grow(items);
  const std::string_view item = item_at(items, at);
  std::size_t slot = slot_of(item);
  for (; slots_[slot] != 0; slot = (slot + 1) & (slots_.size() - 1))
    if (item_at(items, slots_[slot] - 1) == item) return false;
  slots_[slot] = static_cast<std::uint32_t>(at + 1);
  ++used_;
  return true;
}

std::optional<std::size_t> ItemIndex::find(std::string_view items, std::string_view text) const {
  if (slots_.empty()) return std::nullopt;
  std::string item;
  EncodedItem(text).append_to(item);
  for (std::size_t slot = slot_of(item); slots_[slot] != 0; slot = (slot + 1) & (slots_.size() - 1)) {
    const std::size_t at = slots_[slot] - 1;
    if (item_at(items, at) == item) return at;
  }
  return std::nullopt;
}

}  // namespace stave::types
