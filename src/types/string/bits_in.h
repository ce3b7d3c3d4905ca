// Rows of bits (bitmap.h) that lie in pieces: looked at where they lie, what is zeros without being looked at.
//
// Must not know: keys, commands. Threads: as the reader.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "types/sketch/bytes.h"

namespace stave::types::bitmap {

/// The bit at `at`; beyond the end: false.
[[nodiscard]] bool get(const sketch::Reader& bytes, std::uint64_t at);
/// How many bits are set from `from` on up to the one before `to`; both within the bytes.
[[nodiscard]] std::uint64_t count(const sketch::Reader& bytes, std::uint64_t from, std::uint64_t to);
/// The first of these that is `bit`; nullopt when there is none.
[[nodiscard]] std::optional<std::uint64_t> find(const sketch::Reader& bytes, bool bit, std::uint64_t from,
                                                std::uint64_t to);

/// Some bits around a place, with the byte that it is in at their beginning.
struct Window {
  std::string_view bytes;
  std::uint64_t at = 0;  ///< The place, in these bytes.
};
/// So many bits from `at` on as far as they are there, for who reads a field. The bytes end as those of `read`.
[[nodiscard]] Window window(const sketch::Reader& bytes, std::uint64_t at, unsigned bits, std::string& scratch);

}  // namespace stave::types::bitmap
