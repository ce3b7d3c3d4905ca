#include "log/recovery.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <ranges>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
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

std::unexpected<Error> no_batch(std::uint64_t from, const std::string& path, std::uint64_t base) {
  return fail(Error(ErrorCode::kNotFound,
                    "no batch begins at LSN " + std::to_string(from) + ", or the log does not reach as far")
                  .with_file(path, static_cast<std::int64_t>(offset_of(base, from))));
}

// Notes every kTrim record on its way to `replay`: they are what allows a log to lack its first segments.
ReplayFn noting_trims(const ReplayFn& replay, std::uint64_t& trimmed) {
  return [&replay, &trimmed](std::span<const RecordView> run) -> Result<void> {
    for (const RecordView& record : run) {
      if (record.kind == RecordKind::kTrim && record.payload.size() == 8)
        trimmed = std::max(trimmed, base::load<std::uint64_t>(record.payload.data()));
    }
    return replay ? replay(run) : Result<void>{};
  };
}

class Recovery {
 public:
  Recovery(FileSystem& files, const std::string& directory, const Options& options, const StartAt& start,
           const ReplayFn& replay, RecoveryReport& report)
      : files_(files),
        directory_(directory),
        options_(options),
        start_(start),
        report_(report),
        replay_(noting_trims(replay, trimmed_)) {}

  Result<Recovered> run();

 private:
  /// The segment in which the log ends, as it was found.
  struct Newest {
    std::shared_ptr<File> file;
    SegmentSource source;
    ScanResult scanned;
    RestResult rest;
  };

  Result<std::optional<Identity>> read_identity();
  Result<void> list_segments();
  Result<void> read_header(RecoveredSegment& segment, File& file);
  Result<bool> never_written(File& file, std::uint64_t from);
  Result<void> check_leftovers_of_creation();
  Result<Recovered> begin_store();
  Result<void> check_end_is_known() const;
  Result<void> set_aside_headless_segments();
  Result<void> check_headers();
  Result<void> check_beginning();
  Result<void> replay_all();
  Result<void> replay_sealed(const RecoveredSegment& segment, std::uint64_t from, std::uint64_t next);
  Result<Newest> replay_open_end(std::uint64_t from);
  Result<Newest> replay_newest(std::size_t index, std::uint64_t from);
  Result<void> find_end_before(std::uint64_t from, Newest& newest);
  Result<void> examine_unreached(const Newest& newest);
  Result<void> check_whole(const Newest& newest);
  Result<void> remove_leftovers();
  Result<void> cut_unreached();
  Result<void> take_unproven_name();
  Result<void> name_begun_segments();
  Result<void> settle(Newest newest);
  Result<void> cut(const SegmentSource& source, std::uint64_t salt, std::uint64_t from, std::uint64_t to);
  void note(const ScanResult& scanned);

  FileSystem& files_;
  const std::string& directory_;
  const Options& options_;
  const StartAt& start_;
  RecoveryReport& report_;
  Scanner scanner_;
  Recovered recovered_;
  /// Segments that were begun but that no whole batches lead to, and the end of what is in them.
  struct Unreached {
    RecoveredSegment segment;
    std::uint64_t nonzero_end = 0;
  };
  std::vector<Unreached> unreached_;
  std::optional<std::uint64_t> unreached_proof_;  ///< A record in them which says that what lies before was durable.
  std::vector<std::string> leftovers_;      ///< Files that are worthless, removed once everything is found in order.
  std::uint64_t trimmed_ = raw(kFirstLsn);  ///< What lies before is not needed, says the log itself.
  const ReplayFn replay_;
};

Result<std::optional<Identity>> Recovery::read_identity() {
  const std::string path = join_path(directory_, kIdentityName);
  STAVE_ASSIGN(const bool exists, files_.exists(path));
  if (!exists) return std::nullopt;
  STAVE_ASSIGN(const Identity identity, load_identity(files_, directory_));
  return identity;
}

