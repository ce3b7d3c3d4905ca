// How the store names a key and shows what it holds.
//
// Plain types that the engine and its parts share. A view is of what lies under a shard's lock and ends with it. Must
// not know: the log's files, who asks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "keyspace/block.h"
#include "keyspace/entry.h"
#include "keyspace/keyspace.h"
#include "log/record.h"
#include "log/record_kind.h"
#include "stave/units.h"

namespace stave::store {

using keyspace::ValueType;

/// Beside the databases that users see there is one of the store's own, the last of the keyspace: the pages of
/// collections too large for one record (paged.h). In the log it has this number, however many databases there are.
inline constexpr int kPagesNumber = 255;
[[nodiscard]] inline int pages_database(const keyspace::Keyspace& keyspace) noexcept {
  return keyspace.databases() - 1;
}
/// A database as the log knows it, and back. Of a number that is none's, the index is beyond all.
[[nodiscard]] inline std::uint8_t number_of(const keyspace::Keyspace& keyspace, int database) noexcept {
  STAVE_ASSERT(database >= 0 && database < keyspace.databases());
  return static_cast<std::uint8_t>(database == pages_database(keyspace) ? kPagesNumber : database);
}
[[nodiscard]] inline int database_of(const keyspace::Keyspace& keyspace, int number) noexcept {
  if (number == kPagesNumber) return pages_database(keyspace);
  return number < pages_database(keyspace) ? number : keyspace.databases();
}

/// A key and the database it lies in. The bytes belong to the caller.
struct KeyRef {
  int database = 0;
  std::string_view key;
  /// The keyspace's hash of the key, for who has it from `Engine::prefetch_bucket`; 0: not known.
  std::uint64_t hash = 0;
};

[[nodiscard]] inline std::uint64_t hash_of(const keyspace::Keyspace& keyspace, const KeyRef& key) noexcept {
  return key.hash != 0 ? key.hash : keyspace.hash(key.key);
}

/// The type as everybody above the store knows it.
constexpr ValueType shown_type(ValueType type) noexcept {
  switch (type) {
    case ValueType::kJson: return ValueType::kString;
    case ValueType::kPagedHash: return ValueType::kHash;
    case ValueType::kPagedList: return ValueType::kList;
    case ValueType::kPagedSet: return ValueType::kSet;
    case ValueType::kPagedSortedSet: return ValueType::kSortedSet;
    case ValueType::kPagedSketch: return ValueType::kSketch;
    case ValueType::kPagedStream: return ValueType::kStream;
    case ValueType::kPagedString: return ValueType::kString;
    case ValueType::kString:
    case ValueType::kHash:
    case ValueType::kList:
    case ValueType::kSet:
    case ValueType::kSortedSet:
    case ValueType::kSketch:
    case ValueType::kStream:
    case ValueType::kPage: break;
  }
  return type;
}
/// Whether the value is the root of a collection of pages, or of a string of pages.
constexpr bool is_root(ValueType type) noexcept {
  return (type >= ValueType::kPagedHash && type <= ValueType::kPagedStream) || type == ValueType::kPagedSketch;
}
static_assert(is_root(ValueType::kPagedString) && !is_root(ValueType::kSketch) && !is_root(ValueType::kStream));
/// The type of a root of that collection.
constexpr ValueType root_type(ValueType collection) noexcept {
  if (collection == ValueType::kSketch) return ValueType::kPagedSketch;
  if (collection == ValueType::kString) return ValueType::kPagedString;
  constexpr int kStep = static_cast<int>(ValueType::kPagedHash) - static_cast<int>(ValueType::kHash);
  const auto type = static_cast<ValueType>(static_cast<int>(collection) + kStep);
  STAVE_ASSERT(is_root(type) && shown_type(type) == collection);
  return type;
}

/// How a string is kept whose writer did or did not have it checked to be JSON.
constexpr ValueType string_type(bool json) noexcept {
  return json ? ValueType::kJson : ValueType::kString;
}

/// Which kind of record gives a key a value of that type, and back.
constexpr log::RecordKind kind_of(ValueType type) noexcept {
  switch (type) {
    case ValueType::kString: return log::RecordKind::kString;
    case ValueType::kJson: return log::RecordKind::kJson;
    case ValueType::kHash: return log::RecordKind::kHash;
    case ValueType::kList: return log::RecordKind::kList;
    case ValueType::kSet: return log::RecordKind::kSet;
    case ValueType::kSortedSet: return log::RecordKind::kSortedSet;
    case ValueType::kStream: return log::RecordKind::kStream;
    case ValueType::kPage: return log::RecordKind::kPage;
    case ValueType::kPagedHash: return log::RecordKind::kPagedHash;
    case ValueType::kPagedList: return log::RecordKind::kPagedList;
    case ValueType::kPagedSet: return log::RecordKind::kPagedSet;
    case ValueType::kPagedSortedSet: return log::RecordKind::kPagedSortedSet;
    case ValueType::kSketch: return log::RecordKind::kSketch;
    case ValueType::kPagedSketch: return log::RecordKind::kPagedSketch;
    case ValueType::kPagedStream: return log::RecordKind::kPagedStream;
    case ValueType::kPagedString: return log::RecordKind::kPagedString;
  }
  STAVE_ASSERT(false && "a type without a kind of record");
  return log::RecordKind::kString;
}
constexpr ValueType type_of(log::RecordKind kind) noexcept {
  STAVE_ASSERT(log::is_value(kind));
  const auto type = static_cast<ValueType>(static_cast<int>(kind) - static_cast<int>(log::RecordKind::kString));
  STAVE_ASSERT(kind_of(type) == kind);
  return type;
}

/// What a key holds, seen under its shard's lock. Views end with the callback or the next change.
struct ValueView {
  ValueType type{};
  std::string_view value;  ///< A string's bytes; a collection's compact form or root; a string's root to who asks so.
  Expiry expiry{};
  Lsn version = kNoLsn;        ///< LSN of the record that made it so.
  bool json = false;           ///< A string whose writer had it checked to be JSON.
  bool paged = false;          ///< A collection of pages; `value` is its root (pages.h). A string: see `as_root`.
  std::size_t size = 0;        ///< Of the value, whether it is here or not; of a string always that of its bytes, but
                               ///< for one in pages that a scan meets: 0 where its root is in the log only.
  bool here = true;            ///< Whether `value` is there: always, unless it was not asked for.
  std::byte* block = nullptr;  ///< Where a large value lies; see `share`.

