#include "archive/backup_series.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/iso_time.h"
#include "base/try.h"
#include "log/segment.h"

namespace stave::archive {

namespace {

constexpr std::string_view kPrefix = "auto-";
/// Digits stand for digits.
constexpr std::string_view kForm = "0000-00-00T00-00-00Z";

/// What a run that was cut short left, and none of which is a backup.
Result<void> remove_unfinished(FileSystem& files, const std::string& root) {
  STAVE_ASSIGN(const std::vector<std::string> names, files.list_directories(root));
  for (const std::string& name : names) {
    if (!is_series_name(name)) continue;
    const std::string directory = log::join_path(root, name);
    STAVE_ASSIGN(const bool complete, files.exists(log::join_path(directory, std::string(kManifestName))));
    if (complete) continue;
    const auto removed = remove_backup(files, directory);
    // Somebody is making one there by hand, or put something of his own into it.
    if (!removed && removed.error().code() != ErrorCode::kBusy && removed.error().code() != ErrorCode::kConflict)
      return fail(removed.error().clone());
  }
  return {};
}

Result<std::uint64_t> remove_old(FileSystem& files, std::vector<BackupPlace>& places, UnixMs now,
                                 const Retention& keep) {
  std::erase_if(places, [](const BackupPlace& place) { return !place.of_series; });
  STAVE_ASSERT(keep.count >= 1);
  std::uint64_t removed = 0;
  // `places` is oldest first: what is left of it at the end are the newest.
  for (std::size_t i = 0; i + keep.count < places.size(); ++i) {
    if (keep.age_ms != 0 && now - places[i].manifest.time < keep.age_ms) continue;
    STAVE_TRY(remove_backup(files, places[i].directory));
    ++removed;
  }
  return removed;
}

/// A name that is free, should two be made within a second.
Result<std::string> free_place(FileSystem& files, const std::string& root, UnixMs wall) {
  constexpr std::int64_t kSecondMs = 1000;
  constexpr int kTries = 100;
  for (int i = 0; i < kTries; ++i) {
    std::string directory = log::join_path(root, series_name(wall + i * kSecondMs));
    STAVE_ASSIGN(const bool taken, files.exists(directory));
    if (!taken) return directory;
  }
  return fail(Error(ErrorCode::kConflict, "every name that the next backup could have is taken").with_file(root));
}

}  // namespace

std::string series_name(UnixMs at) {
  std::string text = base::iso_text(at);
  text.resize(std::min(text.find('.'), text.size()));
  std::ranges::replace(text, ':', '-');
  return std::string(kPrefix) + text + "Z";
}

bool is_series_name(std::string_view name) noexcept {
  if (!name.starts_with(kPrefix)) return false;
  name.remove_prefix(kPrefix.size());
  return std::ranges::equal(
      name, kForm, [](char have, char form) { return form == '0' ? have >= '0' && have <= '9' : have == form; });
}

Result<std::vector<BackupPlace>> list_backups(FileSystem& files, const std::string& root, const log::StoreId& store) {
  std::vector<BackupPlace> places;
  STAVE_ASSIGN(const bool exists, files.exists(root));
  if (!exists) return places;
  STAVE_ASSIGN(const std::vector<std::string> names, files.list_directories(root));
  for (const std::string& name : names) {
    const std::string directory = log::join_path(root, name);
    auto manifest = load_manifest(files, directory);
    if (!manifest) {
      const ErrorCode code = manifest.error().code();
      if (code == ErrorCode::kIo) return fail(std::move(manifest).error());
      continue;  // none, not whole, or not to be read by this version
    }
    if (!std::ranges::equal(manifest->store_id, store)) continue;
    places.push_back({.directory = directory, .manifest = std::move(*manifest), .of_series = is_series_name(name)});
  }
  std::ranges::sort(places, {}, [](const BackupPlace& place) {
    return std::pair(place.manifest.time, std::string_view(place.directory));
  });
  return places;
}

Result<SeriesReport> add_to_series(store::Engine& engine, const std::string& root, const Retention& keep,
                                   const GoOn& go_on) try {
  FileSystem& files = engine.file_system();
  STAVE_TRY(engine.still_ours());
  STAVE_TRY(files.create_directories(root));
  STAVE_TRY(remove_unfinished(files, root));
  log::StoreId store{};
  std::ranges::copy(engine.log().store_id(), store.begin());
  STAVE_ASSIGN(std::vector<BackupPlace> places, list_backups(files, root, store));
  SeriesReport report;
  STAVE_ASSIGN(report.directory, free_place(files, root, engine.time().to_wall(engine.now())));
  BackupOptions options{.beside = places.empty() ? std::string() : places.back().directory, .go_on = go_on};
  auto made = back_up(engine, report.directory, options);
  if (!made) {
    // What there is of it takes room that may be what was missing. If it cannot go now, the next one removes it.
    static_cast<void>(remove_unfinished(files, root));
    return fail(std::move(made).error());
  }
  report.backup = std::move(*made);
  STAVE_TRY(files.sync_directory(root));
  STAVE_ASSIGN(const BackupCheck check, verify_backup(files, report.directory, go_on));
  if (!check.findings.empty()) {
    STAVE_TRY(remove_backup(files, report.directory));
    return fail(Error(ErrorCode::kCorrupt, "the backup was read again and is not what was written: " +
                                               check.findings.front() + "; it was removed, the earlier ones stay")
                    .with_file(report.directory));
  }
  places.push_back({.directory = report.directory, .manifest = check.manifest, .of_series = true});
  STAVE_ASSIGN(report.removed, remove_old(files, places, engine.now(), keep));
  report.kept = places.size() - report.removed;
  STAVE_ASSERT(report.kept >= 1);
  STAVE_TRY(files.sync_directory(root));
  return report;
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kNoMemory, "there is no memory for the backup");
}

}  // namespace stave::archive
