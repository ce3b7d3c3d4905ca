// A string that is changed in parts, once it is large: pages of 4 KiB, of which those that are zeros need not be there.
//
// It lies as a sketch does (sketch/bytes.h), in another cut: the root has no bytes of the string, for a string has none
// that change more often than others. Must not know: keys, what the bytes mean.
#pragma once

#include <cstdint>
#include <string>

#include "types/sketch/bytes.h"

namespace stave::types::text {

class Paged final : public sketch::Paged {
 public:
  using sketch::Paged::Paged;
  [[nodiscard]] static std::string empty_root(std::uint64_t) { return empty_string_root(); }
};

}  // namespace stave::types::text