  /// The type as the store keeps it.
  [[nodiscard]] ValueType stored_type() const noexcept {
    if (paged) return root_type(type);
    return json ? ValueType::kJson : type;
  }
  /// A share of the memory of a large value: its bytes are those of `value` and stay for as long as the share is kept,
  /// whatever becomes of the key; the engine must live as long. Null for a small value, which is to be copied.
  [[nodiscard]] keyspace::Block share() const noexcept {
    return block == nullptr ? keyspace::Block{} : keyspace::Block::share(block);
  }
};

/// A value read from the log.
struct LoadedValue {
  std::string text;
  keyspace::Block block;  ///< Of a large one, instead of `text`: ready to become the value of its entry.
  [[nodiscard]] std::string_view view() const noexcept { return block ? block.view() : std::string_view(text); }
};

/// The same, and the record it was read from, so that it can be told whether it is still the value.
struct Loaded {
  Lsn address = kNoLsn;
  LoadedValue value;
};

/// What is to become of a key that was looked at (Engine::update).
struct Update {
  enum class What : std::uint8_t { kNothing, kPut, kErase };
  What what = What::kNothing;
  std::string_view value = {};  ///< Stays until the update is done; nothing of what was shown.
  Expiry expiry{};
  ValueType type = ValueType::kString;
};
enum class Updated : std::uint8_t { kNot, kSeen, kChanged };

/// How to look at a key.
enum class Access : std::uint8_t {
  kMeta,       ///< Leaves no trace and needs no value, which may be missing (see ValueView::here): TTL, EXISTS.
  kTouchMeta,  ///< A use that needs no value: TOUCH, STRLEN.
  kPeek,       ///< Leaves no trace: OBJECT ENCODING.
  kTouch,      ///< A use: refreshes a sliding expiry and the entry's heat.
  kMetaRoot,   ///< The same four, by whom a string in pages is to be seen as any collection in pages, by its root.
  kTouchMetaRoot,
  kPeekRoot,
  kTouchRoot,
};
/// To all others a string in pages looks like any string: who needs the value is shown a copy of it, whole.
constexpr bool takes_root(Access access) noexcept {
  return access >= Access::kMetaRoot;
}
constexpr Access as_root(Access access) noexcept {
  return static_cast<Access>(static_cast<int>(access) | static_cast<int>(Access::kMetaRoot));
}
constexpr Access without_root(Access access) noexcept {
  return static_cast<Access>(static_cast<int>(access) & ~static_cast<int>(Access::kMetaRoot));
}
constexpr bool touches(Access access) noexcept {
  return without_root(access) == Access::kTouch || without_root(access) == Access::kTouchMeta;
}
constexpr Access without_value(Access access) noexcept {
  const Access meta = touches(access) ? Access::kTouchMeta : Access::kMeta;
  return takes_root(access) ? as_root(meta) : meta;
}
constexpr bool needs_value(Access access) noexcept {
  return without_root(access) == Access::kTouch || without_root(access) == Access::kPeek;
}
static_assert(as_root(Access::kTouch) == Access::kTouchRoot && as_root(Access::kMeta) == Access::kMetaRoot &&
              without_root(Access::kPeekRoot) == Access::kPeek);

/// Whether the entry alone shows what is asked for: its value is in memory, or not needed, and the string that it
/// holds, if it is one, is no string in pages that is to be put together first.
[[nodiscard]] inline bool shows(keyspace::Entry entry, Access access) noexcept {
  if (entry.type() == ValueType::kPagedString && !takes_root(access)) [[unlikely]]
    return entry.resident() && !needs_value(access);
  return entry.resident() || !needs_value(access);
}
/// What the entry shows, its expiry left out. `loaded`: null, or the value of an entry that is not in memory.
[[nodiscard]] ValueView view_of(keyspace::Entry entry, Access access, const LoadedValue* loaded);

}  // namespace stave::store
