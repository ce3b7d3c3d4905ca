// An entry: a key, what it holds, where that lies in the log and when it is due, in one allocation without gaps.
//
//     8 B word | version 6 B | key length | value length | [deadline 6 B, queue slot 4 B] | [sliding period 6 B] |
//     key | value
//
// The word holds the address of the record that holds the value; the version stays what it was when the cleaner moves
// that record (see docs/decisions/0008), and is that of a later record when the expiry or a part of the value was
// changed since. Lengths are one byte below 128 and grow by seven bits a byte. A large value lies in a block of its
// own; then its address (8 B) stands in its place. A spilled value is in the log only: its length is still told, and
// nothing follows the key. `Entry` is a view of those bytes, as cheap to copy as a pointer. Must not know: where
// entries are found, or the arena's sizes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "base/bytes.h"
#include "stave/units.h"

namespace stave::keyspace {

/// What kind of value a key holds. Four bits in memory and in the log.
enum class ValueType : std::uint8_t {
  kString = 0,
  kJson = 1,  ///< A string that its writer had checked to be JSON. Above the store it is a string.
  kHash = 2,
  kList = 3,
  kSet = 4,
  kSortedSet = 5,
  kPage = 6,  ///< A piece of a collection, in the database of the store's own.
  kStream = 7,
  kPagedHash = 8,  ///< The root of a hash that consists of such pieces. Above the store it is a hash; likewise:
  kPagedList = 9,
  kPagedSet = 10,
  kPagedSortedSet = 11,
  kPagedString = 12,
  kSketch = 14,  ///< What its first byte says: a Bloom filter and the like.
  kPagedSketch = 15,
  kPagedStream = 13,
};

/// Where an entry lies within its shard. 32 bits reach 8 GiB.
using Ref = std::uint32_t;
inline constexpr Ref kNoRef = 0;

/// What decides how many bytes an entry takes and where its parts stand.
struct EntryShape {
  std::size_t key_size = 0;
  std::size_t value_size = 0;
  bool expiring = false;
  bool sliding = false;
  bool out_of_line = false;
  bool spilled = false;

  static constexpr std::size_t kWordBytes = 8;
  static constexpr std::size_t kVersionBytes = 6;
  static constexpr std::size_t kLengthsAt = kWordBytes + kVersionBytes;
  static constexpr std::size_t kPointerBytes = 8;
  static constexpr std::size_t kDeadlineBytes = 6 + 4;
  static constexpr std::size_t kSlidingBytes = 6;

  static constexpr std::size_t length_bytes(std::size_t length) noexcept {
    if (length < 0x80) [[likely]]
      return 1;
    std::size_t bytes = 2;
    for (length >>= 7; length >= 0x80; length >>= 7) ++bytes;
    return bytes;
  }
  /// Offset of the deadline, when there is one.
  [[nodiscard]] constexpr std::size_t head_bytes() const noexcept {
    return kLengthsAt + length_bytes(key_size) + length_bytes(value_size);
  }
  [[nodiscard]] constexpr std::size_t key_offset() const noexcept {
    return head_bytes() + (expiring ? kDeadlineBytes : 0) + (sliding ? kSlidingBytes : 0);
  }
  /// All bytes of the entry; a value out of line is not counted.
  [[nodiscard]] constexpr std::size_t bytes() const noexcept {
    return key_offset() + key_size + (spilled ? 0 : out_of_line ? kPointerBytes : value_size);
  }
  friend constexpr bool operator==(const EntryShape&, const EntryShape&) = default;
};

class Entry {
 public:
  Entry() = default;
  explicit Entry(std::byte* at) noexcept : at_(at) {}

  explicit operator bool() const noexcept { return at_ != nullptr; }
  [[nodiscard]] std::byte* data() const noexcept { return at_; }

