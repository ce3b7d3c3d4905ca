#include "log/record.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "log/record_layout.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace stave::log {

namespace {

constexpr std::size_t kTimeAt = 6;
constexpr std::size_t kKeyLengthAt = 12;
constexpr std::size_t kPrevAt = 14;
constexpr std::size_t kDatabaseAt = 20;
constexpr std::size_t kKeyLengthHighAt = 21;
constexpr std::size_t kHeaderCheckAt = 22;
constexpr std::size_t kChecksumAt = 24;

std::uint64_t header_hash(const std::byte* record, Lsn lsn, std::uint64_t seed) noexcept {
  return XXH3_64bits_withSeed(record, kHeaderCheckAt, seed ^ raw(lsn));
}

std::uint64_t body_hash(const std::byte* record, std::size_t length, std::uint64_t header) noexcept {
  return XXH3_64bits_withSeed(record + kRecordHeaderBytes, length - kRecordHeaderBytes, header);
}

void seal(std::byte* record, std::size_t length, Lsn lsn, std::uint64_t seed) noexcept {
  const std::uint64_t header = header_hash(record, lsn, seed);
  base::store(record + kHeaderCheckAt, static_cast<std::uint16_t>(header));
  base::store(record + kChecksumAt, body_hash(record, length, header));
}

/// As `body_hash`, of a body in two pieces.
std::uint64_t body_hash(std::span<const std::byte> fields, std::string_view payload, std::uint64_t header) noexcept {
  XXH3_state_t state;
  XXH3_INITSTATE(&state);
  XXH3_64bits_reset_withSeed(&state, header);
  XXH3_64bits_update(&state, fields.data(), fields.size());
  XXH3_64bits_update(&state, payload.data(), payload.size());
  return XXH3_64bits_digest(&state);
}

// 48-bit times keep their sign.
std::int64_t load_time(const std::byte* from) noexcept {
  return static_cast<std::int64_t>(base::load48(from) << 16) >> 16;
}

/// Everything that stands before the payload, but for the checks. Returns where the payload goes.
std::byte* put_fields(const RecordSpec& spec, std::uint8_t extra_flags, std::size_t length, std::byte* into) noexcept {
  STAVE_ASSERT(spec.prev_in_batch < 0);
  STAVE_ASSERT(length >= kRecordHeaderBytes && length <= kRecordBytesMax);
  STAVE_ASSERT(spec.key.size() <= kKeyBytesMax);
  std::uint8_t flags = extra_flags;
  std::byte* at = into + kRecordHeaderBytes;
  if (!spec.expiry.never()) {
    flags |= kHasExpiry;
    // The upper two bytes of the eight stay zero.
    base::store(at, static_cast<std::uint64_t>(raw(spec.expiry.at)) & kLsnMax);
    at += 8;
    if (spec.expiry.sliding_ms != 0) {
      flags |= kSliding;
      base::store(at, static_cast<std::uint64_t>(spec.expiry.sliding_ms));
      at += 8;
    }
  }
  if (spec.version != kNoLsn) {
    flags |= kRelocated;
    base::store(at, raw(spec.version));
    at += 8;
  }
  if (spec.compressed) flags |= kCompressed;
  base::store(into, static_cast<std::uint32_t>(length));
  into[kKindAt] = static_cast<std::byte>(spec.kind);
  into[kFlagsAt] = static_cast<std::byte>(flags);
  base::store48(into + kTimeAt, static_cast<std::uint64_t>(raw(spec.time)));
  base::store(into + kKeyLengthAt, static_cast<std::uint16_t>(spec.key.size()));
  base::store48(into + kPrevAt, raw(spec.prev));
  into[kDatabaseAt] = static_cast<std::byte>(spec.database);
  into[kKeyLengthHighAt] = static_cast<std::byte>(spec.key.size() >> 16);
  if (!spec.key.empty()) std::memcpy(at, spec.key.data(), spec.key.size());
  return at + spec.key.size();
}

/// Where the payload of a record begins; nullopt when that would be behind its end. The checksum says that this is what
/// was written; the bounds are checked all the same, for a writer may err.
std::optional<std::uint32_t> payload_offset(const std::byte* record, std::uint32_t length) noexcept {
  const auto flags = static_cast<std::uint8_t>(record[kFlagsAt]);
  const bool has_expiry = (flags & kHasExpiry) != 0;
  const bool sliding = (flags & kSliding) != 0;
  const bool relocated = (flags & kRelocated) != 0;
  const std::size_t offset = kRecordHeaderBytes + (has_expiry ? 8u : 0u) + (sliding ? 8u : 0u) + (relocated ? 8u : 0u) +
                             base::load<std::uint16_t>(record + kKeyLengthAt) +
                             (static_cast<std::size_t>(record[kKeyLengthHighAt]) << 16);
  if ((sliding && !has_expiry) || offset > length) return std::nullopt;
  return static_cast<std::uint32_t>(offset);
}

/// All but the payload of a record that was verified.
RecordView view_of(const std::byte* record, std::uint32_t length, std::uint32_t payload_at, Lsn lsn) noexcept {
  RecordView view;
  view.kind = static_cast<RecordKind>(record[kKindAt]);
  view.flags = static_cast<std::uint8_t>(record[kFlagsAt]);
  view.database = static_cast<std::uint8_t>(record[kDatabaseAt]);
  view.time = UnixMs{load_time(record + kTimeAt)};
  view.prev = Lsn{base::load48(record + kPrevAt)};
  view.lsn = lsn;
  view.version = lsn;
  view.length = length;
  const std::byte* at = record + kRecordHeaderBytes;
  if ((view.flags & kHasExpiry) != 0) {
    view.expiry.at = UnixMs{load_time(at)};
    at += 8;
  }
  if ((view.flags & kSliding) != 0) {
    view.expiry.sliding_ms = base::load<std::int64_t>(at);
    at += 8;
  }
  if (view.relocated()) {
    view.version = Lsn{base::load<std::uint64_t>(at)};
    at += 8;
  }
  view.key = {reinterpret_cast<const char*>(at), static_cast<std::size_t>(record + payload_at - at)};
  return view;
}

}  // namespace

