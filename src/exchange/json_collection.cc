// The part of json_entry.h that reads collections. What a value is may be told behind it, and it may be of a type of
// the future: so it is read by its looks, and compared with its type when both are known.
#include <limits>

#include "base/assert.h"
#include "base/try.h"
#include "exchange/json_entry.h"
#include "types/list/compact.h"
#include "types/sketch/sketch.h"

namespace stave::exchange {

namespace {

constexpr std::string_view expected(Kind kind) noexcept {
  switch (kind) {
    case Kind::kString:
    case Kind::kSketch: return "a string";
    case Kind::kHash: return "an object of strings";
    case Kind::kList:
    case Kind::kSet: return "an array of strings";
    case Kind::kSortedSet: return "an array of pairs of member and score";
    case Kind::kStream: return "an array of what is known of the stream, and of entries";
  }
  return "known";
}

}  // namespace

Result<void> JsonEntryReader::check(CollectionBuilder::Added added) {
  switch (added) {
    case CollectionBuilder::Added::kYes: return {};
    case CollectionBuilder::Added::kTwice: return scanner_.malformed("an element is there twice");
    case CollectionBuilder::Added::kTooLarge: break;
  }
  return scanner_.fail_here(ErrorCode::kTooLarge,
                            "a value over the limit of " + std::to_string(limits_.value_bytes_max) + " bytes");
}

Result<void> JsonEntryReader::read_fields(JsonEntry& entry, bool base64) {
  const std::size_t bytes_max = limits_.value_bytes_max;
  STAVE_TRY(scanner_.expect('{'));
  entry.shape = Kind::kHash;
  entry.collection.begin(Kind::kHash, bytes_max);
  for (bool first = true;;) {
    STAVE_ASSIGN(const bool more, scanner_.next_member(element_, name_bytes_max(base64), first));
    if (!more) return {};
    STAVE_ASSIGN(const char there, scanner_.next());
    if (there != '"') entry.shape.reset();
    if (!entry.shape) {
      STAVE_TRY(scanner_.skip_value());
      continue;
    }
    if (base64) STAVE_TRY(decode(element_, bytes_max));
    STAVE_TRY(read_bytes(second_, base64, bytes_max));
    STAVE_TRY(check(entry.collection.add(element_, second_)));
  }
}

Result<void> JsonEntryReader::read_deadlines(JsonEntry& entry, bool base64) {
  if (entry.shape != Kind::kHash) return scanner_.malformed("deadlines of fields that have not come before,");
  STAVE_TRY(scanner_.expect('{'));
  for (bool first = true;;) {
    STAVE_ASSIGN(const bool more, scanner_.next_member(element_, name_bytes_max(base64), first));
    if (!more) return {};
    if (base64) STAVE_TRY(decode(element_, limits_.value_bytes_max));
    STAVE_ASSIGN(const std::int64_t ms, scanner_.integer(kUnixMsMax));
    if (ms == 0) return scanner_.malformed("a deadline that is not a number of milliseconds");
    if (!entry.collection.set_deadline(element_, UnixMs{ms}))
      return scanner_.malformed("a deadline of a field that is not there, or is there twice");
  }
}

Result<void> JsonEntryReader::read_elements(JsonEntry& entry, bool base64) {
  STAVE_TRY(scanner_.expect('['));
  for (bool first = true, begun = false;; begun = true) {
    STAVE_ASSIGN(const bool more, scanner_.next_element(first));
    STAVE_ASSIGN(const char there, scanner_.next());
    if (!begun && more && there == '{' && (entry.type.empty() || entry.type == to_string(Kind::kStream)))
      return read_stream(entry, base64);
    const Kind strings = entry.type == to_string(Kind::kSet) ? Kind::kSet : Kind::kList;
    const Kind looks = there == '[' && more ? Kind::kSortedSet : strings;
    if (!begun) {
      entry.shape = looks;
      entry.collection.begin(looks, limits_.value_bytes_max);
    }
    if (!more) return {};
    if (entry.shape != looks || (there != '"' && there != '[')) entry.shape.reset();
    if (!entry.shape) {
      STAVE_TRY(scanner_.skip_value());
    } else if (looks == Kind::kSortedSet) {
      STAVE_TRY(read_pair(entry, base64));
    } else {
      STAVE_TRY(read_bytes(element_, base64, limits_.value_bytes_max));
      STAVE_TRY(check(entry.collection.add(element_)));
    }
  }
}

/// A number, or an infinity as a string; nullopt for any other value.
Result<std::optional<double>> JsonEntryReader::read_score() {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  STAVE_ASSIGN(const char there, scanner_.next());
  if (there == '-' || (there >= '0' && there <= '9')) return scanner_.number();
  if (there != '"') {
    STAVE_TRY(scanner_.skip_value());
    return std::nullopt;
  }
  STAVE_TRY(scanner_.string(second_, limits_.value_bytes_max));
  if (second_ == "inf") return kInfinity;
  return second_ == "-inf" ? std::optional(-kInfinity) : std::nullopt;
}

Result<void> JsonEntryReader::read_pair(JsonEntry& entry, bool base64) {
  STAVE_TRY(scanner_.expect('['));
  int count = 0;
  bool member = false;
  std::optional<double> score;
  for (bool first = true;; ++count) {
    STAVE_ASSIGN(const bool more, scanner_.next_element(first));
    if (!more) break;
    STAVE_ASSIGN(const char there, scanner_.next());
    if (count == 0 && there == '"') {
      STAVE_TRY(read_bytes(element_, base64, limits_.value_bytes_max));
      member = true;
    } else if (count == 1) {
      STAVE_ASSIGN(score, read_score());
    } else {
      STAVE_TRY(scanner_.skip_value());
    }
  }
  if (count == 2 && member && score) return check(entry.collection.add(element_, *score));
  entry.shape.reset();
  return {};
}

/// The value of an entry that is to be of `kind`. Ends with the entry.
Result<std::string_view> JsonEntryReader::finish(JsonEntry& entry, Kind kind) {
  const auto fits_not = [&] {
    return scanner_.malformed("the value of a " + std::string(to_string(kind)) + " is not " +
                              std::string(expected(kind)));
  };
  if (!entry.shape) return fits_not();
  if (kind == Kind::kString) return entry.shape == kind ? Result<std::string_view>(entry.value) : fits_not();
  if (kind == Kind::kSketch) {
    if (entry.shape != Kind::kString) return fits_not();
    return types::sketch::well_formed(entry.value) ? Result<std::string_view>(entry.value)
                                                   : scanner_.malformed("the bytes of a sketch that are none");
  }
  if (entry.shape == Kind::kString || (entry.shape == Kind::kStream) != (kind == Kind::kStream)) return fits_not();
  if (kind == Kind::kStream) {
    auto form = entry.stream.finish();
    if (!form) return scanner_.malformed("a stream that contradicts itself");
    form_ = std::move(*form);
    return form_;
  }
  CollectionBuilder& collection = entry.collection;
  const bool empty = collection.size() == 0;
  // Nothing in an array tells of what nothing it is.
  if (empty && (kind == Kind::kHash) == (entry.shape == Kind::kHash))
    return scanner_.malformed("a " + std::string(to_string(kind)) + " of nothing");
  if (entry.shape == Kind::kList && kind == Kind::kSet) {
    // Its type came behind the value: only now it is known that each of them must be there once.
    const std::string form(collection.finish());
    const types::list::Compact list(form);
    collection.begin(Kind::kSet, limits_.value_bytes_max);
    auto added = CollectionBuilder::Added::kYes;
    list.visit(0, list.size(), [&](std::string_view element) {
      added = collection.add(element);
      return added == CollectionBuilder::Added::kYes;
    });
    STAVE_TRY(check(added));
    entry.shape = kind;
  }
  return entry.shape == kind ? Result<std::string_view>(collection.finish()) : fits_not();
}

}  // namespace stave::exchange
