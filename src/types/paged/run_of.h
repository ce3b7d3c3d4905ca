// A run made of items that stand somewhere already.
#pragma once

#include <cstring>
#include <string_view>

#include "types/run.h"

namespace stave::types::paged {

/// `bytes` are `items` items one behind the other; none gives the form of no items, not the empty one.
inline Run run_of(std::uint64_t items, std::string_view bytes) {
  Run run;
  if (items == 0) {
    run.clear();
    return run;
  }
  std::size_t at = 0;
  std::memcpy(run.replace(at, 0, bytes.size(), static_cast<std::int64_t>(items)), bytes.data(), bytes.size());
  return run;
}

/// The items of a run without its head.
inline std::string_view items_of(const Run& run) noexcept {
  return run.form().substr(run.begin());
}

}  // namespace stave::types::paged
