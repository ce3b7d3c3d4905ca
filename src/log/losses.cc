#include "log/losses.h"

#include <iterator>

#include "log/value_address.h"

namespace stave::log {

void KeyLosses::miss(std::uint8_t database, std::string_view key, Lsn lost) {
  const auto [at, added] = keys_.try_emplace({database, std::string(key)}, Loss{lost});
  if (!added && at->second.lost < lost) at->second.lost = lost;
}

// A later record makes the key whole again; an earlier one is what will be seen instead.
void KeyLosses::settle(Map::iterator at, const RecordView& record, Lsn instead) {
  if (record.lsn > at->second.lost) {
    keys_.erase(at);
  } else {
    at->second.instead = instead;
  }
}

void KeyLosses::swap(const RecordView& record) {
  if (record.payload.empty()) return;
  const auto other = static_cast<std::uint8_t>(record.payload[0]);
  Map moved;
  for (auto at = keys_.begin(); at != keys_.end();) {
    const std::uint8_t database = at->first.first;
    const bool concerned = (database == record.database || database == other) && at->second.lost < record.lsn;
    const auto next = std::next(at);
    if (concerned) {
      auto node = keys_.extract(at);
      node.key().first = database == other ? record.database : other;
      moved.insert(std::move(node));
    }
    at = next;
  }
  keys_.merge(moved);
}

/// Whether what the record changes is lost: a value, or of a part of one also a change of it before that.
bool KeyLosses::hangs_on_lost(const RecordView& record, Lsn value) const {
  if (is_lost_(value)) return true;
  if (record.kind != RecordKind::kPatch) return false;
  // Had the value been written whole since, the key would be whole again.
  return is_lost_(record.prev) || keys_.contains({record.database, std::string(record.key)});
}

bool KeyLosses::note(const RecordView& record) {
  if (is_delta(record.kind)) {
    const Lsn value = value_address(record);
    if (value == kNoLsn || !hangs_on_lost(record, value)) return true;
    // Whether the value before it is the newest one is known no more.
    if (record.kind == RecordKind::kPatch) {
      miss(record.database, record.key, record.lsn);
      // What was whole and the changes that still hang on it are seen instead.
      if (!is_lost_(value)) keys_.find({record.database, std::string(record.key)})->second.instead = value;
    } else if (traits(record.kind).sets_version) {
      miss(record.database, record.key, value);
    }
    return false;
  }
  if (keys_.empty()) return true;
  switch (record.kind) {
    case RecordKind::kFlush:
      for (auto at = keys_.begin(); at != keys_.end();) {
        const auto next = std::next(at);
        if (at->first.first == record.database) settle(at, record, kNoLsn);
        at = next;
      }
      return true;
    case RecordKind::kSwap: swap(record); return true;
    case RecordKind::kClose:
    case RecordKind::kTrim:
    case RecordKind::kTerm:
    case RecordKind::kLost: return true;
    case RecordKind::kDelete:
    case RecordKind::kExpire:
    case RecordKind::kEvict:
    case RecordKind::kSetExpiry:
    case RecordKind::kPatch:
    case RecordKind::kRefresh:
    case RecordKind::kString:
    case RecordKind::kJson:
    case RecordKind::kHash:
    case RecordKind::kList:
    case RecordKind::kSet:
    case RecordKind::kSortedSet:
    case RecordKind::kStream:
    case RecordKind::kPage:
    case RecordKind::kPagedHash:
    case RecordKind::kPagedList:
    case RecordKind::kPagedSet:
    case RecordKind::kPagedSortedSet:
    case RecordKind::kPagedStream:
    case RecordKind::kPagedString:
    case RecordKind::kSketch:
    case RecordKind::kPagedSketch: break;
  }
  const auto at = keys_.find({record.database, std::string(record.key)});
  if (at == keys_.end()) return true;
  settle(at, record, traits(record.kind).removes_key ? kNoLsn : record.lsn);
  return true;
}

}  // namespace stave::log
