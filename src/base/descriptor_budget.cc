#include "base/descriptor_budget.h"

#include <sys/resource.h>

#include <algorithm>

#include "base/assert.h"

namespace stave::base {

namespace {

/// Whatever is no connection: the segments in use, images, backups, listeners, epoll and event descriptors, streams.
constexpr std::uint64_t kOwnDescriptors = 128;
constexpr std::uint64_t kFilesMost = 256;

}  // namespace

std::uint64_t files_share(std::uint64_t limit) noexcept {
  return std::min(limit / 8, kFilesMost);
}

std::uint64_t doors_share(std::uint64_t limit) noexcept {
  const std::uint64_t kept = std::min(kOwnDescriptors + files_share(limit), limit / 2);
  STAVE_ASSERT(kept <= limit);
  return std::max<std::uint64_t>(limit - kept, 1);
}

std::int64_t descriptors_for_doors(std::int64_t wanted) noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  const rlim_t needed = static_cast<rlim_t>(wanted) + kOwnDescriptors + kFilesMost;
  if (limit.rlim_cur < needed) {
    rlimit raised = limit;
    raised.rlim_cur = std::min(needed, limit.rlim_max);
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  constexpr std::uint64_t kPlenty = 1u << 30;  // "unlimited" is a number beyond all others
  return static_cast<std::int64_t>(doors_share(std::min<std::uint64_t>(limit.rlim_cur, kPlenty)));
}

std::size_t files_kept_open() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kFilesMost;
  return std::max<std::uint64_t>(files_share(limit.rlim_cur), 1);
}

}  // namespace stave::base
