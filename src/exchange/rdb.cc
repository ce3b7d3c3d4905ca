#include "exchange/rdb.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/assert.h"
#include "base/try.h"
#include "exchange/rdb_stream.h"
#include "exchange/rdb_value.h"

namespace stave::exchange {

namespace {

// Marks that stand where a value's type could.
constexpr unsigned kSlotInfo = 0xf4;
constexpr unsigned kFunction = 0xf5;
constexpr unsigned kFunctionOld = 0xf6;
constexpr unsigned kModuleAux = 0xf7;
constexpr unsigned kIdle = 0xf8;
constexpr unsigned kFrequency = 0xf9;
constexpr unsigned kAux = 0xfa;
constexpr unsigned kResize = 0xfb;
constexpr unsigned kExpiresMs = 0xfc;
constexpr unsigned kExpiresSeconds = 0xfd;
constexpr unsigned kSelect = 0xfe;
constexpr unsigned kFileEnd = 0xff;

constexpr std::size_t kHeaderBytes = 9;
static_assert(kHeaderBytes == kRdbMagic.size() + 4);
/// From this version on a checksum follows the end; zero when the server was told not to make one.
constexpr int kVersionWithChecksum = 5;
constexpr std::size_t kAuxBytesMax = 1u << 20;
constexpr std::size_t kLibraryBytesMax = 16u << 20;

class RdbReader {
 public:
  RdbReader(Source& source, Sink& sink, const Limits& limits) : stream_(source), sink_(sink), limits_(limits) {}

  Result<Summary> read() {
    const std::uint64_t start = stream_.source().offset();
    STAVE_TRY(read_header());
    for (;;) {
      const std::uint64_t at = stream_.source().offset();
      STAVE_ASSIGN(const unsigned mark, stream_.byte());
      if (mark == kFileEnd) break;
      STAVE_TRY(mark >= kSlotInfo ? read_mark(mark) : read_key(mark, at));
    }
    if (version_ >= kVersionWithChecksum) STAVE_TRY(check_crc());
    STAVE_ASSERT(stream_.source().offset() > start);
    summary_.bytes = stream_.source().offset() - start;
    return summary_;
  }

 private:
  Result<void> read_header() {
    const std::uint64_t at = stream_.source().offset();
    STAVE_ASSIGN(const std::string_view head, stream_.take(kHeaderBytes));
    const std::string_view digits = head.substr(kRdbMagic.size());
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), version_);
    if (!head.starts_with(kRdbMagic) || error != std::errc{} || end != digits.data() + digits.size() || version_ < 1)
      return stream_.source().corrupt(at, "not a Redis snapshot");
    if (version_ > kRdbVersionMax)
      return stream_.source().fail_at(at + kRdbMagic.size(), ErrorCode::kUnsupported,
                                      "a Redis snapshot of version " + std::to_string(version_) +
                                          "; this Stave reads versions up to " + std::to_string(kRdbVersionMax));
    return {};
  }

  /// Everything that is not a key.
  Result<void> read_mark(unsigned mark) {
    switch (mark) {
      case kSelect: {
        STAVE_ASSIGN(const std::uint64_t database, stream_.length());
        if (database >= static_cast<std::uint64_t>(std::max(limits_.databases, 0)))
          return stream_.source().fail_at(stream_.source().offset(), ErrorCode::kInvalidArgument,
                                          "database " + std::to_string(database) + " is wanted, and there are " +
                                              std::to_string(limits_.databases) + " here");
        database_ = static_cast<int>(database);
        return {};
      }
      case kExpiresMs: {
        STAVE_ASSIGN(const std::int64_t ms, stream_.integer<std::int64_t>());
        set_deadline(ms);
        return {};
      }
      case kExpiresSeconds: {
        STAVE_ASSIGN(const std::int64_t seconds, stream_.integer<std::int32_t>());
        set_deadline(seconds * 1000);
        return {};
      }
      case kAux: return read_aux();
      case kResize: return skip_lengths(2);
      case kSlotInfo: return skip_lengths(3);
      case kIdle: return skip_lengths(1);
      case kFrequency: return stream_.skip(1);
      case kFunction: return read_library();
      case kModuleAux:
        STAVE_TRY(skip_lengths(3));  // the module, and when it wants to be told
        return skip_rdb_module(stream_);
      default: break;
    }
    return stream_.source().fail_at(stream_.source().offset() - 1, ErrorCode::kUnsupported,
                                    mark == kFunctionOld ? "functions as a release candidate of Redis 7 wrote them"
                                                         : "a mark that this version does not know");
  }

