// Figures as Prometheus takes them: base units, and everything a double.
#pragma once

#include <cstdint>

namespace stave::http {

inline constexpr double kSecondsPerNs = 1e-9;
inline constexpr double kSecondsPerMs = 1e-3;

constexpr double number(std::uint64_t value) noexcept {
  return static_cast<double>(value);
}
constexpr double flag(bool yes) noexcept {
  return yes ? 1 : 0;
}

}  // namespace stave::http
