// XXH3-64 of bytes that come piece by piece: the checksum of a whole file. The pieces do not matter, only the bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"

namespace stave::base {

/// Threads: one.
class StreamHash {
 public:
  StreamHash();
  ~StreamHash();
  StreamHash(const StreamHash&) = delete;
  StreamHash& operator=(const StreamHash&) = delete;

  void add(std::span<const std::byte> bytes) noexcept;
  /// Of everything so far; the same as `xxh3(bytes, 0)`.
  [[nodiscard]] std::uint64_t value() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace stave::base
