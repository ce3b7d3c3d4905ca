// What counts the memory of buffers: answers in the making or not yet taken, requests half received.
//
// Who holds such a buffer tells the meter before it takes the memory, and gives way when the meter refuses; so what
// many clients together leave unread has a bound. Must not know: who holds what.
#pragma once

#include <cstdint>
#include <utility>

namespace stave::store {

/// Threads: any.
class BufferMeter {
 public:
  virtual ~BufferMeter() = default;
  /// Counts `bytes` more. False, and nothing was counted, when there is no room: do without the memory. Takes no lock.
  [[nodiscard]] virtual bool take_buffer(std::uint64_t bytes) noexcept = 0;
  /// The same for what cannot be done without: the few bytes of an error.
  virtual void force_buffer(std::uint64_t bytes) noexcept = 0;
  virtual void give_buffer(std::uint64_t bytes) noexcept = 0;
};

/// So many bytes of a meter, given back at the end.
class BufferShare {
 public:
  BufferShare() = default;
  /// `meter`: null counts nothing; else it must outlive the share.
  explicit BufferShare(BufferMeter* meter) noexcept : meter_(meter) {}
  BufferShare(BufferShare&& other) noexcept : meter_(other.meter_), bytes_(std::exchange(other.bytes_, 0)) {}
  BufferShare& operator=(BufferShare other) noexcept {
    std::swap(meter_, other.meter_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~BufferShare() {
    if (bytes_ != 0) meter_->give_buffer(bytes_);
  }

  /// Stands for `bytes` from now on. False, and nothing changed, when it would be more and there is no room.
  [[nodiscard]] bool resize(std::uint64_t bytes) noexcept {
    if (meter_ == nullptr || bytes == bytes_) return true;
    if (bytes < bytes_) {
      meter_->give_buffer(bytes_ - bytes);
    } else if (!meter_->take_buffer(bytes - bytes_)) {
      return false;
    }
    bytes_ = bytes;
    return true;
  }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  BufferMeter* meter_ = nullptr;
  std::uint64_t bytes_ = 0;
};

}  // namespace stave::store
