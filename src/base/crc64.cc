#include "base/crc64.h"

#include <array>
#include <cstddef>

#include "base/bytes.h"

namespace stave::base {

namespace {

constexpr std::uint64_t kReflectedPolynomial = 0x95ac9329ac4bc9b5ull;

// Table 0 is the usual one; table k advances a byte over k further zero bytes, so that eight bytes go in one step
// (Kounavis and Berry, "Novel table lookup-based algorithms for high-performance CRC generation", 2008).
constexpr std::array<std::array<std::uint64_t, 256>, 8> make_tables() {
  std::array<std::array<std::uint64_t, 256>, 8> tables{};
  for (std::uint64_t byte = 0; byte < 256; ++byte) {
    std::uint64_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kReflectedPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (std::size_t k = 1; k < 8; ++k)
    for (std::size_t byte = 0; byte < 256; ++byte)
      tables[k][byte] = (tables[k - 1][byte] >> 8) ^ tables[0][tables[k - 1][byte] & 0xff];
  return tables;
}
constexpr auto kTables = make_tables();
static_assert(kTables[0][0x80] == kReflectedPolynomial && kTables[7][0] == 0);

}  // namespace

std::uint64_t crc64(std::string_view bytes, std::uint64_t crc) noexcept {
  while (bytes.size() >= 8) {
    crc ^= load<std::uint64_t>(bytes.data());
    std::uint64_t next = 0;
    for (std::size_t i = 0; i < 8; ++i) next ^= kTables[7 - i][(crc >> (8 * i)) & 0xff];
    crc = next;
    bytes.remove_prefix(8);
  }
  for (const char c : bytes) crc = kTables[0][(crc ^ static_cast<unsigned char>(c)) & 0xff] ^ (crc >> 8);
  return crc;
}

}  // namespace stave::base
