#include "types/string/bitmap.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/assert.h"
#include "base/bytes.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace stave::types::bitmap {

namespace {

/// What is left of a number of bytes below 8.
std::uint64_t count_few(std::string_view bytes) noexcept {
  std::uint64_t sum = 0;
  for (const char byte : bytes) sum += static_cast<std::uint64_t>(std::popcount(static_cast<unsigned char>(byte)));
  return sum;
}

/// The byte at `at` of which only the bits from `from` up to the one before `to` count, 0 to 8; the others as `fill`.
unsigned part_of_byte(std::string_view bytes, std::uint64_t at, unsigned from, unsigned to, bool fill) noexcept {
  const unsigned mask = (0xffu >> from) & (0xff00u >> to);
  const unsigned byte = static_cast<unsigned char>(bytes[at]);
  return fill ? (byte | ~mask) & 0xffu : byte & mask;
}

}  // namespace

// --- counting --------------------------------------------------------------------------------------------------------

std::uint64_t count_portably(std::string_view bytes) noexcept {
  // Counts of pairs, of nibbles, of bytes, side by side in a word; the multiplication adds the bytes up.
  constexpr std::uint64_t k5 = 0x5555555555555555ull;
  constexpr std::uint64_t k3 = 0x3333333333333333ull;
  constexpr std::uint64_t k0f = 0x0f0f0f0f0f0f0f0full;
  std::uint64_t sum = 0;
  std::size_t at = 0;
  for (; bytes.size() - at >= 8; at += 8) {
    std::uint64_t word = base::load<std::uint64_t>(bytes.data() + at);
    word -= word >> 1 & k5;
    word = (word & k3) + (word >> 2 & k3);
    word = (word + (word >> 4)) & k0f;
    sum += word * 0x0101010101010101ull >> 56;
  }
  return sum + count_few(bytes.substr(at));
}

#if defined(__x86_64__)
bool has_fast_count() noexcept {
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has;
}

// A nibble's count is looked up in a register, 32 bytes at once (Mula, Kurz, Lemire: Faster population counts using
// AVX2 instructions, 2018); counts of bytes are added up before they can overflow.
__attribute__((target("avx2"))) std::uint64_t count_fast(std::string_view bytes) noexcept {
  const __m256i counts =
      _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  const __m256i low = _mm256_set1_epi8(0x0f);
  const __m256i zero = _mm256_setzero_si256();
  __m256i sums = zero;
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  while (left >= 32) {
    // 31 times 8 is the most that a byte holds.
    std::size_t vectors = std::min<std::size_t>(left / 32, 31);
    left -= vectors * 32;
    __m256i some = zero;
    for (; vectors > 0; --vectors, at += 32) {
      const __m256i vector = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
      const __m256i high = _mm256_and_si256(_mm256_srli_epi16(vector, 4), low);
      some = _mm256_add_epi8(some, _mm256_add_epi8(_mm256_shuffle_epi8(counts, _mm256_and_si256(vector, low)),
                                                   _mm256_shuffle_epi8(counts, high)));
    }
    sums = _mm256_add_epi64(sums, _mm256_sad_epu8(some, zero));
  }
  std::array<std::uint64_t, 4> four;
  std::memcpy(four.data(), &sums, sizeof four);
  return four[0] + four[1] + four[2] + four[3] + count_portably({at, left});
}
#else
bool has_fast_count() noexcept {
  return false;
}
std::uint64_t count_fast(std::string_view bytes) noexcept {
  return count_portably(bytes);
}
#endif

std::uint64_t count(std::string_view bytes) noexcept {
  return has_fast_count() ? count_fast(bytes) : count_portably(bytes);
}

std::uint64_t count(std::string_view bytes, std::uint64_t from, std::uint64_t to) noexcept {
  STAVE_ASSERT(from <= to && to <= bytes.size() * 8);
  if (from == to) return 0;
  const std::uint64_t first = from / 8;
  const std::uint64_t last = (to - 1) / 8;
  const auto begin = static_cast<unsigned>(from % 8);
  const auto end = static_cast<unsigned>(to - last * 8);
  const auto ones = [](unsigned byte) { return static_cast<std::uint64_t>(std::popcount(byte)); };
  if (first == last) return ones(part_of_byte(bytes, first, begin, end, false));
  return ones(part_of_byte(bytes, first, begin, 8, false)) + count(bytes.substr(first + 1, last - first - 1)) +
         ones(part_of_byte(bytes, last, 0, end, false));
}