  [[nodiscard]] std::string_view key() const noexcept {
    const Lengths l = lengths();
    return {text(l.end + extra_bytes(word())), l.key};
  }
  /// Of a resident entry only. Valid until the next call that adds or changes an entry of the shard.
  [[nodiscard]] std::string_view value() const noexcept {
    const Lengths l = lengths();
    const std::uint64_t w = word();
    STAVE_ASSERT((w & kResident) != 0);
    const std::size_t at = l.end + extra_bytes(w) + l.key;
    if ((w & kOutOfLine) != 0) [[unlikely]]
      return {base::load<const char*>(at_ + at), l.value};
    return {text(at), l.value};
  }
  /// Also when the value is not in memory.
  [[nodiscard]] std::size_t value_size() const noexcept { return lengths().value; }
  /// Whether this is the entry of `key`. Cheaper than comparing `key()`.
  [[nodiscard]] bool holds(std::string_view key) const noexcept {
    const Lengths l = lengths();
    return l.key == key.size() && std::memcmp(text(l.end + extra_bytes(word())), key.data(), key.size()) == 0;
  }

  [[nodiscard]] ValueType type() const noexcept { return static_cast<ValueType>((word() >> kTypeShift) & 0xf); }
  /// The record that holds the value.
  [[nodiscard]] Lsn address() const noexcept { return Lsn{word() & kLsnMax}; }
  /// What conditional writes compare: where the newest record of the key was written first, whether or not the cleaner
  /// moved it since.
  [[nodiscard]] Lsn version() const noexcept { return Lsn{base::load48(at_ + EntryShape::kWordBytes)}; }
  /// The record at `lsn` wrote it: a new version.
  void set_written(Lsn lsn) noexcept {
    set_address(lsn);
    set_version(lsn);
    clear_changes();
  }
  /// All that was known of it is in one record at `address` now, and nothing else changed.
  void set_moved(Lsn address) noexcept {
    STAVE_ASSERT(address > this->address() && address > version());
    set_address(address);
    clear_changes();
  }
  /// Whether the expiry or a part of the value was changed by a record of its own, the one at `version`, since the
  /// value was written whole.
  [[nodiscard]] bool delta() const noexcept { return (word() & kDelta) != 0; }
  void set_delta(bool delta) noexcept { set_word(delta ? word() | kDelta : word() & ~kDelta); }
  /// Whether parts of the value were changed by records of their own, and a measure of how many: 0 (none) to
  /// kPatchesMax. The record at `version` is the last of them, and leads back to `address` by those before it.
  static constexpr unsigned kPatchesMax = 3;
  [[nodiscard]] unsigned patches() const noexcept {
    return static_cast<unsigned>(word() >> kPatchesShift) & kPatchesMax;
  }
  void set_patches(unsigned patches) noexcept {
    STAVE_ASSERT(patches <= kPatchesMax);
    set_word((word() & ~kPatches) | std::uint64_t{patches} << kPatchesShift);
  }
  /// The record at `lsn` changed a part of the value, which lies whole at `address`.
  void set_patched(Lsn address, Lsn lsn, unsigned patches) noexcept {
    STAVE_ASSERT(address < lsn && version() < lsn && patches > 0);
    set_address(address);
    set_version(lsn);
    set_delta(true);
    set_patches(patches);
  }
  /// The record from which the value can be read.
  [[nodiscard]] Lsn value_record() const noexcept { return patches() != 0 ? version() : address(); }
  /// What the key's next record names as the one before it.
  [[nodiscard]] Lsn newest_record() const noexcept { return delta() ? version() : address(); }
  /// A change is later than the value; a value is where its version was written, or was moved from there.
  [[nodiscard]] bool consistent() const noexcept {
    return delta() ? address() < version() : version() <= address() && patches() == 0;
  }

  [[nodiscard]] bool has_expiry() const noexcept { return (word() & kExpiring) != 0; }
  /// Expiry{} when it has none.
  [[nodiscard]] Expiry expiry() const noexcept {
    const std::uint64_t w = word();
    if ((w & kExpiring) == 0) return {};
    const std::byte* const at = at_ + lengths().end;
    Expiry expiry{.at = UnixMs{static_cast<std::int64_t>(base::load48(at))}};
    if ((w & kSliding) != 0)
      expiry.sliding_ms = static_cast<std::int64_t>(base::load48(at + EntryShape::kDeadlineBytes));
    return expiry;
  }
  /// Puts the deadline off, in place; only for an entry that has one, and never to an earlier moment. The expiry queue
  /// notices when the old deadline comes, so a read that refreshes costs it nothing.
  void set_deadline(UnixMs at) noexcept {
    STAVE_ASSERT(has_expiry());
    base::store48(at_ + lengths().end, static_cast<std::uint64_t>(raw(at)));
  }

