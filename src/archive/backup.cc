#include "archive/backup.h"

#include <algorithm>
#include <optional>
#include <set>

#include "base/assert.h"
#include "base/interleave.h"
#include "base/try.h"
#include "packing/compression_dictionary.h"
#include "store/image.h"
#include "store/upkeep.h"

namespace stave::archive {

using store::Engine;
using store::ImageHeader;
using store::ImageReader;
using store::parse_image_name;
using store::Upkeep;

namespace {

constexpr std::string_view kLockName = "BACKUP.LOCK";

bool is_ours(std::string_view name) {
  if (name.ends_with(".new")) name.remove_suffix(4);
  return name == kManifestName || name == kBackupIdentityName || name == kLockName ||
         packing::is_dictionary_name(name) || log::parse_segment_name(name) || parse_image_name(name);
}

/// The disk does not give back what is in a file. A lack of room, memory or descriptors says nothing about the file.
bool cannot_be_read(const Error& error) noexcept {
  return error.code() == ErrorCode::kIo || error.code() == ErrorCode::kPermission;
}

class Backup {
 public:
  Backup(Engine& engine, std::string directory, const BackupOptions& options)
      : engine_(engine),
        files_(engine.file_system()),
        directory_(std::move(directory)),
        options_(options),
        pin_(engine.upkeep()) {}

  Result<BackupReport> run();

 private:
  Result<void> enter();
  Result<void> list_segments();
  Result<void> take_over();
  Result<void> check_same_way(const BackupManifest& earlier);
  Result<void> check_same_segment(const log::SegmentInfo& ours, const BackupManifest::Segment& theirs);
  Result<void> add_segments();
  Result<void> add_dictionaries();
  Result<void> add_images();
  Result<void> add_newest_image();
  Result<bool> add_image(const std::string& name);
  Result<bool> usable_image(const std::string& directory, const std::string& name, Lsn end);
  Result<bool> keep(const BackupFile& there);
  Result<void> add(const std::string& name, const std::string& as, bool may_link);
  Result<bool> add_from_beside(const log::SegmentInfo& segment, const std::string& name);
  [[nodiscard]] Result<void> go_on() const { return options_.go_on ? options_.go_on() : Result<void>{}; }
  Result<void> remove_others();
  [[nodiscard]] std::unexpected<Error> went_another_way(Lsn at) const;

