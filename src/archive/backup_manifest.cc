#include "archive/backup_manifest.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "base/assert.h"
#include "base/hash.h"
#include "base/stream_hash.h"
#include "base/try.h"

namespace stave::archive {

namespace {

constexpr std::string_view kFirstLine = "stave-backup 1";
constexpr std::size_t kBlock = 1u << 20;
/// More is no list of files.
constexpr std::uint64_t kManifestBytesMax = 256u << 20;

std::string hex(std::uint64_t number) {
  char text[17];
  const auto [end, error] = std::to_chars(text, text + 16, number, 16);
  STAVE_ASSERT(error == std::errc{} && end <= text + 16);
  return std::string(16 - static_cast<std::size_t>(end - text), '0').append(text, end);
}

template <class T>
std::optional<T> number(std::string_view text, int base = 10) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string_view next_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

bool take_file(std::string_view line, BackupManifest& manifest) {
  const std::string_view name = next_word(line);
  const auto bytes = number<std::uint64_t>(next_word(line));
  const auto checksum = number<std::uint64_t>(next_word(line), 16);
  // A name, and nothing that leads out of the directory.
  if (name.empty() || name.find('/') != std::string_view::npos || !bytes || !checksum || !line.empty()) return false;
  manifest.files.push_back({std::string(name), *bytes, *checksum});
  return true;
}

bool take_line(std::string_view line, BackupManifest& manifest) {
  const std::string_view what = next_word(line);
  if (what == "file") return take_file(line, manifest);
  if (what == "store") {
    if (line.size() != 2 * manifest.store_id.size()) return false;
    for (std::size_t i = 0; i < manifest.store_id.size(); ++i) {
      const auto byte = number<std::uint8_t>(line.substr(2 * i, 2), 16);
      if (!byte) return false;
      manifest.store_id[i] = std::byte{*byte};
    }
    return true;
  }
  const auto value = number<std::int64_t>(line);
  if (!value || *value < 0) return false;
  if (what == "first") {
    manifest.first = Lsn{static_cast<std::uint64_t>(*value)};
  } else if (what == "end") {
    manifest.end = Lsn{static_cast<std::uint64_t>(*value)};
  } else if (what == "time") {
    manifest.time = UnixMs{*value};
  } else {
    return false;
  }
  return true;
}

/// What no backup can be, whatever its checksum says; null: nothing.
const char* contradiction_in(const BackupManifest& manifest) {
  if (manifest.first > manifest.end || raw(manifest.end) > kLsnMax) return "ends before it begins, or behind every log";
  std::set<std::string_view> names;
  for (const BackupFile& file : manifest.files) {
    if (!names.insert(file.name).second) return "names a file twice";
    const auto base = log::parse_segment_name(file.name);
    if (base && (*base < manifest.first || *base > manifest.end)) return "names a segment that lies outside of it";
  }
  return nullptr;
}

}  // namespace

const BackupFile* BackupManifest::find(std::string_view name) const noexcept {
  const auto found = std::ranges::find(files, name, &BackupFile::name);
  return found == files.end() ? nullptr : &*found;
}

std::vector<BackupManifest::Segment> BackupManifest::segments() const {
  std::vector<Segment> found;
  for (const BackupFile& file : files)
    if (const auto base = log::parse_segment_name(file.name))
      found.push_back({.base = *base, .end = end, .file = &file});
  std::ranges::sort(found, {}, &Segment::base);
  for (std::size_t i = 0; i + 1 < found.size(); ++i) found[i].end = found[i + 1].base;
  return found;
}

std::string encode_manifest(const BackupManifest& manifest) {
  STAVE_ASSERT(manifest.first <= manifest.end);
  std::string text(kFirstLine);
  text += "\nstore ";
  for (const std::byte byte : manifest.store_id) text += hex(std::to_integer<std::uint64_t>(byte)).substr(14);
  text += "\nfirst " + std::to_string(raw(manifest.first)) + "\nend " + std::to_string(raw(manifest.end)) + "\ntime " +
          std::to_string(raw(manifest.time)) + "\n";
  for (const BackupFile& file : manifest.files) {
    STAVE_ASSERT(!file.name.empty() && file.name.find_first_of("/ \n") == std::string::npos);
    text += "file " + file.name + " " + std::to_string(file.bytes) + " " + hex(file.checksum) + "\n";
  }
  return text + "checksum " + hex(base::xxh3(base::as_bytes(text), 0)) + "\n";
}

Result<BackupManifest> decode_manifest(std::string_view text, const std::string& path) {
  const auto damaged = [&](const char* what) {
    return fail(Error(ErrorCode::kCorrupt, std::string("the manifest of the backup ") + what).with_file(path));
  };
  const std::size_t last = text.rfind("checksum ");
  if (last == std::string_view::npos || !text.ends_with('\n')) return damaged("has no end");
  const auto sum = number<std::uint64_t>(text.substr(last + 9, text.size() - last - 10), 16);
  if (!sum || *sum != base::xxh3(base::as_bytes(text.substr(0, last)), 0)) return damaged("fails its checksum");
  if (text.starts_with("stave-backup ") && !text.starts_with(std::string(kFirstLine) + "\n"))
    return fail(Error(ErrorCode::kUnsupported, "the backup has a format of a later version").with_file(path));
  std::string_view rest = text.substr(0, last);
  BackupManifest manifest;
  for (bool first = true; !rest.empty(); first = false) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return damaged("is cut off");
    const std::string_view line = rest.substr(0, end);
    if (first ? line != kFirstLine : !take_line(line, manifest)) return damaged("has a line that says nothing known");
    rest.remove_prefix(end + 1);
  }
  if (const char* const problem = contradiction_in(manifest)) return damaged(problem);
  return manifest;
}