// --- searching -------------------------------------------------------------------------------------------------------

std::optional<std::uint64_t> find(std::string_view bytes, bool bit, std::uint64_t from, std::uint64_t to) noexcept {
  STAVE_ASSERT(from <= to && to <= bytes.size() * 8);
  if (from == to) return std::nullopt;
  const std::uint64_t last = (to - 1) / 8;
  std::uint64_t at = from / 8;
  const auto in_byte = [&](unsigned begin, unsigned end) -> std::optional<std::uint64_t> {
    const unsigned byte = part_of_byte(bytes, at, begin, end, !bit);
    const unsigned wanted = (bit ? byte : ~byte) & 0xffu;
    if (wanted == 0) return std::nullopt;
    return at * 8 + static_cast<std::uint64_t>(std::countl_zero(static_cast<unsigned char>(wanted)));
  };
  const auto end_of = [&] { return at == last ? static_cast<unsigned>(to - last * 8) : 8u; };
  if (const auto found = in_byte(static_cast<unsigned>(from % 8), end_of())) return found;
  ++at;
  const std::uint64_t nothing = bit ? 0 : ~std::uint64_t{0};
  while (at + 8 <= last && base::load<std::uint64_t>(bytes.data() + at) == nothing) at += 8;
  for (; at <= last; ++at)
    if (const auto found = in_byte(0, end_of())) return found;
  return std::nullopt;
}

// --- combining -------------------------------------------------------------------------------------------------------

namespace {

/// `size` bytes of an operation on words, of which there are `sources` many at `load(i, at)`.
template <class Word, class Load>
Word combined(Operation operation, std::size_t sources, Load&& load) noexcept {
  Word result = load(std::size_t{0});
  switch (operation) {
    case Operation::kNot: return static_cast<Word>(~result);
    case Operation::kAnd:
      for (std::size_t i = 1; i < sources; ++i) result = static_cast<Word>(result & load(i));
      return result;
    case Operation::kOr:
      for (std::size_t i = 1; i < sources; ++i) result = static_cast<Word>(result | load(i));
      return result;
    case Operation::kXor:
      for (std::size_t i = 1; i < sources; ++i) result = static_cast<Word>(result ^ load(i));
      return result;
    case Operation::kOne: {
      Word twice = 0;
      for (std::size_t i = 1; i < sources; ++i) {
        const Word next = load(i);
        twice = static_cast<Word>(twice | (result & next));
        result = static_cast<Word>(result | next);
      }
      return static_cast<Word>(result & ~twice);
    }
    case Operation::kDiff:
    case Operation::kDiff1:
    case Operation::kAndOr: {
      Word others = 0;
      for (std::size_t i = 1; i < sources; ++i) others = static_cast<Word>(others | load(i));
      if (operation == Operation::kDiff) return static_cast<Word>(result & ~others);
      if (operation == Operation::kDiff1) return static_cast<Word>(others & ~result);
      return static_cast<Word>(result & others);
    }
  }
  STAVE_ASSERT(false && "no operation");
  return result;
}

}  // namespace

void combine(Operation operation, std::span<const std::string_view> sources, std::string& into) {
  STAVE_ASSERT(!sources.empty() && (operation != Operation::kNot || sources.size() == 1));
  std::size_t longest = 0;
  std::size_t shortest = sources[0].size();
  for (const std::string_view source : sources) {
    longest = std::max(longest, source.size());
    shortest = std::min(shortest, source.size());
  }
  into.resize(longest);
  std::size_t at = 0;
  for (; shortest - at >= 8; at += 8) {
    const auto load = [&](std::size_t i) { return base::load<std::uint64_t>(sources[i].data() + at); };
    base::store(into.data() + at, combined<std::uint64_t>(operation, sources.size(), load));
  }
  for (; at < longest; ++at) {
    const auto load = [&](std::size_t i) {
      return at < sources[i].size() ? static_cast<unsigned char>(sources[i][at]) : static_cast<unsigned char>(0);
    };
    into[at] = static_cast<char>(combined<unsigned char>(operation, sources.size(), load));
  }
}

}  // namespace stave::types::bitmap
