// What all sketches have in common: the first bytes, which say of which kind one is, and how it is found out whether
// bytes of others are one.
//
// A sketch answers about very many elements in little memory, within an error that was asked for. Its bytes (bytes.h)
// begin with its kind and its layout. All numbers are little-endian. Must not know: keys, commands.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/bytes.h"
#include "types/sketch/bytes.h"

namespace stave::types::sketch {

enum class Kind : std::uint8_t { kBloom = 1, kCuckoo = 2, kCountMin = 3, kTop = 4, kDigest = 5 };

/// As TYPE answers, of a sketch that begins so: the names that its module has in Redis. "sketch" when nothing is known.
[[nodiscard]] std::string_view type_name(std::string_view head) noexcept;
/// Whether that is a sketch, whole and without contradictions. Cost: looks at what is not plain numbers.
[[nodiscard]] bool well_formed(std::string_view form);

/// What an element is to a sketch. The same in every store, so that sketches can be moved.
struct Hash {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};
[[nodiscard]] Hash hash_of(std::string_view element) noexcept;
/// Another number from that one, as good as a random one (splitmix64).
[[nodiscard]] constexpr std::uint64_t mixed(std::uint64_t x) noexcept {
  x += 0x9e37'79b9'7f4a'7c15;
  x = (x ^ x >> 30) * 0xbf58'476d'1ce4'e5b9;
  x = (x ^ x >> 27) * 0x94d0'49bb'1331'11eb;
  return x ^ x >> 31;
}
/// A number below `end` from a random one.
[[nodiscard]] constexpr std::uint64_t below(std::uint64_t random, std::uint64_t end) noexcept {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>(static_cast<Wide>(random) * end >> 64);
}

/// The first kHeadBytes of a sketch, as numbers.
class Head {
 public:
  explicit Head(Kind kind) noexcept {
    bytes_[0] = static_cast<char>(kind);
    bytes_[1] = kLayout;
  }
  /// `bytes` are those, at least.
  explicit Head(std::string_view bytes) noexcept {
    STAVE_ASSERT(bytes.size() >= bytes_.size());
    bytes.copy(bytes_.data(), bytes_.size());
  }
  [[nodiscard]] static Head of(const Reader& bytes) {
    std::string scratch;
    return Head(bytes.read(0, kHeadBytes, scratch));
  }

  [[nodiscard]] bool is(Kind kind) const noexcept {
    return bytes_[0] == static_cast<char>(kind) && bytes_[1] == kLayout;
  }
  template <class T>
  [[nodiscard]] T get(std::size_t at) const noexcept {
    STAVE_ASSERT(at + sizeof(T) <= bytes_.size());
    return base::load<T>(bytes_.data() + at);
  }
  template <class T>
  void put(std::size_t at, T value) noexcept {
    STAVE_ASSERT(at + sizeof(T) <= bytes_.size());
    base::store(bytes_.data() + at, value);
  }
  [[nodiscard]] std::string_view view() const noexcept { return {bytes_.data(), bytes_.size()}; }

 private:
  static constexpr char kLayout = 1;
  std::array<char, kHeadBytes> bytes_{};
};

/// The kind of a sketch that has its head.
[[nodiscard]] inline bool is_kind(const Reader& bytes, Kind kind) {
  return bytes.size() >= kHeadBytes && Head::of(bytes).is(kind);
}

}  // namespace stave::types::sketch
