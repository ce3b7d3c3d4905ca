#include "types/string/bits_in.h"

#include <algorithm>

#include "base/assert.h"
#include "types/string/bitmap.h"

namespace stave::types::bitmap {

namespace {

/// Shows what lies between two bits: `visit(piece, begin, from, to)`, where `begin` is the piece's first bit in the
/// whole, and the bits from `from` up to the one before `to`, counted in the piece, count. Returns whether to go on.
template <class Visit>
void visit_bits(const sketch::Reader& bytes, std::uint64_t from, std::uint64_t to, Visit&& visit) {
  STAVE_ASSERT(from <= to && to <= bytes.size() * 8);
  if (from == to) return;
  const std::uint64_t first = from / 8;
  const std::uint64_t end = (to + 7) / 8;
  bytes.visit(first, end - first, [&](std::uint64_t at, std::size_t count, std::string_view piece) {
    const std::uint64_t begin = at * 8;
    return visit(piece, begin, std::max(from, begin) - begin, std::min<std::uint64_t>(to, begin + count * 8) - begin);
  });
}

}  // namespace

bool get(const sketch::Reader& bytes, std::uint64_t at) {
  if (at / 8 >= bytes.size()) return false;
  std::string scratch;
  return get(bytes.read(at / 8, 1, scratch), at % 8);
}

std::uint64_t count(const sketch::Reader& bytes, std::uint64_t from, std::uint64_t to) {
  std::uint64_t sum = 0;
  visit_bits(bytes, from, to,
             [&](std::string_view piece, std::uint64_t, std::uint64_t piece_from, std::uint64_t piece_to) {
               if (!piece.empty()) sum += count(piece, piece_from, piece_to);
               return true;
             });
  return sum;
}

std::optional<std::uint64_t> find(const sketch::Reader& bytes, bool bit, std::uint64_t from, std::uint64_t to) {
  std::optional<std::uint64_t> found;
  visit_bits(bytes, from, to,
             [&](std::string_view piece, std::uint64_t begin, std::uint64_t piece_from, std::uint64_t piece_to) {
               if (!piece.empty()) {
                 found = find(piece, bit, piece_from, piece_to);
               } else if (!bit) {
                 found = piece_from;
               }
               if (found) *found += begin;
               return !found;
             });
  return found;
}

Window window(const sketch::Reader& bytes, std::uint64_t at, unsigned bits, std::string& scratch) {
  const std::uint64_t first = std::min(at / 8, bytes.size());
  const std::uint64_t end = std::min((at + bits + 7) / 8, bytes.size());
  // Of a place beyond the end nothing is there.
  if (at / 8 >= bytes.size()) return {.bytes = {}, .at = at % 8};
  return {.bytes = bytes.read(first, static_cast<std::size_t>(end - first), scratch), .at = at % 8};
}

}  // namespace stave::types::bitmap
