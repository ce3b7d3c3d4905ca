// A page of keys as data, before it is JSON, lines or a protobuf message.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "commands/kept_value.h"
#include "store/engine.h"

namespace stave::http {

struct ListEntry {
  std::string key;
  store::ValueType type{};
  Lsn version = kNoLsn;
  Expiry expiry{};
  bool json = false;
  std::uint64_t size = 0;
  std::optional<commands::KeptValue> value;  ///< When values were asked for and it fits the page.
};

struct Listing {
  std::vector<ListEntry> entries;
  std::uint64_t cursor = 0;  ///< Where to go on; 0 at the end.
};

}  // namespace stave::http
