#include "doors/resp/input.h"

#include <algorithm>
#include <cstring>

namespace stave::resp {
namespace {
constexpr std::size_t kRoomMin = 16 * 1024;
constexpr std::size_t kRoomTrusted = 64 * 1024;
}  // namespace

void Input::move_to(std::size_t capacity) {
  auto bytes = std::make_unique_for_overwrite<char[]>(capacity);
  if (!empty()) std::memcpy(bytes.get(), data(), size());
  end_ -= begin_;
  begin_ = 0;
  bytes_ = std::move(bytes);
  capacity_ = capacity;
}

std::size_t Input::make_room(std::size_t wanted) {
  const std::size_t room = std::clamp(wanted, kRoomMin, std::max(size(), kRoomTrusted));
  if (capacity_ - end_ < std::min(room, kRoomMin)) {
    if (capacity_ - size() >= room && begin_ >= size()) {
      std::memcpy(bytes_.get(), data(), size());
      end_ -= begin_;
      begin_ = 0;
    } else {
      move_to(size() + room);
    }
  }
  return capacity_ - end_;
}

void Input::consume(std::size_t bytes) noexcept {
  begin_ += bytes;
  if (empty()) clear();
}

void Input::assign(const char* bytes, std::size_t size) {
  clear();
  if (size == 0) return;
  bytes_ = std::make_unique_for_overwrite<char[]>(size);
  std::memcpy(bytes_.get(), bytes, size);
  capacity_ = end_ = size;
}

void Input::clear() noexcept {
  bytes_.reset();
  begin_ = end_ = capacity_ = 0;
}

}  // namespace stave::resp
