#include "doors/shell/json_file.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <map>
#include <vector>

#include "base/try.h"
#include "doors/shell/text.h"
#include "store/engine.h"
#include "store/transaction.h"

namespace stave::shell {

namespace {

constexpr std::int64_t kVersion = 1;

struct Entry {
  std::string key;
  std::string value;
  Expiry expiry;
  [[nodiscard]] bool is_text() const noexcept { return is_utf8(key) && is_utf8(value); }
};

// --- writing ------------------------------------------------------------------------------------

Result<std::vector<Entry>> entries_of(Store& store, int database) {
  constexpr std::size_t kStep = 4096;
  std::vector<Entry> entries;
  entries.reserve(store.size(database));
  store::Engine& engine = store.engine();
  store::Pending pending;
  std::uint64_t cursor = 0;
  bool other_type = false;
  do {
    STAVE_ASSIGN(cursor, engine.scan_values(
        database, cursor, kStep,
        [&](std::string_view key, const store::ValueView& view) {
          other_type |= view.type != store::ValueType::kString;
          entries.push_back({std::string(key), std::string(view.value), view.expiry});
        },
        pending));
  } while (cursor != 0);
  STAVE_TRY(engine.wait(pending));
  if (other_type)
    return fail(ErrorCode::kUnsupported, "the JSON file holds strings only, and the store has other types");
  std::ranges::sort(entries, {}, &Entry::key);
  // The walk may show a key twice while the table shrinks.
  const auto rest = std::ranges::unique(entries, {}, &Entry::key);
  entries.erase(rest.begin(), rest.end());
  return entries;
}

/// Writes `"name": {` … `}` around the members that `entries` give, or nothing when they give none.
class Writer {
 public:
  Writer(std::string& out, std::string indent) : out_(out), indent_(std::move(indent)) {}

  /// Starts a member of the document.
  void member(std::string_view name) {
    out_ += first_member_ ? "" : ",\n";
    first_member_ = false;
    out_ += indent_;
    append_json_string(out_, name);
    out_ += ": ";
  }
  template <class Accept, class AppendValue>
  void object(std::string_view name, const std::vector<Entry>& entries, bool even_when_empty, bool base64_keys,
              Accept&& accept, AppendValue&& append_value) {
    bool first = true;
    for (const Entry& entry : entries) {
      if (!accept(entry)) continue;
      if (first) {
        member(name);
        out_ += "{\n";
      } else {
        out_ += ",\n";
      }
      first = false;
      out_.append(indent_).append("  ");
      append_json_string(out_, base64_keys ? to_base64(entry.key) : entry.key);
      out_ += ": ";
      append_value(entry);
    }
    if (!first) {
      out_.append("\n").append(indent_).append("}");
    } else if (even_when_empty) {
      member(name);
      out_ += "{}";
    }
  }
  void database(const std::vector<Entry>& entries, bool data_when_empty) {
    object(
        "data", entries, data_when_empty, false, [](const Entry& e) { return e.is_text(); },
        [&](const Entry& e) { append_json_string(out_, e.value); });
    object(
        "data_base64", entries, false, true, [](const Entry& e) { return !e.is_text(); },
        [&](const Entry& e) { append_json_string(out_, to_base64(e.value)); });
    for (const bool base64 : {false, true}) {
      object(
          base64 ? "expires_at_base64" : "expires_at", entries, false, base64,
          [&](const Entry& e) { return !e.expiry.never() && is_utf8(e.key) != base64; },
          [&](const Entry& e) { out_ += std::to_string(raw(e.expiry.at)); });
      object(
          base64 ? "sliding_ms_base64" : "sliding_ms", entries, false, base64,
          [&](const Entry& e) { return e.expiry.sliding_ms != 0 && is_utf8(e.key) != base64; },
          [&](const Entry& e) { out_ += std::to_string(e.expiry.sliding_ms); });
    }
  }

