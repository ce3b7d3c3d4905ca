// Where the value of a key lies, as the record of a change says it.
//
// Of a change of expiry: so a value that is not in memory is found in one step, however often its expiry was changed.
// Logs of version 0.1 do not say it: there the change names the record before it, which may be another change. Of a
// change of a part of the value: where it lies whole, which is as far as the records before it lead back.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "base/assert.h"
#include "base/bytes.h"
#include "log/record.h"

namespace stave::log {

/// The payload of a kSetExpiry or kRefresh record.
class ValueAddress {
 public:
  explicit ValueAddress(Lsn address) noexcept {
    STAVE_ASSERT(address != kNoLsn && raw(address) <= kLsnMax);
    base::store(bytes_.data(), raw(address));
  }
  /// Valid as long as this is.
  [[nodiscard]] std::string_view payload() const noexcept {
    return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  }

 private:
  std::array<std::byte, sizeof(std::uint64_t)> bytes_{};
};

/// The payload of a kPatch record: so many bytes for the address, and behind them the difference from the value that
/// the key had by the record at `prev` (packing/difference.h).
inline constexpr std::size_t kPatchAddressBytes = 6;
inline std::string_view patch_difference(const RecordView& record) noexcept {
  STAVE_ASSERT(record.kind == RecordKind::kPatch);
  return record.payload.substr(std::min(record.payload.size(), kPatchAddressBytes));
}

/// What such a record leads to: the value's record; of version 0.1, the record before it. Always one before itself;
/// kNoLsn when it leads nowhere.
inline Lsn value_address(const RecordView& record) noexcept {
  if (record.kind == RecordKind::kPatch) {
    if (record.payload.size() <= kPatchAddressBytes) return kNoLsn;
    const Lsn whole{base::load48(record.payload.data())};
    return whole != kNoLsn && whole <= record.prev && record.prev < record.lsn ? whole : kNoLsn;
  }
  const bool says_it = record.payload.size() == sizeof(std::uint64_t);
  const Lsn address =
      says_it ? Lsn{base::load<std::uint64_t>(reinterpret_cast<const std::byte*>(record.payload.data()))} : record.prev;
  return address < record.lsn ? address : kNoLsn;
}

}  // namespace stave::log
