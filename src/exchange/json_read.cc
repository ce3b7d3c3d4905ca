#include <charconv>
#include <map>
#include <set>
#include <vector>

#include "base/assert.h"
#include "base/encoding.h"
#include "base/try.h"
#include "exchange/json.h"
#include "exchange/json_entry.h"
#include "exchange/json_scanner.h"

namespace stave::exchange {

namespace {

constexpr std::int64_t kVersionMax = 2;
constexpr std::size_t kNameBytesMax = 256;

std::string quoted(std::string_view text) {
  std::string out;
  if (base::is_utf8(text) && text.size() <= 200) {
    base::append_json_string(out, text);
  } else {
    out = "in base64 \"" + base::to_base64(text.substr(0, 60)) + "\"";
  }
  return out;
}

/// A number as it is written without anything before or around it; -1: this is none.
int database_named(std::string_view name) {
  int number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc{} || end != name.data() + name.size() || name[0] == '-') return -1;
  return name[0] == '0' && name.size() > 1 ? -1 : number;
}

/// Version 1 tells of a key in several places ("data", "expires_at", …), in any order: everything is gathered, checked
/// and only then handed on.
class Version1 {
 public:
  Version1(JsonScanner& scanner, const Limits& limits) : scanner_(scanner), bytes_(scanner, limits), limits_(limits) {}

  /// Whether `name` is one of the members that describe a database; if so, its value is read.
  Result<bool> read_member(int database, const std::string& name) {
    if (name == "data" || name == "data_base64") {
      STAVE_TRY(read_data(database, name == "data_base64"));
      return true;
    }
    const bool base64 = name.ends_with("_base64");
    const std::string_view plain = std::string_view(name).substr(0, name.size() - (base64 ? 7 : 0));
    if (plain != "expires_at" && plain != "sliding_ms") return false;
    STAVE_TRY(read_times(database, base64, plain == "sliding_ms"));
    return true;
  }

  Result<void> read_databases() {
    STAVE_TRY(scanner_.expect('{'));
    std::string number;
    for (bool first = true;;) {
      STAVE_ASSIGN(const bool more, scanner_.next_member(number, kNameBytesMax, first));
      if (!more) return {};
      const int database = database_named(number);
      // 0 stands outside of "databases".
      if (database <= 0 || database >= limits_.databases)
        return scanner_.malformed("there is no database " + quoted(number) + ":");
      STAVE_TRY(scanner_.expect('{'));
      std::string name;
      for (bool first_inside = true;;) {
        STAVE_ASSIGN(const bool inside, scanner_.next_member(name, kNameBytesMax, first_inside));
        if (!inside) break;
        STAVE_ASSIGN(const bool known, read_member(database, name));
        if (!known) return scanner_.malformed("this version does not know the member " + quoted(name));
      }
    }
  }

  Result<void> deliver(Sink& sink, Summary& summary) {
    for (const Time& time : times_) {
      const auto entries = databases_.find(time.database);
      const bool there = entries != databases_.end() && entries->second.contains(time.key);
      if (!there) return scanner_.malformed("the key " + quoted(time.key) + " has a time and no value,");
      Expiry& expiry = entries->second.find(time.key)->second.expiry;
      if (time.sliding ? expiry.sliding_ms != 0 : !expiry.never())
        return scanner_.malformed("the time of the key " + quoted(time.key) + " is there twice");
      if (time.sliding) {
        expiry.sliding_ms = time.ms;
      } else {
        expiry.at = UnixMs{time.ms};
      }
    }
    for (const auto& [database, entries] : databases_)
      for (const auto& [key, entry] : entries)
        if (entry.expiry.sliding_ms != 0 && entry.expiry.never())
          return scanner_.malformed("the key " + quoted(key) + " has \"sliding_ms\" without \"expires_at\"");
    for (const auto& [database, entries] : databases_) {
      for (const auto& [key, entry] : entries) {
        ++summary.entries;
        STAVE_TRY(sink.take({.database = database, .key = key, .value = entry.value, .expiry = entry.expiry}));
      }
    }
    return {};
  }

