#include "store/change_reader.h"

#include <algorithm>
#include <iterator>
#include <new>
#include <utility>

#include "base/assert.h"
#include "base/no_memory.h"
#include "base/try.h"
#include "packing/compression.h"
#include "store/foreign_value.h"
#include "store/upkeep.h"

namespace stave::store {

namespace {

constexpr std::size_t kBufferBytes = 256u << 10;
/// A buffer that was needed for a large record is given back.
constexpr std::size_t kKeptBytes = 1u << 20;
constexpr std::size_t kFlagsAt = 5;

}  // namespace

std::string_view to_string(LoggedChange::Kind kind) noexcept {
  switch (kind) {
    case LoggedChange::Kind::kSet: return "set";
    case LoggedChange::Kind::kChange: return "change";
    case LoggedChange::Kind::kSetExpiry: return "set_expiry";
    case LoggedChange::Kind::kDelete: return "delete";
    case LoggedChange::Kind::kExpire: return "expire";
    case LoggedChange::Kind::kEvict: return "evict";
    case LoggedChange::Kind::kFlush: return "flush";
    case LoggedChange::Kind::kSwap: return "swap";
    case LoggedChange::Kind::kLost: return "lost";
  }
  return "unknown";
}

ChangeReader::ChangeReader(Engine& engine, Lsn since, Wish wish)
    : engine_(engine), wish_(wish), at_(std::max(raw(since) + 1, raw(log::kFirstLsn))) {}

Lsn ChangeReader::oldest_position(Engine& engine) {
  return Lsn{raw(engine.log().stats().first) - 1};
}

Lsn ChangeReader::position() const noexcept {
  return Lsn{(holds_ ? raw(held_.lsn) : at_) - 1};
}

std::unexpected<Error> ChangeReader::gone() const {
  return fail(ErrorCode::kNotFound,
              "the log has no changes from before LSN " + std::to_string(raw(oldest_position(engine_)) + 1) +
                  " any more; the oldest position is " + std::to_string(raw(oldest_position(engine_))));
}

std::unexpected<Error> ChangeReader::damaged(std::uint64_t lsn) const {
  return fail(ErrorCode::kCorrupt, "the record at LSN " + std::to_string(lsn) +
                                       " fails its checks; `stave doctor` can examine the store's directory");
}

// --- bytes -----------------------------------------------------------------------------------------------------------

Result<std::span<const std::byte>> ChangeReader::bytes_at(std::uint64_t at, std::uint64_t horizon, std::size_t needed) {
  if (at < buffered_ || at + needed > buffered_ + buffered_bytes_) {
    if (needed > horizon - at) return damaged(at);
    const std::size_t size = std::max(kBufferBytes, needed);
    buffered_bytes_ = 0;
    if (buffer_.size() < size) {
      buffer_ = {};
      buffer_.resize(size);
    } else if (buffer_.size() > kKeptBytes && size == kBufferBytes) {
      buffer_ = {};
      buffer_.resize(size);
    }
    const auto room = std::span(buffer_).first(std::min<std::uint64_t>(buffer_.size(), horizon - at));
    auto stretch = engine_.log().read_written(Lsn{at}, room);
    if (!stretch) {
      if (stretch.error().code() == ErrorCode::kNotFound) return gone();
      return fail(std::move(stretch).error());
    }
    buffered_ = at;
    buffered_bytes_ = stretch->to - stretch->from;
    seed_ = stretch->seed;
    if (buffered_bytes_ < needed) return damaged(at);
  }
  const std::size_t skip = at - buffered_;
  return std::span<const std::byte>(buffer_).subspan(skip, buffered_bytes_ - skip);
}

Result<ChangeReader::Head> ChangeReader::head_at(std::uint64_t at, std::uint64_t horizon) {
  STAVE_ASSIGN(const auto bytes, bytes_at(at, horizon, log::kRecordHeaderBytes));
  const auto length = log::checked_length(bytes, Lsn{at}, seed_);
  if (!length || *length < log::kRecordHeaderBytes || *length > horizon - at) return damaged(at);
  return Head{*length, (static_cast<std::uint8_t>(bytes[kFlagsAt]) & log::kCommit) != 0};
}

Result<log::RecordView> ChangeReader::record_at(std::uint64_t at, std::uint64_t horizon) {
  STAVE_ASSIGN(const Head head, head_at(at, horizon));
  STAVE_ASSIGN(const auto bytes, bytes_at(at, horizon, head.length));
  const auto view = log::decode(bytes, Lsn{at}, seed_);
  if (!view) return damaged(at);
  return *view;
}

// --- where to begin --------------------------------------------------------------------------------------------------

Result<bool> ChangeReader::resolve(std::uint64_t horizon) {
  const std::uint64_t first = raw(engine_.log().stats().first);
  const std::uint64_t start = at_;
  if (start < first) return gone();
  if (start > raw(engine_.log().tail()))
    return fail(ErrorCode::kConflict, "the log ends at LSN " + std::to_string(raw(engine_.log().tail())) +
                                          ", before that position: it is another store's, or this one has lost it");
  if (start > horizon) return false;
  resolved_ = true;
  if (start == horizon || start == first) return true;
  if (const auto known = engine_.upkeep().change_feed().batch_at(Lsn{start})) {
    batch_ = raw(*known);
    return true;
  }
  // Most come back with the last record that they were shown, which mostly is the last of its batch.
  if (start > first && horizon - (start - 1) >= log::kRecordHeaderBytes) {
    std::array<std::byte, log::kRecordHeaderBytes> bytes{};
    const auto there = engine_.log().read_written(Lsn{start - 1}, bytes);
    const auto length = there ? log::checked_length(bytes, Lsn{start - 1}, there->seed) : std::nullopt;
    if (length && (static_cast<std::uint8_t>(bytes[kFlagsAt]) & log::kCommit) != 0) {
      at_ = start - 1 + *length;
      return true;
    }
  }
  resolved_ = false;
  STAVE_TRY(find_batch(start, horizon));
  resolved_ = true;
  return true;
}

// Batches lie in one segment each, and a segment begins with one: from there it is counted through.
Result<void> ChangeReader::find_batch(std::uint64_t start, std::uint64_t horizon) {
  const std::vector<log::SegmentInfo> segments = engine_.log().segments();
  const auto after = std::ranges::upper_bound(segments, Lsn{start}, {}, &log::SegmentInfo::base);
  if (after == segments.begin()) return gone();
  std::uint64_t at = raw(std::prev(after)->base);
  std::uint64_t batch = 0;
  while (at < start) {
    STAVE_ASSIGN(const Head head, head_at(at, horizon));
    if (batch == 0) batch = at;
    if (head.commit) batch = 0;
    at += head.length;
  }
  at_ = at;
  batch_ = batch;
  return {};
}

// --- what a record means ---------------------------------------------------------------------------------------------

Result<bool> ChangeReader::take(const log::RecordView& record) {
  using Kind = LoggedChange::Kind;
  using log::RecordKind;
  const log::KindTraits& traits = log::traits(record.kind);
  if (!traits.known)
    return fail(ErrorCode::kUnsupported, "the log holds a kind of record (" +
                                             std::to_string(static_cast<int>(record.kind)) +
                                             ") that this version does not know; use a newer Stave");
  // What the cleaner moved is what it was; what lies there is the store's own.
  if (record.relocated() || record.database == kPagesNumber) return false;
  found_.type.reset();
  found_.value.reset();
  found_.other = 0;
  switch (record.kind) {
    case RecordKind::kDelete: found_.kind = Kind::kDelete; break;
    case RecordKind::kExpire: found_.kind = Kind::kExpire; break;
    case RecordKind::kEvict: found_.kind = Kind::kEvict; break;
    case RecordKind::kSetExpiry: found_.kind = Kind::kSetExpiry; break;
    case RecordKind::kPatch: found_.kind = Kind::kChange; break;
    case RecordKind::kFlush: found_.kind = Kind::kFlush; break;
    case RecordKind::kSwap:
      found_.kind = Kind::kSwap;
      found_.other = record.payload.empty() ? 0 : static_cast<unsigned char>(record.payload[0]);
      break;
    case RecordKind::kLost: found_.kind = Kind::kLost; break;
    case RecordKind::kRefresh:
    case RecordKind::kClose:
    case RecordKind::kTrim:
    case RecordKind::kTerm:
    case RecordKind::kPage: return false;
    case RecordKind::kString:
    case RecordKind::kJson:
    case RecordKind::kHash:
    case RecordKind::kList:
    case RecordKind::kSet:
    case RecordKind::kSortedSet:
    case RecordKind::kStream:
    case RecordKind::kSketch:
    case RecordKind::kPagedHash:
    case RecordKind::kPagedList:
    case RecordKind::kPagedSet:
    case RecordKind::kPagedSortedSet:
    case RecordKind::kPagedString:
    case RecordKind::kPagedSketch:
    case RecordKind::kPagedStream:
      found_.kind = is_root(type_of(record.kind)) ? Kind::kChange : Kind::kSet;
      found_.type = shown_type(type_of(record.kind));
      break;
  }
  found_.lsn = record.lsn;
  found_.batch = Lsn{batch_ == 0 ? raw(record.lsn) : batch_};
  found_.database = record.database;
  found_.time = record.time;
  found_.expiry = record.expiry;
  if (wish_.filter != nullptr && !wish_.filter->wants(found_, record.key)) return false;
  found_.key = record.key;
  if (wish_.values && found_.kind == Kind::kSet) STAVE_TRY(take_value(record));
  return true;
}

Result<void> ChangeReader::take_value(const log::RecordView& record) {
  std::string_view value = record.payload;
  if (record.compressed()) {
    STAVE_ASSIGN(value, engine_.compression().unpack(record.payload, scratch_));
  }
  // As it was then: fields whose time has come since were there.
  auto shown = shown_value(engine_.time(), record.time, type_of(record.kind), value);
  if (shown) {
    if (!shown->empty()) found_.value = std::move(*shown);
  } else {
    found_.value.emplace(value);
  }
  return {};
}

// --- reading ---------------------------------------------------------------------------------------------------------

Result<ChangeReader::Step> ChangeReader::read(std::size_t bytes_max,
                                              base::FunctionRef<bool(const LoggedChange&)> show) try {
  ChangeFeed& feed = engine_.upkeep().change_feed();
  const std::uint64_t horizon = raw(feed.horizon());
  Step step;
  if (!resolved_) {
    STAVE_ASSIGN(const bool ready, resolve(horizon));
    if (!ready) return step;
  }
  const std::uint64_t begin = at_;
  bool goes_on = true;
  const auto show_held = [&](bool last) {
    held_.last = last;
    holds_ = false;
    ++step.shown;
    goes_on = show(held_);
  };
  while (goes_on) {
    if (holds_ && batch_ == 0) {
      show_held(true);
      continue;
    }
    if (at_ >= horizon || at_ - begin >= bytes_max) break;
    STAVE_ASSIGN(const log::RecordView record, record_at(at_, horizon));
    STAVE_ASSIGN(const bool wanted, take(record));
    at_ += record.length;
    if (record.commit()) {
      batch_ = 0;
    } else if (batch_ == 0) {
      batch_ = raw(record.lsn);
    }
    if (!wanted) continue;
    if (holds_) show_held(false);
    std::swap(held_, found_);
    holds_ = true;
  }
  step.more = holds_ || at_ < horizon;
  feed.note_place(position() + 1, holds_ ? held_.batch : Lsn{batch_});
  return step;
} catch (const std::bad_alloc&) {
  return base::no_memory();
}

}  // namespace stave::store