Result<BackupManifest> load_manifest(FileSystem& files, const std::string& directory) {
  const std::string path = log::join_path(directory, kManifestName);
  STAVE_ASSIGN(const std::unique_ptr<File> file, files.open(path, OpenMode::kRead));
  STAVE_ASSIGN(const std::uint64_t size, file->size());
  if (size > kManifestBytesMax)
    return fail(Error(ErrorCode::kCorrupt, "this is too large for the manifest of a backup").with_file(path));
  std::string text(size, '\0');
  STAVE_ASSIGN(const std::size_t got, file->read_at(0, std::as_writable_bytes(std::span(text))));
  text.resize(got);
  return decode_manifest(text, path);
}

Result<BackupFile> measure_file(FileSystem& files, const std::string& directory, const std::string& name) {
  STAVE_ASSIGN(const std::unique_ptr<File> file, files.open(log::join_path(directory, name), OpenMode::kRead));
  base::StreamHash hash;
  std::vector<std::byte> block(kBlock);
  BackupFile measured{.name = name};
  for (;;) {
    STAVE_ASSIGN(const std::size_t got, file->read_at(measured.bytes, block));
    if (got == 0) break;
    hash.add(std::span(block).first(got));
    measured.bytes += got;
  }
  measured.checksum = hash.value();
  return measured;
}

Result<BackupFile> copy_file(FileSystem& files, const std::string& from, const std::string& to, std::uint64_t bytes) {
  STAVE_ASSIGN(const std::unique_ptr<File> source, files.open(from, OpenMode::kRead));
  STAVE_ASSIGN(const std::unique_ptr<File> target, files.open(to, OpenMode::kCreate));
  base::StreamHash hash;
  std::vector<std::byte> block(kBlock);
  BackupFile copied{.name = to.substr(to.rfind('/') + 1)};
  while (copied.bytes < bytes) {
    const auto wanted = std::span(block).first(std::min<std::uint64_t>(block.size(), bytes - copied.bytes));
    STAVE_ASSIGN(const std::size_t got, source->read_at(copied.bytes, wanted));
    if (got == 0) break;
    hash.add(wanted.first(got));
    STAVE_TRY(target->write_at(copied.bytes, wanted.first(got)));
    copied.bytes += got;
  }
  STAVE_TRY(target->sync_data());
  copied.checksum = hash.value();
  return copied;
}

}  // namespace stave::archive
