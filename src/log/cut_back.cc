#include "log/cut_back.h"

#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include "base/try.h"
#include "log/scan.h"
#include "log/segment.h"

namespace stave::log {

namespace {

constexpr std::size_t kCopyBytes = 1u << 20;

/// Keeps the bytes of a segment's file from `offset` on in a file of their own.
Result<void> keep(FileSystem& files, const std::string& directory, File& segment, std::uint64_t offset,
                  const std::string& name) {
  STAVE_ASSIGN(const std::uint64_t size, segment.size());
  if (offset >= size) return {};
  const std::string path = join_path(directory, name);
  const std::string draft = path + ".new";
  {
    STAVE_ASSIGN(const std::unique_ptr<File> kept, create_afresh(files, draft));
    std::vector<std::byte> bytes(std::min<std::uint64_t>(size - offset, kCopyBytes));
    for (std::uint64_t at = offset; at < size;) {
      const auto block = std::span(bytes).first(std::min<std::uint64_t>(bytes.size(), size - at));
      STAVE_ASSIGN(const std::size_t got, segment.read_at(at, block));
      if (got == 0) break;
      STAVE_TRY(kept->write_at(at - offset, block.first(got)));
      at += got;
    }
    STAVE_TRY(kept->sync_data());
  }
  STAVE_TRY(files.rename(draft, path));
  return files.sync_directory(directory);
}

/// A mark beside a segment that goes would have it missed.
Result<void> remove_marks(FileSystem& files, const std::string& directory) {
  STAVE_ASSIGN(const std::vector<std::string> names, files.list(directory));
  bool any = false;
  for (const std::string& name : names) {
    if (!parse_newest_name(name)) continue;
    STAVE_TRY(files.remove(join_path(directory, name)));
    any = true;
  }
  return any ? files.sync_directory(directory) : Result<void>{};
}

}  // namespace

Result<void> cut_back(FileSystem& files, const std::string& directory, Lsn at) {
  STAVE_ASSIGN(const Identity identity, load_identity(files, directory));
  STAVE_ASSIGN(std::vector<SegmentFile> segments, list_segments(files, directory));
  if (segments.empty() || segments.front().base > at ||
      std::ranges::any_of(segments, [](const SegmentFile& segment) { return segment.begun; }))
    return fail(Error(ErrorCode::kConflict, "the log cannot be cut at LSN " + std::to_string(raw(at)) +
                                                ": it begins behind it, or was not closed")
                    .with_file(directory));
  // The one that stays, in part, is looked at before anything is changed.
  const auto behind = std::ranges::lower_bound(segments, at, {}, &SegmentFile::base);
  const bool only_whole_ones = behind != segments.begin() && behind != segments.end() && behind->base == at;
  const auto last =
      behind != segments.end() && behind->base == at && behind == segments.begin() ? behind : std::prev(behind);
  std::string path;
  STAVE_ASSIGN(const std::unique_ptr<File> probe, open_segment(files, directory, last->base, path));
  STAVE_ASSIGN(const SegmentHeader header, load_segment_header(*probe, path));
  STAVE_ASSIGN(const std::uint64_t size, probe->size());
  const std::uint64_t file_end =
      raw(last->base) + (std::max<std::uint64_t>(size, kSegmentHeaderBytes) - kSegmentHeaderBytes);
  if (!only_whole_ones) {
    if (file_end <= raw(at) && std::next(last) == segments.end()) return {};
    Scanner scanner;
    const SegmentSource source{probe.get(), path, raw(last->base), record_seed(identity.store_id, header.salt),
                               raw(at)};
    STAVE_ASSIGN(const ScanResult scanned, scanner.scan(source, raw(last->base), nullptr));
    if (scanned.batch_end != raw(at))
      return fail(Error(ErrorCode::kConflict, "no batch begins at LSN " + std::to_string(raw(at)))
                      .with_file(path, static_cast<std::int64_t>(kSegmentHeaderBytes + raw(at) - raw(last->base))));
  }
  STAVE_TRY(remove_marks(files, directory));
  // Newest first: what is left in between is a log that ends earlier.
  for (auto segment = segments.end(); segment != std::next(last);) {
    --segment;
    std::string gone;
    STAVE_ASSIGN(const std::unique_ptr<File> file, open_segment(files, directory, segment->base, gone));
    STAVE_ASSIGN(const SegmentHeader of, load_segment_header(*file, gone));
    STAVE_TRY(keep(files, directory, *file, kSegmentHeaderBytes, cut_name(segment->base, of.salt)));
    STAVE_TRY(files.remove(gone));
    STAVE_TRY(files.sync_directory(directory));
  }
  if (file_end <= raw(at)) return {};
  const std::uint64_t offset = kSegmentHeaderBytes + (raw(at) - raw(last->base));
  STAVE_TRY(keep(files, directory, *probe, offset, cut_name(at, header.salt)));
  STAVE_ASSIGN(const std::unique_ptr<File> file, files.open(path, OpenMode::kReadWrite));
  STAVE_TRY(file->truncate(offset));
  return file->sync_data();
}

}  // namespace stave::log
