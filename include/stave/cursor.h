// Going through the keys of a store, one after the other.
//
//     auto cursor = store.cursor("user:");
//     for (auto at = cursor.next(); at && *at; at = cursor.next()) use((*at)->key, (*at)->value);
//
// Promises: a cursor holds nothing of the store but its place in it: no lock, no snapshot, no old version; it may be
// kept for as long as the store is open, and left at any moment. Threads: one at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stave/error.h"

namespace stave {

class Store;

struct Entry {
  std::string key;
  std::string value;           ///< Of a string; empty for all others.
  std::string_view type = {};  ///< As TYPE answers: "string", "hash", … Static storage.
};

class Cursor {
 public:
  /// The next key, as it is at this moment; nullopt: that was all. What is promised, and what it costs: as of
  /// `Store::for_each`. Errors: kInvalidArgument (no such database), kTooLarge (the prefix), kIo, kCorrupt, kNoMemory.
  Result<std::optional<Entry>> next();

 private:
  friend class Store;
  Cursor(Store& store, std::string_view prefix, int database);
  Result<void> read_ahead();

  Store* store_;
  int database_;
  bool begun_ = false;
  bool too_long_ = false;  ///< The prefix; it was not kept.
  std::uint64_t place_ = 0;
  std::size_t shown_ = 0;           ///< Of `ahead_`.
  std::vector<std::string> ahead_;  ///< Keys, not values.
  std::string prefix_;
};

}  // namespace stave
