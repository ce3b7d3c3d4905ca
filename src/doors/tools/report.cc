#include "doors/tools/report.h"

#include <unistd.h>

#include <array>
#include <cstdio>

#include "base/assert.h"
#include "base/try.h"

namespace stave::tools {

std::string with_commas(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return digits;
}

std::string with_unit(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  auto number = static_cast<double>(bytes);
  for (; number >= 1024 && unit + 1 < kUnits.size(); ++unit) number /= 1024;
  std::array<char, 32> text{};
  const int size = std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", number, kUnits[unit]);
  STAVE_ASSERT(size > 0 && static_cast<std::size_t>(size) < text.size());
  return text.data();
}

Progress::Progress(Clock& clock)
    : clock_(clock), person_(::isatty(STDERR_FILENO) != 0), started_ns_(clock.monotonic_ns()), shown_ns_(started_ns_) {}

bool Progress::due() {
  constexpr std::uint64_t kEveryNs = 250'000'000;
  return person_ && clock_.monotonic_ns() - shown_ns_ >= kEveryNs;
}

void Progress::show(const std::string& line) {
  shown_ns_ = clock_.monotonic_ns();
  std::string text = line;
  if (text.size() < width_) text.append(width_ - text.size(), ' ');
  width_ = line.size();
  std::fprintf(stderr, "\r%s", text.c_str());
}

void Progress::clear() {
  if (width_ == 0) return;
  std::fprintf(stderr, "\r%s\r", std::string(width_, ' ').c_str());
  width_ = 0;
}

std::string Progress::elapsed() const {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f", static_cast<double>(clock_.monotonic_ns() - started_ns_) / 1e9);
  return text.data();
}

Result<std::size_t> WatchedInput::read(std::span<std::byte> into) {
  STAVE_ASSIGN(const std::size_t count, input_.read(into));
  read_ += count;
  if (progress_.due()) {
    std::string line = with_unit(read_);
    if (size_ != 0) line += " of " + with_unit(size_) + ", " + std::to_string(read_ * 100 / size_) + "%";
    progress_.show(line);
  }
  return count;
}

}  // namespace stave::tools