  Engine& engine_;
  FileSystem& files_;
  const std::string directory_;
  const BackupOptions& options_;
  const Upkeep::Pin pin_;
  std::unique_ptr<DirectoryLock> lock_;
  std::unique_ptr<DirectoryLock> directory_lock_;
  std::optional<BackupManifest> earlier_;
  std::optional<BackupManifest> beside_;
  std::vector<log::SegmentInfo> segments_;
  BackupManifest manifest_;
  std::set<std::string> unreadable_;  ///< Images.
  BackupReport report_;
};

// --- where it goes ---------------------------------------------------------------------------------------------------

Result<void> Backup::enter() {
  STAVE_ASSIGN(const bool exists, files_.exists(directory_));
  if (!exists) STAVE_TRY(files_.create_directories(directory_));
  STAVE_ASSIGN(const std::vector<std::string> names, files_.list(directory_));
  for (const std::string& name : names) {
    if (is_ours(name)) continue;
    return fail(Error(ErrorCode::kConflict, "the directory holds something else than a backup; name a new or empty one")
                    .with_file(log::join_path(directory_, name)));
  }
  STAVE_ASSIGN(lock_, files_.lock(log::join_path(directory_, kLockName)));
  // And the directory itself: a file can be removed to get round it.
  auto locked = files_.lock_directory(directory_);
  if (locked) {
    directory_lock_ = std::move(*locked);
  } else if (locked.error().code() != ErrorCode::kUnsupported) {
    return fail(std::move(locked).error());
  }
  auto earlier = load_manifest(files_, directory_);
  if (earlier) {
    if (!std::ranges::equal(earlier->store_id, engine_.log().store_id()))
      return fail(Error(ErrorCode::kConflict, "the directory holds the backup of another store").with_file(directory_));
    earlier_ = std::move(*earlier);
  } else if (earlier.error().code() != ErrorCode::kNotFound) {
    return fail(std::move(earlier).error());
  }
  if (!options_.beside.empty() && !earlier_) {
    auto beside = load_manifest(files_, options_.beside);
    if (beside && std::ranges::equal(beside->store_id, engine_.log().store_id())) beside_ = std::move(*beside);
  }
  return {};
}

std::unexpected<Error> Backup::went_another_way(Lsn at) const {
  return fail(Error(ErrorCode::kConflict,
                    "the backup is of a store that went another way behind LSN " + std::to_string(raw(at)) +
                        " (this one was restored to an earlier point); back up into a new directory")
                  .with_file(directory_));
}

Result<void> Backup::list_segments() {
  STAVE_TRY(engine_.log().roll());
  base::interleave::yield_point("backup: rolled, segments not listed");
  segments_ = engine_.log().segments();
  // The backup ends where the first segment begins that is not done with: whatever came into that one meanwhile is in
  // no file of the backup, also when there is no other segment at all.
  const auto open = std::ranges::find(segments_, false, &log::SegmentInfo::sealed);
  STAVE_ASSERT(open != segments_.end());
  manifest_.first = segments_.front().base;
  manifest_.end = open->base;
  segments_.erase(open, segments_.end());
  STAVE_ASSERT(segments_.empty() || (segments_.back().sealed && segments_.back().base < manifest_.end));
  manifest_.time = engine_.now();
  // A second name shares the file: what the manifest says of it must be as durable as the manifest.
  STAVE_TRY(engine_.log().wait_durable(manifest_.end));
  std::ranges::copy(engine_.log().store_id(), manifest_.store_id.begin());
  return {};
}

// --- what is there already -------------------------------------------------------------------------------------------

Result<void> Backup::check_same_segment(const log::SegmentInfo& ours, const BackupManifest::Segment& theirs) {
  STAVE_ASSERT(theirs.base == ours.base && theirs.file != nullptr);
  if (theirs.end != ours.end) return went_another_way(ours.base);
  const auto header = [&](const std::string& directory) -> Result<log::SegmentHeader> {
    const std::string path = log::join_path(directory, theirs.file->name);
    STAVE_ASSIGN(const std::unique_ptr<File> file, files_.open(path, OpenMode::kRead));
    return log::load_segment_header(*file, path);
  };
  STAVE_ASSIGN(const log::SegmentHeader one, header(engine_.directory()));
  STAVE_ASSIGN(const log::SegmentHeader other, header(directory_));
  return one.salt == other.salt ? Result<void>{} : went_another_way(ours.base);
}

Result<void> Backup::check_same_way(const BackupManifest& earlier) {
  if (earlier.end > manifest_.end) return went_another_way(manifest_.end);
  for (const BackupManifest::Segment& theirs : earlier.segments()) {
    if (theirs.base < manifest_.first) continue;
    const auto ours = std::ranges::find(segments_, theirs.base, &log::SegmentInfo::base);
    if (ours == segments_.end()) return went_another_way(theirs.base);
    STAVE_TRY(check_same_segment(*ours, theirs));
  }
  const bool joined = manifest_.first == earlier.end || manifest_.first <= earlier.first ||
                      earlier.find(log::segment_name(manifest_.first)) != nullptr;
  return joined ? Result<void>{} : went_another_way(earlier.first);
}

Result<void> Backup::take_over() {
  STAVE_ASSERT(manifest_.files.empty());
  if (!earlier_) return {};
  if (earlier_->end < manifest_.first) {
    // What came between is gone for good; what is there cannot be continued.
    report_.afresh = true;
    return {};
  }
  STAVE_TRY(check_same_way(*earlier_));
  STAVE_ASSERT(earlier_->end <= manifest_.end);
  manifest_.first = std::min(manifest_.first, earlier_->first);
  for (const BackupFile& file : earlier_->files)
    if (!parse_image_name(file.name)) manifest_.files.push_back(file);
  return {};
}

// --- what is new -----------------------------------------------------------------------------------------------------

// Until the new manifest is there the old one counts, and with it every file that it names, whole as it is. What has
// such a name in both is the same in both: an identity, a dictionary and an image never change. False: it is damaged.
Result<bool> Backup::keep(const BackupFile& there) {
  const auto found = measure_file(files_, directory_, there.name);
  const bool spare = parse_image_name(there.name).has_value();
  if (!found && found.error().code() != ErrorCode::kNotFound && !(spare && cannot_be_read(found.error())))
    return fail(found.error().clone());
  if (!found || *found != there) return false;
  manifest_.files.push_back(there);
  return true;
}

// `name` in the store's directory becomes `as` in the backup.
Result<void> Backup::add(const std::string& name, const std::string& as, bool may_link) {
  STAVE_ASSERT(is_ours(as) && manifest_.find(as) == nullptr);
  const std::string from = log::join_path(engine_.directory(), name);
  const std::string to = log::join_path(directory_, as);
  if (const BackupFile* there = earlier_ ? earlier_->find(as) : nullptr) {
    STAVE_ASSIGN(const bool kept, keep(*there));
    if (kept) return {};
  }
  // No manifest counts on it: left behind by a backup that was not completed, or damaged in the one that is there.
  if (auto removed = files_.remove(to); !removed && removed.error().code() != ErrorCode::kNotFound) return removed;
  const auto linked = may_link ? files_.link(from, to) : fail(ErrorCode::kUnsupported, "not asked for");
  if (linked) {
    auto file = measure_file(files_, directory_, as);
    // It is the store's file that fails, by whichever name.
    if (!file && cannot_be_read(file.error())) return fail(file.error().clone().with_file(from));
    if (!file) return fail(std::move(file).error());
    ++report_.linked_files;
    manifest_.files.push_back(std::move(*file));
  } else if (linked.error().code() == ErrorCode::kUnsupported) {
    STAVE_ASSIGN(BackupFile file, copy_file(files_, from, to));
    manifest_.files.push_back(std::move(file));
  } else {
    return fail(linked.error().clone());
  }
  ++report_.added_files;
  report_.added_bytes += manifest_.files.back().bytes;
  return {};
}

// What an earlier backup has of a sealed segment, as it was when that backup was made: then it is what the store has.
Result<bool> Backup::add_from_beside(const log::SegmentInfo& segment, const std::string& name) {
  const BackupFile* const there = beside_ ? beside_->find(name) : nullptr;
  if (there == nullptr) return false;
  const auto ours = measure_file(files_, engine_.directory(), name);
  if (!ours) return fail(ours.error().clone());
  // A file of the backup may be shorter than the store's, by bytes that count for nothing; then it is copied again.
  if (ours->checksum != there->checksum || ours->bytes != there->bytes) return false;
  const std::string to = log::join_path(directory_, name);
  if (const auto linked = files_.link(log::join_path(options_.beside, name), to); !linked) return false;
  auto file = measure_file(files_, directory_, name);
  if (!file || *file != *ours) {
    STAVE_TRY(files_.remove(to));
    return false;
  }
  STAVE_ASSERT(segment.sealed && manifest_.find(name) == nullptr);
  manifest_.files.push_back(std::move(*file));
  return true;
}

Result<void> Backup::add_segments() {
  for (const log::SegmentInfo& segment : segments_) {
    const std::string name = log::segment_name(segment.base);
    if (manifest_.find(name) != nullptr) continue;
    // Damage must be found while there is still something to be done about it.
    base::interleave::yield_point("backup: next segment");
    STAVE_TRY(go_on());
    STAVE_TRY(engine_.log().scan(segment.base, segment.end, [](auto) -> Result<void> { return {}; }));
    STAVE_ASSIGN(const bool added, add_from_beside(segment, name));
    if (!added) STAVE_TRY(add(name, name, true));
  }
  return {};
}

Result<void> Backup::add_dictionaries() {
  STAVE_ASSIGN(const std::vector<std::string> names, files_.list(engine_.directory()));
  for (const std::string& name : names)
    if (packing::is_dictionary_name(name) && manifest_.find(name) == nullptr) STAVE_TRY(add(name, name, true));
  return {};
}

// Whether the image, which may have been removed meanwhile, says nothing that the backup's part of the log does not.
Result<bool> Backup::usable_image(const std::string& directory, const std::string& name, Lsn end) {
  auto image = ImageReader::open(files_, log::join_path(directory, name));
  if (!image) {
    const ErrorCode code = image.error().code();
    if (code == ErrorCode::kNotFound || code == ErrorCode::kCorrupt) return false;
    if (cannot_be_read(image.error())) {
      unreadable_.insert(name);
      return false;
    }
    return fail(std::move(image).error());
  }
  const ImageHeader& header = (*image)->header();
  return std::ranges::equal(header.store_id, engine_.log().store_id()) && (*image)->newest() <= end &&
         header.needs >= manifest_.first && header.from >= manifest_.first;
}

Result<void> Backup::add_newest_image() {
  STAVE_ASSIGN(const std::vector<std::string> names, files_.list(engine_.directory()));
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    if (!parse_image_name(*name)) continue;
    if (manifest_.find(*name) != nullptr) return {};
    // One that the backup has under that name stays what it is until the new manifest is there.
    const bool theirs = earlier_ && earlier_->find(*name) != nullptr;
    STAVE_ASSIGN(const bool usable, usable_image(theirs ? directory_ : engine_.directory(), *name, manifest_.end));
    base::interleave::yield_point("backup: an image found, not yet added");
    if (!usable) continue;
    STAVE_ASSIGN(const bool added, add_image(*name));
    if (added) return {};
  }
  return {};
}

// False: it is left out, since the disk does not give it back. What there may be of it in the backup's directory is in
// no manifest, and goes with all that is not.
Result<bool> Backup::add_image(const std::string& name) {
  auto added = add(name, name, true);
  if (added) return true;
  // Not what could not be written.
  const bool source = added.error().file() == log::join_path(engine_.directory(), name);
  if (!source || !cannot_be_read(added.error())) return fail(std::move(added).error());
  unreadable_.insert(name);
  return false;
}

// The newest one makes a restored store start quickly; the oldest one lets it be restored to the earliest point.
Result<void> Backup::add_images() {
  if (earlier_ && !report_.afresh) {
    for (const BackupFile& file : earlier_->files) {
      if (!parse_image_name(file.name)) continue;
      STAVE_ASSIGN(const bool usable, usable_image(directory_, file.name, manifest_.end));
      if (!usable) continue;
      manifest_.files.push_back(file);
      break;
    }
  }
  // The store keeps two and removes the others at any time.
  for (int attempt = 0; attempt < 3; ++attempt) {
    auto added = add_newest_image();
    if (added || added.error().code() != ErrorCode::kNotFound) return added;
  }
  return {};
}

// Only once the new manifest is there.
Result<void> Backup::remove_others() {
  STAVE_ASSERT(lock_ != nullptr && manifest_.find(kBackupIdentityName) != nullptr);
  STAVE_ASSIGN(const std::vector<std::string> names, files_.list(directory_));
  for (const std::string& name : names)
    if (is_ours(name) && name != kManifestName && name != kLockName && manifest_.find(name) == nullptr)
      STAVE_TRY(files_.remove(log::join_path(directory_, name)));
  return files_.sync_directory(directory_);
}

Result<BackupReport> Backup::run() {
  STAVE_TRY(engine_.still_ours());
  STAVE_TRY(enter());
  STAVE_TRY(list_segments());
  STAVE_TRY(take_over());
  if (manifest_.find(kBackupIdentityName) == nullptr)
    STAVE_TRY(add(std::string(log::kIdentityName), std::string(kBackupIdentityName), false));
  STAVE_TRY(add_segments());
  STAVE_TRY(add_dictionaries());
  STAVE_TRY(add_images());
  std::ranges::sort(manifest_.files, {}, &BackupFile::name);
  STAVE_TRY(files_.sync_directory(directory_));
  STAVE_ASSERT(std::ranges::adjacent_find(manifest_.files, {}, &BackupFile::name) == manifest_.files.end());
  STAVE_ASSERT(manifest_.find(kBackupIdentityName) != nullptr && manifest_.first <= manifest_.end);
  // What was read by its name in the store's directory was the store's.
  STAVE_TRY(engine_.still_ours());
  const std::string text = encode_manifest(manifest_);
  STAVE_TRY(log::publish_file(files_, directory_, kManifestName, base::as_bytes(text)));
  STAVE_TRY(remove_others());
  report_.first = manifest_.first;
  report_.end = manifest_.end;
  report_.time = manifest_.time;
  report_.files = manifest_.files.size();
  report_.unreadable_images = unreadable_.size();
  STAVE_ASSERT(report_.linked_files <= report_.added_files && report_.added_files <= report_.files);
  for (const BackupFile& file : manifest_.files) report_.bytes += file.bytes;
  return report_;
}

}  // namespace