Result<void> Recovery::list_segments() {
  STAVE_ASSIGN(const std::vector<std::string> names, files_.list(directory_));
  for (const std::string& name : names) {
    const std::string path = join_path(directory_, name);
    if (const auto base = parse_segment_name(name)) {
      recovered_.segments.push_back({raw(*base), 0, path, false});
    } else if (const auto begun = parse_begun_name(name)) {
      recovered_.segments.push_back({raw(*begun), 0, path, true});
    } else if (const auto mark = parse_newest_name(name)) {
      // The list is in the order of names: the greatest comes last.
      if (recovered_.marked != 0) leftovers_.push_back(join_path(directory_, newest_name(Lsn{recovered_.marked})));
      STAVE_ASSERT(recovered_.marked < raw(*mark));
      recovered_.marked = raw(*mark);
    } else if (name == kSpareName || name.ends_with(".new")) {
      // Drafts of a process that is gone.
      leftovers_.push_back(path);
    }
  }
  std::ranges::sort(recovered_.segments, [](const RecoveredSegment& a, const RecoveredSegment& b) {
    return a.base != b.base ? a.base < b.base : a.begun > b.begun;
  });
  // Segments get their names one after the other. One that was begun before one that has its name, or where that one
  // is, never counted; or its records are missing there, and that will be found.
  auto& segments = recovered_.segments;
  auto first_open = segments.end();
  while (first_open != segments.begin() && std::prev(first_open)->begun) --first_open;
  for (auto at = segments.begin(); at != first_open; ++at)
    if (at->begun) leftovers_.push_back(at->path);
  segments.erase(std::remove_if(segments.begin(), first_open, [](const auto& s) { return s.begun; }), first_open);
  return {};
}

Result<void> Recovery::read_header(RecoveredSegment& segment, File& file) {
  STAVE_ASSIGN(const SegmentHeader header, load_segment_header(file, segment.path));
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
    // A segment with a name has its header, or else is nothing but a name.
    STAVE_ASSIGN(const bool unborn, never_written(*file, 0));
    const bool whole = unborn || load_segment_header(*file, segment.path).has_value();
    const bool may_be = segment.base == raw(kFirstLsn) || start_.birth.has_value();
    if (!may_be || !empty || !whole)
      return corrupt("the identity file is missing but there are segments with data",
                     join_path(directory_, kIdentityName), 0);
  }
  return {};
}

Result<Recovered> Recovery::begin_store() {
  if (start_.from != kNoLsn || start_.proven != kNoLsn)
    return corrupt("the identity file is missing, although there is an image of the store's index",
                   join_path(directory_, kIdentityName), 0);
  STAVE_TRY(check_leftovers_of_creation());
  if (!options_.create_if_missing)
    return fail(Error(ErrorCode::kNotFound, "there is no store in this directory").with_file(directory_));
  if (start_.birth) {
    // An earlier try to create it, whose log would have begun elsewhere.
    for (const RecoveredSegment& segment : recovered_.segments)
      if (segment.base != raw(start_.birth->base)) leftovers_.push_back(segment.path);
    recovered_.birth = start_.birth;
    recovered_.end = raw(start_.birth->base);
  }
  STAVE_TRY(remove_leftovers());
  recovered_.segments.clear();
  recovered_.fresh = true;
  report_.clean = true;
  return std::move(recovered_);
}

// A segment has its name only when its header is durable, so one that is there without a header is damaged, be it the
// newest. And beside the newest a mark says that it was there: without that, a log whose end somebody removed would
// look like one that ends earlier.
Result<void> Recovery::check_end_is_known() const {
  const auto named = std::ranges::find_if_not(std::views::reverse(recovered_.segments), &RecoveredSegment::begun);
  if (recovered_.marked <= named->base) return {};
  return corrupt("the newest segment of the log is missing: it begins at LSN " + std::to_string(recovered_.marked) +
                     ", and the mark beside it says that it was there",
                 join_path(directory_, segment_name(Lsn{recovered_.marked})), 0);
}

// A segment that was only begun may be on the disk without its header. Nothing in it, nor behind it, was acknowledged.
Result<void> Recovery::set_aside_headless_segments() {
  auto& segments = recovered_.segments;
  auto first = segments.end();
  while (first != segments.begin() && std::prev(first)->begun) --first;
  for (; first != segments.end(); ++first) {
    STAVE_ASSIGN(const std::unique_ptr<File> file, files_.open(first->path, OpenMode::kRead));
    const auto header = load_segment_header(*file, first->path);
    if (header) continue;
    if (header.error().code() != ErrorCode::kCorrupt) return fail(header.error().clone());
    break;
  }
  for (auto at = first; at != segments.end(); ++at) unreached_.push_back({std::move(*at), 0});
  segments.erase(first, segments.end());
  return {};
}

