#include "base/random.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/assert.h"

namespace stave::base {

void Random::fill(std::span<std::byte> into) noexcept {
  while (!into.empty()) {
    const std::uint64_t bits = next();
    const std::size_t count = std::min(into.size(), sizeof bits);
    std::memcpy(into.data(), &bits, count);
    into = into.subspan(count);
  }
}

namespace {
constinit thread_local Random* seeded = nullptr;
}

SeededEntropy::SeededEntropy(std::uint64_t seed) noexcept : random_(seed), before_(seeded) {
  seeded = &random_;
}

SeededEntropy::~SeededEntropy() {
  STAVE_ASSERT(seeded == &random_);
  seeded = before_;
}

void system_entropy(std::span<std::byte> into) noexcept {
  if (seeded != nullptr) [[unlikely]]
    return seeded->fill(into);
  while (!into.empty()) {
    const ssize_t count = ::getrandom(into.data(), into.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    STAVE_ASSERT(count > 0 && static_cast<std::size_t>(count) <= into.size());
    into = into.subspan(static_cast<std::size_t>(count));
  }
}

std::uint64_t thread_random() noexcept {
  if (seeded != nullptr) [[unlikely]]
    return seeded->next();
  thread_local Random random([] {
    std::uint64_t seed = 0;
    system_entropy(std::as_writable_bytes(std::span(&seed, 1)));
    return seed;
  }());
  return random.next();
}

}  // namespace stave::base
