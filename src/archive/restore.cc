#include "archive/restore.h"

#include <algorithm>
#include <map>
#include <optional>

#include "archive/backup_manifest.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/iso_time.h"
#include "base/try.h"
#include "log/scan.h"
#include "log/segment.h"
#include "packing/compression_dictionary.h"
#include "store/image.h"

namespace stave::archive {

using store::ImageBlock;
using store::ImageEntry;
using store::ImageHeader;
using store::ImageReader;
using store::parse_image_name;

namespace {

/// A segment, wherever it is.
struct Piece {
  Lsn base = kNoLsn;
  Lsn end = kNoLsn;  ///< Where it is known to end: the next one of the same place begins, or the manifest says so.
  bool sealed = false;
  bool begun = false;  ///< A segment without its own name yet: the log may end before it.
  std::string path;
  log::SegmentHeader header;
};

/// A backup or a store's directory, as far as it matters here.
struct Place {
  std::string directory;
  bool is_backup = false;
  log::StoreId id{};
  log::Identity identity;
  std::vector<Piece> pieces;  ///< Oldest first; contiguous.
  std::vector<std::string> dictionaries;
  std::vector<std::string> images;
};

class Restore {
 public:
  Restore(FileSystem& files, const RestoreRequest& request) : files_(files), request_(request), point_(request.point) {}
  Result<RestoreReport> run();

 private:
  Result<Place> look_at(const std::string& directory);
  Result<Place> look_once(const std::string& directory);
  Result<void> look_at_backup(const BackupManifest& manifest, Place& place);
  Result<void> look_at_store(Place& place);
  Result<void> check_target();
  Result<void> join(std::vector<Piece> more);
  Result<void> find_cut();
  Result<bool> read(const Piece& piece);
  bool take(std::span<const log::RecordView> run);
  Result<void> look_at_images(const Place& place);
  Result<void> check_beginning();
  Result<void> check_point() const;
  Result<void> write();
  Result<void> write_segment(const Piece& piece);
  template <class Work>
  auto at_path(const Piece& piece, const Work& work) -> decltype(work(piece.path));

  FileSystem& files_;
  const RestoreRequest& request_;
  std::variant<std::monostate, Lsn, UnixMs> point_;
  std::vector<Place> places_;
  std::vector<Piece> pieces_;  ///< Of all places.
  log::Scanner scanner_;
  std::vector<std::byte> bytes_;