// Of segments that are not replayed, header and length are all that is looked at.
Result<void> Recovery::check_headers() {
  auto& segments = recovered_.segments;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    STAVE_ASSIGN(const std::unique_ptr<File> file, files_.open(segments[i].path, OpenMode::kRead));
    STAVE_TRY(read_header(segments[i], *file));
    // Before one that was only begun, the log may end.
    if (i + 1 == segments.size() || segments[i + 1].begun) continue;
    STAVE_ASSIGN(const std::uint64_t size, file->size());
    if (size < offset_of(segments[i].base, segments[i + 1].base))
      return corrupt("this segment ends before LSN " + std::to_string(segments[i + 1].base) +
                         ", where the next one that is present begins: it has been cut, or a segment is missing",
                     segments[i].path, size);
  }
  return {};
}

Result<void> Recovery::check_beginning() {
  const RecoveredSegment& first = recovered_.segments.front();
  if (start_.from != kNoLsn && first.base > raw(start_.from))
    return fail(Error(ErrorCode::kNotFound, "the log begins behind LSN " + std::to_string(raw(start_.from)))
                    .with_file(first.path, 0));
  return {};
}

void Recovery::note(const ScanResult& scanned) {
  report_.records += scanned.records;
  report_.batches += scanned.batches;
}

Result<void> Recovery::replay_sealed(const RecoveredSegment& segment, std::uint64_t from, std::uint64_t next) {
  STAVE_ASSIGN(const std::unique_ptr<File> file, files_.open(segment.path, OpenMode::kRead));
  // Bytes behind the next segment's base are not part of the log, whatever they are.
  const SegmentSource source{file.get(), segment.path, segment.base,
                             record_seed(recovered_.identity.store_id, segment.salt), next};
  STAVE_ASSIGN(const ScanResult scanned, scanner_.scan(source, from, replay_));
  note(scanned);
  if (scanned.batch_end == next) return {};
  if (from == raw(start_.from) && scanned.batch_end == from) return no_batch(from, segment.path, segment.base);
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
  report_.torn_bytes += to - from;
  if (options_.notice) {
    options_.notice("the log was not closed; " + std::to_string(to - from) + " bytes at its end, from LSN " +
                    std::to_string(from) + " on, were no whole batch, have been cut off, and are kept in " + name);
  }
  return {};
}

// From the last segment that has its own name on, through those that were begun after it, as far as whole batches lead.
Result<Recovery::Newest> Recovery::replay_open_end(std::uint64_t from) {
  auto& segments = recovered_.segments;
  std::size_t index = segments.size() - 1;
  while (segments[index].begun) --index;
  // An image proves that the log was durable up to it.
  while (index + 1 < segments.size() && from > segments[index + 1].base) ++index;
  STAVE_ASSIGN(Newest newest, replay_newest(index, std::max(from, segments[index].base)));
  while (index + 1 < segments.size() && newest.scanned.batch_end == segments[index + 1].base) {
    STAVE_ASSIGN(Newest next, replay_newest(index + 1, segments[index + 1].base));
    if (next.scanned.batch_end == segments[index + 1].base) break;
    newest = std::move(next);
    ++index;
  }
  const auto behind = segments.begin() + static_cast<std::ptrdiff_t>(index) + 1;
  std::vector<Unreached> unreached;
  for (auto at = behind; at != segments.end(); ++at) unreached.push_back({std::move(*at), 0});
  segments.erase(behind, segments.end());
  unreached_.insert(unreached_.begin(), std::make_move_iterator(unreached.begin()),
                    std::make_move_iterator(unreached.end()));
  STAVE_TRY(examine_unreached(newest));
  return newest;
}

// What lies in segments that whole batches do not lead to: is there proof that they should?
Result<void> Recovery::examine_unreached(const Newest& newest) {
  const std::uint64_t end = newest.scanned.batch_end;
  for (Unreached& unreached : unreached_) {
    RecoveredSegment& segment = unreached.segment;
    STAVE_ASSIGN(const std::unique_ptr<File> file, files_.open(segment.path, OpenMode::kReadWrite));
    STAVE_TRY(file->sync_data());
    STAVE_TRY(file->drop_cache());
    // Without a header it is taken for what it would have been: one more of the same stretch.
    const auto header = load_segment_header(*file, segment.path);
    segment.salt = header ? header->salt : recovered_.segments.back().salt;
    STAVE_ASSIGN(const std::uint64_t size, file->size());
    const SegmentSource source{
        file.get(), segment.path, segment.base, record_seed(recovered_.identity.store_id, segment.salt),
        segment.base + (std::max<std::uint64_t>(size, kSegmentHeaderBytes) - kSegmentHeaderBytes)};
    // A record just where the log ends says what is known anyway.
    STAVE_ASSIGN(const RestResult rest,
                 scanner_.examine(source, segment.base, end == segment.base ? segment.base : segment.base - 1));
    unreached.nonzero_end = rest.nonzero_end;
    if (rest.proof && !unreached_proof_) unreached_proof_ = rest.proof;
  }
  return {};
}

