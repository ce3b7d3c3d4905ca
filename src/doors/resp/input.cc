#include "doors/resp/input.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/assert.h"

namespace stave::resp {
namespace {
constexpr std::size_t kRoomMin = 16 * 1024;
constexpr std::size_t kRoomTrusted = 64 * 1024;
}  // namespace

bool Input::count(std::size_t bytes) noexcept {
  return counted_.resize(bytes > kUncountedBytes ? bytes : 0);
}

bool Input::move_to(std::size_t capacity) {
  STAVE_ASSERT(capacity >= size());
  // Both are there for the moment that copying takes; a value that fits must not be refused for that.
  if (!count(capacity)) return false;
  std::unique_ptr<char[]> bytes(new (std::nothrow) char[capacity]);
  if (!bytes) {
    static_cast<void>(count(capacity_));
    return false;
  }
  if (!empty()) std::memcpy(bytes.get(), data(), size());
  end_ -= begin_;
  begin_ = 0;
  bytes_ = std::move(bytes);
  capacity_ = capacity;
  return true;
}

std::size_t Input::make_room(std::size_t wanted) {
  STAVE_ASSERT(begin_ <= end_ && end_ <= capacity_);
  const std::size_t room = std::clamp(wanted, kRoomMin, std::max(size(), kRoomTrusted));
  if (capacity_ - end_ < std::min(room, kRoomMin)) {
    if (capacity_ - size() >= room && begin_ >= size()) {
      std::memcpy(bytes_.get(), data(), size());
      end_ -= begin_;
      begin_ = 0;
    } else if (!move_to(size() + room)) {
      return 0;
    }
  }
  return capacity_ - end_;
}

void Input::consume(std::size_t bytes) noexcept {
  STAVE_ASSERT(bytes <= size());
  begin_ += bytes;
  if (empty()) clear();
}

void Input::drop_last(std::size_t bytes) noexcept {
  STAVE_ASSERT(bytes < size());
  end_ -= bytes;
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
  static_cast<void>(count(0));
}

}  // namespace stave::resp
