// What the readers of documents and of lines share: one entry as an object.
#pragma once

#include <string>

#include "exchange/exchange.h"
#include "exchange/json_scanner.h"

namespace stave::exchange {

/// An entry that owns its bytes, and which of its members were there.
struct JsonEntry {
  int database = 0;
  std::string key;
  std::string type;  ///< Empty: not said, a string.
  std::string value;
  Expiry expiry{};
  bool has_database = false;
  bool has_key = false;
  bool has_value = false;
  bool text_value = false;  ///< The value is bytes, not an array or an object of a later version.

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
  Result<void> deliver(const JsonEntry& entry, Sink& sink, Summary& summary);

 private:
  Result<void> read_member(JsonEntry& entry);
  Result<void> read_value(JsonEntry& entry);

  JsonScanner& scanner_;
  const Limits& limits_;
  std::string name_;
  std::string base64_;
};

}  // namespace stave::exchange
