// CRC-64 with the Jones polynomial, as Redis' snapshot files and DUMP payloads carry it.
//
// Polynomial 0xad93d23594c935a9, reflected in and out, initial value and final xor zero; check value of "123456789":
// 0xe9c6d914c4b8d9ca (D. T. Jones, "An improved 64-bit cyclic redundancy check for protein sequences", 2002).
#pragma once

#include <cstdint>
#include <string_view>

namespace stave::base {

std::uint64_t crc64(std::string_view bytes, std::uint64_t crc = 0) noexcept;

}  // namespace stave::base
