#include "exchange/json_entry.h"

#include "base/assert.h"
#include "base/encoding.h"
#include "base/try.h"

namespace stave::exchange {

namespace {
constexpr std::size_t kMemberNameBytesMax = 64;
constexpr int kDatabaseMax = 65'535;

constexpr std::size_t base64_size(std::size_t bytes) noexcept {
  return (bytes + 2) / 3 * 4;
}
}  // namespace

void JsonEntry::clear() noexcept {
  database = 0;
  key.clear();
  type.clear();
  value.clear();
  expiry = {};
  shape.reset();
  has_database = has_key = has_value = has_deadlines = false;
}

std::unexpected<Error> JsonEntryReader::too_large(std::size_t bytes_max) const {
  return scanner_.fail_here(ErrorCode::kTooLarge, "a string over the limit of " + std::to_string(bytes_max) + " bytes");
}

/// What `text` is the base64 of, in its place.
Result<void> JsonEntryReader::decode(std::string& text, std::size_t bytes_max) {
  auto bytes = base::from_base64(text);
  if (!bytes) return scanner_.malformed("not base64");
  if (bytes->size() > bytes_max) return too_large(bytes_max);
  text = std::move(*bytes);
  return {};
}

Result<void> JsonEntryReader::read_bytes(std::string& into, bool base64, std::size_t bytes_max) {
  if (!base64) return scanner_.string(into, bytes_max);
  STAVE_TRY(scanner_.string(into, base64_size(bytes_max)));
  return decode(into, bytes_max);
}

Result<void> JsonEntryReader::read_value(JsonEntry& entry, bool base64) {
  STAVE_ASSIGN(const char there, scanner_.next());
  entry.has_value = true;
  switch (there) {
    case '"': entry.shape = Kind::kString; return read_bytes(entry.value, base64, limits_.value_bytes_max);
    case '{': return read_fields(entry, base64);
    case '[': return read_elements(entry, base64);
    default: return scanner_.skip_value();
  }
}

Result<void> JsonEntryReader::read_member(JsonEntry& entry) {
  const auto twice = [&] { return scanner_.malformed("the member \"" + name_ + "\" is there twice"); };
  if (name_ == "key" || name_ == "key_base64") {
    if (entry.has_key) return twice();
    entry.has_key = true;
    return read_bytes(entry.key, name_ != "key", limits_.key_bytes_max);
  }
  if (name_ == "value" || name_ == "value_base64") {
    if (entry.has_value) return twice();
    return read_value(entry, name_ != "value");
  }
  if (name_ == "fields_expire_at" || name_ == "fields_expire_at_base64") {
    if (entry.has_deadlines) return twice();
    entry.has_deadlines = true;
    return read_deadlines(entry, name_ != "fields_expire_at");
  }
  if (name_ == "type") {
    if (!entry.type.empty()) return twice();
    STAVE_TRY(scanner_.string(entry.type, kMemberNameBytesMax));
    return entry.type.empty() ? scanner_.malformed("an empty \"type\"") : Result<void>{};
  }
  if (name_ == "database") {
    if (entry.has_database) return twice();
    entry.has_database = true;
    STAVE_ASSIGN(const std::int64_t number, scanner_.integer(kDatabaseMax));
    if (number >= limits_.databases)
      return scanner_.fail_here(ErrorCode::kInvalidArgument, "there is no database " + std::to_string(number) + ":");
    entry.database = static_cast<int>(number);
    return {};
  }
  if (name_ == "expires_at" || name_ == "sliding_ms") {
    // Neither is 0 once it was there.
    if (name_ == "sliding_ms" ? entry.expiry.sliding_ms != 0 : !entry.expiry.never()) return twice();
    STAVE_ASSIGN(const std::int64_t ms, scanner_.integer(kUnixMsMax));
    if (ms == 0) return scanner_.malformed("\"" + name_ + "\" is not a number of milliseconds");
    if (name_ == "sliding_ms") {
      entry.expiry.sliding_ms = ms;
    } else {
      entry.expiry.at = UnixMs{ms};
    }
    return {};
  }
  return scanner_.malformed("this version does not know the member \"" + name_ + "\" of an entry");
}

Result<void> JsonEntryReader::read_members(JsonEntry& entry) {
  STAVE_ASSERT(!entry.has_value && !entry.shape && entry.value.empty());
  for (bool first = true;;) {
    STAVE_ASSIGN(const bool more, scanner_.next_member(name_, kMemberNameBytesMax, first));
    if (!more) break;
    STAVE_TRY(read_member(entry));
  }
  if (!entry.has_key) return scanner_.malformed("an entry without \"key\"");
  if (!entry.has_value) return scanner_.malformed("an entry without \"value\"");
  if (entry.expiry.sliding_ms != 0 && entry.expiry.never())
    return scanner_.malformed("\"sliding_ms\" without \"expires_at\"");
  return {};
}

Result<void> JsonEntryReader::deliver(JsonEntry& entry, Sink& sink, Summary& summary) {
  STAVE_ASSERT(entry.has_key && (entry.has_value || entry.shape));
  STAVE_ASSERT(entry.expiry.sliding_ms == 0 || !entry.expiry.never());
  const auto kind = entry.type.empty() ? Kind::kString : kind_named(entry.type);
  if (!kind) {
    ++summary.skipped;
    return sink.skip({entry.database, entry.key, entry.type});
  }
  STAVE_ASSIGN(const std::string_view value, finish(entry, *kind));
  ++summary.entries;
  return sink.take(
      {.database = entry.database, .key = entry.key, .kind = *kind, .value = value, .expiry = entry.expiry});
}

}  // namespace stave::exchange