 private:
  std::string& out_;
  std::string indent_;
  bool first_member_ = true;
};

// --- reading ------------------------------------------------------------------------------------

namespace json = boost::json;

std::unexpected<Error> malformed(std::string what) {
  return fail(ErrorCode::kCorrupt, "malformed JSON file: " + std::move(what));
}
std::string quoted(std::string_view text) {
  return "\"" + printable(text, false) + "\"";
}

std::string position(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto line = 1 + std::ranges::count(before, '\n');
  const auto newline = before.rfind('\n');
  const std::size_t column = newline == std::string_view::npos ? offset + 1 : offset - newline;
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

Result<json::value> parse(std::string_view text) {
  json::parse_options options;
  options.max_depth = 8;
  json::stream_parser parser(json::make_shared_resource<json::monotonic_resource>(), options);
  json::error_code error;
  const std::size_t read = parser.write_some(text.data(), text.size(), error);
  if (!error && text.find_first_not_of(" \t\r\n", read) != std::string_view::npos) error = json::error::extra_data;
  if (!error) parser.finish(error);
  if (error) return malformed(error.message() + " at " + position(text, read));
  return parser.release();
}

using Entries = std::map<std::string, Entry, std::less<>>;

Result<std::string> key_of(const json::key_value_pair& member, bool base64, std::string_view where) {
  const std::string_view name(member.key().data(), member.key().size());
  if (!base64) return std::string(name);
  auto key = from_base64(name);
  if (!key) return malformed("the key " + quoted(name) + " in " + quoted(where) + " is not base64");
  return std::move(*key);
}

Result<void> read_data(const json::value& value, std::string_view where, bool base64, Entries& into) {
  const json::object* object = value.if_object();
  if (object == nullptr) return malformed(quoted(where) + " is not an object");
  for (const auto& member : *object) {
    STAVE_ASSIGN(std::string key, key_of(member, base64, where));
    const json::string* text = member.value().if_string();
    if (text == nullptr) return malformed("the value of " + quoted(key) + " in " + quoted(where) + " is not a string");
    std::string bytes(text->data(), text->size());
    if (base64) {
      auto decoded = from_base64(bytes);
      if (!decoded) return malformed("the value of " + quoted(key) + " in " + quoted(where) + " is not base64");
      bytes = std::move(*decoded);
    }
    const auto [at, inserted] = into.try_emplace(key, Entry{key, std::move(bytes), {}});
    if (!inserted) return malformed("the key " + quoted(key) + " is there twice");
  }
  return {};
}

Result<void> read_times(const json::value& value, std::string_view where, bool base64, bool sliding, Entries& entries) {
  const json::object* object = value.if_object();
  if (object == nullptr) return malformed(quoted(where) + " is not an object");
  for (const auto& member : *object) {
    STAVE_ASSIGN(const std::string key, key_of(member, base64, where));
    const auto found = entries.find(key);
    if (found == entries.end()) return malformed("the key " + quoted(key) + " in " + quoted(where) + " has no value");
    const std::int64_t* ms = member.value().if_int64();
    if (ms == nullptr || *ms <= 0 || *ms > kUnixMsMax)
      return malformed("the time of " + quoted(key) + " in " + quoted(where) + " is not a number of milliseconds");
    if (sliding) {
      found->second.expiry.sliding_ms = *ms;
    } else {
      found->second.expiry.at = UnixMs{*ms};
    }
  }
  return {};
}

struct TimesMember {
  std::string_view name;
  bool base64;
  bool sliding;
};
constexpr std::array<TimesMember, 4> kTimes = {{{"expires_at", false, false},
                                                {"expires_at_base64", true, false},
                                                {"sliding_ms", false, true},
                                                {"sliding_ms_base64", true, true}}};

/// The members that describe one database. `known` are names the caller reads itself.
Result<Entries> read_database(const json::object& object, std::span<const std::string_view> known) {
  Entries entries;
  for (const auto& member : object) {
    const std::string_view name(member.key().data(), member.key().size());
    if (name == "data" || name == "data_base64") {
      STAVE_TRY(read_data(member.value(), name, name == "data_base64", entries));
    } else if (std::ranges::find(known, name) == known.end() &&
               std::ranges::find(kTimes, name, &TimesMember::name) == kTimes.end()) {
      return malformed("this version does not know the member " + quoted(name) + ", and saving would lose it");
    }
  }
  for (const TimesMember& times : kTimes) {
    if (const json::value* value = object.if_contains({times.name.data(), times.name.size()}))
      STAVE_TRY(read_times(*value, times.name, times.base64, times.sliding, entries));
  }
  for (const auto& [key, entry] : entries) {
    if (entry.expiry.sliding_ms != 0 && entry.expiry.never())
      return malformed("the key " + quoted(key) + " has \"sliding_ms\" without \"expires_at\"");
  }
  return entries;
}

Result<void> check_version(const json::object& document) {
  const json::value* version = document.if_contains("version");
  if (version == nullptr) return malformed("no \"version\"");
  const std::int64_t* number = version->if_int64();
  if (number == nullptr || *number < 1) return malformed("\"version\" is not a positive number");
  if (*number > kVersion)
    return fail(ErrorCode::kUnsupported, "the JSON file is of version " + std::to_string(*number) +
                                             ", from a later Stave; this one knows version " +
                                             std::to_string(kVersion));
  const json::value* timestamp = document.if_contains("timestamp");
  if (timestamp != nullptr && !timestamp->is_string()) return malformed("\"timestamp\" is not a string");
  return {};
}

Result<std::map<int, Entries>> read_document(Store& store, std::string_view text) {
  STAVE_ASSIGN(const json::value root, parse(text));
  const json::object* document = root.if_object();
  if (document == nullptr) return malformed("not an object");
  STAVE_TRY(check_version(*document));
  static constexpr std::array<std::string_view, 3> kOwn = {"version", "timestamp", "databases"};
  std::map<int, Entries> databases;
  STAVE_ASSIGN(databases[0], read_database(*document, kOwn));
  const json::value* others = document->if_contains("databases");
  if (others == nullptr) return databases;
  if (!others->is_object()) return malformed("\"databases\" is not an object");
  for (const auto& member : others->get_object()) {
    const std::string_view name(member.key().data(), member.key().size());
    int number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc{} || end != name.data() + name.size() || number < 1 ||
        number >= store.engine().options().databases)
      return malformed("there is no database " + quoted(name));
    if (!member.value().is_object()) return malformed("the database " + quoted(name) + " is not an object");
    STAVE_ASSIGN(databases[number], read_database(member.value().get_object(), {}));
  }
  return databases;
}

Result<void> put_all(Store& store, int database, const Entries& entries) {
  constexpr std::size_t kBatch = 1024;
  store::Engine& engine = store.engine();
  const UnixMs now = engine.now();
  store::Pending pending;
  for (auto at = entries.begin(); at != entries.end();) {
    std::vector<store::KeyRef> keys;
    const auto first = at;
    for (; at != entries.end() && keys.size() < kBatch; ++at) keys.push_back({database, at->first});
    store::Transaction transaction(engine, keys);
    for (auto one = first; one != at; ++one) {
      if (one->second.expiry.passed(now)) continue;
      STAVE_TRY(transaction.put({database, one->first}, one->second.value, one->second.expiry));
    }
    STAVE_ASSIGN(const store::Pending batch, transaction.commit());
    pending.merge(batch);
  }
  return engine.wait(pending);
}

}  // namespace

std::string iso_time(UnixMs moment) {
  using namespace std::chrono;
  const sys_time<milliseconds> time{milliseconds{raw(moment)}};
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{floor<seconds>(time - day)};
  char text[40];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text;
}

Result<std::string> to_json(Store& store, UnixMs timestamp) {
  std::string out = "{\n";
  Writer document(out, "  ");
  document.member("version");
  out += std::to_string(kVersion);
  document.member("timestamp");
  append_json_string(out, iso_time(timestamp));
  STAVE_ASSIGN(const auto first, entries_of(store, 0));
  document.database(first, true);
  bool others = false;
  for (int database = 1; database < store.engine().options().databases; ++database) {
    STAVE_ASSIGN(const auto entries, entries_of(store, database));
    if (entries.empty()) continue;
    if (others) {
      out += ",\n";
    } else {
      document.member("databases");
      out += "{\n";
    }
    others = true;
    out += "    \"" + std::to_string(database) + "\": {\n";
    Writer(out, "      ").database(entries, false);
    out += "\n    }";
  }
  if (others) out += "\n  }";
  out += "\n}\n";
  return out;
}

Result<void> load_json(Store& store, std::string_view text) {
  // All of it is understood before any of it is loaded.
  STAVE_ASSIGN(const auto databases, read_document(store, text));
  for (const auto& [database, entries] : databases) STAVE_TRY(put_all(store, database, entries));
  return {};
}

}  // namespace stave::shell
