#include "log/reader.h"

#include <algorithm>
#include <iterator>

#include "base/try.h"

namespace stave::log {

namespace {

std::unexpected<Error> damaged(const std::string& path, std::uint64_t base, std::uint64_t lsn) {
  return fail(Error(ErrorCode::kCorrupt, "the record at LSN " + std::to_string(lsn) +
                                             " is damaged or missing; `stave doctor` can examine the directory")
                  .with_file(path, static_cast<std::int64_t>(kSegmentHeaderBytes + (lsn - base))));
}

}  // namespace

SegmentSource LogReader::Segment::source(const Identity& identity) const {
  return {file.get(), path, raw(header.base), record_seed(identity.store_id, header.salt), end};
}

Result<LogReader> LogReader::open(FileSystem& files, std::string directory) {
  STAVE_ASSIGN(const Identity identity, load_identity(files, directory));
  return LogReader(files, std::move(directory), identity);
}

Result<LogReader::Segment> LogReader::open_one(Lsn base, const SegmentFile* next) {
  Segment segment;
  STAVE_ASSIGN(segment.file, open_segment(files_, directory_, base, segment.path));
  STAVE_ASSIGN(segment.header, load_segment_header(*segment.file, segment.path));
  if (segment.header.store_id != identity_.store_id || segment.header.base != base)
    return fail(Error(ErrorCode::kCorrupt, "this segment belongs to another store or another place")
                    .with_file(segment.path, 0));
  STAVE_ASSIGN(const std::uint64_t size, segment.file->size());
  segment.open = next == nullptr || next->begun;
  segment.end =
      next == nullptr ? raw(base) + (size - std::min<std::uint64_t>(size, kSegmentHeaderBytes)) : raw(next->base);
  return segment;
}

// Listed before it is read: when there is a later segment with its own name by then, this one is whole.
Result<LogReader::Segment> LogReader::segment_of(Lsn position) {
  STAVE_ASSIGN(const std::vector<SegmentFile> segments, list_segments(files_, directory_));
  const auto after = std::ranges::upper_bound(segments, position, {}, &SegmentFile::base);
  if (after == segments.begin())
    return fail(Error(ErrorCode::kNotFound, "the log does not reach back to LSN " + std::to_string(raw(position)))
                    .with_file(directory_));
  return open_one(std::prev(after)->base, after == segments.end() ? nullptr : &*after);
}

// Whether a scan stopped where it may.
Result<void> LogReader::check_stop(const Segment& segment, const ScanResult& scanned) {
  if (scanned.batch_end == segment.end) return {};
  const SegmentSource source = segment.source(identity_);
  if (segment.open) {
    STAVE_ASSIGN(const RestResult rest, scanner_.examine(source, scanned.batch_end, scanned.stop));
    if (!rest.proof) return {};
    // What was being written when it was read is there by now.
    STAVE_ASSIGN(const ScanResult again, scanner_.scan(source, scanned.batch_end, nullptr));
    if (again.batches > 0) return {};
  }
  return damaged(segment.path, source.base, scanned.stop);
}

Result<Lsn> LogReader::read(Lsn position, const ReplayFn& visit) {
  STAVE_ASSIGN(const Segment segment, segment_of(position));
  if (raw(position) > segment.end)
    return fail(Error(ErrorCode::kNotFound,
                      "the log ends before LSN " + std::to_string(raw(position)) + " now: it has been cut back")
                    .with_file(segment.path));
  STAVE_ASSIGN(const ScanResult scanned, scanner_.scan(segment.source(identity_), raw(position), visit));
  STAVE_TRY(check_stop(segment, scanned));
  return Lsn{scanned.batch_end};
}

Result<Lsn> LogReader::seek(Lsn lsn) {
  STAVE_ASSIGN(const std::vector<SegmentFile> segments, list_segments(files_, directory_));
  if (segments.empty()) return kFirstLsn;
  STAVE_ASSIGN(const Segment segment, segment_of(std::max(lsn, segments.front().base)));
  Lsn found = kNoLsn;
  Lsn boundary = segment.header.base;
  const auto visit = [&](std::span<const RecordView> run) -> Result<void> {
    for (const RecordView& record : run) {
      if (found == kNoLsn && boundary >= lsn) found = boundary;
      if (record.commit()) boundary = record.lsn + record.length;
    }
    return {};
  };
  STAVE_ASSIGN(const ScanResult scanned, scanner_.scan(segment.source(identity_), raw(segment.header.base), visit));
  if (found != kNoLsn) return found;
  STAVE_TRY(check_stop(segment, scanned));
  return Lsn{scanned.batch_end};
}

Result<Lsn> LogReader::seek(UnixMs time) {
  STAVE_ASSIGN(const std::vector<SegmentFile> segments, list_segments(files_, directory_));
  if (segments.empty()) return kFirstLsn;
  Lsn position = segments.front().base;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    STAVE_ASSIGN(const Segment segment,
                 open_one(segments[i].base, i + 1 < segments.size() ? &segments[i + 1] : nullptr));
    if (segment.header.created > time) break;
    position = segments[i].base;
  }
  for (;;) {
    Lsn found = kNoLsn;
    Lsn boundary = position;
    const auto visit = [&](std::span<const RecordView> run) -> Result<void> {
      for (const RecordView& record : run) {
        if (found == kNoLsn && record.time >= time && !record.relocated()) found = boundary;
        if (record.commit()) boundary = record.lsn + record.length;
      }
      return {};
    };
    STAVE_ASSIGN(const Lsn reached, read(position, visit));
    if (found != kNoLsn) return found;
    if (reached == position) return position;
    position = reached;
  }
}

}  // namespace stave::log