Result<Recovery::Newest> Recovery::replay_newest(std::size_t index, std::uint64_t from) {
  const auto& segments = recovered_.segments;
  const RecoveredSegment& segment = segments[index];
  Newest newest;
  STAVE_ASSIGN(newest.file, files_.open(segment.path, OpenMode::kReadWrite));
  // What is read must be what the disk has: pages not yet written go there first, and after a failed sync the cache
  // may hold pages that the disk never got.
  STAVE_TRY(newest.file->sync_data());
  STAVE_TRY(newest.file->drop_cache());
  STAVE_ASSIGN(const std::uint64_t size, newest.file->size());
  newest.source = {newest.file.get(), segment.path, segment.base,
                   record_seed(recovered_.identity.store_id, segment.salt),
                   segment.base + (std::max<std::uint64_t>(size, kSegmentHeaderBytes) - kSegmentHeaderBytes)};
  // Bytes behind the next segment's base are not part of the log, whatever they are.
  if (index + 1 < segments.size()) newest.source.end = std::min(newest.source.end, segments[index + 1].base);
  if (from > newest.source.end) return no_batch(from, segment.path, segment.base);
  STAVE_ASSIGN(newest.scanned, scanner_.scan(newest.source, from, replay_));
  note(newest.scanned);
  if (from != segment.base) STAVE_TRY(find_end_before(from, newest));
  STAVE_ASSIGN(newest.rest, scanner_.examine(newest.source, newest.scanned.batch_end, newest.scanned.stop));
  return newest;
}

// The scan began in the middle of the segment: what a scan of all of it would have found besides.
Result<void> Recovery::find_end_before(std::uint64_t from, Newest& newest) {
  const SegmentSource& source = newest.source;
  if (newest.scanned.records > 0) {
    std::array<std::byte, kRecordHeaderBytes> header{};
    STAVE_ASSIGN(const std::size_t got, source.file->read_at(kSegmentHeaderBytes, header));
    if (checked_length(std::span(header).first(got), Lsn{source.base}, source.seed))
      newest.scanned.first_time = encoded_time(header.data());
    return {};
  }
  // Nothing begins there: this is right only if it is where the log ends.
  STAVE_ASSIGN(newest.scanned, scanner_.scan(source, source.base, nullptr));
  if (newest.scanned.batch_end != from) return no_batch(from, source.path, source.base);
  return {};
}

// The last look at everything before anything is changed.
Result<void> Recovery::check_whole(const Newest& newest) {
  const SegmentSource& source = newest.source;
  const auto lost = [&](const std::string& why) {
    return corrupt("the record at LSN " + std::to_string(newest.scanned.stop) + " is damaged or missing, although " +
                       why + " proves that it was on disk",
                   source.path, offset_of(source.base, newest.scanned.stop));
  };
  const auto& proof = newest.rest.proof ? newest.rest.proof : unreached_proof_;
  if (proof) return lost("the one at LSN " + std::to_string(*proof));
  if (newest.scanned.batch_end < raw(start_.proven))
    return lost("an image of the index up to LSN " + std::to_string(raw(start_.proven)));
  const RecoveredSegment& first = recovered_.segments.front();
  if (start_.from != kNoLsn && start_.needs != kNoLsn && first.base > std::max(raw(start_.needs), trimmed_))
    return corrupt("the segment that holds LSN " + std::to_string(raw(start_.needs)) +
                       ", which the index needs, is missing; this is the first that is present",
                   first.path, 0);
  if (start_.from == kNoLsn && first.base > std::max(trimmed_, raw(start_.begins))) {
    return corrupt("the first segments of the log are missing: it begins at LSN " + std::to_string(first.base) +
                       ", and nothing in it says that what lies before is not needed",
                   join_path(directory_, segment_name(Lsn{trimmed_})), 0);
  }
  return {};
}

Result<void> Recovery::remove_leftovers() {
  for (const std::string& path : leftovers_) STAVE_TRY(files_.remove(path));
  if (!leftovers_.empty()) STAVE_TRY(files_.sync_directory(directory_));
  return {};
}

