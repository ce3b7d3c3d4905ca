#include "types/names.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace stave::types {

namespace {
constexpr std::size_t kSlotsMin = 16;
/// What is expected may be far more than what comes.
constexpr std::uint64_t kExpectedMax = std::uint64_t{1} << 24;
}  // namespace

Names::Names(std::uint64_t expected) {
  grow(std::bit_ceil(2 * static_cast<std::size_t>(std::min(expected, kExpectedMax)) + kSlotsMin));
}

/// Where the text is, or is to be.
std::size_t Names::slot_of(std::string_view text, std::uint64_t hash) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  for (; slots_[at].after != 0; at = (at + 1) & mask)
    if (slots_[at].hash == hash && texts_[slots_[at].after - 1] == text) break;
  return at;
}

void Names::grow(std::size_t slots) {
  std::vector<Slot> larger(slots);
  for (const Slot& slot : slots_) {
    if (slot.after == 0) continue;
    std::size_t at = slot.hash & (slots - 1);
    while (larger[at].after != 0) at = (at + 1) & (slots - 1);
    larger[at] = slot;
  }
  slots_ = std::move(larger);
}

Names::Added Names::add(std::string_view text) {
  const std::uint64_t hash = base::sip_hash(key_, text);
  std::size_t at = slot_of(text, hash);
  if (slots_[at].after != 0) return {.number = slots_[at].after - 1, .is_new = false};
  if (2 * (texts_.size() + 1) > slots_.size()) {
    grow(2 * slots_.size());
    at = slot_of(text, hash);
  }
  char* const copy = static_cast<char*>(memory_.allocate(text.size() + 1, 1));
  if (!text.empty()) std::memcpy(copy, text.data(), text.size());
  texts_.emplace_back(copy, text.size());
  slots_[at] = {.hash = hash, .after = texts_.size()};
  return {.number = texts_.size() - 1, .is_new = true};
}

std::optional<std::size_t> Names::find(std::string_view text) const noexcept {
  const Slot& slot = slots_[slot_of(text, base::sip_hash(key_, text))];
  return slot.after == 0 ? std::nullopt : std::optional(slot.after - 1);
}

}  // namespace stave::types
