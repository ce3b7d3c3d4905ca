// The binary snapshots, version 1 (plain strings) and 2 (everything). Byte by byte in docs/reference/snapshot-files.md.
#pragma once

#include <memory>

#include "exchange/exchange.h"
#include "exchange/source.h"

namespace stave::exchange {

inline constexpr std::uint32_t kBinaryMagic = 0x004B56DB;
inline constexpr std::size_t kBinaryMagicBytes = 8;  ///< Magic and version.

std::unique_ptr<Writer> make_binary1_writer(ByteOutput& output);

/// How the blocks of version 2 are stored.
enum class Codec : std::uint8_t { kNone = 0, kZstd = 1 };
std::unique_ptr<Writer> make_binary2_writer(ByteOutput& output, Codec codec = Codec::kZstd);

/// Reads either version from its first byte. Errors: as `read_any`. Bytes after the end are an error.
Result<Summary> read_binary(Source& source, Sink& sink, const Limits& limits);
/// Reads on behind magic and version (`head`) of a version that nobody knows. Success: the header is whole, so it is a
/// version of the future. Errors: kCorrupt: it is damaged, in the version at least.
Result<void> check_unknown_header(Source& source, std::string_view head);
/// Version 2 after its magic and version, which are 0 and 4 bytes before the source's offset.
Result<Summary> read_binary2(Source& source, Sink& sink, const Limits& limits);

}  // namespace stave::exchange