  /// How often it was used lately, 0 to kHeatMax. Who evicts cools it down.
  static constexpr unsigned kHeatMax = 7;
  [[nodiscard]] unsigned heat() const noexcept { return static_cast<unsigned>((word() >> kHeatShift) & kHeatMax); }
  void set_heat(unsigned heat) noexcept {
    set_word((word() & ~(std::uint64_t{kHeatMax} << kHeatShift)) | (std::uint64_t{heat & kHeatMax} << kHeatShift));
  }
  /// Counts a use. A hot entry is only read, so its cache line stays shared.
  void touch() noexcept {
    if (heat() < kHeatMax) set_word(word() + (std::uint64_t{1} << kHeatShift));
  }

  /// Whether the value is in memory (and not only in the log).
  [[nodiscard]] bool resident() const noexcept { return (word() & kResident) != 0; }
  [[nodiscard]] bool out_of_line() const noexcept { return (word() & kOutOfLine) != 0; }

  [[nodiscard]] EntryShape shape() const noexcept {
    const Lengths l = lengths();
    const std::uint64_t w = word();
    return {.key_size = l.key,
            .value_size = l.value,
            .expiring = (w & kExpiring) != 0,
            .sliding = (w & kSliding) != 0,
            .out_of_line = (w & kOutOfLine) != 0,
            .spilled = (w & kResident) == 0};
  }
  /// Bytes it takes in the arena and in a block of its own, rounding included.
  [[nodiscard]] std::uint64_t memory_bytes() const noexcept;

  // --- for the shard -----------------------------------------------------------------------------------------------

  /// Lays out a new entry over `shape.bytes()` bytes: lengths, flags, type, where its record is; no heat. Key and value
  /// follow.
  void init(const EntryShape& shape, ValueType type, Lsn address, Lsn version) noexcept {
    set_word((raw(address) & kLsnMax) | (static_cast<std::uint64_t>(type) << kTypeShift) | flags(shape));
    set_version(version);
    put_length(put_length(at_ + EntryShape::kLengthsAt, shape.key_size), shape.value_size);
  }
  /// Takes over what `other` knows, but for expiry and lengths, which follow `shape`.
  void init_like(Entry other, const EntryShape& shape) noexcept {
    const std::uint64_t word = other.word();
    init(shape, other.type(), other.address(), other.version());
    set_word((word & ~kShapeBits) | flags(shape));
  }
  /// Where the key and then the value (or its block's address) stand.
  [[nodiscard]] std::byte* key_bytes() const noexcept { return at_ + lengths().end + extra_bytes(word()); }
  [[nodiscard]] std::byte* value_bytes() const noexcept {
    const Lengths l = lengths();
    return at_ + l.end + extra_bytes(word()) + l.key;
  }
  [[nodiscard]] std::byte* block() const noexcept { return base::load<std::byte*>(value_bytes()); }
  void set_block(std::byte* block) noexcept { base::store(value_bytes(), block); }
  void set_content(ValueType type, Lsn address, Lsn version) noexcept {
    const std::uint64_t kept = word() & ~(kLsnMax | kDelta | kPatches | std::uint64_t{0xf} << kTypeShift);
    set_word(kept | static_cast<std::uint64_t>(type) << kTypeShift | (raw(address) & kLsnMax));
    set_version(version);
  }
  /// The record at `lsn` gave it another expiry and nothing else: a new version, whose value stays where it is.
  void set_changed_expiry(Lsn lsn) noexcept {
    // The way back from `version` to `address` would lead past it.
    STAVE_ASSERT(address() < lsn && version() < lsn && patches() == 0);
    set_version(lsn);
    set_delta(true);
  }
  /// Any deadline and period, for whoever tells the queue; the shape must fit.
  void set_expiry(Expiry expiry) noexcept {
    std::byte* const at = at_ + lengths().end;
    base::store48(at, static_cast<std::uint64_t>(raw(expiry.at)));
    if ((word() & kSliding) != 0)
      base::store48(at + EntryShape::kDeadlineBytes, static_cast<std::uint64_t>(expiry.sliding_ms));
  }
  /// Where its item stands in the expiry queue.
  [[nodiscard]] std::uint32_t queue_slot() const noexcept {
    return base::load<std::uint32_t>(at_ + lengths().end + kSlotOffset);
  }
  void set_queue_slot(std::uint32_t slot) noexcept { base::store(at_ + lengths().end + kSlotOffset, slot); }
  /// The value has another length, told in as many bytes.
  void set_value_size(std::size_t size) noexcept {
    const Lengths l = lengths();
    STAVE_ASSERT(EntryShape::length_bytes(size) == EntryShape::length_bytes(l.value));
    put_length(at_ + l.end - EntryShape::length_bytes(size), size);
  }
  /// Out of sight, but not gone: a transaction may bring it back.
  [[nodiscard]] bool detached() const noexcept { return (word() & kDetached) != 0; }
  void set_detached(bool detached) noexcept { set_word(detached ? word() | kDetached : word() & ~kDetached); }

