#include "base/stream_hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace stave::base {

struct StreamHash::State {
  XXH3_state_t hash;
};

StreamHash::StreamHash() : state_(std::make_unique<State>()) {
  XXH3_64bits_reset(&state_->hash);
}
StreamHash::~StreamHash() = default;

void StreamHash::add(std::span<const std::byte> bytes) noexcept {
  XXH3_64bits_update(&state_->hash, bytes.data(), bytes.size());
}

std::uint64_t StreamHash::value() const noexcept {
  return XXH3_64bits_digest(&state_->hash);
}

}  // namespace stave::base
