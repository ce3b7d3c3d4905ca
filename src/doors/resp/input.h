// What a client has sent and the server has not understood yet. Holds no memory when empty; grows with what arrives,
// and no further than the meter of all buffers allows.
#pragma once

#include <cstddef>
#include <memory>

#include "base/assert.h"
#include "store/buffer_meter.h"

namespace stave::resp {

class Input {
 public:
  /// Up to here it is not asked for: the commands that everybody sends are small.
  static constexpr std::size_t kUncountedBytes = 64 * 1024;

  /// `meter`: null counts nothing.
  explicit Input(store::BufferMeter* meter = nullptr) noexcept : counted_(meter) {}
  [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
  [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] char* data() noexcept { return bytes_.get() + begin_; }

  /// Makes room behind the content and returns how much. `wanted`: bytes that are known to be coming; believed only as
  /// far as the content already is large, so that an announcement alone takes no memory and copying stays linear. 0:
  /// there is no memory for more, and nothing changed.
  std::size_t make_room(std::size_t wanted);
  [[nodiscard]] char* room() noexcept { return bytes_.get() + end_; }
  void filled(std::size_t bytes) noexcept {
    STAVE_ASSERT(bytes <= capacity_ - end_);
    end_ += bytes;
  }
  /// Drops the first `bytes`.
  void consume(std::size_t bytes) noexcept;
  /// Drops the last `bytes`, but not all.
  void drop_last(std::size_t bytes) noexcept;
  /// Takes a copy, when empty.
  void assign(const char* bytes, std::size_t size);
  void clear() noexcept;

 private:
  bool move_to(std::size_t capacity);
  bool count(std::size_t bytes) noexcept;

  std::unique_ptr<char[]> bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t capacity_ = 0;
  store::BufferShare counted_;
};

}  // namespace stave::resp