std::size_t encoded_size(const RecordSpec& spec) noexcept {
  std::size_t size = kRecordHeaderBytes + spec.key.size() + spec.payload.size();
  if (!spec.expiry.never()) size += spec.expiry.sliding_ms != 0 ? 16 : 8;
  if (spec.version != kNoLsn) size += 8;
  return size;
}

void encode(const RecordSpec& spec, std::uint8_t extra_flags, Lsn lsn, std::uint64_t seed, std::byte* into) noexcept {
  const std::size_t length = encoded_size(spec);
  std::byte* const at = put_fields(spec, extra_flags, length, into);
  if (!spec.payload.empty()) std::memcpy(at, spec.payload.data(), spec.payload.size());
  seal(into, length, lsn, seed);
}

void encode_head(const RecordSpec& spec, std::uint8_t extra_flags, Lsn lsn, std::uint64_t seed,
                 std::byte* into) noexcept {
  const std::byte* const end = put_fields(spec, extra_flags, encoded_size(spec), into);
  const std::uint64_t header = header_hash(into, lsn, seed);
  base::store(into + kHeaderCheckAt, static_cast<std::uint16_t>(header));
  base::store(into + kChecksumAt, body_hash({into + kRecordHeaderBytes, end}, spec.payload, header));
}

void add_flag(std::span<std::byte> record, RecordFlag flag, Lsn lsn, std::uint64_t seed) noexcept {
  record[kFlagsAt] |= static_cast<std::byte>(flag);
  seal(record.data(), record.size(), lsn, seed);
}

UnixMs encoded_time(const std::byte* record) noexcept {
  return UnixMs{load_time(record + kTimeAt)};
}

std::optional<std::uint32_t> checked_length(std::span<const std::byte> bytes, Lsn lsn, std::uint64_t seed) noexcept {
  if (bytes.size() < kRecordHeaderBytes) return std::nullopt;
  const auto length = base::load<std::uint32_t>(bytes.data());
  if (length < kRecordHeaderBytes) return std::nullopt;
  const auto check = base::load<std::uint16_t>(bytes.data() + kHeaderCheckAt);
  if (check != static_cast<std::uint16_t>(header_hash(bytes.data(), lsn, seed))) return std::nullopt;
  return length;
}

std::optional<RecordExtent> checked_extent(std::span<const std::byte> bytes, Lsn lsn, std::uint64_t seed) noexcept {
  const auto length = checked_length(bytes, lsn, seed);
  if (!length) return std::nullopt;
  const auto payload_at = payload_offset(bytes.data(), *length);
  if (!payload_at) return std::nullopt;
  return RecordExtent{.length = *length,
                      .payload_at = *payload_at,
                      .kind = static_cast<RecordKind>(bytes[kKindAt]),
                      .compressed = (static_cast<std::uint8_t>(bytes[kFlagsAt]) & kCompressed) != 0};
}

std::optional<RecordView> decode(std::span<const std::byte> bytes, Lsn lsn, std::uint64_t seed) noexcept {
  if (bytes.size() < kRecordHeaderBytes) return std::nullopt;
  const std::byte* const record = bytes.data();
  const auto length = base::load<std::uint32_t>(record);
  if (length < kRecordHeaderBytes || length > bytes.size()) return std::nullopt;
  const std::uint64_t header = header_hash(record, lsn, seed);
  if (base::load<std::uint16_t>(record + kHeaderCheckAt) != static_cast<std::uint16_t>(header)) return std::nullopt;
  if (base::load<std::uint64_t>(record + kChecksumAt) != body_hash(record, length, header)) return std::nullopt;
  const auto payload_at = payload_offset(record, length);
  if (!payload_at) return std::nullopt;
  RecordView view = view_of(record, length, *payload_at, lsn);
  view.payload = {reinterpret_cast<const char*>(record + *payload_at), length - *payload_at};
  return view;
}

std::optional<RecordView> decode(std::span<const std::byte> head, std::string_view payload, Lsn lsn,
                                 std::uint64_t seed) noexcept {
  const auto extent = checked_extent(head, lsn, seed);
  if (!extent || extent->payload_at != head.size() || extent->payload_bytes() != payload.size()) return std::nullopt;
  const std::byte* const record = head.data();
  if (base::load<std::uint64_t>(record + kChecksumAt) !=
      body_hash(head.subspan(kRecordHeaderBytes), payload, header_hash(record, lsn, seed)))
    return std::nullopt;
  RecordView view = view_of(record, extent->length, extent->payload_at, lsn);
  view.payload = payload;
  return view;
}

}  // namespace stave::log
