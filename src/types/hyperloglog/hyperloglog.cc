#include "types/hyperloglog/hyperloglog.h"

#include <bit>
#include <cmath>
#include <limits>

#include "base/assert.h"
#include "base/bytes.h"
#include "types/hyperloglog/sparse.h"

namespace stave::types::hyperloglog {

namespace {

constexpr std::string_view kMagic = "HYLL";
constexpr std::size_t kEncodingAt = 4;
constexpr std::size_t kCountAt = 8;
constexpr char kDense = 0;
constexpr char kSparse = 1;
constexpr unsigned kIndexBits = 14;
constexpr unsigned kRankMax = 64 - kIndexBits + 1;
/// How many registers have which value.
using Histogram = std::array<std::uint32_t, 64>;

/// MurmurHash64A (Austin Appleby, public domain).
std::uint64_t murmur(std::string_view text, std::uint64_t seed) noexcept {
  constexpr std::uint64_t kMultiplier = 0xc6a4a7935bd1e995ull;
  constexpr unsigned kShift = 47;
  // The length is an int there.
  std::uint64_t hash =
      seed ^
      (static_cast<std::uint64_t>(static_cast<std::int64_t>(static_cast<std::int32_t>(text.size()))) * kMultiplier);
  while (text.size() >= 8) {
    std::uint64_t word = base::load<std::uint64_t>(text.data());
    word *= kMultiplier;
    word ^= word >> kShift;
    word *= kMultiplier;
    hash ^= word;
    hash *= kMultiplier;
    text.remove_prefix(8);
  }
  if (!text.empty()) {
    std::uint64_t rest = 0;
    for (std::size_t i = 0; i < text.size(); ++i)
      rest |= static_cast<std::uint64_t>(static_cast<unsigned char>(text[i])) << (8 * i);
    hash ^= rest;
    hash *= kMultiplier;
  }
  hash ^= hash >> kShift;
  hash *= kMultiplier;
  return hash ^ hash >> kShift;
}

std::string_view runs_of(std::string_view value) noexcept {
  return value.substr(kHeaderBytes);
}

// Registers of 6 bits, the first in the lowest bits of the first byte.
constexpr std::size_t byte_of(std::size_t index) noexcept {
  return index * 6 / 8;
}
constexpr unsigned shift_of(std::size_t index) noexcept {
  return static_cast<unsigned>(index * 6 % 8);
}
/// `bytes`: from the one on in which it begins.
std::uint8_t register_in(const char* bytes, std::size_t index) noexcept {
  const unsigned shift = shift_of(index);
  const unsigned low = static_cast<unsigned char>(bytes[0]);
  // The last one ends with the last byte.
  const unsigned high = shift > 2 ? static_cast<unsigned char>(bytes[1]) : 0;
  return static_cast<std::uint8_t>((low | high << 8) >> shift & 0x3f);
}
void set_register_in(char* bytes, std::size_t index, std::uint8_t value) noexcept {
  const unsigned shift = shift_of(index);
  const auto put = [&](std::size_t at, unsigned mask, unsigned bits) {
    const unsigned old = static_cast<unsigned char>(bytes[at]);
    bytes[at] = static_cast<char>((old & ~mask) | (bits & mask));
  };
  put(0, 0x3fu << shift & 0xff, static_cast<unsigned>(value) << shift);
  if (shift > 2) put(1, 0x3fu >> (8 - shift), static_cast<unsigned>(value) >> (8 - shift));
}
std::uint8_t register_at(const char* registers, std::size_t index) noexcept {
  return register_in(registers + byte_of(index), index);
}
void set_register(char* registers, std::size_t index, std::uint8_t value) noexcept {
  set_register_in(registers + byte_of(index), index, value);
}

/// Calls `visit` with each register in order.
template <class Visit>
void visit_dense(std::string_view value, Visit&& visit) noexcept {
  STAVE_ASSERT(value.size() == kDenseBytes);
  const char* at = value.data() + kHeaderBytes;
  for (std::size_t i = 0; i < kRegisters; i += 8, at += 6) {
    const std::uint64_t eight =
        base::load<std::uint32_t>(at) | static_cast<std::uint64_t>(base::load<std::uint16_t>(at + 4)) << 32;
    for (unsigned j = 0; j < 8; ++j) visit(i + j, static_cast<std::uint8_t>(eight >> (6 * j) & 0x3f));
  }
}

/// Equal registers often follow one another: several histograms, so that none has to wait for the one before.
Histogram dense_histogram(std::string_view value) noexcept {
  std::array<Histogram, 4> four{};
  visit_dense(value, [&](std::size_t i, std::uint8_t rank) { ++four[i % 4][rank]; });
  for (std::size_t rank = 0; rank < four[0].size(); ++rank)
    four[0][rank] += four[1][rank] + four[2][rank] + four[3][rank];
  return four[0];
}

double sigma(double x) noexcept {
  if (x == 1.) return std::numeric_limits<double>::infinity();
  double y = 1;
  double z = x;
  double before = 0;
  do {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  } while (before != z);
  return z;
}

double tau(double x) noexcept {
  if (x == 0. || x == 1.) return 0.;
  double y = 1.0;
  double z = 1 - x;
  double before = 0;
  do {
    x = std::sqrt(x);
    before = z;
    y *= 0.5;
    z -= std::pow(1 - x, 2) * y;
  } while (before != z);
  return z / 3;
}

/// nullopt: no text makes such registers.
std::optional<std::uint64_t> estimate(const Histogram& histogram) noexcept {
  for (std::size_t rank = kRankMax + 1; rank < histogram.size(); ++rank)
    if (histogram[rank] != 0) return std::nullopt;
  constexpr double kAlpha = 0.721347520444481703680;  // 0.5 / ln(2)
  constexpr double m = kRegisters;
  double z = m * tau((m - static_cast<double>(histogram[kRankMax])) / m);
  for (std::size_t rank = kRankMax - 1; rank >= 1; --rank) {
    z += static_cast<double>(histogram[rank]);
    z *= 0.5;
  }
  z += m * sigma(static_cast<double>(histogram[0]) / m);
  const double counted = kAlpha * m * m / z;
  // With every register at its greatest there is no end.
  if (!(counted < 9.2e18)) return static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return static_cast<std::uint64_t>(std::llround(counted));
}

/// Where in a sparse one a register stands.
struct Spot {
  std::size_t before = kHeaderBytes;  ///< Where the run before it begins; that of itself when there is none.
  std::size_t at = kHeaderBytes;      ///< Offsets in the value.
  std::size_t first = 0;              ///< The first register of the run.
  Run run;
};
std::optional<Spot> find_spot(std::string_view value, std::size_t index) noexcept {
  Spot spot;
  for (;;) {
    const auto run = first_run(value.substr(spot.at));
    if (!run || run->length > kRegisters - spot.first) return std::nullopt;
    spot.run = *run;
    if (index < spot.first + run->length) return spot;
    spot.before = spot.at;
    spot.at += run->bytes;
    spot.first += run->length;
  }
}

/// Joins neighbours of one value among the few runs from `at` on.
void join_values(std::string& value, std::size_t at) {
  constexpr int kLookedAt = 5;
  for (int i = 0; i < kLookedAt && at < value.size(); ++i) {
    const auto run = first_run(std::string_view(value).substr(at));
    if (!run) return;
    if (run->value != 0 && at + 1 < value.size() && is_value_run(value[at + 1])) {
      const Run next = *first_run(std::string_view(value).substr(at + 1));
      const std::size_t length = run->length + next.length;
      if (run->value == next.value && length <= Run::kValuesMax) {
        RunWriter joined;
        joined.values(run->value, length);
        value.replace(at, 2, joined.view());
        continue;  // perhaps with the one behind it too
      }
    }
    at += run->bytes;
  }
}

}  // namespace

bool is_one(std::string_view value) noexcept {
  if (value.size() < kHeaderBytes || !value.starts_with(kMagic)) return false;
  const char encoding = value[kEncodingAt];
  return encoding == kSparse || (encoding == kDense && value.size() == kDenseBytes);
}

bool is_sparse(std::string_view value) noexcept {
  STAVE_ASSERT(is_one(value));
  return value[kEncodingAt] == kSparse;
}

std::string make() {
  std::string value(kHeaderBytes, '\0');
  kMagic.copy(value.data(), kMagic.size());
  value[kEncodingAt] = kSparse;
  RunWriter runs;
  runs.zeros(kRegisters);
  value.append(runs.view());
  return value;
}

Mark mark_of(std::string_view text) noexcept {
  constexpr std::uint64_t kSeed = 0xadc83b19;
  const std::uint64_t hash = murmur(text, kSeed);
  // The bit above all makes sure that there is one.
  const std::uint64_t rest = hash >> kIndexBits | std::uint64_t{1} << (64 - kIndexBits);
  return {static_cast<std::uint32_t>(hash & (kRegisters - 1)), static_cast<std::uint8_t>(std::countr_zero(rest) + 1)};
}

bool is_dense(std::string_view header, std::uint64_t size) noexcept {
  return size == kDenseBytes && header.size() >= kHeaderBytes && header.starts_with(kMagic) &&
         header[kEncodingAt] == kDense;
}

Place place_of(Mark mark) noexcept {
  STAVE_ASSERT(mark.index < kRegisters);
  return {.at = kHeaderBytes + byte_of(mark.index), .bytes = shift_of(mark.index) > 2 ? 2u : 1u};
}

bool raise(char* bytes, Mark mark) noexcept {
  if (register_in(bytes, mark.index) >= mark.rank) return false;
  set_register_in(bytes, mark.index, mark.rank);
  return true;
}

Added would_add(std::string_view value, Mark mark) noexcept {
  if (!is_sparse(value))
    return register_at(value.data() + kHeaderBytes, mark.index) < mark.rank ? Added::kChanged : Added::kNothing;
  const auto spot = find_spot(value, mark.index);
  if (!spot) return Added::kCorrupt;
  return spot->run.value < mark.rank ? Added::kChanged : Added::kNothing;
}

Added add(std::string& value, Mark mark, std::size_t sparse_max) {
  const auto add_dense = [&] {
    char* const registers = value.data() + kHeaderBytes;
    if (register_at(registers, mark.index) >= mark.rank) return Added::kNothing;
    set_register(registers, mark.index, mark.rank);
    return Added::kChanged;
  };
  const auto promote = [&] { return make_dense(value) ? add_dense() : Added::kCorrupt; };
  if (!is_sparse(value)) return add_dense();
  // Too large for a run; the register is lower, for all that runs have are.
  if (mark.rank > Run::kValueMax) return promote();
  const auto spot = find_spot(value, mark.index);
  if (!spot) return Added::kCorrupt;
  const Run& run = spot->run;
  if (run.value >= mark.rank) return Added::kNothing;
  const std::size_t last = spot->first + run.length - 1;
  RunWriter fresh;
  const auto rest = [&](std::size_t length) {
    if (length == 0) return;
    if (run.value == 0) {
      fresh.zeros(length);
    } else {
      fresh.values(run.value, length);
    }
  };
  rest(mark.index - spot->first);
  fresh.values(mark.rank, 1);
  rest(last - mark.index);
  const std::size_t size = fresh.view().size();
  if (size > run.bytes && value.size() + size - run.bytes > sparse_max) return promote();
  value.replace(spot->at, run.bytes, fresh.view());
  join_values(value, spot->before);
  forget_count(value);
  return Added::kChanged;
}

bool make_dense(std::string& value) {
  if (!is_sparse(value)) return true;
  std::string dense = value.substr(0, kHeaderBytes);
  dense[kEncodingAt] = kDense;
  dense.resize(kDenseBytes);
  char* const registers = dense.data() + kHeaderBytes;
  const bool whole = visit_runs(runs_of(value), kRegisters, [&](std::size_t first, const Run& run) {
    if (run.value == 0) return;
    for (std::size_t i = first; i < first + run.length; ++i) set_register(registers, i, run.value);
  });
  if (whole) value = std::move(dense);
  return whole;
}

std::optional<std::uint64_t> noted_count(std::string_view value) noexcept {
  STAVE_ASSERT(value.size() >= kHeaderBytes && value.starts_with(kMagic));
  const auto noted = base::load<std::uint64_t>(value.data() + kCountAt);
  return noted >> 63 != 0 ? std::nullopt : std::optional(noted);
}
void note_count(std::string& value, std::uint64_t count) noexcept {
  STAVE_ASSERT(is_one(value));
  base::store(value.data() + kCountAt, count);
}
void forget_count(std::string& value) noexcept {
  STAVE_ASSERT(value.size() >= kHeaderBytes && value.starts_with(kMagic));
  constexpr unsigned kForgotten = 0x80;
  char& top = value[kHeaderBytes - 1];
  top = static_cast<char>(static_cast<unsigned char>(top) | kForgotten);
}

std::optional<std::uint64_t> count(std::string_view value) noexcept {
  if (!is_sparse(value)) return estimate(dense_histogram(value));
  Histogram histogram{};
  const bool whole = visit_runs(runs_of(value), kRegisters, [&](std::size_t, const Run& run) {
    histogram[run.value] += static_cast<std::uint32_t>(run.length);
  });
  return whole ? estimate(histogram) : std::nullopt;
}

bool Union::take(std::string_view value) noexcept {
  const auto raise = [&](std::size_t i, std::uint8_t rank) {
    if (registers_[i] < rank) registers_[i] = rank;
  };
  if (!is_sparse(value)) {
    std::uint8_t greatest = 0;
    visit_dense(value, [&](std::size_t i, std::uint8_t rank) {
      raise(i, rank);
      if (greatest < rank) greatest = rank;
    });
    return greatest <= kRankMax;
  }
  return visit_runs(runs_of(value), kRegisters, [&](std::size_t first, const Run& run) {
    if (run.value == 0) return;
    for (std::size_t i = first; i < first + run.length; ++i) raise(i, run.value);
  });
}

std::uint64_t Union::count() const noexcept {
  Histogram histogram{};
  for (const std::uint8_t rank : registers_) ++histogram[rank];
  return estimate(histogram).value_or(0);
}

std::optional<std::string> describe(std::string_view value) {
  STAVE_ASSERT(is_sparse(value));
  std::string text;
  const bool whole = visit_runs(runs_of(value), kRegisters, [&](std::size_t, const Run& run) {
    if (!text.empty()) text += ' ';
    if (run.value != 0) {
      text += "v:" + std::to_string(run.value) + "," + std::to_string(run.length);
    } else {
      text += (run.bytes == 1 ? "z:" : "Z:") + std::to_string(run.length);
    }
  });
  return whole ? std::optional(std::move(text)) : std::nullopt;
}

}  // namespace stave::types::hyperloglog
