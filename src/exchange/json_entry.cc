#include "exchange/json_entry.h"

#include "base/assert.h"
#include "base/encoding.h"
#include "base/try.h"

namespace stave::exchange {

namespace {
constexpr std::size_t kNameBytesMax = 64;
constexpr int kDatabaseMax = 65'535;
}  // namespace

void JsonEntry::clear() noexcept {
  database = 0;
  key.clear();
  type.clear();
  value.clear();
  expiry = {};
  has_database = has_key = has_value = text_value = false;
}

Result<void> JsonEntryReader::read_bytes(std::string& into, bool base64, std::size_t bytes_max) {
  if (!base64) return scanner_.string(into, bytes_max);
  STAVE_TRY(scanner_.string(base64_, (bytes_max + 2) / 3 * 4));
  auto bytes = base::from_base64(base64_);
  if (!bytes) return scanner_.malformed("not base64");
  if (bytes->size() > bytes_max)
    return scanner_.fail_here(ErrorCode::kTooLarge,
                              "a string over the limit of " + std::to_string(bytes_max) + " bytes");
  into = std::move(*bytes);
  return {};
}

Result<void> JsonEntryReader::read_value(JsonEntry& entry) {
  STAVE_ASSIGN(const char there, scanner_.next());
  entry.has_value = true;
  if (there != '"') return scanner_.skip_value();
  entry.text_value = true;
  return scanner_.string(entry.value, limits_.value_bytes_max);
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
    if (name_ == "value") return read_value(entry);
    entry.has_value = entry.text_value = true;
    return read_bytes(entry.value, true, limits_.value_bytes_max);
  }
  if (name_ == "type") {
    if (!entry.type.empty()) return twice();
    STAVE_TRY(scanner_.string(entry.type, kNameBytesMax));
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
  STAVE_ASSERT(!entry.has_value && !entry.text_value && entry.value.empty());
  for (bool first = true;;) {
    STAVE_ASSIGN(const bool more, scanner_.next_member(name_, kNameBytesMax, first));
    if (!more) break;
    STAVE_TRY(read_member(entry));
  }
  if (!entry.has_key) return scanner_.malformed("an entry without \"key\"");
  if (!entry.has_value) return scanner_.malformed("an entry without \"value\"");
  if (entry.expiry.sliding_ms != 0 && entry.expiry.never())
    return scanner_.malformed("\"sliding_ms\" without \"expires_at\"");
  return {};
}

Result<void> JsonEntryReader::deliver(const JsonEntry& entry, Sink& sink, Summary& summary) {
  STAVE_ASSERT(entry.has_key && (entry.has_value || entry.text_value));
  STAVE_ASSERT(entry.expiry.sliding_ms == 0 || !entry.expiry.never());
  if (entry.type.empty() || entry.type == to_string(Kind::kString)) {
    if (!entry.text_value) return scanner_.malformed("the value of a string that is not a string");
    ++summary.entries;
    return sink.take({.database = entry.database, .key = entry.key, .value = entry.value, .expiry = entry.expiry});
  }
  ++summary.skipped;
  return sink.skip({entry.database, entry.key, entry.type});
}

}  // namespace stave::exchange
