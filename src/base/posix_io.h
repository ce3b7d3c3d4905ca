// The loops around pread and pwrite: what a signal or a short count interrupted goes on where it stopped.
//
// The call itself is passed in, so that tests can interrupt it at will. Must not know: which file.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/assert.h"

namespace stave::base {

/// Bytes handed to one system call. Linux takes at most 2 GiB - 4 KiB.
inline constexpr std::size_t kIoBytesMax = std::size_t{1} << 30;

/// How far a loop came. `system_errno` 0: to the end of the request, or of the file.
struct IoProgress {
  std::size_t done = 0;
  int system_errno = 0;
};

/// `call(span, offset)` returns like pread: a count, 0 at the end of the file, or -1 and errno.
template <class Call>
IoProgress read_fully(std::uint64_t offset, std::span<std::byte> into, Call&& call) {
  IoProgress progress;
  while (progress.done < into.size()) {
    const auto part = into.subspan(progress.done, std::min(into.size() - progress.done, kIoBytesMax));
    const ssize_t count = call(part, offset + progress.done);
    if (count == 0) break;
    if (count > 0) {
      progress.done += static_cast<std::size_t>(count);
    } else if (errno != EINTR) {
      progress.system_errno = errno;
      break;
    }
  }
  STAVE_ASSERT(progress.done <= into.size());
  return progress;
}

/// `call(span, offset)` returns like pwrite.
template <class Call>
IoProgress write_fully(std::uint64_t offset, std::span<const std::byte> bytes, Call&& call) {
  IoProgress progress;
  while (progress.done < bytes.size()) {
    const auto part = bytes.subspan(progress.done, std::min(bytes.size() - progress.done, kIoBytesMax));
    const ssize_t count = call(part, offset + progress.done);
    if (count > 0) {
      progress.done += static_cast<std::size_t>(count);
    } else if (count == 0) {
      progress.system_errno = EIO;  // a device that takes nothing and says nothing would hold us for ever
      break;
    } else if (errno != EINTR) {
      progress.system_errno = errno;
      break;
    }
  }
  STAVE_ASSERT(progress.done <= bytes.size());
  return progress;
}

/// Calls again while a signal interrupts.
template <class Call>
int retry_eintr(Call&& call) {
  int result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

}  // namespace stave::base