 private:
  struct Entry {
    std::string value;
    Expiry expiry{};
  };
  struct Time {
    int database;
    std::string key;
    bool sliding;
    std::int64_t ms;
  };

  /// The next name of an object of keys; false at its end.
  Result<bool> next_key(std::string& key, bool base64, bool& first) {
    STAVE_ASSIGN(const bool end, scanner_.take_if('}'));
    if (end) return false;
    if (!first) STAVE_TRY(scanner_.expect(','));
    first = false;
    STAVE_TRY(bytes_.read_bytes(key, base64, limits_.key_bytes_max));
    STAVE_TRY(scanner_.expect(':'));
    return true;
  }
  Result<void> read_data(int database, bool base64) {
    STAVE_TRY(scanner_.expect('{'));
    auto& entries = databases_[database];
    std::string key;
    for (bool first = true;;) {
      STAVE_ASSIGN(const bool more, next_key(key, base64, first));
      if (!more) return {};
      const auto [at, inserted] = entries.try_emplace(key);
      if (!inserted) return scanner_.malformed("the key " + quoted(key) + " is there twice");
      STAVE_TRY(bytes_.read_bytes(at->second.value, base64, limits_.value_bytes_max));
    }
  }
  Result<void> read_times(int database, bool base64, bool sliding) {
    STAVE_TRY(scanner_.expect('{'));
    std::string key;
    for (bool first = true;;) {
      STAVE_ASSIGN(const bool more, next_key(key, base64, first));
      if (!more) return {};
      STAVE_ASSIGN(const std::int64_t ms, scanner_.integer(kUnixMsMax));
      if (ms == 0) return scanner_.malformed("a time that is not a number of milliseconds");
      times_.push_back({database, key, sliding, ms});
    }
  }

  JsonScanner& scanner_;
  JsonEntryReader bytes_;
  const Limits& limits_;
  std::map<int, std::map<std::string, Entry, std::less<>>> databases_;
  std::vector<Time> times_;
};

class Document {
 public:
  Document(JsonScanner& scanner, Sink& sink, const Limits& limits)
      : scanner_(scanner), sink_(sink), limits_(limits), entry_reader_(scanner, limits), version1_(scanner, limits) {}

  Result<Summary> read() {
    STAVE_TRY(scanner_.expect('{'));
    std::string name;
    for (bool first = true;;) {
      STAVE_ASSIGN(const bool more, scanner_.next_member(name, kNameBytesMax, first));
      if (!more) break;
      // Of two, one would be lost, or both be half of what was meant.
      if (!members_.insert(name).second) return scanner_.malformed("the member " + quoted(name) + " is there twice");
      STAVE_TRY(read_member(name));
    }
    STAVE_ASSIGN(const char after, scanner_.next());
    if (after != '\0') return scanner_.malformed("the document goes on after its end");
    if (version_ == 0) return scanner_.malformed("no \"version\"");
    STAVE_ASSERT(version_ <= kVersionMax && (version_ == 1 || !version1_used_));
    if (version_ == 1) STAVE_TRY(version1_.deliver(sink_, summary_));
    if (summary_.header.count && *summary_.header.count != summary_.entries + summary_.skipped)
      return scanner_.malformed("\"count\" is " + std::to_string(*summary_.header.count) + " and " +
                                std::to_string(summary_.entries + summary_.skipped) + " entries are there,");
    summary_.bytes = scanner_.source().offset();
    return summary_;
  }