 private:
  static constexpr int kTypeShift = 48;
  static constexpr std::uint64_t kExpiring = std::uint64_t{1} << 52;
  static constexpr std::uint64_t kSliding = std::uint64_t{1} << 53;
  static constexpr std::uint64_t kOutOfLine = std::uint64_t{1} << 54;
  static constexpr std::uint64_t kResident = std::uint64_t{1} << 55;
  static constexpr std::uint64_t kDetached = std::uint64_t{1} << 56;
  static constexpr std::uint64_t kDelta = std::uint64_t{1} << 57;
  static constexpr int kHeatShift = 58;
  static constexpr int kPatchesShift = 61;
  static constexpr std::uint64_t kPatches = std::uint64_t{kPatchesMax} << kPatchesShift;
  static constexpr std::uint64_t kShapeBits = kExpiring | kSliding | kOutOfLine | kResident;
  static constexpr std::size_t kSlotOffset = 6;

  struct Lengths {
    std::size_t key;
    std::size_t value;
    std::size_t end;  ///< Offset of what follows the lengths.
  };

  [[nodiscard]] std::uint64_t word() const noexcept { return base::load<std::uint64_t>(at_); }
  void set_word(std::uint64_t word) noexcept { base::store(at_, word); }
  void set_address(Lsn address) noexcept { set_word((word() & ~kLsnMax) | (raw(address) & kLsnMax)); }
  void clear_changes() noexcept { set_word(word() & ~(kDelta | kPatches)); }
  void set_version(Lsn version) noexcept { base::store48(at_ + EntryShape::kWordBytes, raw(version)); }
  [[nodiscard]] const char* text(std::size_t offset) const noexcept {
    return reinterpret_cast<const char*>(at_ + offset);
  }
  /// What stands between the lengths and the key.
  static std::size_t extra_bytes(std::uint64_t word) noexcept {
    if ((word & (kExpiring | kSliding)) == 0) [[likely]]
      return 0;
    return ((word & kExpiring) != 0 ? EntryShape::kDeadlineBytes : 0) +
           ((word & kSliding) != 0 ? EntryShape::kSlidingBytes : 0);
  }
  static std::uint64_t flags(const EntryShape& shape) noexcept {
    return (shape.expiring ? kExpiring : 0) | (shape.sliding ? kSliding : 0) | (shape.out_of_line ? kOutOfLine : 0) |
           (shape.spilled ? 0 : kResident);
  }

  [[nodiscard]] Lengths lengths() const noexcept {
    const auto both = base::load<std::uint16_t>(at_ + EntryShape::kLengthsAt);
    if ((both & 0x8080) == 0) [[likely]]
      return {both & 0xffu, static_cast<std::size_t>(both >> 8), EntryShape::kLengthsAt + 2};
    std::size_t at = EntryShape::kLengthsAt;
    const std::size_t key = get_length(at);
    const std::size_t value = get_length(at);
    return {key, value, at};
  }
  std::size_t get_length(std::size_t& at) const noexcept {
    std::size_t length = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<std::size_t>(at_[at++]);
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) return length;
    }
  }
  static std::byte* put_length(std::byte* at, std::size_t length) noexcept {
    if (length < 0x80) [[likely]] {
      *at = static_cast<std::byte>(length);
      return at + 1;
    }
    for (; length >= 0x80; length >>= 7) *at++ = static_cast<std::byte>(length | 0x80);
    *at++ = static_cast<std::byte>(length);
    return at;
  }

  std::byte* at_ = nullptr;
};

}  // namespace stave::keyspace
