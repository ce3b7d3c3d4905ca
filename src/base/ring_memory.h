// Memory mapped twice in a row: a ring buffer whose every range is contiguous, so nobody handles a wrap.
//
// Must not know: what lies in it.
#pragma once

#include <cstddef>

#include "stave/error.h"

namespace stave::base {

/// `size` bytes that appear at data() and again at data() + size. Zero at first. Move-only.
class RingMemory {
 public:
  /// `size`: a power of two and a multiple of the page. Errors: kNoMemory, kInvalidArgument.
  static Result<RingMemory> create(std::size_t size);
  RingMemory(RingMemory&& other) noexcept;
  RingMemory& operator=(RingMemory&& other) noexcept;
  RingMemory(const RingMemory&) = delete;
  RingMemory& operator=(const RingMemory&) = delete;
  ~RingMemory();

  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  RingMemory(std::byte* data, std::size_t size) noexcept : data_(data), size_(size) {}
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace stave::base
