// Reading back: one record, or all of a range.
#include <algorithm>
#include <array>
#include <new>

#include "base/try.h"
#include "log/log_impl.h"
#include "log/scan.h"

namespace stave::log {

namespace {
/// What a first read fetches: most records whole.
constexpr std::size_t kGuessBytes = 1024;
}  // namespace

Result<RecordView> LogImpl::read(Lsn lsn, std::vector<std::byte>& buffer, PlaceFn place) {
  return read_guarded(lsn, buffer, &place);
}

Result<RecordView> LogImpl::read(Lsn lsn, std::vector<std::byte>& buffer) {
  return read_guarded(lsn, buffer, nullptr);
}

Result<RecordView> LogImpl::read_guarded(Lsn lsn, std::vector<std::byte>& buffer, const PlaceFn* place) {
  try {
    return read_unguarded(lsn, buffer, place);
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kNoMemory, "no memory to read a record");
  }
}

Result<RecordView> LogImpl::read_unguarded(Lsn lsn, std::vector<std::byte>& buffer, const PlaceFn* place) {
  const std::uint64_t at = raw(lsn);
  if (at >= tail_.end()) return fail(ErrorCode::kNotFound, "the log does not reach this address yet");
  if (at >= written_.load(std::memory_order_acquire)) {
    // Still in the ring. Under this lock its bytes stay: only a write-out marks or releases them.
    base::MutexLock lock(write_mutex_);
    if (at >= placed()) {
      const std::uint64_t complete = tail_.wait_complete(at + 1);
      const auto bytes = std::span<const std::byte>(tail_.at(at), complete - at);
      const auto length = checked_length(bytes, lsn, seed_);
      if (!length || *length > bytes.size()) return fail(ErrorCode::kNotFound, "no record begins at this address");
      buffer.assign(bytes.begin(), bytes.begin() + *length);
      if (const auto view = decode(buffer, lsn, seed_)) return *view;
      return fail(ErrorCode::kNotFound, "no record begins at this address");
    }
    if (is_beside(at)) STAVE_TRY(await_written(at + 1));
  }
  STAVE_ASSIGN(const Catalog::Place segment, catalog_.find(at));
  return read_written(lsn, segment, buffer, place);
}

Result<std::uint32_t> LogImpl::length_at(Lsn lsn) {
  const std::uint64_t at = raw(lsn);
  if (at >= tail_.end()) return fail(ErrorCode::kNotFound, "the log does not reach this address yet");
  std::array<std::byte, kRecordHeaderBytes> header;
  if (at >= written_.load(std::memory_order_acquire)) {
    base::MutexLock lock(write_mutex_);
    if (at >= placed()) {
      const std::uint64_t complete = tail_.wait_complete(at + 1);
      const auto length = checked_length(std::span<const std::byte>(tail_.at(at), complete - at), lsn, seed_);
      if (!length) return fail(ErrorCode::kNotFound, "no record begins at this address");
      return *length;
    }
    if (is_beside(at)) STAVE_TRY(await_written(at + 1));
  }
  STAVE_ASSIGN(const Catalog::Place segment, catalog_.find(at));
  const std::uint64_t offset = kSegmentHeaderBytes + (at - segment.base);
  STAVE_ASSIGN(const std::size_t have, segment.file->read_at(offset, header));
  const auto length = checked_length(std::span(header).first(have), lsn, segment.seed);
  if (length && *length <= segment.end - at) return *length;
  return fail(Error(ErrorCode::kCorrupt, "no valid record begins at LSN " + std::to_string(at) +
                                             "; `stave doctor` can examine the directory")
                  .with_file(segment.path, static_cast<std::int64_t>(offset)));
}

Result<RecordView> LogImpl::read_written(Lsn lsn, const Catalog::Place& segment, std::vector<std::byte>& buffer,
                                         const PlaceFn* place) {
  const std::uint64_t at = raw(lsn);
  const std::uint64_t offset = kSegmentHeaderBytes + (at - segment.base);
  const std::uint64_t there = std::min(segment.end, placed()) - at;
  const auto corrupt = [&](const char* what) {
    return fail(Error(ErrorCode::kCorrupt, std::string(what) + " at LSN " + std::to_string(at) +
                                               "; `stave doctor` can examine the directory")
                    .with_file(segment.path, static_cast<std::int64_t>(offset)));
  };
  buffer.resize(std::min<std::uint64_t>(there, kGuessBytes));
  STAVE_ASSIGN(std::size_t have, segment.file->read_at(offset, buffer));
  const auto extent = checked_extent(std::span(buffer).first(have), lsn, segment.seed);
  if (!extent || extent->length > there) return corrupt("no valid record begins");
  const bool apart = place != nullptr && !extent->compressed && extent->payload_bytes() >= kPlacedFrom;
  // All of the record, or all but its payload.
  const std::size_t wanted = apart ? extent->payload_at : extent->length;
  buffer.resize(wanted);
  if (wanted > have) {
    STAVE_ASSIGN(const std::size_t more, segment.file->read_at(offset + have, std::span(buffer).subspan(have)));
    have += more;
  }
  std::optional<RecordView> view;
  if (apart) {
    const std::span<std::byte> payload((*place)(extent->payload_bytes()), extent->payload_bytes());
    if (payload.data() == nullptr) return fail(ErrorCode::kNoMemory, "no memory to read a record");
    STAVE_ASSIGN(const std::size_t read, segment.file->read_at(offset + wanted, payload));
    view = decode(std::span(buffer).first(std::min(have, wanted)),
                  {reinterpret_cast<const char*>(payload.data()), read}, lsn, segment.seed);
  } else {
    view = decode(std::span(buffer).first(std::min(have, wanted)), lsn, segment.seed);
  }
  if (view) return *view;
  return corrupt("the record fails its checksum");
}

Result<void> LogImpl::scan(Lsn from, Lsn to, const ReplayFn& visit) {
  if (to > written()) return fail(ErrorCode::kInvalidArgument, "the log is not written as far as this scan would go");
  try {
    return scan_unguarded(raw(from), raw(to), visit);
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kNoMemory, "no memory to scan the log");
  }
}

Result<void> LogImpl::scan_unguarded(std::uint64_t from, std::uint64_t to, const ReplayFn& visit) {
  Scanner scanner;
  for (std::uint64_t at = from; at < to;) {
    // The file is held, so it can be dropped meanwhile. What is written never changes.
    STAVE_ASSIGN(const Catalog::Place place, catalog_.find(at));
    const SegmentSource source{place.file.get(), place.path, place.base, place.seed, std::min(place.end, to)};
    STAVE_ASSIGN(const ScanResult scanned, scanner.scan(source, at, visit));
    if (scanned.batch_end != source.end) {
      return fail(
          Error(ErrorCode::kCorrupt,
                "no valid batch at LSN " + std::to_string(scanned.stop) + "; `stave doctor` can examine the directory")
              .with_file(place.path, static_cast<std::int64_t>(kSegmentHeaderBytes + scanned.stop - place.base)));
    }
    at = source.end;
  }
  return {};
}

}  // namespace stave::log
