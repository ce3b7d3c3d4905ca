// What the readers of documents and of lines share: one entry as an object.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "exchange/collection.h"
#include "exchange/exchange.h"
#include "exchange/json_scanner.h"
#include "types/stream/builder.h"

namespace stave::exchange {

/// An entry that owns its bytes, and which of its members were there.
struct JsonEntry {
  int database = 0;
  std::string key;
  std::string type;               ///< Empty: not said, a string.
  std::string value;              ///< A string's.
  CollectionBuilder collection;   ///< What came of an array or object.
  types::stream::Builder stream;  ///< What came of a stream's.
  std::optional<Kind> shape;      ///< What the value looks like; nullopt: nothing that this version knows.
  Expiry expiry{};
  bool has_database = false;
  bool has_key = false;
  bool has_value = false;
  bool has_deadlines = false;

  void clear() noexcept;
};

class JsonEntryReader {
 public:
  JsonEntryReader(JsonScanner& scanner, const Limits& limits) : scanner_(scanner), limits_(limits) {}
  /// Reads the members of an entry from after its `{` to its `}` into `entry`, which is clear but for what the place
  /// it stands in says already. Errors: kCorrupt, kTooLarge, kInvalidArgument (a database that is not there).
  Result<void> read_members(JsonEntry& entry);
  /// Reads a string of at most `bytes_max` bytes, written as text or in base64.
  Result<void> read_bytes(std::string& into, bool base64, std::size_t bytes_max);
  /// Hands `entry` to the sink, or tells the sink that its type is not known, and counts it.
  Result<void> deliver(JsonEntry& entry, Sink& sink, Summary& summary);

 private:
  Result<void> read_member(JsonEntry& entry);
  Result<void> read_value(JsonEntry& entry, bool base64);
  Result<void> read_fields(JsonEntry& entry, bool base64);
  Result<void> read_elements(JsonEntry& entry, bool base64);
  Result<void> read_pair(JsonEntry& entry, bool base64);
  Result<void> read_deadlines(JsonEntry& entry, bool base64);
  Result<std::optional<double>> read_score();
  // json_stream_read.cc
  Result<void> read_stream(JsonEntry& entry, bool base64);
  Result<void> read_stream_head(JsonEntry& entry, bool base64);
  Result<void> read_stream_group(JsonEntry& entry, bool base64);
  Result<void> read_stream_consumer(JsonEntry& entry, std::uint64_t group);
  Result<void> read_stream_pending(JsonEntry& entry, std::uint64_t group, std::uint64_t consumer);
  Result<void> read_stream_entry(JsonEntry& entry, bool base64);
  Result<types::stream::Id> read_id();
  Result<void> check_stream_size(const JsonEntry& entry, std::size_t more);
  [[nodiscard]] std::size_t name_bytes_max(bool base64) const noexcept {
    return base64 ? (limits_.value_bytes_max + 2) / 3 * 4 : limits_.value_bytes_max;
  }
  Result<void> decode(std::string& text, std::size_t bytes_max);
  Result<void> check(CollectionBuilder::Added added);
  Result<std::string_view> finish(JsonEntry& entry, Kind kind);
  [[nodiscard]] std::unexpected<Error> too_large(std::size_t bytes_max) const;

  JsonScanner& scanner_;
  const Limits& limits_;
  std::string name_;
  std::string element_;
  std::string second_;
  std::string form_;
};

}  // namespace stave::exchange
