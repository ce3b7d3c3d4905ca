#include "log/scan.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "base/try.h"
#include "log/record_layout.h"
#include "log/segment.h"

namespace stave::log {

namespace {

constexpr std::size_t kReadBytes = 1u << 20;
constexpr std::size_t kRunRecords = 512;

enum class Stop : std::uint8_t { kNeedsMore, kBad };

struct Parsed {
  std::size_t position = 0;  // of the first record that is not whole or not valid
  std::size_t needed = 0;    // bytes from there on that would settle it
  Stop stop = Stop::kNeedsMore;
};

bool is_zero(const std::byte* from, std::size_t bytes) noexcept {
  return bytes == 0 || (from[0] == std::byte{0} && std::memcmp(from, from + 1, bytes - 1) == 0);
}

}  // namespace

Scanner::Scanner() {
  views_.reserve(2 * kRunRecords);
}

void Scanner::size_buffer(const SegmentSource& source) {
  const std::uint64_t bytes = std::clamp<std::uint64_t>(source.end - source.base, kRecordHeaderBytes, kReadBytes);
  if (buffer_.size() < bytes) buffer_.resize(bytes);
}

Result<std::size_t> Scanner::read(const SegmentSource& source, std::uint64_t lsn, std::span<std::byte> into) {
  const std::uint64_t left = source.end - lsn;
  return source.file->read_at(kSegmentHeaderBytes + (lsn - source.base),
                              into.first(std::min<std::uint64_t>(into.size(), left)));
}

Result<void> Scanner::deliver(std::size_t count, const ReplayFn& replay, ScanResult& result) {
  if (count == 0) return {};
  if (!result.first_time) result.first_time = views_.front().time;
  result.closed = views_[count - 1].kind == RecordKind::kClose;
  result.records += count;
  if (replay) STAVE_TRY(replay(std::span<const RecordView>(views_).first(count)));
  return {};
}

Result<ScanResult> Scanner::scan(const SegmentSource& source, std::uint64_t from, const ReplayFn& replay) {
  size_buffer(source);
  ScanResult result;
  result.batch_end = result.stop = from;
  std::uint64_t front = from;  // the LSN of the buffer's first byte; always the end of a batch
  std::size_t have = 0;
  for (;;) {
    STAVE_ASSIGN(const std::size_t got, read(source, front + have, std::span(buffer_).subspan(have)));
    have += got;
    views_.clear();
    Parsed parsed;
    std::size_t whole = 0;        // bytes, to the end of the last whole batch
    std::size_t whole_views = 0;  // records not yet delivered, likewise
    for (;;) {
      const auto rest = std::span<const std::byte>(buffer_).subspan(parsed.position, have - parsed.position);
      const Lsn lsn{front + parsed.position};
      parsed.needed = kRecordHeaderBytes;
      if (rest.size() < kRecordHeaderBytes) break;
      parsed.needed = base::load<std::uint32_t>(rest.data());
      if (parsed.needed > rest.size()) {
        // Only a length that passes its check is worth reading on for.
        if (!checked_length(rest, lsn, source.seed)) parsed.stop = Stop::kBad;
        break;
      }
      const std::optional<RecordView> view = decode(rest, lsn, source.seed);
      if (!view) {
        parsed.stop = Stop::kBad;
        break;
      }
      if ((view->flags & static_cast<std::uint8_t>(~kKnownFlags)) != 0) {
        return fail(
            Error(ErrorCode::kUnsupported, "the record at LSN " + std::to_string(raw(lsn)) +
                                               " has a flag this program does not know; use a newer one")
                .with_file(source.path, static_cast<std::int64_t>(kSegmentHeaderBytes + raw(lsn) - source.base)));
      }
      views_.push_back(*view);
      parsed.position += view->length;
      if (!view->commit()) continue;
      ++result.batches;
      whole = parsed.position;
      whole_views = views_.size();
      if (whole_views >= kRunRecords) {
        STAVE_TRY(deliver(whole_views, replay, result));
        views_.clear();
        whole_views = 0;
      }
    }
    STAVE_TRY(deliver(whole_views, replay, result));
    result.batch_end = front + whole;
    result.stop = front + parsed.position;
    const bool at_end = front + have >= source.end || got == 0;
    if (parsed.stop == Stop::kBad || at_end || parsed.needed > source.end - result.stop) return result;
    // Keep the batch that is not whole yet, and make room to read on.
    std::memmove(buffer_.data(), buffer_.data() + whole, have - whole);
    have -= whole;
    front += whole;
    const std::size_t wanted = std::max(parsed.position - whole + parsed.needed, have + kRecordHeaderBytes);
    if (wanted > buffer_.size()) buffer_.resize(std::max(wanted, 2 * buffer_.size()));
  }
}

Result<bool> Scanner::is_valid(const SegmentSource& source, std::uint64_t lsn, std::uint32_t length) {
  if (length > source.end - lsn) return false;
  std::vector<std::byte> record(length);
  STAVE_ASSIGN(const std::size_t got, read(source, lsn, record));
  return decode(std::span(record).first(got), Lsn{lsn}, source.seed).has_value();
}

Result<std::optional<std::uint64_t>> Scanner::search(const SegmentSource& source, std::uint64_t front,
                                                     std::span<const std::byte> bytes, std::size_t at, std::size_t last,
                                                     bool speaking) {
  while (at + kRecordHeaderBytes <= bytes.size() && at < last) {
    // A record does not begin with a length of zero, so five starts are ruled out by eight zeros, and so on.
    if (is_zero(bytes.data() + at, kRecordHeaderBytes)) {
      at += kRecordHeaderBytes - 3;
      continue;
    }
    const auto rest = bytes.subspan(at);
    const bool wanted = !speaking || (static_cast<std::uint8_t>(rest[kFlagsAt]) & kAfterSync) != 0 ||
                        rest[kKindAt] == static_cast<std::byte>(RecordKind::kClose);
    if (wanted) {
      if (const auto length = checked_length(rest, Lsn{front + at}, source.seed)) {
        STAVE_ASSIGN(const bool valid, is_valid(source, front + at, *length));
        if (valid) return front + at;
      }
    }
    ++at;
  }
  return std::nullopt;
}

Result<RestResult> Scanner::examine(const SegmentSource& source, std::uint64_t batch_end, std::uint64_t stop) {
  size_buffer(source);
  RestResult result;
  result.nonzero_end = batch_end;
  std::uint64_t front = batch_end;
  while (front < source.end) {
    STAVE_ASSIGN(const std::size_t have, read(source, front, buffer_));
    if (have == 0) break;
    std::size_t last = have;
    while (last > 0 && buffer_[last - 1] == std::byte{0}) --last;
    if (last > 0) result.nonzero_end = front + last;
    const std::size_t begin = stop >= front ? stop + 1 - front : 0;
    STAVE_ASSIGN(result.proof, search(source, front, std::span(buffer_).first(have), begin, last, true));
    // The next block overlaps by what may be the beginning of a record.
    if (result.proof || front + have >= source.end || have < kRecordHeaderBytes) break;
    front += have - (kRecordHeaderBytes - 1);
  }
  return result;
}

Result<std::optional<std::uint64_t>> Scanner::next_valid(const SegmentSource& source, std::uint64_t after) {
  size_buffer(source);
  std::uint64_t front = after + 1;
  while (front < source.end) {
    STAVE_ASSIGN(const std::size_t have, read(source, front, buffer_));
    STAVE_ASSIGN(const auto found, search(source, front, std::span(buffer_).first(have), 0, have, false));
    if (found) return found;
    if (front + have >= source.end || have < kRecordHeaderBytes) break;
    front += have - (kRecordHeaderBytes - 1);
  }
  return std::nullopt;
}

}  // namespace stave::log