  Result<void> read_key(unsigned type, std::uint64_t at) {
    STAVE_ASSERT(type < kSlotInfo);
    const std::string_view name = rdb_type_name(type);
    if (name.empty())
      return stream_.source().fail_at(at, ErrorCode::kUnsupported,
                                      "a value of type " + std::to_string(type) + ", which this version does not know");
    STAVE_TRY(stream_.string(key_, limits_.key_bytes_max, "key"));
    const Expiry expiry = std::exchange(expiry_, {});
    const auto kind = rdb_kind(type);
    if (!kind) {
      STAVE_TRY(skip_rdb_value(stream_, type));
      ++summary_.skipped;
      return sink_.skip({database_, key_, name});
    }
    STAVE_ASSIGN(const auto value, value_reader_.read(stream_, type, limits_.value_bytes_max));
    if (!value) {
      // Versions of Redis are known that left such keys behind; those that read them leave them out, too.
      ++summary_.skipped;
      return sink_.skip({database_, key_, "empty " + std::string(name)});
    }
    ++summary_.entries;
    return sink_.take({.database = database_, .key = key_, .kind = *kind, .value = *value, .expiry = expiry});
  }

  /// Facts about the file, by name; they may be dropped.
  Result<void> read_aux() {
    STAVE_TRY(stream_.string(key_, kAuxBytesMax, "name"));
    STAVE_TRY(stream_.string(fact_, kAuxBytesMax, "fact"));
    std::int64_t seconds = 0;
    if (key_ != "ctime") return {};
    std::from_chars(fact_.data(), fact_.data() + fact_.size(), seconds);
    if (seconds > 0 && seconds <= kUnixMsMax / 1000) summary_.header.time = UnixMs{seconds * 1000};
    return {};
  }

  Result<void> read_library() {
    STAVE_TRY(stream_.string(fact_, kLibraryBytesMax, "library of functions"));
    STAVE_ASSIGN(const bool taken, sink_.take_library(fact_));
    if (taken) return {};
    ++summary_.skipped;
    return sink_.skip({0, {}, "library of functions"});
  }

  Result<void> skip_lengths(int count) {
    STAVE_ASSERT(count > 0);
    for (; count != 0; --count) STAVE_TRY(stream_.length());
    return {};
  }

  /// A time before all times has passed; one after all times never comes.
  void set_deadline(std::int64_t ms) noexcept { expiry_.at = UnixMs{std::clamp<std::int64_t>(ms, 1, kUnixMsMax)}; }

  Result<void> check_crc() {
    const std::uint64_t computed = stream_.crc();
    const std::uint64_t at = stream_.source().offset();
    STAVE_ASSIGN(const std::uint64_t stored, stream_.integer<std::uint64_t>());
    if (stored != 0 && stored != computed)
      return stream_.source().corrupt(at, "the file fails its checksum: something before this place is damaged");
    return {};
  }

  RdbStream stream_;
  RdbValueReader value_reader_;
  Sink& sink_;
  const Limits& limits_;
  Summary summary_{.format = Format::kRdb};
  int version_ = 0;
  int database_ = 0;
  Expiry expiry_{};
  std::string key_;
  std::string fact_;
};

}  // namespace

Result<Summary> read_rdb_preamble(Source& source, Sink& sink, const Limits& limits) {
  return RdbReader(source, sink, limits).read();
}

Result<Summary> read_rdb(Source& source, Sink& sink, const Limits& limits) {
  STAVE_ASSIGN(const Summary summary, read_rdb_preamble(source, sink, limits));
  STAVE_ASSIGN(const bool done, source.at_end());
  if (!done) return source.corrupt(source.offset(), "the snapshot goes on after its end");
  return summary;
}

}  // namespace stave::exchange
