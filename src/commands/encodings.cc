#include "commands/encodings.h"

#include <algorithm>

#include "base/try.h"
#include "store/collection.h"
#include "types/string/number.h"

namespace stave::commands {

using store::ValueType;
using store::ValueView;

namespace {

static_assert([] {
  for (std::size_t i = 0; i < kEncodingOptions.size(); ++i)
    if (static_cast<std::size_t>(kEncodingOptions[i].limit) != i) return false;
  return true;
}());

// A short value lies inside its entry, a long one beside it.
std::string_view string_name(std::string_view value) noexcept {
  constexpr std::size_t kEmbeddedMax = 44;
  if (types::parse_integer(value)) return "int";
  return value.size() <= kEmbeddedMax ? "embstr" : "raw";
}

class Within {
 public:
  explicit Within(const EncodingLimits& limits) noexcept : limits_(limits) {}
  /// Whether a number, of elements or of bytes, does not exceed a limit.
  [[nodiscard]] bool operator()(EncodingLimit limit, std::uint64_t number) const noexcept {
    return number <= static_cast<std::uint64_t>(limits_.get(limit));
  }

 private:
  const EncodingLimits& limits_;
};

std::string_view hash_name(const types::hash::Reader& hash, const Within& within) {
  bool small = within(EncodingLimit::kHashEntries, hash.size());
  if (small) {
    hash.visit([&](const types::hash::Field& field) {
      small = within(EncodingLimit::kHashBytes, std::max(field.name.size(), field.value.size()));
      return small;
    });
  }
  return small ? "listpack" : "hashtable";
}

std::string_view set_name(const types::set::Reader& set, const Within& within) {
  if (within(EncodingLimit::kSetIntegers, set.size()) && set.all_integers()) return "intset";
  bool small = within(EncodingLimit::kSetEntries, set.size());
  if (small) {
    set.visit([&](std::string_view member) {
      small = within(EncodingLimit::kSetBytes, member.size());
      return small;
    });
  }
  return small ? "listpack" : "hashtable";
}

std::string_view sorted_set_name(const types::sorted_set::Reader& set, const Within& within) {
  bool small = within(EncodingLimit::kSortedSetEntries, set.size());
  if (small) {
    set.visit(0, set.size(), [&](const types::sorted_set::Element& element) {
      small = within(EncodingLimit::kSortedSetBytes, element.member.size());
      return small;
    });
  }
  return small ? "listpack" : "skiplist";
}

/// Bytes of an element in a listpack: an integer or a text with its head, and its length once more for walks backwards.
std::size_t listpack_bytes(std::string_view element) noexcept {
  std::size_t bytes = 0;
  if (const auto number = types::parse_integer(element)) {
    const std::int64_t n = *number;
    const auto fits = [n](int bits) {
      return n >= -(std::int64_t{1} << (bits - 1)) && n < std::int64_t{1} << (bits - 1);
    };
    if (n >= 0 && n < 128) {
      bytes = 1;
    } else {
      bytes = fits(13) ? 2 : fits(16) ? 3 : fits(24) ? 4 : fits(32) ? 5 : 9;
    }
  } else {
    bytes = element.size() + (element.size() < 64 ? 1 : element.size() < 4096 ? 2 : 5);
  }
  std::size_t length_bytes = 1;
  for (std::size_t rest = bytes; rest > 127; rest >>= 7) ++length_bytes;
  return bytes + length_bytes;
}

std::string_view list_name(const types::list::Reader& list, const EncodingLimits& limits) {
  constexpr std::size_t kFrame = 7;
  constexpr std::size_t kBytesMax = 8192;  // whatever number of elements is allowed
  constexpr std::array<std::size_t, 5> kSizes = {4096, 8192, 16384, 32768, 65536};
  const std::int64_t limit = limits.get(EncodingLimit::kListSize);
  std::size_t most = kBytesMax;
  if (limit >= 0) {
    if (list.size() > static_cast<std::uint64_t>(std::max<std::int64_t>(limit, 1))) return "quicklist";
  } else {
    most = kSizes[std::min(static_cast<std::size_t>(-1 - limit), kSizes.size() - 1)];
  }
  std::size_t bytes = kFrame;
  list.visit(0, list.size(), [&](std::string_view element) {
    bytes += listpack_bytes(element);
    return bytes <= most;
  });
  return bytes <= most ? "listpack" : "quicklist";
}

}  // namespace

Result<std::string_view> encoding_name(Part& part, store::KeyRef key, const ValueView& held,
                                       const EncodingLimits& limits) {
  const Within within(limits);
  switch (held.type) {
    case ValueType::kHash: {
      STAVE_ASSIGN(const auto hash, store::open_collection<store::Hash>(part, key));
      const std::string_view name = hash_name(hash.reader(), within);
      STAVE_TRY(hash.whole());
      return name;
    }
    case ValueType::kList: {
      STAVE_ASSIGN(const auto list, store::open_collection<store::List>(part, key));
      const std::string_view name = list_name(list.reader(), limits);
      STAVE_TRY(list.whole());
      return name;
    }
    case ValueType::kSet: {
      STAVE_ASSIGN(const auto set, store::open_collection<store::Set>(part, key));
      const std::string_view name = set_name(set.reader(), within);
      STAVE_TRY(set.whole());
      return name;
    }
    case ValueType::kSortedSet: {
      STAVE_ASSIGN(const auto set, store::open_collection<store::SortedSet>(part, key));
      const std::string_view name = sorted_set_name(set.reader(), within);
      STAVE_TRY(set.whole());
      return name;
    }
    case ValueType::kSketch: return "raw";
    case ValueType::kStream: return std::string_view("stream");
    default:
      // In pages there are large ones only.
      return held.paged ? std::string_view("raw") : string_name(held.value);
  }
}

}  // namespace stave::commands
