#include "commands/script/script_cache.h"

#include <algorithm>

#include "base/assert.h"
#include "base/hash.h"
#include "commands/text.h"

namespace stave::commands::script {

std::size_t ScriptCache::Hash::operator()(std::string_view text) const noexcept {
  return std::hash<std::string_view>()(text);
}

std::uint64_t ScriptCache::cost_of(const Source& source) noexcept {
  constexpr std::uint64_t kBooks = 320;  // names, entries of both maps
  return source.text.size() + kBooks;
}

ScriptCache::Shared ScriptCache::find_text(std::string_view text) {
  base::ShortLock lock(mutex_);
  const auto found = by_text_.find(text);
  if (found == by_text_.end()) return nullptr;
  found->second.used = ++clock_;
  return found->second.source;
}

ScriptCache::Shared ScriptCache::find_sha(std::string_view sha) {
  constexpr std::size_t kDigits = 40;
  if (sha.size() != kDigits) return nullptr;
  char lower_case[kDigits];
  std::ranges::transform(sha, lower_case, to_lower);
  base::ShortLock lock(mutex_);
  const auto found = by_sha_.find(std::string_view(lower_case, kDigits));
  if (found == by_sha_.end()) return nullptr;
  found->second->used = ++clock_;
  return found->second->source;
}

bool ScriptCache::add(const Shared& source, bool to_stay) {
  const std::uint64_t cost = cost_of(*source);
  base::ShortLock lock(mutex_);
  if (const auto known = by_text_.find(source->text); known != by_text_.end()) {
    Held& held = known->second;
    if (to_stay && !held.stays) {
      held.stays = true;
      --passing_;
    }
    return true;
  }
  while (passing_ > 0 && (bytes_ + cost > kBytesMax || (!to_stay && passing_ >= kEvalMax))) evict_one();
  if (bytes_ + cost > kBytesMax || !counted_.resize(bytes_ + cost)) return false;
  Held& held = by_text_.emplace(source->text, Held{source, to_stay, ++clock_}).first->second;
  try {
    by_sha_.emplace(held.source->sha, &held);
  } catch (const std::bad_alloc&) {
    by_text_.erase(source->text);
    throw;
  }
  bytes_ += cost;
  if (!to_stay) ++passing_;
  return true;
}

void ScriptCache::evict_one() {
  Held* oldest = nullptr;
  for (auto& [text, held] : by_text_)
    if (!held.stays && (oldest == nullptr || held.used < oldest->used)) oldest = &held;
  STAVE_ASSERT(oldest != nullptr);
  remove(*oldest);
  --passing_;
  evicted_.fetch_add(1, std::memory_order_relaxed);
}

void ScriptCache::remove(Held& held) {
  const Shared kept = held.source;  // the keys are views of it
  bytes_ -= cost_of(*kept);
  by_sha_.erase(kept->sha);
  by_text_.erase(kept->text);
  static_cast<void>(counted_.resize(bytes_));
}

void ScriptCache::flush() {
  base::ShortLock lock(mutex_);
  by_sha_.clear();
  by_text_.clear();
  bytes_ = 0;
  passing_ = 0;
  static_cast<void>(counted_.resize(0));
}

std::size_t ScriptCache::size() const {
  base::ShortLock lock(mutex_);
  return by_text_.size();
}

std::uint64_t ScriptCache::bytes() const {
  base::ShortLock lock(mutex_);
  return bytes_;
}

}  // namespace stave::commands::script
