// The kinds of records, and what each of them is and does: one table, asked by everybody who has to tell kinds apart.
//
// Promises: a kind that is added here does not compile until every column has its answer, and no other switch over
// kinds has a default (the tidy test sees to it), so that it does not compile either until somebody has thought about
// it. A number of the future has traits too, `unknown`, for whoever reads a log that a later version wrote: it claims
// nothing, is no garbage, and must be refused before anything is made of it. Must not know: what a payload means.
#pragma once

#include <cstdint>
#include <string_view>

namespace stave::log {

/// What happened to the key. The numbers are on disk for ever and have nothing to do with commands.
enum class RecordKind : std::uint8_t {
  kDelete = 1,     ///< The key was deleted.
  kExpire = 2,     ///< The key's time was up. Of a sliding key, with the deadline, which reads had put off.
  kEvict = 3,      ///< The key was removed for room.
  kSetExpiry = 4,  ///< The expiry in the header replaces the key's (none in the header: the key lives on). The payload
                   ///< says where the value lies (value_address.h).
  kFlush = 5,      ///< Every key of `database` is gone. No key.
  kSwap = 6,       ///< `database` and the one whose number is payload byte 0 change places. No key.
  kClose = 7,      ///< A clean close: everything before it was durable when it was written. No key.
  kRefresh = 8,    ///< A read put a sliding deadline off: like kSetExpiry, but the key's version stays.
  kTrim = 9,       ///< Everything live before the LSN in the payload (u64) has been written again behind it. No key.
  kLost = 10,      ///< Here lay records that were damaged; a repair put this in their place. No key, no meaning.
  kPatch = 11,     ///< A part of the key's value is another now: the payload says which part (value_address.h).
  kTerm = 12,      ///< Here begins the term of a leader, whom the payload names (term.h). No key.
  kString = 16,    ///< The key holds this string: payload is the value, whole.
  kJson = 17,      ///< The same, and its writer had it checked to be JSON.
  kHash = 18,      ///< The key holds this hash: payload is its compact form, whole. Likewise:
  kList = 19,
  kSet = 20,
  kSortedSet = 21,
  kPage = 22,  ///< A piece of a collection too large for one record. Its key and its database are the store's own.
  kStream = 23,
  kPagedHash = 24,  ///< The key holds a hash that consists of pages: payload is its root. Likewise:
  kPagedList = 25,
  kPagedSet = 26,
  kPagedSortedSet = 27,
  kPagedString = 28,
  kSketch = 30,
  kPagedSketch = 31,
  kPagedStream = 29,
};

/// What a record holds of its key's value.
enum class ValuePart : std::uint8_t {
  kNone,
  kWhole,   ///< All of it.
  kChange,  ///< Something about a value that lies in an earlier record of the key.
};

/// What has no default: a column without an answer does not compile.
template <class T>
class Answer {
 public:
  constexpr Answer(T value) noexcept : value_(value) {}
  constexpr operator T() const noexcept { return value_; }

