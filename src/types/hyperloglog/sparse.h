// The runs of a sparse HyperLogLog (hyperloglog.h): one byte "00llllll" for up to 64 registers of zero, two
// "01llllll llllllll" for up to 16,384 of them, one "1vvvvvll" for up to 4 of one value up to 32; lengths and values
// are one less than what they mean. Must not know: headers, estimates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/assert.h"

namespace stave::types::hyperloglog {

struct Run {
  static constexpr std::size_t kShortZerosMax = 64;
  static constexpr std::size_t kValuesMax = 4;
  static constexpr std::uint8_t kValueMax = 32;

  std::size_t length = 0;  ///< Registers.
  std::uint8_t value = 0;  ///< 0: zeros.
  std::size_t bytes = 1;   ///< In which it stands.
};

[[nodiscard]] inline bool is_value_run(char byte) noexcept {
  return (static_cast<unsigned char>(byte) & 0x80) != 0;
}
/// The run at the beginning of `runs`; nullopt when it is not there whole.
[[nodiscard]] inline std::optional<Run> first_run(std::string_view runs) noexcept {
  if (runs.empty()) return std::nullopt;
  const auto byte = static_cast<unsigned char>(runs[0]);
  if ((byte & 0x80) != 0)
    return Run{.length = (byte & 3u) + 1u, .value = static_cast<std::uint8_t>((byte >> 2 & 0x1f) + 1)};
  if ((byte & 0x40) == 0) return Run{.length = (byte & 0x3fu) + 1u};
  if (runs.size() < 2) return std::nullopt;
  return Run{.length = ((byte & 0x3fu) << 8 | static_cast<unsigned char>(runs[1])) + 1u, .bytes = 2};
}

/// Writes runs, a few.
class RunWriter {
 public:
  void zeros(std::size_t length) noexcept {
    STAVE_ASSERT(length >= 1 && length <= 16384);
    const std::size_t low = length - 1;
    if (length <= Run::kShortZerosMax) {
      put(low);
    } else {
      put(low >> 8 | 0x40);
      put(low & 0xff);
    }
  }
  void values(std::uint8_t value, std::size_t length) noexcept {
    STAVE_ASSERT(value >= 1 && value <= Run::kValueMax && length >= 1 && length <= Run::kValuesMax);
    put(0x80u | static_cast<std::size_t>(value - 1) << 2 | (length - 1));
  }
  [[nodiscard]] std::string_view view() const noexcept { return {bytes_, size_}; }

 private:
  void put(std::size_t byte) noexcept {
    STAVE_ASSERT(size_ < sizeof bytes_);
    bytes_[size_++] = static_cast<char>(byte);
  }
  char bytes_[8] = {};
  std::size_t size_ = 0;
};

/// Calls `visit(first, run)` with every run. False: they are no runs of exactly `registers` registers; some were
/// visited, none of which reaches beyond the last register.
template <class Visit>
[[nodiscard]] bool visit_runs(std::string_view runs, std::size_t registers, Visit&& visit) {
  std::size_t first = 0;
  while (!runs.empty()) {
    const auto run = first_run(runs);
    if (!run || run->length > registers - first) return false;
    visit(first, *run);
    first += run->length;
    runs.remove_prefix(run->bytes);
  }
  return first == registers;
}

}  // namespace stave::types::hyperloglog
