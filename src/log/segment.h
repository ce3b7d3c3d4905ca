// The files of the log as bytes and names: segment headers, the identity file, how files are made to appear at once.
//
// The format is specified in docs/format.md. Must not know: records, threads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stave/file_system.h"
#include "stave/units.h"

namespace stave::log {

inline constexpr std::uint32_t kFormatVersion = 1;
inline constexpr std::size_t kSegmentHeaderBytes = 4096;
inline constexpr std::size_t kIdentityBytes = 64;
/// Where the first record of a store lies; chosen so that in a first segment LSN and file offset are the same.
inline constexpr Lsn kFirstLsn{4096};

inline constexpr std::string_view kIdentityName = "STAVE";
/// The next segment while it is being written ahead. Worthless after a restart.
inline constexpr std::string_view kSpareName = "spare";

using StoreId = std::array<std::byte, 16>;

struct SegmentHeader {
  StoreId store_id{};
  Lsn base = kNoLsn;
  /// Random, new for every stretch of segments between two unclean stops, so that what a crash left behind never
  /// passes.
  std::uint64_t salt = 0;
  UnixMs created{0};
};

struct Identity {
  StoreId store_id{};
  UnixMs created{0};
};

/// The seed of the checks of every record in a segment.
std::uint64_t record_seed(const StoreId& store_id, std::uint64_t salt) noexcept;

/// `%016x.seg` by base LSN. A file that has this name has its header, and everything before its base was durable once.
std::string segment_name(Lsn base);
std::optional<Lsn> parse_segment_name(std::string_view name) noexcept;
/// `%016x.next`: the name of a segment that was begun, until that is so. Nothing in it was acknowledged as durable.
std::string begun_name(Lsn base);
std::optional<Lsn> parse_begun_name(std::string_view name) noexcept;
/// `%016x.newest` by base LSN: an empty file that says that the segment was there, named and durable.
std::string newest_name(Lsn base);
std::optional<Lsn> parse_newest_name(std::string_view name) noexcept;
/// `%016x-%016x.cut` by LSN of the cut and salt of the segment that was cut.
std::string cut_name(Lsn lsn, std::uint64_t salt);
std::string join_path(const std::string& directory, std::string_view name);

std::array<std::byte, kSegmentHeaderBytes> encode_segment_header(const SegmentHeader& header) noexcept;
/// Errors: kUnsupported (newer format), kCorrupt; both name `path`.
Result<SegmentHeader> decode_segment_header(std::span<const std::byte> bytes, const std::string& path);

std::array<std::byte, kIdentityBytes> encode_identity(const Identity& identity) noexcept;
Result<Identity> decode_identity(std::span<const std::byte> bytes, const std::string& path);

struct SegmentFile {
  Lsn base = kNoLsn;
  bool begun = false;  ///< It has not got its own name yet.
};
/// The segments in a directory, oldest first, by the names of their files.
Result<std::vector<SegmentFile>> list_segments(FileSystem& files, const std::string& directory);
/// Opens a segment for reading, under the name it has; `path` is set to that. Errors: those of the file system.
Result<std::unique_ptr<File>> open_segment(FileSystem& files, const std::string& directory, Lsn base,
                                           std::string& path);
/// Errors: as the decoders, and those of the file system.
Result<Identity> load_identity(FileSystem& files, const std::string& directory);
Result<SegmentHeader> load_segment_header(File& file, const std::string& path);

/// 64 bits that nobody can guess, for store ids and salts.
std::uint64_t random_bits();

/// Opens `path` for writing, empty, whether it exists or not.
Result<std::unique_ptr<File>> create_afresh(FileSystem& files, const std::string& path);
/// Makes a file of `bytes` appear as `name`, whole and durable, or not at all.
Result<void> publish_file(FileSystem& files, const std::string& directory, std::string_view name,
                          std::span<const std::byte> bytes);

}  // namespace stave::log
