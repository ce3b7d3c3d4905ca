// Which keys are not what they were because records of theirs are lost, as far as other records or an image tell.
//
// Fed with everything that is left, in order. Must not know: files, how records were lost.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "log/record.h"

namespace stave::log {

class KeyLosses {
 public:
  struct Loss {
    Lsn lost;              ///< The record that the key's state hangs on.
    Lsn instead = kNoLsn;  ///< The newest one before it that is left and holds a value; none: the key is gone.
  };
  /// By database and key.
  using Map = std::map<std::pair<std::uint8_t, std::string>, Loss>;

  /// `is_lost` tells whether the record at an address is lost.
  explicit KeyLosses(std::function<bool(Lsn)> is_lost) : is_lost_(std::move(is_lost)) {}

  /// The key's state hangs on the record at `lost`, as somebody else knows.
  void miss(std::uint8_t database, std::string_view key, Lsn lost);
  /// The same, if that record is lost.
  void miss_if_lost(std::uint8_t database, std::string_view key, Lsn address) {
    if (address != kNoLsn && is_lost_(address)) miss(database, key, address);
  }
  /// The next record that is left. False when it says something about a value that is lost, and so means nothing.
  bool note(const RecordView& record);

  [[nodiscard]] const Map& keys() const noexcept { return keys_; }

 private:
  void settle(Map::iterator at, const RecordView& record, Lsn instead);
  void swap(const RecordView& record);
  [[nodiscard]] bool hangs_on_lost(const RecordView& record, Lsn value) const;

  std::function<bool(Lsn)> is_lost_;
  Map keys_;
};

}  // namespace stave::log