  Lsn first_ = kNoLsn;
  Lsn cut_ = kNoLsn;  ///< End of the last whole batch before the point.
  UnixMs cut_time_{0};
  std::uint64_t records_ = 0;
  bool past_point_ = false;
  /// From some point on the log needs nothing that is not there.
  struct Beginning {
    Lsn lsn = kNoLsn;
    UnixMs time{0};
  };
  std::optional<Beginning> self_contained_;
  struct Image {
    std::string path;
    std::string name;
    Lsn newest = kNoLsn;
    UnixMs created{0};
  };
  std::vector<Image> images_;  ///< Those that fit what there is of the log.
  RestoreReport report_;
};

// --- what there is ---------------------------------------------------------------------------------------------------

// The cleaner of a store at work removes its oldest segments when it likes.
Result<Place> Restore::look_at(const std::string& directory) {
  for (int attempt = 0;; ++attempt) {
    auto place = look_once(directory);
    if (place || place.error().code() != ErrorCode::kNotFound || attempt == 2) return place;
  }
}

Result<Place> Restore::look_once(const std::string& directory) {
  Place place{.directory = directory};
  auto manifest = load_manifest(files_, directory);
  if (manifest) {
    STAVE_TRY(look_at_backup(*manifest, place));
  } else if (manifest.error().code() == ErrorCode::kNotFound) {
    STAVE_TRY(look_at_store(place));
  } else {
    return fail(std::move(manifest).error());
  }
  for (auto at = place.pieces.begin(); at != place.pieces.end(); ++at) {
    Piece& piece = *at;
    STAVE_ASSIGN(const std::unique_ptr<File> file, files_.open(piece.path, OpenMode::kRead));
    auto header = log::load_segment_header(*file, piece.path);
    if (!header && piece.begun && header.error().code() == ErrorCode::kCorrupt) {
      // It never came to be.
      place.pieces.erase(at, place.pieces.end());
      break;
    }
    STAVE_ASSIGN(piece.header, std::move(header));
    if (piece.header.store_id != place.id || piece.header.base != piece.base)
      return fail(Error(ErrorCode::kCorrupt, "this segment does not belong here").with_file(piece.path, 0));
  }
  return place;
}

Result<void> Restore::look_at_backup(const BackupManifest& manifest, Place& place) {
  place.is_backup = true;
  place.id = manifest.store_id;
  const std::string identity = log::join_path(place.directory, kBackupIdentityName);
  STAVE_ASSIGN(const std::unique_ptr<File> file, files_.open(identity, OpenMode::kRead));
  bytes_.resize(log::kIdentityBytes);
  STAVE_ASSIGN(const std::size_t got, file->read_at(0, bytes_));
  STAVE_ASSIGN(place.identity, log::decode_identity(std::span(bytes_).first(got), identity));
  // The new store gets this identity, and segments of the manifest's store.
  if (place.identity.store_id != place.id)
    return fail(
        Error(ErrorCode::kCorrupt, "this is the identity of another store than the backup's").with_file(identity));
  for (const BackupManifest::Segment& segment : manifest.segments())
    place.pieces.push_back({.base = segment.base,
                            .end = segment.end,
                            .sealed = true,
                            .path = log::join_path(place.directory, segment.file->name)});
  for (const BackupFile& entry : manifest.files) {
    if (packing::is_dictionary_name(entry.name)) {
      place.dictionaries.push_back(entry.name);
    } else if (parse_image_name(entry.name)) {
      place.images.push_back(entry.name);
    }
  }
  return {};
}

// A store may be at work there: its last segment grows, and its first ones may go.
Result<void> Restore::look_at_store(Place& place) {
  auto identity = log::load_identity(files_, place.directory);
  if (!identity && identity.error().code() == ErrorCode::kNotFound)
    return fail(Error(ErrorCode::kNotFound, "there is neither a complete backup nor a store in this directory")
                    .with_file(place.directory));
  STAVE_ASSIGN(place.identity, std::move(identity));
  place.id = place.identity.store_id;
  STAVE_ASSIGN(const std::vector<std::string> names, files_.list(place.directory));
  for (const std::string& name : names) {
    const auto begun = log::parse_begun_name(name);
    if (const auto base = begun ? begun : log::parse_segment_name(name)) {
      // Listed while it was renamed.
      if (!place.pieces.empty() && place.pieces.back().base == *base) place.pieces.pop_back();
      if (!place.pieces.empty()) {
        place.pieces.back().end = *base;
        place.pieces.back().sealed = !begun;
      }
      place.pieces.push_back(
          {.base = *base, .begun = begun.has_value(), .path = log::join_path(place.directory, name)});
    } else if (packing::is_dictionary_name(name)) {
      place.dictionaries.push_back(name);
    } else if (parse_image_name(name)) {
      place.images.push_back(name);
    }
  }
  return {};
}

Result<void> Restore::check_target() {
  STAVE_ASSIGN(const bool exists, files_.exists(request_.target));
  if (!exists) return {};
  STAVE_ASSIGN(std::vector<std::string> names, files_.list(request_.target));
  // Who tried in vain to open a store there left that behind.
  std::erase(names, "LOCK");
  if (names.empty()) return {};
  return fail(Error(ErrorCode::kConflict, "the directory to restore into is not empty").with_file(request_.target));
}

// Both are parts of one log: where they overlap they must be the same.
Result<void> Restore::join(std::vector<Piece> more) {
  const auto another_way = [&](const Piece& piece) {
    return fail(Error(ErrorCode::kConflict, "backup and log went different ways from LSN " +
                                                std::to_string(raw(piece.base)) + " on, or before")
                    .with_file(piece.path));
  };
  if (more.empty()) return {};
  if (pieces_.empty()) {
    pieces_ = std::move(more);
    return {};
  }
  const Lsn reached = pieces_.back().end;
  if (more.front().base > reached)
    return fail(Error(ErrorCode::kConflict, "there is a gap: the backup ends at LSN " + std::to_string(raw(reached)) +
                                                ", the log begins at LSN " + std::to_string(raw(more.front().base)))
                    .with_file(request_.log));
  for (Piece& piece : more) {
    const auto same = std::ranges::find(pieces_, piece.base, &Piece::base);
    if (same != pieces_.end()) {
      if (same->header.salt != piece.header.salt || (piece.sealed && piece.end != same->end)) return another_way(piece);
      // The log's last segment may have been shorter when the backup was made only if it was not sealed; it was.
      continue;
    }
    if (piece.base < pieces_.front().base) continue;
    if (piece.base != pieces_.back().end) return another_way(piece);
    pieces_.push_back(std::move(piece));
  }
  return {};
}

// --- where to cut ----------------------------------------------------------------------------------------------------

// False: the point has been passed.
bool Restore::take(std::span<const log::RecordView> run) {
  Lsn batch_end = cut_;
  UnixMs time = cut_time_;
  std::uint64_t records = 0;
  std::optional<Lsn> trimmed;
  for (const log::RecordView& record : run) {
    // Moved records have the time of the original, which lies before.
    if (const UnixMs* at = std::get_if<UnixMs>(&point_); at != nullptr && !record.relocated() && record.time > *at)
      return false;
    ++records;
    if (!record.relocated()) time = std::max(time, record.time);
    if (record.kind == log::RecordKind::kTrim && record.payload.size() == sizeof(std::uint64_t) &&
        Lsn{base::load<std::uint64_t>(record.payload.data())} >= first_)
      trimmed = record.lsn + record.length;
    if (!record.commit()) continue;
    batch_end = record.lsn + record.length;
    if (const Lsn* at = std::get_if<Lsn>(&point_); at != nullptr && batch_end > *at) return false;
    cut_ = batch_end;
    cut_time_ = time;
    records_ += std::exchange(records, 0);
    if (trimmed && !self_contained_) self_contained_ = Beginning{cut_, cut_time_};
  }
  return true;
}

/// Does `work` with the segment's path: a store at work gives one that it had begun its name meanwhile.
template <class Work>
auto Restore::at_path(const Piece& piece, const Work& work) -> decltype(work(piece.path)) {
  auto done = work(piece.path);
  if (done || !piece.begun || done.error().code() != ErrorCode::kNotFound) return done;
  return work(log::join_path(piece.path.substr(0, piece.path.rfind('/')), log::segment_name(piece.base)));
}

// Reads all of a segment, or up to the point; false then.
Result<bool> Restore::read(const Piece& piece) {
  const auto open = [this](const std::string& path) { return files_.open(path, OpenMode::kRead); };
  STAVE_ASSIGN(const std::unique_ptr<File> file, at_path(piece, open));
  STAVE_ASSIGN(const std::uint64_t size, file->size());
  const std::uint64_t there =
      raw(piece.base) + (std::max<std::uint64_t>(size, log::kSegmentHeaderBytes) - log::kSegmentHeaderBytes);
  const std::uint64_t end = piece.sealed          ? raw(piece.end)
                            : piece.end != kNoLsn ? std::min(raw(piece.end), there)
                                                  : there;
  const log::SegmentSource source{file.get(), piece.path, raw(piece.base),
                                  log::record_seed(piece.header.store_id, piece.header.salt), end};
  bool passed = false;
  auto scanned = scanner_.scan(source, raw(piece.base), [&](std::span<const log::RecordView> run) -> Result<void> {
    if (take(run)) return {};
    passed = true;
    return fail(ErrorCode::kAborted, "the point is reached");
  });
  if (passed) return false;
  if (!scanned) return fail(std::move(scanned).error());
  if (scanned->batch_end == end) return true;
  bool torn = !piece.sealed;
  if (torn) {
    // As recovery judges it; but what was being written while it was read is there by now.
    STAVE_ASSIGN(const log::RestResult rest, scanner_.examine(source, scanned->batch_end, scanned->stop));
    if (rest.proof) {
      STAVE_ASSIGN(const log::ScanResult again, scanner_.scan(source, scanned->batch_end, nullptr));
      torn = again.batches > 0;
    }
  }
  if (!torn)
    return fail(Error(ErrorCode::kCorrupt, "the record at LSN " + std::to_string(scanned->stop) +
                                               " is damaged or missing; restore to a point before it")
                    .with_file(piece.path,
                               static_cast<std::int64_t>(log::kSegmentHeaderBytes + scanned->stop - raw(piece.base))));
  return true;
}

Result<void> Restore::find_cut() {
  first_ = pieces_.empty() ? log::kFirstLsn : pieces_.front().base;
  cut_ = first_;
  if (first_ == log::kFirstLsn) self_contained_ = Beginning{first_, UnixMs{0}};
  for (const Piece& piece : pieces_) {
    // No whole batches lead to it.
    if (piece.begun && piece.base != cut_) break;
    STAVE_ASSIGN(const bool all, read(piece));
    if (all) continue;
    past_point_ = true;
    break;
  }
  return {};
}

Result<void> Restore::look_at_images(const Place& place) {
  for (const std::string& name : place.images) {
    const std::string path = log::join_path(place.directory, name);
    if (std::ranges::find(images_, name, &Image::name) != images_.end()) continue;
    auto image = ImageReader::open(files_, path);
    // A damaged one, or one that was just replaced, is done without.
    if (!image) continue;
    const ImageHeader& header = (*image)->header();
    if (header.store_id != place.id || header.needs < first_ || header.from < first_) continue;
    std::vector<ImageEntry> entries;
    bool whole = true;
    for (const ImageBlock& block : (*image)->blocks())
      whole = whole && (*image)->read(block, bytes_, entries).has_value();
    if (whole) images_.push_back({path, name, std::max((*image)->newest(), header.from), header.created});
  }
  return {};
}

// A log that lacks its beginning stands alone only from some point on.
Result<void> Restore::check_beginning() {
  const auto earliest = [&] {
    std::optional<Beginning> found = self_contained_;
    for (const Image& image : images_)
      if (!found || image.newest < found->lsn) found = Beginning{image.newest, image.created};
    return found;
  };
  if (const auto found = earliest(); found && found->lsn <= cut_) return {};
  // The rest of the log tells what can be had instead.
  const Lsn wanted = cut_;
  point_ = std::monostate{};
  STAVE_TRY(find_cut());
  const auto found = earliest();
  std::string sentence = "what the store held at LSN " + std::to_string(raw(wanted)) +
                         " is not all there: the log begins at LSN " + std::to_string(raw(first_));
  if (found)
    sentence += "; the earliest point that can be restored is LSN " + std::to_string(raw(found->lsn)) + ", " +
                base::iso_text(found->time);
  return fail(ErrorCode::kInvalidArgument, std::move(sentence));
}

Result<void> Restore::check_point() const {
  if (const Lsn* at = std::get_if<Lsn>(&point_)) {
    if (*at < first_)
      return fail(ErrorCode::kInvalidArgument, "LSN " + std::to_string(raw(*at)) +
                                                   " is not in the log any more, which begins at LSN " +
                                                   std::to_string(raw(first_)));
    if (!past_point_ && *at > cut_)
      return fail(ErrorCode::kInvalidArgument,
                  "the log ends at LSN " + std::to_string(raw(cut_)) + ", before LSN " + std::to_string(raw(*at)));
  }
  const UnixMs born = places_.front().identity.created;
  if (const UnixMs* at = std::get_if<UnixMs>(&point_); at != nullptr && cut_ == log::kFirstLsn && *at < born)
    return fail(ErrorCode::kInvalidArgument,
                "there was no store yet at " + base::iso_text(*at) + ": it was made at " + base::iso_text(born));
  return {};
}

// --- the new store ---------------------------------------------------------------------------------------------------

Result<void> Restore::write_segment(const Piece& piece) {
  STAVE_ASSERT(piece.base < cut_);
  const std::string path = log::join_path(request_.target, log::segment_name(piece.base));
  const std::uint64_t bytes =
      log::kSegmentHeaderBytes + (std::min(piece.end != kNoLsn ? piece.end : cut_, cut_) - piece.base);
  const auto copy = [&](const std::string& from) { return copy_file(files_, from, path, bytes); };
  STAVE_ASSIGN(const BackupFile copied, at_path(piece, copy));
  if (copied.bytes != bytes)
    return fail(Error(ErrorCode::kConflict, "the segment became shorter while it was read").with_file(piece.path));
  ++report_.segments;
  report_.bytes += bytes;
  return {};
}

Result<void> Restore::write() {
  STAVE_TRY(files_.create_directories(request_.target));
  const auto into = [&](std::string_view name) { return log::join_path(request_.target, name); };
  for (const Place& place : places_) {
    for (const std::string& name : place.dictionaries) {
      STAVE_ASSIGN(const bool there, files_.exists(into(name)));
      if (!there) STAVE_TRY(copy_file(files_, log::join_path(place.directory, name), into(name)));
    }
  }
  for (const Piece& piece : pieces_)
    if (piece.base < cut_) STAVE_TRY(write_segment(piece));
  // What the new store writes must never pass for what the old one wrote at the same addresses.
  const auto header = log::encode_segment_header({.store_id = places_.front().id,
                                                  .base = cut_,
                                                  .salt = log::random_bits(),
                                                  .created = places_.front().identity.created});
  STAVE_TRY(log::publish_file(files_, request_.target, log::segment_name(cut_), header));
  ++report_.segments;
  // The newest that knows nothing behind the cut.
  const Image* best = nullptr;
  for (const Image& image : images_)
    if (image.newest <= cut_ && (best == nullptr || image.newest > best->newest)) best = &image;
  if (best != nullptr) {
    STAVE_TRY(copy_file(files_, best->path, into(best->name)));
    report_.with_image = true;
  }
  STAVE_TRY(files_.sync_directory(request_.target));
  // Last: without it this is no store.
  return log::publish_file(files_, request_.target, log::kIdentityName, log::encode_identity(places_.front().identity));
}

Result<RestoreReport> Restore::run() {
  STAVE_ASSERT(places_.empty() && pieces_.empty());
  STAVE_TRY(check_target());
  STAVE_ASSIGN(Place source, look_at(request_.source));
  places_.push_back(std::move(source));
  STAVE_TRY(join(places_.back().pieces));
  if (!request_.log.empty()) {
    // Where a store's own log ends is not known before it was read, and it goes on by itself.
    if (!places_.front().is_backup)
      return fail(Error(ErrorCode::kInvalidArgument,
                        "a log can be added to a backup; this is a store's directory, which has its own log to the end")
                      .with_file(request_.source));
    STAVE_ASSIGN(Place log, look_at(request_.log));
    if (log.id != places_.front().id)
      return fail(
          Error(ErrorCode::kConflict, "this is the log of another store than the backup's").with_file(request_.log));
    places_.push_back(std::move(log));
    STAVE_TRY(join(places_.back().pieces));
  }
  STAVE_TRY(find_cut());
  STAVE_TRY(check_point());
  for (const Place& place : places_) STAVE_TRY(look_at_images(place));
  STAVE_TRY(check_beginning());
  STAVE_TRY(write());
  report_.first = first_;
  report_.end = cut_;
  report_.time = std::max(cut_time_, records_ == 0 ? places_.front().identity.created : UnixMs{0});
  report_.records = records_;
  return report_;
}

}  // namespace

Result<RestoreReport> restore(FileSystem& files, const RestoreRequest& request) try {
  return Restore(files, request).run();
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kNoMemory, "there is no memory to restore the store");
}

}  // namespace stave::archive
