#include "packing/compression.h"

#include <lz4.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <limits>
#include <new>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "base/try.h"
#include "log/segment.h"
#include "packing/compression_scratch.h"

namespace stave::packing {

namespace {

constexpr std::size_t kDictionaryIdBytes = 4;
constexpr std::size_t kVarintBytesMax = 5;
constexpr std::size_t kZstdMagicBytes = 4;
/// From here on lz4 is faster with a fresh table, whose entries are smaller (1.2 times at 1 KB, 1.8 times at 10 KB).
constexpr std::size_t kLz4StreamBytesMax = 512;

// --- the head of a payload ---------------------------------------------------------------------------

struct Head {
  Codec codec{};
  std::uint32_t dictionary = 0;
  std::size_t raw_bytes = 0;
  std::string_view body;
};

constexpr std::size_t varint_bytes(std::size_t number) {
  std::size_t bytes = 1;
  for (; number >= 0x80; number >>= 7) ++bytes;
  return bytes;
}

constexpr std::size_t head_bytes(Codec codec, std::size_t raw_bytes) {
  return 1 + (codec == Codec::kZstdDictionary ? kDictionaryIdBytes : 0) + varint_bytes(raw_bytes);
}

void write_head(char* to, Codec codec, std::uint32_t dictionary, std::size_t raw_bytes) {
  STAVE_ASSERT(raw_bytes != 0 && raw_bytes <= Compression::kRawBytesMax);
  STAVE_ASSERT((codec == Codec::kZstdDictionary) == (dictionary != 0));
  *to++ = static_cast<char>(codec);
  if (codec == Codec::kZstdDictionary) {
    base::store(to, dictionary);
    to += kDictionaryIdBytes;
  }
  for (; raw_bytes >= 0x80; raw_bytes >>= 7) *to++ = static_cast<char>(raw_bytes | 0x80);
  *to = static_cast<char>(raw_bytes);
}

std::unexpected<Error> corrupt(const char* sentence) {
  return fail(ErrorCode::kCorrupt, sentence);
}

/// The most that `bytes` of a codec's output can stand for. Nobody who lies about the size gets more memory than this.
std::uint64_t raw_bytes_max(Codec codec, std::uint64_t bytes) {
  // lz4: a byte lengthens a match by 255 at most. zstd: a block makes 128 KiB at most and takes 4 bytes at least.
  const std::uint64_t most = codec == Codec::kLz4 ? bytes * 255 : (bytes / 4 + 1) * (128u << 10);
  return std::min(most, Compression::kRawBytesMax);
}

Result<Head> read_head(std::string_view payload) {
  if (payload.empty()) return corrupt("a compressed value is empty");
  Head head;
  const auto codec = static_cast<unsigned char>(payload.front());
  if (codec == 0 || codec > static_cast<unsigned char>(Codec::kZstdDictionary))
    return fail(ErrorCode::kUnsupported, "a value is compressed in a way that this version does not know (" +
                                             std::to_string(codec) + "); open the store with a newer Stave");
  head.codec = static_cast<Codec>(codec);
  payload.remove_prefix(1);
  if (head.codec == Codec::kZstdDictionary) {
    if (payload.size() < kDictionaryIdBytes) return corrupt("a compressed value ends within its head");
    head.dictionary = base::load<std::uint32_t>(payload.data());
    payload.remove_prefix(kDictionaryIdBytes);
  }
  std::uint64_t raw_bytes = 0;
  for (std::size_t i = 0;; ++i) {
    if (i == kVarintBytesMax || i == payload.size()) return corrupt("a compressed value does not say how long it is");
    const auto byte = static_cast<unsigned char>(payload[i]);
    raw_bytes |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
    if ((byte & 0x80) != 0) continue;
    payload.remove_prefix(i + 1);
    break;
  }
  head.body = payload;
  if (raw_bytes == 0 || raw_bytes > raw_bytes_max(head.codec, payload.size()))
    return corrupt("a compressed value claims to be longer than its bytes can make it");
  head.raw_bytes = static_cast<std::size_t>(raw_bytes);
  return head;
}

// --- decoding: each writes exactly `raw_bytes` to `to`, or fails -------------------------------------

bool decode_lz4(const Head& head, char* to) {
  if (head.body.size() > std::numeric_limits<int>::max() || head.raw_bytes > LZ4_MAX_INPUT_SIZE) return false;
  const int made =
      LZ4_decompress_safe(head.body.data(), to, static_cast<int>(head.body.size()), static_cast<int>(head.raw_bytes));
  return made >= 0 && static_cast<std::size_t>(made) == head.raw_bytes;
}

bool decode_zstd(const Head& head, ZSTD_DCtx* context, char* to) {
  // One frame of today's format, nothing else that zstd would read: old formats, frames to skip, frames in a row.
  if (head.body.size() < kZstdMagicBytes || base::load<std::uint32_t>(head.body.data()) != ZSTD_MAGICNUMBER)
    return false;
  if (ZSTD_findFrameCompressedSize(head.body.data(), head.body.size()) != head.body.size()) return false;
  return ZSTD_decompressDCtx(context, to, head.raw_bytes, head.body.data(), head.body.size()) == head.raw_bytes;
}

bool decode_with(const Dictionary& dictionary, const Head& head, ZSTD_DCtx* context, char* frame, char* to) {
  STAVE_ASSERT(dictionary.id() == head.dictionary && frame != nullptr);
  // The frame lies there without its magic number, which is the same in all.
  base::store(frame, std::uint32_t{ZSTD_MAGICNUMBER});
  head.body.copy(frame + kZstdMagicBytes, head.body.size());
  const std::size_t bytes = kZstdMagicBytes + head.body.size();
  if (ZSTD_findFrameCompressedSize(frame, bytes) != bytes) return false;
  return ZSTD_decompress_usingDDict(context, to, head.raw_bytes, frame, bytes, dictionary.decoder()) == head.raw_bytes;
}

// --- what is not worth trying --------------------------------------------------------------------------

/// From here on a look at the value costs less than zstd's vain attempt.
constexpr std::size_t kNoiseBytesMin = 512;

/// Whether 512 bytes from all over `value` are spread as evenly as noise is: then no code for single bytes gains much.
bool looks_like_noise(std::string_view value) {
  constexpr std::size_t kLooks = 512;
  std::array<std::uint16_t, 256> seen{};
  // Eight in a row, so that one column of a table is not all that is seen.
  const std::size_t step = value.size() / (kLooks / 8);
  STAVE_ASSERT(step != 0);
  for (std::size_t at = 0; at + 8 <= value.size(); at += step)
    for (std::size_t i = 0; i < 8; ++i) ++seen[static_cast<unsigned char>(value[at + i])];
  std::size_t total = 0;
  std::size_t pairs = 0;
  for (const std::size_t count : seen) {
    total += count;
    pairs += count * (count - (count != 0 ? 1 : 0));
  }
  // Noise has total^2/256 equal pairs, within a tenth or so; base64 has 4 times as many, English 17 times.
  return pairs * 256 < total * total * 3 / 2;
}

/// Whether noise at least repeats itself in its first 64 KiB, as lz4 finds out in a tenth of zstd's time.
bool repeats_itself(std::string_view value) {
  value = value.substr(0, 64u << 10);
  CompressionScratch& scratch = CompressionScratch::of_this_thread();
  const std::size_t limit = Compression::payload_bytes_max(value.size());
  char* to = scratch.buffer(limit);
  LZ4_stream_t* table = scratch.lz4_state();
  if (to == nullptr || table == nullptr) return true;
  return LZ4_compress_fast_extState(table, value.data(), to, static_cast<int>(value.size()), static_cast<int>(limit),
                                    1) > 0;
}

// --- settings in one word ----------------------------------------------------------------------------

std::uint32_t to_word(Compression::Setting setting) {
  const int level = std::clamp(setting.level, Compression::kLevelMin, Compression::kLevelMax);
  return static_cast<std::uint32_t>(level) << 8 | static_cast<std::uint32_t>(setting.codec);
}

Compression::Setting from_word(std::uint32_t word) {
  const auto level = static_cast<int>(word >> 8);
  STAVE_ASSERT(level >= Compression::kLevelMin && level <= Compression::kLevelMax);
  return {.codec = static_cast<Codec>(word & 0xff), .level = level};
}

}  // namespace

Compression::Compression(FileSystem& files, std::string directory)
    : files_(files), directory_(std::move(directory)), setting_(to_word({})) {}

Compression::~Compression() = default;

Result<void> Compression::open() {
  STAVE_ASSIGN(const std::vector<std::string> names, files_.list(directory_));
  for (const std::string& name : names) {
    if (!is_dictionary_name(name)) continue;
    const std::string path = log::join_path(directory_, name);
    STAVE_ASSIGN(auto dictionary, read_dictionary(files_, path));
    if (!shelf_.add(std::move(dictionary)))
      return fail(Error(ErrorCode::kUnsupported,
                        "there are more dictionaries than a store can have (" + std::to_string(kDictionariesMax) + ")")
                      .with_file(path));
  }
  base::MutexLock lock(mutex_);
  choose_encoder();
  return {};
}

void Compression::set(Setting setting) {
  if (setting.codec == Codec::kZstdDictionary) setting.codec = Codec::kZstd;
  base::MutexLock lock(mutex_);
  setting_.store(to_word(setting), std::memory_order_release);
  choose_encoder();
}

Compression::Setting Compression::setting() const noexcept {
  return from_word(setting_.load(std::memory_order_acquire));
}

void Compression::choose_encoder() {
  const Setting now = setting();
  const bool zstd = now.codec == Codec::kZstd;
  samples_.enable(zstd && shelf_.size() < kDictionariesMax);
  const Dictionary* newest = zstd ? shelf_.newest() : nullptr;
  if (newest == nullptr) return encoder_.set(nullptr);
  const std::shared_ptr<const Encoder> used = encoder_.get();
  if (used != nullptr && used->id() == newest->id() && used->level() == now.level) return;
  encoder_.set(Encoder::make(newest->id(), newest->content(), now.level));
}

Compression::Stats Compression::stats() const {
  const CompressionCounters::Sums sums = counters_.sums();
  const std::shared_ptr<const Encoder> used = encoder_.get();
  return {.values_packed = sums.packed,
          .raw_bytes = sums.raw_bytes,
          .packed_bytes = sums.packed_bytes,
          .values_refused = sums.refused,
          .dictionaries = shelf_.size(),
          .dictionary = used != nullptr ? used->id() : 0};
}

// --- packing -----------------------------------------------------------------------------------------

std::optional<std::string_view> Compression::pack(std::string_view value) {
  const Setting now = setting();
  if (now.codec == Codec::kNone || value.size() < kDictionaryBytesMin || value.size() > kPackedBytesMax)
    return std::nullopt;
  if (now.codec == Codec::kLz4) {
    if (value.size() < kLz4BytesMin || value.size() > LZ4_MAX_INPUT_SIZE) return std::nullopt;
    return count(value, pack_lz4(value));
  }
  const bool with_dictionary = value.size() <= kDictionaryBytesMax && !encoder_.empty();
  if (!with_dictionary && (value.size() < kZstdBytesMin || value.size() > kRawBytesMax)) return std::nullopt;
  if (value.size() >= kNoiseBytesMin && looks_like_noise(value) && !repeats_itself(value))
    return count(value, std::nullopt);
  return count(value, with_dictionary ? pack_with_dictionary(value) : pack_zstd(value, now.level));
}

std::optional<std::string_view> Compression::count(std::string_view value, std::optional<std::string_view> packed) {
  if (packed) {
    STAVE_ASSERT(packed->size() <= payload_bytes_max(value.size()));
    counters_.packed(value.size(), packed->size());
  } else {
    counters_.refused();
  }
  return packed;
}

// Each of these gives its codec no more room than the result may take: what does not shrink is given up early.

std::optional<std::string_view> Compression::pack_lz4(std::string_view value) {
  CompressionScratch& scratch = CompressionScratch::of_this_thread();
  const std::size_t limit = payload_bytes_max(value.size());
  const std::size_t head = head_bytes(Codec::kLz4, value.size());
  STAVE_ASSERT(head < limit);
  char* to = scratch.buffer(limit);
  const bool small = value.size() < kLz4StreamBytesMax;
  LZ4_stream_t* table = small ? scratch.lz4_stream() : scratch.lz4_state();
  if (to == nullptr || table == nullptr) return std::nullopt;
  const int size = static_cast<int>(value.size());
  const int room = static_cast<int>(limit - head);
  int made = 0;
  if (small) {
    // A stream that goes on spares lz4 from clearing 16 KiB of table, which for such a value is half of the work.
    LZ4_resetStream_fast(table);
    made = LZ4_compress_fast_continue(table, value.data(), to + head, size, room, 1);
  } else {
    made = LZ4_compress_fast_extState(table, value.data(), to + head, size, room, 1);
  }
  if (made <= 0) return std::nullopt;
  write_head(to, Codec::kLz4, 0, value.size());
  return std::string_view(to, head + static_cast<std::size_t>(made));
}

std::optional<std::string_view> Compression::pack_zstd(std::string_view value, int level) {
  CompressionScratch& scratch = CompressionScratch::of_this_thread();
  const std::size_t limit = payload_bytes_max(value.size());
  const std::size_t head = head_bytes(Codec::kZstd, value.size());
  STAVE_ASSERT(head < limit);
  char* to = scratch.buffer(limit);
  ZSTD_CCtx* context = scratch.zstd(level);
  if (to == nullptr || context == nullptr) return std::nullopt;
  const std::size_t made = ZSTD_compress2(context, to + head, limit - head, value.data(), value.size());
  scratch.shrink_zstd();
  if (ZSTD_isError(made) != 0) return std::nullopt;
  write_head(to, Codec::kZstd, 0, value.size());
  return std::string_view(to, head + made);
}

std::optional<std::string_view> Compression::pack_with_dictionary(std::string_view value) {
  CompressionScratch& scratch = CompressionScratch::of_this_thread();
  const std::size_t limit = payload_bytes_max(value.size());
  const std::size_t head = head_bytes(Codec::kZstdDictionary, value.size());
  // The head ends where the frame's magic number does, and so takes its place.
  static_assert(1 + kDictionaryIdBytes >= kZstdMagicBytes);
  char* buffer = scratch.buffer(head + limit);
  ZSTD_CCtx* context = scratch.zstd(encoder_);
  if (buffer == nullptr || context == nullptr || limit <= head) return std::nullopt;
  char* frame = buffer + head - kZstdMagicBytes;
  const std::size_t made = ZSTD_compress2(context, frame, limit - head + kZstdMagicBytes, value.data(), value.size());
  if (ZSTD_isError(made) != 0) return std::nullopt;
  write_head(buffer, Codec::kZstdDictionary, scratch.dictionary(), value.size());
  STAVE_ASSERT(made >= kZstdMagicBytes);
  return std::string_view(buffer, head + made - kZstdMagicBytes);
}

// --- unpacking ---------------------------------------------------------------------------------------

Result<std::size_t> Compression::raw_size(std::string_view payload) {
  STAVE_ASSIGN(const Head head, read_head(payload));
  return head.raw_bytes;
}

Result<std::string_view> Compression::unpack(std::string_view payload, std::string& scratch) const {
  STAVE_ASSIGN(const Head head, read_head(payload));
  const Dictionary* dictionary = nullptr;
  if (head.codec == Codec::kZstdDictionary) {
    dictionary = shelf_.find(head.dictionary);
    if (dictionary == nullptr)
      return fail(ErrorCode::kCorrupt,
                  "a compressed value needs " + dictionary_name(head.dictionary) + ", which is missing");
  }
  CompressionScratch& mine = CompressionScratch::of_this_thread();
  ZSTD_DCtx* context = nullptr;
  char* frame = nullptr;
  if (head.codec != Codec::kLz4) context = mine.decoder();
  if (dictionary != nullptr) frame = mine.frame(kZstdMagicBytes + head.body.size());
  if ((head.codec != Codec::kLz4 && context == nullptr) || (dictionary != nullptr && frame == nullptr))
    return fail(ErrorCode::kNoMemory, "there is no memory to decompress a value");
  bool whole = false;
  try {
    scratch.clear();  // so that growing copies nothing
    scratch.resize_and_overwrite(head.raw_bytes, [&](char* to, std::size_t) {
      if (dictionary != nullptr) {
        whole = decode_with(*dictionary, head, context, frame, to);
      } else {
        whole = head.codec == Codec::kLz4 ? decode_lz4(head, to) : decode_zstd(head, context, to);
      }
      return whole ? head.raw_bytes : 0;
    });
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kNoMemory, "there is no memory for a value of " + std::to_string(head.raw_bytes) + " bytes");
  }
  if (!whole) return corrupt("a compressed value does not decode");
  STAVE_ASSERT(scratch.size() == head.raw_bytes);
  return std::string_view(scratch);
}

}  // namespace stave::packing
