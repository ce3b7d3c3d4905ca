#include "exchange/rdb_value.h"

#include <charconv>
#include <cmath>

#include "base/assert.h"
#include "base/try.h"
#include "exchange/rdb_packed.h"
#include "exchange/rdb_types.h"
#include "types/string/number.h"

namespace stave::exchange {

namespace {

/// The number that a text is in whole; nullopt for NaN and for none.
std::optional<double> score_of(std::string_view text) {
  double score = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, score);
  if (error != std::errc{} || end != last || std::isnan(score)) return std::nullopt;
  return score;
}

/// A score in digits behind its length; 254 and 255 stand for the infinities, 253 for not-a-number.
Result<std::optional<double>> read_text_score(RdbStream& stream) {
  constexpr unsigned kNotANumber = 253;
  constexpr unsigned kInfinity = 254;
  STAVE_ASSIGN(const unsigned size, stream.byte());
  if (size == kNotANumber) return std::nullopt;
  if (size >= kInfinity) return size == kInfinity ? HUGE_VAL : -HUGE_VAL;
  STAVE_ASSIGN(const std::string_view digits, stream.take(size));
  return score_of(digits);
}

Result<std::optional<double>> read_binary_score(RdbStream& stream) {
  STAVE_ASSIGN(const double score, stream.integer<double>());
  return std::isnan(score) ? std::nullopt : std::optional(score);
}

}  // namespace

std::optional<Kind> rdb_kind(unsigned type) noexcept {
  switch (static_cast<RdbType>(type)) {
    case RdbType::kString: return Kind::kString;
    case RdbType::kSketch: return Kind::kSketch;
    case RdbType::kList:
    case RdbType::kListZiplist:
    case RdbType::kListQuicklist:
    case RdbType::kListQuicklist2: return Kind::kList;
    case RdbType::kSet:
    case RdbType::kSetIntset:
    case RdbType::kSetListpack: return Kind::kSet;
    case RdbType::kZset:
    case RdbType::kZset2:
    case RdbType::kZsetZiplist:
    case RdbType::kZsetListpack: return Kind::kSortedSet;
    case RdbType::kStreamListpacks:
    case RdbType::kStreamListpacks2:
    case RdbType::kStreamListpacks3: return Kind::kStream;
    case RdbType::kHash:
    case RdbType::kHashZipmap:
    case RdbType::kHashZiplist:
    case RdbType::kHashListpack:
    case RdbType::kHashExpiringEarly:
    case RdbType::kHashListpackExpiringEarly:
    case RdbType::kHashExpiring:
    case RdbType::kHashListpackExpiring: return Kind::kHash;
  }
  return std::nullopt;
}

/// Takes the next string of a packed collection. False: it cannot be.
bool RdbValueReader::take(std::string_view element) {
  if (++come_ < group_) {
    (come_ == 1 ? first_ : second_).assign(element);
    return true;
  }
  come_ = 0;
  return take_group(element);
}

/// Takes the last string of an element, whose others have come.
bool RdbValueReader::take_group(std::string_view last) {
  switch (builder_.kind()) {
    case Kind::kString:
    case Kind::kStream:
    case Kind::kSketch: return false;
    case Kind::kList:
    case Kind::kSet: added_ = builder_.add(last); break;
    case Kind::kSortedSet: {
      const auto score = score_of(last);
      if (!score) return false;
      added_ = builder_.add(first_, *score);
      break;
    }
    case Kind::kHash: {
      if (group_ == 2) {
        added_ = builder_.add(first_, last);
        break;
      }
      const auto deadline = types::parse_integer(last);
      if (!deadline || *deadline < 0 || *deadline > kUnixMsMax) return false;
      added_ = builder_.add(first_, second_, UnixMs{*deadline});
      break;
    }
  }
  return added_ == Added::kYes;
}

/// What is wrong with what was taken last, if anything is.
Result<void> RdbValueReader::check(const RdbStream& stream) const {
  switch (added_) {
    case Added::kYes: return {};
    case Added::kTwice: return stream.corrupt("an element is there twice");
    case Added::kTooLarge: break;
  }
  return stream.fail_here(ErrorCode::kTooLarge, "a value of more than " + std::to_string(bytes_max_) + " bytes");
}

Result<void> RdbValueReader::string(RdbStream& stream, std::string& into) {
  return stream.string(into, bytes_max_, "value");
}

Result<void> RdbValueReader::read_elements(RdbStream& stream) {
  STAVE_ASSIGN(std::uint64_t count, stream.length());
  for (; count != 0; --count) {
    STAVE_TRY(string(stream, text_));
    added_ = builder_.add(text_);
    STAVE_TRY(check(stream));
  }
  return {};
}

Result<void> RdbValueReader::read_fields(RdbStream& stream) {
  STAVE_ASSIGN(std::uint64_t count, stream.length());
  for (; count != 0; --count) {
    STAVE_TRY(string(stream, first_));
    STAVE_TRY(string(stream, text_));
    added_ = builder_.add(first_, text_);
    STAVE_TRY(check(stream));
  }
  return {};
}

