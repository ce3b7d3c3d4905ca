#include "base/process_memory.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string_view>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STAVE_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define STAVE_SANITIZED 1
#endif
#endif

namespace stave::base {

Result<std::uint64_t> own_memory() {
#ifndef STAVE_SANITIZED
  const int file = ::open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  if (file >= 0) {
    std::array<char, 4096> buffer{};
    const ssize_t count = ::read(file, buffer.data(), buffer.size());
    ::close(file);
    const std::string_view text(buffer.data(), static_cast<std::size_t>(count > 0 ? count : 0));
    constexpr std::string_view kField = "RssAnon:";
    std::size_t at = text.find(kField);
    if (at != std::string_view::npos) at = text.find_first_of("0123456789", at + kField.size());
    std::uint64_t kib = 0;
    if (at != std::string_view::npos &&
        std::from_chars(text.data() + at, text.data() + text.size(), kib).ec == std::errc{})
      return kib << 10;
  }
#endif
  return fail(ErrorCode::kUnsupported, "the system does not tell how much memory the process takes");
}

}  // namespace stave::base
