// What a log does for and as a copy of another one: takes batches over at their addresses, hands out what is written.
#include <algorithm>
#include <new>

#include "base/assert.h"
#include "base/no_memory.h"
#include "base/try.h"
#include "log/follows.h"
#include "log/log_impl.h"

namespace stave::log {

namespace {

RecordSpec spec_of(const RecordView& view) noexcept {
  return {.kind = view.kind,
          .database = view.database,
          .time = view.time,
          .expiry = view.expiry,
          .prev = view.prev,
          .key = view.key,
          .payload = view.payload,
          .version = view.relocated() ? view.version : kNoLsn,
          .compressed = view.compressed()};
}

}  // namespace

std::unexpected<Error> LogImpl::follows() {
  return fail(ErrorCode::kReadOnly, kFollowsSentence);
}

Result<Lsn> LogImpl::append_at(std::span<const RecordView> batch, TakenOver& copy) try {
  STAVE_ASSERT(!batch.empty() && !copy.later);
  if (!following_.load(std::memory_order_relaxed)) return fail(ErrorCode::kConflict, "this log follows no other one");
  std::uint64_t at = tail_.end();
  if (raw(batch.front().lsn) != at)
    return fail(ErrorCode::kConflict, "this log ends at LSN " + std::to_string(at) + ", and the batch begins at LSN " +
                                          std::to_string(raw(batch.front().lsn)));
  copy.records.clear();
  copy.lsns.resize(batch.size());
  bool closes = false;
  for (const RecordView& view : batch) {
    const bool last = &view == &batch.back();
    copy.records.push_back(spec_of(view));
    if (raw(view.lsn) != at || view.commit() != last || encoded_size(copy.records.back()) != view.length)
      return fail(ErrorCode::kCorrupt, "the records at LSN " + std::to_string(at) + " are not one whole batch");
    at += view.length;
    closes |= view.kind == RecordKind::kClose;
  }
  // Such a record says that everything before it is on the disk, and here that is this log's own to see to.
  if (closes) STAVE_TRY(wait_durable(tail()));
  STAVE_ASSIGN(const Lsn end, append_or_place(copy.records, copy.lsns, &copy.later));
  STAVE_ASSERT(raw(end) == at && copy.lsns.front() == batch.front().lsn);
  return end;
} catch (const std::bad_alloc&) {
  return base::no_memory();
}

Result<Stretch> LogImpl::read_written(Lsn from, std::span<std::byte> into) {
  const std::uint64_t written = written_.load(std::memory_order_acquire);
  const std::uint64_t at = raw(from);
  if (at > written) return fail(ErrorCode::kInvalidArgument, "the log is not written as far as that");
  Stretch stretch{.from = from, .to = from, .seed = 0, .whole = true};
  if (at == written) return stretch;
  STAVE_ASSIGN(const Catalog::Place place, catalog_.find(at));
  const std::uint64_t end = std::min(place.end, written);
  STAVE_ASSERT(end > at);
  const std::uint64_t offset = kSegmentHeaderBytes + (at - place.base);
  const std::span<std::byte> room = into.first(std::min<std::uint64_t>(into.size(), end - at));
  STAVE_ASSIGN(const std::size_t got, place.file->read_at(offset, room));
  if (got < room.size())
    return fail(Error(ErrorCode::kCorrupt, "the segment ends before LSN " + std::to_string(at + room.size()) +
                                               ", which was written; `stave doctor` can examine the directory")
                    .with_file(place.path, static_cast<std::int64_t>(offset + got)));
  stretch.to = Lsn{at + got};
  stretch.seed = place.seed;
  stretch.whole = at + got == end;
  return stretch;
}

}  // namespace stave::log