/// A deadline, the field and its value each. Deadlines are counted from the earliest, from 1 on; 0: there is none.
Result<void> RdbValueReader::read_expiring_fields(RdbStream& stream, bool with_earliest) {
  std::int64_t before_earliest = 0;
  if (with_earliest) {
    STAVE_ASSIGN(before_earliest, stream.integer<std::int64_t>());
    if (before_earliest < 0 || before_earliest > kUnixMsMax) return stream.corrupt("a deadline beyond all times");
    before_earliest -= 1;
  }
  STAVE_ASSIGN(std::uint64_t count, stream.length());
  for (; count != 0; --count) {
    STAVE_ASSIGN(const std::uint64_t distance, stream.length());
    const auto most = static_cast<std::uint64_t>(kUnixMsMax - before_earliest);
    if (distance > most) return stream.corrupt("a deadline beyond all times");
    STAVE_TRY(string(stream, first_));
    STAVE_TRY(string(stream, text_));
    const std::int64_t deadline = distance == 0 ? 0 : before_earliest + static_cast<std::int64_t>(distance);
    added_ = builder_.add(first_, text_, UnixMs{deadline});
    STAVE_TRY(check(stream));
  }
  return {};
}

Result<void> RdbValueReader::read_scores(RdbStream& stream, bool binary) {
  STAVE_ASSIGN(std::uint64_t count, stream.length());
  for (; count != 0; --count) {
    STAVE_TRY(string(stream, text_));
    STAVE_ASSIGN(const auto score, binary ? read_binary_score(stream) : read_text_score(stream));
    if (!score) return stream.corrupt("a score that is no number");
    added_ = builder_.add(text_, *score);
    STAVE_TRY(check(stream));
  }
  return {};
}

/// The rest of a collection, or all of it, in one string.
template <class Walk>
Result<void> RdbValueReader::read_packed(RdbStream& stream, Walk walk) {
  STAVE_TRY(string(stream, text_));
  come_ = 0;
  const bool whole = walk(text_, [&](const types::ItemText& element) { return take(element.view()); });
  STAVE_TRY(check(stream));
  if (!whole || come_ != 0) return stream.corrupt("a packed collection is malformed");
  return {};
}

Result<void> RdbValueReader::read_quicklist(RdbStream& stream, bool with_container) {
  constexpr std::uint64_t kPlain = 1;
  constexpr std::uint64_t kPacked = 2;
  STAVE_ASSIGN(std::uint64_t nodes, stream.length());
  for (; nodes != 0; --nodes) {
    if (!with_container) {
      STAVE_TRY(read_packed(stream, walk_ziplist));
      continue;
    }
    STAVE_ASSIGN(const std::uint64_t container, stream.length());
    if (container == kPacked) {
      STAVE_TRY(read_packed(stream, walk_listpack));
      continue;
    }
    if (container != kPlain) return stream.corrupt("a node of a list of no known form");
    STAVE_TRY(string(stream, text_));
    added_ = builder_.add(text_);
    STAVE_TRY(check(stream));
  }
  return {};
}

Result<void> RdbValueReader::read_collection(RdbStream& stream, unsigned type) {
  switch (static_cast<RdbType>(type)) {
    case RdbType::kString:
    case RdbType::kStreamListpacks:
    case RdbType::kStreamListpacks2:
    case RdbType::kStreamListpacks3:
    case RdbType::kSketch: break;
    case RdbType::kList:
    case RdbType::kSet: return read_elements(stream);
    case RdbType::kHash: return read_fields(stream);
    case RdbType::kZset: return read_scores(stream, false);
    case RdbType::kZset2: return read_scores(stream, true);
    case RdbType::kHashZipmap: return read_packed(stream, walk_zipmap);
    case RdbType::kListZiplist:
    case RdbType::kZsetZiplist:
    case RdbType::kHashZiplist: return read_packed(stream, walk_ziplist);
    case RdbType::kSetIntset: return read_packed(stream, walk_intset);
    case RdbType::kHashListpack:
    case RdbType::kZsetListpack:
    case RdbType::kSetListpack: return read_packed(stream, walk_listpack);
    case RdbType::kHashExpiringEarly: return read_expiring_fields(stream, false);
    case RdbType::kHashExpiring: return read_expiring_fields(stream, true);
    case RdbType::kHashListpackExpiring: STAVE_TRY(stream.skip(sizeof(std::int64_t))); [[fallthrough]];
    case RdbType::kHashListpackExpiringEarly: group_ = 3; return read_packed(stream, walk_listpack);
    case RdbType::kListQuicklist: return read_quicklist(stream, false);
    case RdbType::kListQuicklist2: return read_quicklist(stream, true);
  }
  STAVE_ASSERT(false && "not a collection");
  return {};
}

Result<std::optional<std::string_view>> RdbValueReader::read(RdbStream& stream, unsigned type, std::size_t bytes_max) {
  // One large value must not keep its memory for the rest of the file.
  constexpr std::size_t kKeptMax = 1u << 20;
  for (std::string* const text : {&text_, &first_, &second_})
    if (text->capacity() > kKeptMax) *text = std::string();
  bytes_max_ = bytes_max;
  const auto kind = rdb_kind(type);
  STAVE_ASSERT(kind.has_value());
  if (*kind == Kind::kString || *kind == Kind::kSketch) {
    STAVE_TRY(string(stream, text_));
    if (!well_formed(*kind, text_)) return stream.corrupt("a sketch is malformed");
    return text_;
  }
  if (*kind == Kind::kStream) return read_stream_value(stream, type);
  builder_.begin(*kind, bytes_max);
  added_ = Added::kYes;
  group_ = *kind == Kind::kHash || *kind == Kind::kSortedSet ? 2 : 1;
  STAVE_TRY(read_collection(stream, type));
  if (builder_.size() == 0) return std::nullopt;
  return builder_.finish();
}

}  // namespace stave::exchange
