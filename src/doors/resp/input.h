// What a client has sent and the server has not understood yet. Holds no memory when empty; grows with what arrives.
#pragma once

#include <cstddef>
#include <memory>

namespace stave::resp {

class Input {
 public:
  [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
  [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] char* data() noexcept { return bytes_.get() + begin_; }

  /// Makes room behind the content and returns how much. `wanted`: bytes that are known to be coming; believed only as
  /// far as the content already is large, so that an announcement alone takes no memory and copying stays linear.
  std::size_t make_room(std::size_t wanted);
  [[nodiscard]] char* room() noexcept { return bytes_.get() + end_; }
  void filled(std::size_t bytes) noexcept { end_ += bytes; }
  /// Drops the first `bytes`.
  void consume(std::size_t bytes) noexcept;
  /// Takes a copy, when empty.
  void assign(const char* bytes, std::size_t size);
  void clear() noexcept;

 private:
  void move_to(std::size_t capacity);

  std::unique_ptr<char[]> bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace stave::resp
