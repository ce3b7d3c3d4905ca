#include "log/recovery.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/try.h"
#include "log/scan.h"

namespace stave::log {

namespace {

std::unexpected<Error> corrupt(const std::string& what, const std::string& path, std::uint64_t offset) {
  return fail(Error(ErrorCode::kCorrupt, what + "; nothing was changed; `stave doctor` can salvage what is whole")
                  .with_file(path, static_cast<std::int64_t>(offset)));
}

std::uint64_t offset_of(std::uint64_t base, std::uint64_t lsn) noexcept {
  return kSegmentHeaderBytes + (lsn - base);
}

class Recovery {
 public:
  Recovery(FileSystem& files, const std::string& directory, const Options& options, const ReplayFn& replay,
           RecoveryReport& report)
      : files_(files), directory_(directory), options_(options), replay_(replay), report_(report) {}

  Result<Recovered> run();

 private:
  Result<std::optional<Identity>> read_identity();
  Result<void> list_segments();
  Result<void> read_header(RecoveredSegment& segment, File& file);
  Result<bool> never_written(File& file, std::uint64_t from);
  Result<void> check_leftovers_of_creation();
  Result<void> drop_unborn_segment();
  Result<void> replay_sealed(const RecoveredSegment& segment, std::uint64_t next);
  Result<void> replay_newest();
  Result<void> cut(const SegmentSource& source, std::uint64_t salt, std::uint64_t from, std::uint64_t to);
  void note(const ScanResult& scanned);

