#include "doors/shell/json_file.h"

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "base/assert.h"
#include "base/try.h"
#include "commands/type_names.h"
#include "doors/shell/text.h"
#include "exchange/files.h"
#include "exchange/json.h"
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

Error cannot_hold(std::string_view key, store::ValueType type) {
  return {ErrorCode::kUnsupported, "a JSON file holds strings only, and the key \"" + printable(key, false) +
                                       "\" holds a " + std::string(commands::type_name(type)) +
                                       "; delete it, or keep such keys in a directory (--dir)"};
}

Result<std::vector<Entry>> entries_of(Store& store, int database) {
  constexpr std::size_t kStep = 4096;
  std::vector<Entry> entries;
  entries.reserve(store.engine().size(database));
  store::Engine& engine = store.engine();
  store::Pending pending;
  std::uint64_t cursor = 0;
  std::optional<Error> other_type;
  do {
    STAVE_ASSIGN(cursor,
                 engine.scan_values(
                     database, cursor, kStep,
                     [&](std::string_view key, const store::ValueView& view) {
                       if (view.type != store::ValueType::kString) {
                         if (!other_type) other_type = cannot_hold(key, view.type);
                         return;
                       }
                       entries.push_back({std::string(key), std::string(view.value), engine.time().shown(view.expiry)});
                     },
                     pending));
  } while (cursor != 0);
  STAVE_TRY(engine.wait(pending));
  if (other_type) return fail(std::move(*other_type));
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

using Entries = std::map<std::string, Entry, std::less<>>;

/// Gathers a document, so that nothing is loaded of one that turns out to be broken.
class Gatherer final : public exchange::Sink {
 public:
  Result<void> take(const exchange::Item& item) override {
    if (item.kind != exchange::Kind::kString) return skip({item.database, item.key, to_string(item.kind)});
    std::string key(item.key);
    Entry entry{key, std::string(item.value), item.expiry};
    databases[item.database].insert_or_assign(std::move(key), std::move(entry));
    return {};
  }
  Result<void> skip(const exchange::Skipped& skipped) override {
    return fail(ErrorCode::kUnsupported, "the key \"" + printable(skipped.key, false) + "\" is a " +
                                             printable(skipped.type, false) +
                                             ", which this file has no place for, and saving would lose it");
  }
  std::map<int, Entries> databases;
};

Result<void> put_all(Store& store, int database, const Entries& entries) {
  constexpr std::size_t kBatch = 1024;
  store::Engine& engine = store.engine();
  const UnixMs now = engine.now();
  store::Pending pending;
  for (auto at = entries.begin(); at != entries.end();) {
    std::vector<store::KeyRef> keys;
    const auto first = at;
    for (; at != entries.end() && keys.size() < kBatch; ++at) keys.push_back({database, at->first});
    STAVE_ASSERT(!keys.empty() && keys.size() <= kBatch);
    store::Transaction transaction(engine, keys);
    for (auto one = first; one != at; ++one) {
      Expiry expiry = one->second.expiry;
      expiry.at = engine.time().from_wall(expiry.at);
      if (expiry.passed(now)) continue;
      STAVE_TRY(transaction.put({database, one->first}, one->second.value, expiry));
    }
    STAVE_ASSIGN(const store::Pending batch, transaction.commit());
    pending.merge(batch);
  }
  return engine.wait(pending);
}

}  // namespace

Result<std::string> to_json(Store& store, UnixMs timestamp) {
  std::string out = "{\n";
  Writer document(out, "  ");
  document.member("version");
  out += std::to_string(kVersion);
  document.member("timestamp");
  append_json_string(out, exchange::iso_time(timestamp));
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
  const Options& options = store.engine().options();
  const exchange::Limits limits{.key_bytes_max = options.key_bytes_max,
                                .value_bytes_max = options.value_bytes_max,
                                .databases = options.databases};
  const std::string name;
  exchange::MemoryInput input(text);
  exchange::Source source(input, name);
  Gatherer gathered;
  STAVE_TRY(exchange::read_json(source, gathered, limits));
  for (const auto& [database, entries] : gathered.databases) STAVE_TRY(put_all(store, database, entries));
  return {};
}

}  // namespace stave::shell
