// One record of the log as bytes: encode, check, decode. The format is specified in docs/format.md.
//
// A record is one mutation of one key and stands alone. Layout, little-endian:
//   0  u32 length        whole record, header included
//   4  u8  kind          RecordKind
//   5  u8  flags         RecordFlag bits
//   6  u48 time          UnixMs of the writer
//  12  u16 key_length    low 16 bits
//  14  u48 prev          LSN of the key's previous record, 0 if none
//  20  u8  database
//  21  u8  key_length    high 8 bits
//  22  u16 header_check  low 16 bits of H = XXH3(bytes 0..21, seed ^ lsn); a length is trusted only after it
//  24  u64 checksum      XXH3(bytes 32..length-1, H)
//  32  [u48 expiry + u16 0] if kHasExpiry  · [u64 sliding_ms] if kSliding · [u64 version] if kRelocated · key · payload
// The two hashes are chained, so that every bit is covered and a record is checked where it lies, without a copy.
// `seed` comes from the store's id and the segment's salt, so stale, recycled or misplaced bytes never pass.
// Must not know: files, threads, what a payload means.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "log/record_kind.h"
#include "stave/units.h"

namespace stave::log {

enum RecordFlag : std::uint8_t {
  kCommit = 1,  ///< Last record of its batch.
  kHasExpiry = 2,
  kSliding = 4,      ///< Implies kHasExpiry.
  kRelocated = 8,    ///< Moved by the cleaner; carries the version it had.
  kAfterSync = 16,   ///< Everything before this record was durable when this was written.
  kCompressed = 32,  ///< The payload is compressed; by whom and how is the payload's own affair.
};

/// Who meets another one has a log of a later version before him.
inline constexpr std::uint8_t kKnownFlags = kCommit | kHasExpiry | kSliding | kRelocated | kAfterSync | kCompressed;

inline constexpr std::size_t kRecordHeaderBytes = 32;
inline constexpr std::size_t kKeyBytesMax = (std::size_t{1} << 24) - 1;
inline constexpr std::size_t kRecordBytesMax = 0xffff'ffff;

/// What the writer hands in. Views must stay valid until append returns.
struct RecordSpec {
  RecordKind kind{};
  std::uint8_t database = 0;
  UnixMs time{0};
  Expiry expiry{};
  Lsn prev = kNoLsn;
  /// When not negative: index of an earlier record of the same batch, whose LSN `Log::append` writes as `prev`. So
  /// records of one key in one batch are linked although nobody knows their addresses yet.
  std::int32_t prev_in_batch = -1;
  std::string_view key;
  std::string_view payload;
  Lsn version = kNoLsn;     ///< Of a record that is moved: the version it keeps (sets kRelocated).
  bool compressed = false;  ///< Sets kCompressed.
};

/// What a reader gets. Views point into the bytes that were decoded.
struct RecordView {
  RecordKind kind{};
  std::uint8_t flags = 0;
  std::uint8_t database = 0;
  UnixMs time{0};
  Expiry expiry{};
  Lsn prev = kNoLsn;
  Lsn lsn = kNoLsn;
  Lsn version = kNoLsn;  ///< `lsn`, unless the cleaner moved the record.
  std::uint32_t length = 0;
  std::string_view key;
  std::string_view payload;
  [[nodiscard]] bool commit() const noexcept { return (flags & kCommit) != 0; }
  [[nodiscard]] bool relocated() const noexcept { return (flags & kRelocated) != 0; }
  [[nodiscard]] bool compressed() const noexcept { return (flags & kCompressed) != 0; }
};

/// Exact size of the encoded record. The caller has checked the limits: the sum fits 32 bits.
std::size_t encoded_size(const RecordSpec& spec) noexcept;

/// Writes the record to `into` (encoded_size bytes) as it stands at `lsn`. What its `prev` is has been settled:
/// `prev_in_batch` is negative.
void encode(const RecordSpec& spec, std::uint8_t extra_flags, Lsn lsn, std::uint64_t seed, std::byte* into) noexcept;

/// The same but for the payload, which follows `into` (encoded_size less the payload) wherever it lies: a large one is
/// written from its own place. The checks are those of the whole record.
void encode_head(const RecordSpec& spec, std::uint8_t extra_flags, Lsn lsn, std::uint64_t seed,
                 std::byte* into) noexcept;

/// Sets a flag in an encoded record and computes its checks anew (the group commit marks what follows a sync).
void add_flag(std::span<std::byte> record, RecordFlag flag, Lsn lsn, std::uint64_t seed) noexcept;

/// The time in the header of an encoded record, which is not checked.
UnixMs encoded_time(const std::byte* record) noexcept;

/// The length in the header at `bytes`, when its header check holds; nullopt when it does not, or when fewer
/// than kRecordHeaderBytes are there.
std::optional<std::uint32_t> checked_length(std::span<const std::byte> bytes, Lsn lsn, std::uint64_t seed) noexcept;

/// What a header tells about the record, when its check holds, which covers all of it.
struct RecordExtent {
  std::uint32_t length = 0;
  std::uint32_t payload_at = 0;  ///< Where the payload begins, counted from the record.
  RecordKind kind{};
  bool compressed = false;
  [[nodiscard]] std::size_t payload_bytes() const noexcept { return length - payload_at; }
};
/// nullopt: the check fails, the parts would not fit the length, or fewer than kRecordHeaderBytes are there.
std::optional<RecordExtent> checked_extent(std::span<const std::byte> bytes, Lsn lsn, std::uint64_t seed) noexcept;

/// Decodes and verifies the record that begins `bytes`; nullopt when anything is wrong with it, or when it is not all
/// there.
std::optional<RecordView> decode(std::span<const std::byte> bytes, Lsn lsn, std::uint64_t seed) noexcept;
/// The same for a record whose payload was read to another place. `head` ends where the payload begins.
std::optional<RecordView> decode(std::span<const std::byte> head, std::string_view payload, Lsn lsn,
                                 std::uint64_t seed) noexcept;

}  // namespace stave::log
