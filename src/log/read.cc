// Reading one record back.
#include <algorithm>
#include <new>

#include "base/try.h"
#include "log/log_impl.h"

namespace stave::log {

namespace {
/// What a first read fetches: most records whole.
constexpr std::size_t kGuessBytes = 1024;
}  // namespace

Result<RecordView> LogImpl::read(Lsn lsn, std::vector<std::byte>& buffer) {
  try {
    return read_unguarded(lsn, buffer);
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kNoMemory, "no memory to read a record");
  }
}

Result<RecordView> LogImpl::read_unguarded(Lsn lsn, std::vector<std::byte>& buffer) {
  const std::uint64_t at = raw(lsn);
  if (at >= tail_.end()) return fail(ErrorCode::kNotFound, "the log does not reach this address yet");
  if (at >= tail_.written()) {
    // Still in the ring. Under this lock its bytes stay: only a write-out marks or releases them.
    base::MutexLock lock(write_mutex_);
    if (at >= tail_.written()) {
      const std::uint64_t complete = tail_.wait_complete(at + 1);
      const auto bytes = std::span<const std::byte>(tail_.at(at), complete - at);
      const auto length = checked_length(bytes, lsn, seed_);
      if (!length || *length > bytes.size()) return fail(ErrorCode::kNotFound, "no record begins at this address");
      buffer.assign(bytes.begin(), bytes.begin() + *length);
      if (const auto view = decode(buffer, lsn, seed_)) return *view;
      return fail(ErrorCode::kNotFound, "no record begins at this address");
    }
  }
  STAVE_ASSIGN(const Catalog::Place place, catalog_.find(at));
  const std::uint64_t offset = kSegmentHeaderBytes + (at - place.base);
  const std::uint64_t there = std::min(place.end, tail_.written()) - at;
  const auto corrupt = [&](const char* what) {
    return fail(Error(ErrorCode::kCorrupt, std::string(what) + " at LSN " + std::to_string(at) +
                                               "; `stave doctor` can examine the directory")
                    .with_file(place.path, static_cast<std::int64_t>(offset)));
  };
  buffer.resize(std::min<std::uint64_t>(there, kGuessBytes));
  STAVE_ASSIGN(std::size_t have, place.file->read_at(offset, buffer));
  const auto length = checked_length(std::span(buffer).first(have), lsn, place.seed);
  if (!length || *length > there) return corrupt("no valid record begins");
  buffer.resize(*length);
  if (*length > have) {
    STAVE_ASSIGN(const std::size_t more, place.file->read_at(offset + have, std::span(buffer).subspan(have)));
    have += more;
  }
  if (const auto view = decode(std::span(buffer).first(std::min<std::size_t>(have, *length)), lsn, place.seed))
    return *view;
  return corrupt("the record fails its checksum");
}

}  // namespace stave::log
