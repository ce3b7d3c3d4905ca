#include "log/salvage.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/try.h"
#include "log/log.h"

namespace stave::log {

namespace {

constexpr std::size_t kBufferBytes = 1u << 20;

class Salvager {
 public:
  Salvager(FileSystem& files, std::string target, const Inspection& inspection, KeyLosses& losses)
      : files_(files), target_(std::move(target)), inspection_(inspection), losses_(losses) {}

  Result<void> begin();
  Result<void> take(std::span<const RecordView> run);
  Result<Salvage> finish(Lsn end);

 private:
  Result<void> begin_segment();
  Result<void> end_segment();
  Result<void> advance(Lsn to);
  Result<void> cover(Lsn to);
  Result<void> put(const RecordSpec& spec, std::uint8_t flags);
  Result<void> write_buffer();
  Result<void> mend();

  FileSystem& files_;
  const std::string target_;
  const Inspection& inspection_;
  KeyLosses& losses_;
  Salvage salvage_;
  std::size_t segment_ = 0;
  std::unique_ptr<File> file_;
  std::uint64_t seed_ = 0;
  std::uint64_t file_at_ = 0;  ///< Where in the file the buffer goes.
  std::vector<std::byte> buffer_;
  Lsn position_ = kNoLsn;
  UnixMs time_{0};  ///< Of the last record.
};

Result<void> Salvager::begin() {
  if (inspection_.segments.empty())
    return fail(Error(ErrorCode::kCorrupt, "there is not one segment whose records can be checked").with_file(target_));
  STAVE_TRY(files_.create_directories(target_));
  STAVE_ASSIGN(const std::vector<std::string> names, files_.list(target_));
  if (!names.empty())
    return fail(
        Error(ErrorCode::kConflict, "the directory for what is salvaged must be new or empty").with_file(target_));
  return begin_segment();
}

Result<void> Salvager::begin_segment() {
  const InspectedSegment& segment = inspection_.segments[segment_];
  position_ = segment.base;
  seed_ = record_seed(inspection_.identity.store_id, segment.salt);
  STAVE_ASSIGN(file_, files_.open(join_path(target_, segment_name(segment.base)), OpenMode::kCreate));
  STAVE_TRY(file_->write_at(
      0, encode_segment_header({inspection_.identity.store_id, segment.base, segment.salt, segment.created})));
  file_at_ = kSegmentHeaderBytes;
  return {};
}

Result<void> Salvager::end_segment() {
  STAVE_TRY(write_buffer());
  STAVE_TRY(file_->sync_data());
  file_ = nullptr;
  return {};
}

Result<void> Salvager::write_buffer() {
  if (buffer_.empty()) return {};
  STAVE_TRY(file_->write_at(file_at_, buffer_));
  file_at_ += buffer_.size();
  buffer_.clear();
  return {};
}

Result<void> Salvager::put(const RecordSpec& spec, std::uint8_t flags) {
  const std::size_t size = encoded_size(spec);
  const std::size_t at = buffer_.size();
  buffer_.resize(at + size);
  encode(spec, flags, position_, seed_, buffer_.data() + at);
  position_ = position_ + size;
  return buffer_.size() < kBufferBytes ? Result<void>{} : write_buffer();
}

// Covers everything up to `to` with records that say that something is lost.
Result<void> Salvager::cover(Lsn to) {
  static const std::string kZeros(kBufferBytes, '\0');
  while (position_ < to) {
    const std::uint64_t left = to - position_;
    if (left < kRecordHeaderBytes)
      return fail(Error(ErrorCode::kCorrupt, "a range of " + std::to_string(left) + " bytes at LSN " +
                                                 std::to_string(raw(position_)) + " cannot be covered")
                      .with_file(target_));
    std::uint64_t size = std::min<std::uint64_t>(left, kBufferBytes);
    if (left - size > 0 && left - size < kRecordHeaderBytes) size -= kRecordHeaderBytes;
    salvage_.lost_bytes += size;
    STAVE_TRY(put({.kind = RecordKind::kLost,
                   .time = time_,
                   .payload = std::string_view(kZeros).substr(0, size - kRecordHeaderBytes)},
                  kCommit));
  }
  return {};
}

Result<void> Salvager::advance(Lsn to) {
  const auto& segments = inspection_.segments;
  while (segment_ + 1 < segments.size() && segments[segment_ + 1].base <= to) {
    STAVE_TRY(cover(segments[segment_ + 1].base));
    STAVE_TRY(end_segment());
    ++segment_;
    STAVE_TRY(begin_segment());
  }
  return cover(to);
}

Result<void> Salvager::take(std::span<const RecordView> run) {
  for (const RecordView& record : run) {
    STAVE_TRY(advance(record.lsn));
    time_ = record.time;
    const std::uint8_t flags = record.flags & (kCommit | kAfterSync);
    if (!losses_.note(record)) {
      const std::string zeros(record.length - kRecordHeaderBytes, '\0');
      ++salvage_.orphans;
      STAVE_TRY(put({.kind = RecordKind::kLost, .time = record.time, .payload = zeros}, flags));
      continue;
    }
    ++salvage_.records;
    salvage_.bytes += record.length;
    STAVE_TRY(put({.kind = record.kind,
                   .database = record.database,
                   .time = record.time,
                   .expiry = record.expiry,
                   .prev = record.prev,
                   .key = record.key,
                   .payload = record.payload,
                   .version = record.relocated() ? record.version : kNoLsn,
                   .compressed = record.compressed()},
                  flags));
  }
  return {};
}

Result<Salvage> Salvager::finish(Lsn end) {
  STAVE_TRY(advance(inspection_.end));
  if (end > position_ && end - position_ >= kRecordHeaderBytes) STAVE_TRY(cover(end));
  STAVE_TRY(end_segment());
  STAVE_TRY(files_.sync_directory(target_));
  STAVE_TRY(publish_file(files_, target_, kIdentityName, encode_identity(inspection_.identity)));
  STAVE_TRY(mend());
  return salvage_;
}

// The copy opens as after an unclean stop, and is closed in good order. If its beginning is lost, it says so.
Result<void> Salvager::mend() {
  Options options;
  options.file_system = &files_;
  options.create_if_missing = false;
  options.background = false;
  const Lsn first = inspection_.segments.front().base;
  const StartAt whole{.from = first};
  STAVE_ASSIGN(const std::unique_ptr<Log> log, Log::open(target_, options, whole, nullptr, nullptr));
  if (first > inspection_.trimmed) {
    std::string payload(sizeof(std::uint64_t), '\0');
    base::store(payload.data(), raw(first));
    const RecordSpec trim{.kind = RecordKind::kTrim, .time = time_, .payload = payload};
    Lsn lsn;
    STAVE_TRY(log->append(std::span(&trim, 1), std::span(&lsn, 1)));
  }
  return log->close(time_);
}

}  // namespace

Result<Salvage> salvage(FileSystem& files, const std::string& source, const std::string& target,
                        const Inspection& inspection, Lsn proven, KeyLosses& losses) {
  Salvager salvager(files, target, inspection, losses);
  STAVE_TRY(salvager.begin());
  Inspector inspector(files, source, proven, {.found = nullptr, .visit = [&](std::span<const RecordView> run, bool) {
                                                return salvager.take(run);
                                              }});
  STAVE_TRY(inspector.run());
  return salvager.finish(std::max(inspection.end, proven));
}

}  // namespace stave::log
