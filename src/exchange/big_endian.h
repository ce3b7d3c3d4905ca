// Big-endian integers, as the binary snapshots write them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/assert.h"

namespace stave::exchange {

template <class Unsigned>
void append_big(std::string& to, Unsigned value) {
  for (std::size_t i = sizeof value; i-- != 0;) to.push_back(static_cast<char>(value >> (8 * i) & 0xff));
}

/// `bytes` holds at least as many.
template <class Unsigned>
Unsigned load_big(std::string_view bytes) noexcept {
  STAVE_ASSERT(bytes.size() >= sizeof(Unsigned));
  Unsigned value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i)
    value = static_cast<Unsigned>(value << 8 | static_cast<unsigned char>(bytes[i]));
  return value;
}

}  // namespace stave::exchange
