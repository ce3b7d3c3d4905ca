#include "commands/acl_log.h"

#include <algorithm>

namespace stave::commands {

std::size_t AclLog::capacity() const {
  base::MutexLock lock(mutex_);
  return capacity_;
}

void AclLog::set_capacity(std::size_t entries) {
  base::MutexLock lock(mutex_);
  capacity_ = entries;
  if (entries_.size() > capacity_) entries_.resize(capacity_);
}

void AclLog::add(AclLogEntry entry) {
  constexpr std::int64_t kSameMs = 60'000;
  denied_[static_cast<std::size_t>(entry.reason)].fetch_add(1, std::memory_order_relaxed);
  base::MutexLock lock(mutex_);
  if (capacity_ == 0) return;
  const auto same = std::ranges::find_if(entries_, [&](const AclLogEntry& known) {
    return known.reason == entry.reason && known.context == entry.context && known.object == entry.object &&
           known.user == entry.user && raw(entry.updated) - raw(known.updated) < kSameMs;
  });
  if (same != entries_.end()) {
    entry.id = same->id;
    entry.count = same->count + 1;
    entry.created = same->created;
    entries_.erase(same);
  } else {
    entry.id = next_id_++;
  }
  if (entries_.size() == capacity_) entries_.pop_back();
  entries_.push_front(std::move(entry));
}

std::vector<AclLogEntry> AclLog::newest(std::size_t count) const {
  base::MutexLock lock(mutex_);
  const auto wanted = static_cast<std::ptrdiff_t>(std::min(count, entries_.size()));
  return {entries_.begin(), entries_.begin() + wanted};
}

void AclLog::clear() {
  base::MutexLock lock(mutex_);
  entries_.clear();
}

void AclLog::reset_counters() noexcept {
  for (auto& counter : denied_) counter.store(0, std::memory_order_relaxed);
}

std::string_view name_of(AclReason reason) noexcept {
  constexpr std::string_view kNames[kAclReasons] = {"auth", "command", "key", "channel", "database"};
  return kNames[static_cast<std::size_t>(reason)];
}

std::string_view name_of(AclContext context) noexcept {
  constexpr std::string_view kNames[] = {"toplevel", "multi", "lua"};
  return kNames[static_cast<std::size_t>(context)];
}

}  // namespace stave::commands