 private:
  Result<void> read_member(const std::string& name) {
    if (name == "version") return read_version();
    if (name == "timestamp") {
      STAVE_TRY(scanner_.string(text_, kNameBytesMax));
      summary_.header.time = from_iso_time(text_).value_or(UnixMs{0});
      return {};
    }
    if (version_ == 2) {
      if (name == "data") return read_data();
      if (name == "entries") return read_entries();
      if (name == "lsn" || name == "count") {
        STAVE_ASSIGN(const std::int64_t number, scanner_.integer(static_cast<std::int64_t>(kLsnMax)));
        if (name == "lsn") summary_.header.lsn = Lsn{static_cast<std::uint64_t>(number)};
        if (name == "count") summary_.header.count = static_cast<std::uint64_t>(number);
        return {};
      }
    } else {
      version1_used_ = true;
      if (name == "databases") return version1_.read_databases();
      STAVE_ASSIGN(const bool known, version1_.read_member(0, name));
      if (known) return {};
    }
    return scanner_.malformed("this version does not know the member " + quoted(name) +
                              ", and dropping it would lose data;");
  }

  Result<void> read_version() {
    STAVE_ASSERT(version_ == 0);
    STAVE_ASSIGN(const std::int64_t version, scanner_.integer(1'000'000'000));
    if (version < 1) return scanner_.malformed("\"version\" is not a positive number");
    if (version > kVersionMax)
      return scanner_.fail_here(ErrorCode::kUnsupported, "the JSON file is of version " + std::to_string(version) +
                                                             ", from a later Stave; this one knows versions up to " +
                                                             std::to_string(kVersionMax) + ";");
    if (version > 1 && version1_used_) return scanner_.malformed("\"version\" must come first");
    version_ = version;
    return {};
  }

  Result<void> read_data() {
    STAVE_TRY(scanner_.expect('{'));
    for (bool first = true;;) {
      entry_.clear();
      STAVE_ASSIGN(const bool more, scanner_.next_member(entry_.key, limits_.key_bytes_max, first));
      if (!more) return {};
      entry_.has_key = true;
      STAVE_ASSIGN(const bool object, scanner_.take_if('{'));
      if (object) {
        STAVE_TRY(entry_reader_.read_members(entry_));
      } else {
        STAVE_TRY(scanner_.string(entry_.value, limits_.value_bytes_max));
        entry_.shape = Kind::kString;
      }
      STAVE_TRY(entry_reader_.deliver(entry_, sink_, summary_));
    }
  }

  Result<void> read_entries() {
    STAVE_TRY(scanner_.expect('['));
    for (bool first = true;;) {
      STAVE_ASSIGN(const bool more, scanner_.next_element(first));
      if (!more) return {};
      STAVE_TRY(scanner_.expect('{'));
      entry_.clear();
      STAVE_TRY(entry_reader_.read_members(entry_));
      STAVE_TRY(entry_reader_.deliver(entry_, sink_, summary_));
    }
  }

  JsonScanner& scanner_;
  Sink& sink_;
  const Limits& limits_;
  JsonEntryReader entry_reader_;
  Version1 version1_;
  Summary summary_{.format = Format::kJson};
  std::set<std::string> members_;  ///< Those that were there; what is not known is refused, so these are few.
  std::int64_t version_ = 0;
  bool version1_used_ = false;  ///< Something was read as version 1 before the version was known.
  JsonEntry entry_;
  std::string text_;
};

}  // namespace

Result<Summary> read_json(Source& source, Sink& sink, const Limits& limits) {
  JsonScanner scanner(source);
  return Document(scanner, sink, limits).read();
}

Result<Summary> read_ndjson(Source& source, Sink& sink, const Limits& limits) {
  JsonScanner scanner(source);
  JsonEntryReader reader(scanner, limits);
  JsonEntry entry;
  Summary summary{.format = Format::kNdjson};
  for (;;) {
    STAVE_ASSIGN(const char there, scanner.next());
    if (there == '\0') break;
    STAVE_TRY(scanner.expect('{'));
    entry.clear();
    STAVE_TRY(reader.read_members(entry));
    STAVE_TRY(reader.deliver(entry, sink, summary));
  }
  summary.bytes = source.offset();
  return summary;
}

}  // namespace stave::exchange