Result<BackupReport> back_up(Engine& engine, const std::string& directory, const BackupOptions& options) try {
  return Backup(engine, directory, options).run();
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kNoMemory, "there is no memory for the backup");
}

Result<BackupCheck> verify_backup(FileSystem& files, const std::string& directory, const GoOn& go_on) {
  BackupCheck check;
  auto manifest = load_manifest(files, directory);
  if (!manifest && manifest.error().code() == ErrorCode::kNotFound)
    return fail(Error(ErrorCode::kNotFound, "there is no complete backup in this directory: it has no manifest")
                    .with_file(directory));
  STAVE_ASSIGN(check.manifest, std::move(manifest));
  for (const BackupFile& file : check.manifest.files) {
    if (go_on) STAVE_TRY(go_on());
    const auto found = measure_file(files, directory, file.name);
    if (!found) {
      check.findings.push_back(found.error().describe());
    } else if (found->bytes != file.bytes) {
      check.findings.push_back(file.name + " has " + std::to_string(found->bytes) + " bytes; it was made with " +
                               std::to_string(file.bytes));
    } else if (found->checksum != file.checksum) {
      check.findings.push_back(file.name + " is not what it was when it was made: its checksum differs");
    }
  }
  Lsn begin = check.manifest.end;
  for (const BackupManifest::Segment& segment : check.manifest.segments()) {
    begin = std::min(begin, segment.base);
    if (segment.file->bytes < log::kSegmentHeaderBytes + (segment.end - segment.base))
      check.findings.push_back("the log is not whole: " + segment.file->name + " does not reach to LSN " +
                               std::to_string(raw(segment.end)));
  }
  if (begin != check.manifest.first)
    check.findings.push_back("the log begins at LSN " + std::to_string(raw(begin)) + ", not at " +
                             std::to_string(raw(check.manifest.first)));
  if (check.manifest.find(kBackupIdentityName) == nullptr)
    check.findings.push_back("the identity of the store is not in the backup");
  return check;
}

Result<void> remove_backup(FileSystem& files, const std::string& directory) {
  STAVE_ASSIGN(const std::vector<std::string> names, files.list(directory));
  {
    STAVE_ASSIGN(const auto lock, files.lock(log::join_path(directory, kLockName)));
    if (std::ranges::find(names, kManifestName) != names.end()) {
      STAVE_TRY(files.remove(log::join_path(directory, std::string(kManifestName))));
      STAVE_TRY(files.sync_directory(directory));
    }
    for (const std::string& name : names)
      if (is_ours(name) && name != kManifestName && name != kLockName)
        STAVE_TRY(files.remove(log::join_path(directory, name)));
    STAVE_TRY(files.remove(log::join_path(directory, std::string(kLockName))));
  }
  return files.remove_directory(directory);
}

}  // namespace stave::archive
