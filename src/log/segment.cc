#include "log/segment.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "base/random.h"
#include "base/try.h"

namespace stave::log {

namespace {

constexpr std::string_view kSegmentMagic = "STAVESEG";
constexpr std::string_view kIdentityMagic = "STAVE-ID";
constexpr std::string_view kSegmentSuffix = ".seg";
constexpr std::string_view kBegunSuffix = ".next";
constexpr std::string_view kNewestSuffix = ".newest";

// Both headers begin alike: magic, version, own size, store id; and end with a checksum over all of them.
constexpr std::size_t kVersionAt = 8;
constexpr std::size_t kSizeAt = 12;
constexpr std::size_t kStoreIdAt = 16;
constexpr std::size_t kBaseAt = 32;
constexpr std::size_t kSaltAt = 40;
constexpr std::size_t kSegmentCreatedAt = 48;
constexpr std::size_t kIdentityCreatedAt = 32;
constexpr std::size_t kHeaderChecksumAt = 56;

std::uint64_t header_checksum(std::span<const std::byte> bytes) noexcept {
  // The field itself is last of the meaningful bytes and counts as zero; what follows is hashed with the seed so far.
  const std::uint64_t front = base::xxh3(bytes.first(kHeaderChecksumAt), 0);
  return base::xxh3(bytes.subspan(kHeaderChecksumAt + 8), front);
}

void begin_header(std::span<std::byte> bytes, std::string_view magic, const StoreId& store_id) noexcept {
  std::memcpy(bytes.data(), magic.data(), magic.size());
  base::store(bytes.data() + kVersionAt, kFormatVersion);
  base::store(bytes.data() + kSizeAt, static_cast<std::uint32_t>(bytes.size()));
  std::memcpy(bytes.data() + kStoreIdAt, store_id.data(), store_id.size());
}

Result<StoreId> check_header(std::span<const std::byte> bytes, std::size_t size, std::string_view magic,
                             std::string_view what, const std::string& path) {
  const auto corrupt = [&](std::string_view why, std::int64_t offset) {
    return fail(Error(ErrorCode::kCorrupt, std::string(what) + " " + std::string(why) +
                                               "; `stave doctor` can examine the directory and salvage what is whole")
                    .with_file(path, offset));
  };
  STAVE_ASSERT(size > kHeaderChecksumAt && magic.size() == kVersionAt);
  if (bytes.size() < size) return corrupt("is too short", 0);
  if (std::memcmp(bytes.data(), magic.data(), magic.size()) != 0) return corrupt("does not begin with its magic", 0);
  // Before the version: of every version it stands there and covers the same, so that a flipped bit in the version is
  // damage, which can be repaired, and not the future.
  if (base::load<std::uint64_t>(bytes.data() + kHeaderChecksumAt) != header_checksum(bytes.first(size)))
    return corrupt("fails its checksum", 0);
  const auto version = base::load<std::uint32_t>(bytes.data() + kVersionAt);
  if (version != kFormatVersion) {
    return fail(Error(ErrorCode::kUnsupported, std::string(what) + " has format version " + std::to_string(version) +
                                                   ", and this program knows version " +
                                                   std::to_string(kFormatVersion) + "; use " +
                                                   (version > kFormatVersion ? "a newer one" : "an older one"))
                    .with_file(path, kVersionAt));
  }
  if (base::load<std::uint32_t>(bytes.data() + kSizeAt) != size) return corrupt("contradicts itself", kSizeAt);
  StoreId id;
  std::memcpy(id.data(), bytes.data() + kStoreIdAt, id.size());
  return id;
}

void append_hex(std::string& text, std::uint64_t value) {
  for (int shift = 60; shift >= 0; shift -= 4) text += "0123456789abcdef"[(value >> shift) & 15];
}

std::string name_of(Lsn base, std::string_view suffix) {
  std::string name;
  append_hex(name, raw(base));
  return name.append(suffix);
}

std::optional<Lsn> parse_name(std::string_view name, std::string_view suffix) noexcept {
  if (name.size() != 16 + suffix.size() || !name.ends_with(suffix)) return std::nullopt;
  std::uint64_t base = 0;
  for (const char c : name.substr(0, 16)) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (c < 'a' || c > 'f')) return std::nullopt;
    base = base << 4 | static_cast<std::uint64_t>(digit ? c - '0' : c - 'a' + 10);
  }
  return base == 0 ? std::nullopt : std::optional(Lsn{base});
}

}  // namespace

std::uint64_t record_seed(const StoreId& store_id, std::uint64_t salt) noexcept {
  return base::xxh3(store_id, salt);
}

std::string segment_name(Lsn base) {
  return name_of(base, kSegmentSuffix);
}

std::optional<Lsn> parse_segment_name(std::string_view name) noexcept {
  return parse_name(name, kSegmentSuffix);
}

std::string begun_name(Lsn base) {
  return name_of(base, kBegunSuffix);
}

std::optional<Lsn> parse_begun_name(std::string_view name) noexcept {
  return parse_name(name, kBegunSuffix);
}

std::string newest_name(Lsn base) {
  return name_of(base, kNewestSuffix);
}
std::optional<Lsn> parse_newest_name(std::string_view name) noexcept {
  return parse_name(name, kNewestSuffix);
}

std::string cut_name(Lsn lsn, std::uint64_t salt) {
  std::string name;
  append_hex(name, raw(lsn));
  name += '-';
  append_hex(name, salt);
  return name.append(".cut");
}