  FileSystem& files_;
  const std::string& directory_;
  const Options& options_;
  const ReplayFn& replay_;
  RecoveryReport& report_;
  Scanner scanner_;
  Recovered recovered_;
};

Result<std::optional<Identity>> Recovery::read_identity() {
  const std::string path = join_path(directory_, kIdentityName);
  STAVE_ASSIGN(const bool exists, files_.exists(path));
  if (!exists) return std::nullopt;
  STAVE_ASSIGN(const std::unique_ptr<File> file, files_.open(path, OpenMode::kRead));
  std::array<std::byte, kIdentityBytes> bytes{};
  STAVE_ASSIGN(const std::size_t got, file->read_at(0, bytes));
  STAVE_ASSIGN(const Identity identity, decode_identity(std::span(bytes).first(got), path));
  return identity;
}

Result<void> Recovery::list_segments() {
  STAVE_ASSIGN(const std::vector<std::string> names, files_.list(directory_));
  for (const std::string& name : names) {
    const std::string path = join_path(directory_, name);
    if (const auto base = parse_segment_name(name)) {
      recovered_.segments.push_back({raw(*base), 0, path});
    } else if (name == kSpareName || name.ends_with(".new")) {
      // Drafts of a process that is gone.
      STAVE_TRY(files_.remove(path));
    }
  }
  std::ranges::sort(recovered_.segments, {}, &RecoveredSegment::base);
  return {};
}

Result<void> Recovery::read_header(RecoveredSegment& segment, File& file) {
  std::vector<std::byte> bytes(kSegmentHeaderBytes);
  STAVE_ASSIGN(const std::size_t got, file.read_at(0, bytes));
  STAVE_ASSIGN(const SegmentHeader header, decode_segment_header(std::span(bytes).first(got), segment.path));
  if (header.store_id != recovered_.identity.store_id)
    return corrupt("this segment belongs to another store", segment.path, 0);
  if (raw(header.base) != segment.base)
    return corrupt("this segment begins at LSN " + std::to_string(raw(header.base)) + ", not where its name says",
                   segment.path, 0);
  segment.salt = header.salt;
  return {};
}

Result<bool> Recovery::never_written(File& file, std::uint64_t from) {
  STAVE_ASSIGN(const std::uint64_t size, file.size());
  std::vector<std::byte> bytes(kSegmentHeaderBytes);
  for (std::uint64_t at = from; at < size;) {
    STAVE_ASSIGN(const std::size_t got, file.read_at(at, bytes));
    if (got == 0) break;
    if (!std::ranges::all_of(std::span(bytes).first(got), [](std::byte b) { return b == std::byte{0}; })) return false;
    at += got;
  }
  return true;
}

// The identity is the last thing that creation makes. Without it there can be an empty first segment and no more.
Result<void> Recovery::check_leftovers_of_creation() {
  for (const RecoveredSegment& segment : recovered_.segments) {
    STAVE_ASSIGN(const std::unique_ptr<File> file, files_.open(segment.path, OpenMode::kRead));
    STAVE_ASSIGN(const bool empty, never_written(*file, kSegmentHeaderBytes));
    if (segment.base != raw(kFirstLsn) || !empty)
      return corrupt("the identity file is missing but there are segments with data",
                     join_path(directory_, kIdentityName), 0);
  }
  return {};
}

// A segment gets its name after its header is durable. One that is all zeros was never more than a name on a disk that
// reordered the two; nothing in it was ever acknowledged.
Result<void> Recovery::drop_unborn_segment() {
  const RecoveredSegment& newest = recovered_.segments.back();
  if (recovered_.segments.size() < 2) return {};
  {
    STAVE_ASSIGN(const std::unique_ptr<File> file, files_.open(newest.path, OpenMode::kRead));
    STAVE_ASSIGN(const bool unborn, never_written(*file, 0));
    if (!unborn) return {};
  }
  STAVE_TRY(files_.remove(newest.path));
  STAVE_TRY(files_.sync_directory(directory_));
  recovered_.segments.pop_back();
  return {};
}

void Recovery::note(const ScanResult& scanned) {
  report_.records += scanned.records;
  report_.batches += scanned.batches;
}

Result<void> Recovery::replay_sealed(const RecoveredSegment& segment, std::uint64_t next) {
  STAVE_ASSIGN(const std::unique_ptr<File> file, files_.open(segment.path, OpenMode::kRead));
  // Bytes behind the next segment's base are not part of the log, whatever they are.
  const SegmentSource source{file.get(), segment.path, segment.base,
                             record_seed(recovered_.identity.store_id, segment.salt), next};
  STAVE_ASSIGN(const ScanResult scanned, scanner_.scan(source, replay_));
  note(scanned);
  if (scanned.batch_end == next) return {};
  return corrupt("the record at LSN " + std::to_string(scanned.stop) +
                     " is damaged or missing, although a later segment proves that it was on disk",
                 segment.path, offset_of(segment.base, scanned.stop));
}

Result<void> Recovery::cut(const SegmentSource& source, std::uint64_t salt, std::uint64_t from, std::uint64_t to) {
  const std::string name = cut_name(Lsn{from}, salt);
  const std::string path = join_path(directory_, name);
  const std::string draft = path + ".new";
  {
    STAVE_ASSIGN(const std::unique_ptr<File> kept, create_afresh(files_, draft));
    std::vector<std::byte> bytes(std::min<std::uint64_t>(to - from, 1u << 20));
    for (std::uint64_t at = from; at < to;) {
      const auto block = std::span(bytes).first(std::min<std::uint64_t>(bytes.size(), to - at));
      STAVE_ASSIGN(const std::size_t got, source.file->read_at(offset_of(source.base, at), block));
      if (got == 0) break;
      STAVE_TRY(kept->write_at(at - from, block.first(got)));
      at += got;
    }
    STAVE_TRY(kept->sync_data());
  }
  STAVE_TRY(files_.rename(draft, path));
  STAVE_TRY(files_.sync_directory(directory_));
  report_.torn_bytes = to - from;
  if (options_.notice) {
    options_.notice("the log was not closed; " + std::to_string(to - from) + " bytes at its end, from LSN " +
                    std::to_string(from) + " on, were no whole batch, have been cut off, and are kept in " + name);
  }
  return {};
}

Result<void> Recovery::replay_newest() {
  const RecoveredSegment& newest = recovered_.segments.back();
  STAVE_ASSIGN(std::shared_ptr<File> file, files_.open(newest.path, OpenMode::kReadWrite));
  // What is read must be what the disk has: pages not yet written go there first, and after a failed sync the cache
  // may hold pages that the disk never got.
  STAVE_TRY(file->sync_data());
  STAVE_TRY(file->drop_cache());
  STAVE_ASSIGN(const std::uint64_t size, file->size());
  const SegmentSource source{file.get(), newest.path, newest.base,
                             record_seed(recovered_.identity.store_id, newest.salt),
                             newest.base + (std::max<std::uint64_t>(size, kSegmentHeaderBytes) - kSegmentHeaderBytes)};
  STAVE_ASSIGN(const ScanResult scanned, scanner_.scan(source, replay_));
  note(scanned);
  STAVE_ASSIGN(const RestResult rest, scanner_.examine(source, scanned.batch_end, scanned.stop));
  if (rest.proof) {
    return corrupt("the record at LSN " + std::to_string(scanned.stop) +
                       " is damaged or missing, although the one at LSN " + std::to_string(*rest.proof) +
                       " proves that it was on disk",
                   newest.path, offset_of(newest.base, scanned.stop));
  }
  const bool torn = rest.nonzero_end > scanned.batch_end;
  recovered_.end = scanned.batch_end;
  report_.clean = scanned.closed && !torn;
  if (report_.clean || (scanned.records == 0 && !torn)) {
    recovered_.active = std::move(file);
    recovered_.active_since = scanned.first_time;
    return {};
  }
  if (torn) STAVE_TRY(cut(source, newest.salt, scanned.batch_end, rest.nonzero_end));
  if (scanned.batch_end == newest.base) {
    // Nothing in it counts. The new segment takes its name and, in one rename, its place.
    recovered_.segments.pop_back();
    return {};
  }
  STAVE_TRY(file->truncate(offset_of(newest.base, scanned.batch_end)));
  return file->sync_data();
}

Result<Recovered> Recovery::run() {
  STAVE_ASSIGN(const std::optional<Identity> identity, read_identity());
  STAVE_TRY(list_segments());
  if (!identity) {
    STAVE_TRY(check_leftovers_of_creation());
    if (!options_.create_if_missing)
      return fail(Error(ErrorCode::kNotFound, "there is no store in this directory").with_file(directory_));
    recovered_.segments.clear();
    recovered_.fresh = true;
    report_.clean = true;
    return std::move(recovered_);
  }
  recovered_.identity = *identity;
  if (recovered_.segments.empty() || recovered_.segments.front().base != raw(kFirstLsn))
    return corrupt("the first segments of the log are missing", join_path(directory_, segment_name(kFirstLsn)), 0);
  STAVE_TRY(drop_unborn_segment());
  for (RecoveredSegment& segment : recovered_.segments) {
    STAVE_ASSIGN(const std::unique_ptr<File> file, files_.open(segment.path, OpenMode::kRead));
    STAVE_TRY(read_header(segment, *file));
  }
  const auto& segments = recovered_.segments;
  for (std::size_t i = 0; i + 1 < segments.size(); ++i) STAVE_TRY(replay_sealed(segments[i], segments[i + 1].base));
  STAVE_TRY(replay_newest());
  report_.bytes = recovered_.end - raw(kFirstLsn);
  return std::move(recovered_);
}

}  // namespace

Result<Recovered> recover(FileSystem& files, const std::string& directory, const Options& options,
                          const ReplayFn& replay, RecoveryReport& report) {
  return Recovery(files, directory, options, replay, report).run();
}

}  // namespace stave::log
