#include "types/sketch/count_min.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>

namespace stave::types::sketch {

namespace {

constexpr std::size_t kDepthAt = 4;
constexpr std::size_t kWidthAt = 8;
constexpr std::size_t kSumAt = 16;
constexpr std::uint32_t kCountMax = std::numeric_limits<std::uint32_t>::max();

std::uint32_t counter_at(const Reader& bytes, std::uint64_t at, std::string& scratch) {
  return base::load<std::uint32_t>(bytes.read(at, sizeof(std::uint32_t), scratch).data());
}

Head head_of(std::uint64_t width, std::uint32_t depth, std::uint64_t sum) noexcept {
  Head head(Kind::kCountMin);
  head.put<std::uint32_t>(kDepthAt, depth);
  head.put<std::uint64_t>(kWidthAt, width);
  head.put<std::uint64_t>(kSumAt, sum);
  return head;
}

}  // namespace

void CountMin::make(Editor& bytes, std::uint64_t width, std::uint32_t depth) {
  STAVE_ASSERT(bytes.size() == 0 && width != 0 && depth != 0);
  bytes.extend(bytes_for(width, depth));
  bytes.write(0, head_of(width, depth, 0).view());
}

std::optional<std::uint64_t> CountMin::size_of(const Head& head) noexcept {
  const auto depth = head.get<std::uint32_t>(kDepthAt);
  const auto width = head.get<std::uint64_t>(kWidthAt);
  if (depth == 0 || depth > kDepthMax || width == 0) return std::nullopt;
  const std::uint64_t bytes = bytes_for(width, depth);
  return bytes == ~std::uint64_t{0} ? std::nullopt : std::optional(bytes);
}

CountMin::CountMin(const Reader& bytes) : bytes_(bytes) {
  const Head head = Head::of(bytes);
  depth_ = head.get<std::uint32_t>(kDepthAt);
  width_ = head.get<std::uint64_t>(kWidthAt);
  sum_ = head.get<std::uint64_t>(kSumAt);
  STAVE_ASSERT(bytes.size() == bytes_for(width_, depth_));
}

std::uint64_t CountMin::place(const Hash& hash, std::uint32_t row) const noexcept {
  const std::uint64_t column = below(mixed(hash.low + row * hash.high), width_);
  return kHeadBytes + (row * width_ + column) * sizeof(std::uint32_t);
}

std::uint32_t CountMin::count(std::string_view element) const {
  const Hash hash = hash_of(element);
  std::string scratch;
  std::uint32_t least = kCountMax;
  for (std::uint32_t row = 0; row < depth_; ++row)
    least = std::min(least, counter_at(bytes_, place(hash, row), scratch));
  return least;
}

std::optional<std::uint32_t> CountMin::add(Editor& bytes, std::string_view element, std::uint32_t times) {
  STAVE_ASSERT(&bytes == &bytes_);
  const Hash hash = hash_of(element);
  std::string scratch;
  std::uint32_t least = kCountMax;
  bool stopped = false;
  for (std::uint32_t row = 0; row < depth_; ++row) {
    const std::uint64_t at = place(hash, row);
    const std::uint32_t old = counter_at(bytes_, at, scratch);
    stopped = stopped || old > kCountMax - times;
    const std::uint32_t fresh = old > kCountMax - times ? kCountMax : old + times;
    char text[sizeof fresh];
    base::store(text, fresh);
    bytes.write(at, {text, sizeof text});
    least = std::min(least, fresh);
  }
  sum_ += times;
  return stopped ? std::nullopt : std::optional(least);
}

bool CountMin::become_sum(Editor& bytes, std::span<const Weighted> others) {
  STAVE_ASSERT(&bytes == &bytes_);
  std::string fresh(static_cast<std::size_t>(bytes_.size() - kHeadBytes), '\0');
  __extension__ using Wide = __int128;
  Wide sum = 0;
  for (const Weighted& other : others) sum += static_cast<Wide>(CountMin(*other.bytes).sum()) * other.weight;
  if (sum < 0 || sum > static_cast<Wide>(std::numeric_limits<std::int64_t>::max())) return false;
  // A page of counters at a time.
  constexpr std::size_t kCounters = kPageBytes / sizeof(std::uint32_t);
  std::array<Wide, kCounters> counters;
  std::string scratch;
  for (std::size_t at = 0; at < fresh.size(); at += kPageBytes) {
    const std::size_t size = std::min(kPageBytes, fresh.size() - at);
    counters.fill(0);
    for (const Weighted& other : others) {
      const std::string_view page = other.bytes->read(kHeadBytes + at, size, scratch);
      for (std::size_t i = 0; i < size / sizeof(std::uint32_t); ++i)
        counters[i] +=
            static_cast<Wide>(base::load<std::uint32_t>(page.data() + i * sizeof(std::uint32_t))) * other.weight;
    }
    for (std::size_t i = 0; i < size / sizeof(std::uint32_t); ++i) {
      if (counters[i] < 0 || counters[i] > static_cast<Wide>(kCountMax)) return false;
      base::store(fresh.data() + at + i * sizeof(std::uint32_t), static_cast<std::uint32_t>(counters[i]));
    }
  }
  sum_ = static_cast<std::uint64_t>(sum);
  bytes.write(kHeadBytes, fresh);
  return true;
}

void CountMin::finish(Editor& bytes) const {
  bytes.write(0, head_of(width_, depth_, sum_).view());
}

}  // namespace stave::types::sketch