// Newest first, so that what is left by a crash in the middle is found in the same way again.
Result<void> Recovery::cut_unreached() {
  if (unreached_.empty()) return {};
  for (auto at = unreached_.rbegin(); at != unreached_.rend(); ++at) {
    const RecoveredSegment& segment = at->segment;
    if (at->nonzero_end > segment.base) {
      STAVE_ASSIGN(const std::unique_ptr<File> file, files_.open(segment.path, OpenMode::kRead));
      const SegmentSource source{file.get(), segment.path, segment.base, 0, at->nonzero_end};
      STAVE_TRY(cut(source, segment.salt, segment.base, at->nonzero_end));
    }
    STAVE_TRY(files_.remove(segment.path));
  }
  return files_.sync_directory(directory_);
}

// A name that no mark stands beside may be one whose sync failed: everybody sees it, and no later sync brings it to the
// disk, for nothing about it is left to be synced. So it is given again. The segment before it still has its name, and
// leads to it under either.
Result<void> Recovery::take_unproven_name() {
  auto& segments = recovered_.segments;
  const auto named = std::ranges::find_if_not(std::views::reverse(segments), &RecoveredSegment::begun);
  STAVE_ASSERT(named != segments.rend());
  if (named->base <= recovered_.marked || std::next(named) == segments.rend()) return {};
  const std::string path = join_path(directory_, begun_name(Lsn{named->base}));
  STAVE_TRY(files_.rename(named->path, path));
  named->path = path;
  named->begun = true;
  return files_.sync_directory(directory_);
}

// All that is in them has been synced, and all before them.
Result<void> Recovery::name_begun_segments() {
  for (RecoveredSegment& segment : recovered_.segments) {
    if (!segment.begun) continue;
    const std::string path = join_path(directory_, segment_name(Lsn{segment.base}));
    STAVE_TRY(files_.rename(segment.path, path));
    STAVE_TRY(files_.sync_directory(directory_));
    segment.path = path;
    segment.begun = false;
  }
  return {};
}

Result<void> Recovery::settle(Newest newest) {
  STAVE_TRY(cut_unreached());
  STAVE_TRY(take_unproven_name());
  STAVE_TRY(name_begun_segments());
  const RecoveredSegment& segment = recovered_.segments.back();
  const ScanResult& scanned = newest.scanned;
  const bool torn = newest.rest.nonzero_end > scanned.batch_end;
  recovered_.end = scanned.batch_end;
  report_.clean = scanned.closed && !torn && unreached_.empty();
  if (report_.clean || (scanned.records == 0 && !torn && unreached_.empty())) {
    recovered_.active = std::move(newest.file);
    recovered_.active_since = scanned.first_time;
    return {};
  }
  if (torn) STAVE_TRY(cut(newest.source, segment.salt, scanned.batch_end, newest.rest.nonzero_end));
  if (scanned.batch_end == segment.base) {
    // Nothing in it counts. The new segment takes its name and, in one rename, its place.
    recovered_.segments.pop_back();
    return {};
  }
  STAVE_TRY(newest.file->truncate(offset_of(segment.base, scanned.batch_end)));
  return newest.file->sync_data();
}

Result<void> Recovery::replay_all() {
  const auto& segments = recovered_.segments;
  const std::uint64_t from = std::max(raw(start_.from), segments.front().base);
  report_.from = Lsn{from};
  for (std::size_t i = 0; i + 1 < segments.size(); ++i) {
    if (segments[i + 1].begun) break;
    const std::uint64_t next = segments[i + 1].base;
    if (next > from) STAVE_TRY(replay_sealed(segments[i], std::max(from, segments[i].base), next));
  }
  STAVE_ASSIGN(Newest newest, replay_open_end(from));
  STAVE_TRY(check_whole(newest));
  STAVE_TRY(remove_leftovers());
  STAVE_TRY(settle(std::move(newest)));
  report_.bytes = recovered_.end - from;
  return {};
}

Result<Recovered> Recovery::run() {
  STAVE_ASSIGN(const std::optional<Identity> identity, read_identity());
  STAVE_TRY(list_segments());
  if (!identity) return begin_store();
  recovered_.identity = *identity;
  if (std::ranges::all_of(recovered_.segments, &RecoveredSegment::begun))
    return corrupt("there is no segment of the log", join_path(directory_, segment_name(kFirstLsn)), 0);
  STAVE_TRY(check_end_is_known());
  STAVE_TRY(set_aside_headless_segments());
  STAVE_TRY(check_headers());
  STAVE_TRY(check_beginning());
  STAVE_TRY(replay_all());
  return std::move(recovered_);
}

}  // namespace

Result<Recovered> recover(FileSystem& files, const std::string& directory, const Options& options, const StartAt& start,
                          const ReplayFn& replay, RecoveryReport& report) {
  return Recovery(files, directory, options, start, replay, report).run();
}

}  // namespace stave::log
