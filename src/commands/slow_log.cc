#include "commands/slow_log.h"

#include <algorithm>

#include "base/assert.h"

namespace stave::commands {

std::size_t SlowLog::capacity() const {
  base::MutexLock lock(mutex_);
  return capacity_;
}

void SlowLog::set_capacity(std::size_t entries) {
  base::MutexLock lock(mutex_);
  capacity_ = entries;
  if (entries_.size() > capacity_) entries_.resize(capacity_);
}

void SlowLog::add(SlowEntry entry) {
  base::MutexLock lock(mutex_);
  entry.id = next_id_++;
  if (capacity_ == 0) return;
  if (entries_.size() == capacity_) entries_.pop_back();
  entries_.push_front(std::move(entry));
  STAVE_ASSERT(entries_.size() <= capacity_);
}

std::vector<SlowEntry> SlowLog::newest(std::size_t count) const {
  base::MutexLock lock(mutex_);
  const auto wanted = static_cast<std::ptrdiff_t>(std::min(count, entries_.size()));
  return {entries_.begin(), entries_.begin() + wanted};
}

std::size_t SlowLog::size() const {
  base::MutexLock lock(mutex_);
  return entries_.size();
}

void SlowLog::clear() {
  base::MutexLock lock(mutex_);
  entries_.clear();
}

std::vector<std::string> SlowLog::shorten(std::span<const std::string_view> arguments) {
  constexpr std::size_t kArgumentsMax = 32;
  constexpr std::size_t kBytesMax = 128;
  std::vector<std::string> result;
  const std::size_t shown = arguments.size() > kArgumentsMax ? kArgumentsMax - 1 : arguments.size();
  for (const std::string_view argument : arguments.first(shown)) {
    std::string& text = result.emplace_back(argument.substr(0, kBytesMax));
    if (argument.size() > kBytesMax) text += "... (" + std::to_string(argument.size() - kBytesMax) + " more bytes)";
  }
  if (shown < arguments.size())
    result.push_back("... (" + std::to_string(arguments.size() - shown) + " more arguments)");
  STAVE_ASSERT(result.size() <= kArgumentsMax);
  return result;
}

}  // namespace stave::commands