 private:
  T value_;
};

struct KindTraits {
  std::string_view name;  ///< In what people read, such as "set_expiry"; empty for a number of the future.
  Answer<bool> known;     ///< This version knows what it means.
  Answer<bool> has_key;
  Answer<ValuePart> value;
  Answer<bool> removes_key;
  Answer<bool> sets_version;    ///< It changes the key as a writer sees it: its LSN becomes the key's version.
  Answer<bool> may_live;        ///< A value may lie in it, so that the cleaner has to look; the rest is garbage to it.
  Answer<bool> whole_database;  ///< It concerns every key of a database. No key.
  Answer<bool> in_history;      ///< An event in the life of its key, as people are told it.
};

namespace kinds {
inline constexpr KindTraits kRemoval{.name = {},
                                     .known = true,
                                     .has_key = true,
                                     .value = ValuePart::kNone,
                                     .removes_key = true,
                                     .sets_version = true,
                                     .may_live = false,
                                     .whole_database = false,
                                     .in_history = true};
inline constexpr KindTraits kHolder{.name = {},
                                    .known = true,
                                    .has_key = true,
                                    .value = ValuePart::kWhole,
                                    .removes_key = false,
                                    .sets_version = true,
                                    .may_live = true,
                                    .whole_database = false,
                                    .in_history = true};
/// A change of whole databases.
inline constexpr KindTraits kUpheaval{.name = {},
                                      .known = true,
                                      .has_key = false,
                                      .value = ValuePart::kNone,
                                      .removes_key = false,
                                      .sets_version = false,
                                      .may_live = false,
                                      .whole_database = true,
                                      .in_history = false};
/// The log's own: says nothing about any key.
inline constexpr KindTraits kMark{.name = {},
                                  .known = true,
                                  .has_key = false,
                                  .value = ValuePart::kNone,
                                  .removes_key = false,
                                  .sets_version = false,
                                  .may_live = false,
                                  .whole_database = false,
                                  .in_history = false};

consteval KindTraits named(KindTraits traits, std::string_view name) {
  traits.name = name;
  return traits;
}

inline constexpr KindTraits kDelete = named(kRemoval, "delete");
inline constexpr KindTraits kExpire = named(kRemoval, "expire");
inline constexpr KindTraits kEvict = named(kRemoval, "evict");
/// The expiry it set goes along with the value when that is moved, which is always before this one is come to.
inline constexpr KindTraits kSetExpiry{.name = "set_expiry",
                                       .known = true,
                                       .has_key = true,
                                       .value = ValuePart::kChange,
                                       .removes_key = false,
                                       .sets_version = true,
                                       .may_live = false,
                                       .whole_database = false,
                                       .in_history = true};
/// The value goes along with its changes when it is moved, which is always before they are come to.
inline constexpr KindTraits kPatch{.name = "patch",
                                   .known = true,
                                   .has_key = true,
                                   .value = ValuePart::kChange,
                                   .removes_key = false,
                                   .sets_version = true,
                                   .may_live = false,
                                   .whole_database = false,
                                   .in_history = true};
inline constexpr KindTraits kFlush = named(kUpheaval, "flush");
inline constexpr KindTraits kSwap = named(kUpheaval, "swap");
inline constexpr KindTraits kClose = named(kMark, "close");
/// Likewise the deadline.
inline constexpr KindTraits kRefresh{.name = "refresh",
                                     .known = true,
                                     .has_key = true,
                                     .value = ValuePart::kChange,
                                     .removes_key = false,
                                     .sets_version = false,
                                     .may_live = false,
                                     .whole_database = false,
                                     .in_history = false};
inline constexpr KindTraits kTrim = named(kMark, "trim");
inline constexpr KindTraits kLost = named(kMark, "lost");
inline constexpr KindTraits kTerm = named(kMark, "term");
inline constexpr KindTraits kString = named(kHolder, "string");
inline constexpr KindTraits kJson = named(kHolder, "json");
inline constexpr KindTraits kHash = named(kHolder, "hash");
inline constexpr KindTraits kList = named(kHolder, "list");
inline constexpr KindTraits kSet = named(kHolder, "set");
inline constexpr KindTraits kSortedSet = named(kHolder, "sorted_set");
inline constexpr KindTraits kStream = named(kHolder, "stream");
inline constexpr KindTraits kPage = named(kHolder, "page");
inline constexpr KindTraits kPagedHash = named(kHolder, "paged_hash");
inline constexpr KindTraits kPagedList = named(kHolder, "paged_list");
inline constexpr KindTraits kPagedSet = named(kHolder, "paged_set");
inline constexpr KindTraits kPagedSortedSet = named(kHolder, "paged_sorted_set");
inline constexpr KindTraits kPagedString = named(kHolder, "paged_string");
inline constexpr KindTraits kSketch = named(kHolder, "sketch");
inline constexpr KindTraits kPagedSketch = named(kHolder, "paged_sketch");
inline constexpr KindTraits kPagedStream = named(kHolder, "paged_stream");
/// Taken to have a key, so that an image that knows what it did can cover it.
inline constexpr KindTraits kUnknown{.name = {},
                                     .known = false,
                                     .has_key = true,
                                     .value = ValuePart::kNone,
                                     .removes_key = false,
                                     .sets_version = false,
                                     .may_live = true,
                                     .whole_database = false,
                                     .in_history = false};
}  // namespace kinds

constexpr const KindTraits& traits(RecordKind kind) noexcept {
  switch (kind) {
    case RecordKind::kDelete: return kinds::kDelete;
    case RecordKind::kExpire: return kinds::kExpire;
    case RecordKind::kEvict: return kinds::kEvict;
    case RecordKind::kSetExpiry: return kinds::kSetExpiry;
    case RecordKind::kFlush: return kinds::kFlush;
    case RecordKind::kSwap: return kinds::kSwap;
    case RecordKind::kClose: return kinds::kClose;
    case RecordKind::kRefresh: return kinds::kRefresh;
    case RecordKind::kTrim: return kinds::kTrim;
    case RecordKind::kLost: return kinds::kLost;
    case RecordKind::kPatch: return kinds::kPatch;
    case RecordKind::kTerm: return kinds::kTerm;
    case RecordKind::kString: return kinds::kString;
    case RecordKind::kJson: return kinds::kJson;
    case RecordKind::kHash: return kinds::kHash;
    case RecordKind::kList: return kinds::kList;
    case RecordKind::kSet: return kinds::kSet;
    case RecordKind::kSortedSet: return kinds::kSortedSet;
    case RecordKind::kStream: return kinds::kStream;
    case RecordKind::kPage: return kinds::kPage;
    case RecordKind::kPagedHash: return kinds::kPagedHash;
    case RecordKind::kPagedList: return kinds::kPagedList;
    case RecordKind::kPagedSet: return kinds::kPagedSet;
    case RecordKind::kPagedSortedSet: return kinds::kPagedSortedSet;
    case RecordKind::kPagedString: return kinds::kPagedString;
    case RecordKind::kSketch: return kinds::kSketch;
    case RecordKind::kPagedSketch: return kinds::kPagedSketch;
    case RecordKind::kPagedStream: return kinds::kPagedStream;
  }
  return kinds::kUnknown;
}

constexpr std::string_view to_string(RecordKind kind) noexcept {
  return traits(kind).name;
}
constexpr bool has_key(RecordKind kind) noexcept {
  return traits(kind).has_key;
}
constexpr bool is_value(RecordKind kind) noexcept {
  return traits(kind).value == ValuePart::kWhole;
}
constexpr bool is_delta(RecordKind kind) noexcept {
  return traits(kind).value == ValuePart::kChange;
}

}  // namespace stave::log