std::string join_path(const std::string& directory, std::string_view name) {
  std::string path = directory;
  if (!path.empty() && path.back() != '/') path += '/';
  return path.append(name);
}

std::array<std::byte, kSegmentHeaderBytes> encode_segment_header(const SegmentHeader& header) noexcept {
  std::array<std::byte, kSegmentHeaderBytes> bytes{};
  begin_header(bytes, kSegmentMagic, header.store_id);
  base::store(bytes.data() + kBaseAt, raw(header.base));
  base::store(bytes.data() + kSaltAt, header.salt);
  base::store(bytes.data() + kSegmentCreatedAt, raw(header.created));
  base::store(bytes.data() + kHeaderChecksumAt, header_checksum(bytes));
  return bytes;
}

Result<SegmentHeader> decode_segment_header(std::span<const std::byte> bytes, const std::string& path) {
  SegmentHeader header;
  STAVE_ASSIGN(header.store_id, check_header(bytes, kSegmentHeaderBytes, kSegmentMagic, "the segment header", path));
  header.base = Lsn{base::load<std::uint64_t>(bytes.data() + kBaseAt)};
  header.salt = base::load<std::uint64_t>(bytes.data() + kSaltAt);
  header.created = UnixMs{base::load<std::int64_t>(bytes.data() + kSegmentCreatedAt)};
  return header;
}

std::array<std::byte, kIdentityBytes> encode_identity(const Identity& identity) noexcept {
  std::array<std::byte, kIdentityBytes> bytes{};
  begin_header(bytes, kIdentityMagic, identity.store_id);
  base::store(bytes.data() + kIdentityCreatedAt, raw(identity.created));
  base::store(bytes.data() + kHeaderChecksumAt, header_checksum(bytes));
  return bytes;
}

Result<Identity> decode_identity(std::span<const std::byte> bytes, const std::string& path) {
  Identity identity;
  STAVE_ASSIGN(identity.store_id, check_header(bytes, kIdentityBytes, kIdentityMagic, "the identity file", path));
  identity.created = UnixMs{base::load<std::int64_t>(bytes.data() + kIdentityCreatedAt)};
  return identity;
}

Result<std::vector<SegmentFile>> list_segments(FileSystem& files, const std::string& directory) {
  STAVE_ASSIGN(const std::vector<std::string> names, files.list(directory));
  std::vector<SegmentFile> segments;
  for (const std::string& name : names) {
    if (const auto base = parse_segment_name(name)) segments.push_back({.base = *base, .begun = false});
    if (const auto base = parse_begun_name(name)) segments.push_back({.base = *base, .begun = true});
  }
  // Listed while it was renamed, a segment may be there under both names: its own counts.
  std::ranges::sort(segments, [](const SegmentFile& a, const SegmentFile& b) {
    return a.base != b.base ? a.base < b.base : a.begun < b.begun;
  });
  const auto twins = std::ranges::unique(segments, {}, &SegmentFile::base);
  segments.erase(twins.begin(), twins.end());
  return segments;
}

Result<std::unique_ptr<File>> open_segment(FileSystem& files, const std::string& directory, Lsn base,
                                           std::string& path) {
  const auto try_name = [&](std::string name) {
    path = join_path(directory, name);
    return files.open(path, OpenMode::kRead);
  };
  auto file = try_name(segment_name(base));
  if (file || file.error().code() != ErrorCode::kNotFound) return file;
  file = try_name(begun_name(base));
  if (file || file.error().code() != ErrorCode::kNotFound) return file;
  // It may have got its own name in between.
  return try_name(segment_name(base));
}

Result<Identity> load_identity(FileSystem& files, const std::string& directory) {
  const std::string path = join_path(directory, kIdentityName);
  STAVE_ASSIGN(const std::unique_ptr<File> file, files.open(path, OpenMode::kRead));
  std::array<std::byte, kIdentityBytes> bytes{};
  STAVE_ASSIGN(const std::size_t got, file->read_at(0, bytes));
  return decode_identity(std::span(bytes).first(got), path);
}

Result<SegmentHeader> load_segment_header(File& file, const std::string& path) {
  std::vector<std::byte> bytes(kSegmentHeaderBytes);
  STAVE_ASSIGN(const std::size_t got, file.read_at(0, bytes));
  return decode_segment_header(std::span(bytes).first(got), path);
}

std::uint64_t random_bits() {
  std::uint64_t bits = 0;
  base::system_entropy(std::as_writable_bytes(std::span(&bits, 1)));
  return bits;
}

Result<std::unique_ptr<File>> create_afresh(FileSystem& files, const std::string& path) {
  STAVE_ASSIGN(const bool exists, files.exists(path));
  if (exists) STAVE_TRY(files.remove(path));
  return files.open(path, OpenMode::kCreate);
}

Result<void> publish_file(FileSystem& files, const std::string& directory, std::string_view name,
                          std::span<const std::byte> bytes) {
  const std::string path = join_path(directory, name);
  const std::string draft = path + ".new";
  {
    STAVE_ASSIGN(const std::unique_ptr<File> file, create_afresh(files, draft));
    STAVE_TRY(file->write_at(0, bytes));
    STAVE_TRY(file->sync_data());
  }
  STAVE_TRY(files.rename(draft, path));
  return files.sync_directory(directory);
}

}  // namespace stave::log
