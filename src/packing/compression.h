// Values made smaller on their way into the log, and whole again on their way back.
//
// Promises: `unpack(pack(v))` is `v`, whatever was set or trained in between, also after a restart: a dictionary is
// durable before anything is packed with it, and none is ever removed. What is packed is smaller by an eighth at least;
// anything else is refused and goes into the log as it is. Payloads are checked like input of a stranger: an error,
// never a crash, and no more memory than their size can account for. Must not know: records, keys, the engine.
//
// Payload: u8 codec, u32 dictionary id (kZstdDictionary only), varint raw size, the codec's bytes (docs/format.md).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "packing/compression_counters.h"
#include "packing/compression_dictionary.h"
#include "packing/compression_samples.h"
#include "stave/error.h"
#include "stave/file_system.h"

namespace stave::packing {

/// Numbers on disk; they never change.
enum class Codec : std::uint8_t { kNone = 0, kLz4 = 1, kZstd = 2, kZstdDictionary = 3 };

class Compression {
 public:
  struct Setting {
    Codec codec = Codec::kLz4;  ///< kNone, kLz4 or kZstd. kZstd uses a dictionary for small values once there is one.
    int level = 3;              ///< Of zstd, kLevelMin to kLevelMax; anything outside counts as the nearest.
    friend bool operator==(const Setting&, const Setting&) = default;
  };
  static constexpr int kLevelMin = 1;
  static constexpr int kLevelMax = 19;
  /// The largest value that is packed or unpacked.
  static constexpr std::uint64_t kRawBytesMax = 1ull << 31;
  /// Larger values are not tried: what packs and unpacks them would take as much memory again.
  static constexpr std::size_t kPackedBytesMax = 16u << 20;
  /// Smaller values are not tried.
  static constexpr std::size_t kLz4BytesMin = 128;
  static constexpr std::size_t kZstdBytesMin = 256;
  /// Values of these sizes use a dictionary when there is one.
  static constexpr std::size_t kDictionaryBytesMin = 32;
  static constexpr std::size_t kDictionaryBytesMax = 16u << 10;

  /// The longest payload that is worth it.
  static constexpr std::size_t payload_bytes_max(std::size_t raw_bytes) noexcept {
    return raw_bytes - (raw_bytes + 7) / 8;
  }

  struct Stats {
    std::uint64_t values_packed = 0;
    std::uint64_t raw_bytes = 0;       ///< Of the values that were packed.
    std::uint64_t packed_bytes = 0;    ///< What they became, heads included.
    std::uint64_t values_refused = 0;  ///< Tried, and not worth it.
    std::size_t dictionaries = 0;      ///< That can be read.
    std::uint32_t dictionary = 0;      ///< Id of the one in use; 0: none.
  };

  /// Both must outlive this.
  Compression(FileSystem& files, std::string directory);
  ~Compression();
  Compression(const Compression&) = delete;
  Compression& operator=(const Compression&) = delete;

  /// Loads the directory's dictionaries. Errors: kCorrupt with file and offset, kUnsupported (of a later version, or
  /// too many), kIo, kNoMemory. Threads: before all others.
  Result<void> open();

  /// What `pack` does from now on; what was packed stays readable. Cost: up to some milliseconds when there is a
  /// dictionary. Threads: any.
  void set(Setting setting);
  [[nodiscard]] Setting setting() const noexcept;

  /// What to log instead of `value`; nullopt when that is not worth it (too small or too large, or not smaller by an
  /// eighth), or when there is no memory to try. Valid until the next call by this thread. Cost: docs/compression.md.
  /// Threads: any.
  std::optional<std::string_view> pack(std::string_view value);

  /// The value that `payload` was packed from; a view of `scratch`. Errors: kCorrupt (does not decode, or needs a
  /// dictionary that is not there), kUnsupported (an unknown codec), kNoMemory. Threads: any.
  Result<std::string_view> unpack(std::string_view payload, std::string& scratch) const;
  /// Size of that value. Errors: as `unpack`. Cost: a few nanoseconds.
  static Result<std::size_t> raw_size(std::string_view payload);

  /// Shows a value that was written, so that it may serve to train a dictionary. Cost: a few nanoseconds, tens for
  /// values that are looked at. Threads: any.
  void sample(std::string_view value) {
    if (samples_.wanted() && value.size() >= kDictionaryBytesMin && value.size() <= kDictionaryBytesMax)
      samples_.offer(value);
  }
  /// Whether `train` has something to do.
  [[nodiscard]] bool training_due() const noexcept { return samples_.full(); }
  /// Builds a dictionary from the samples, and when it beats what is in use by a tenth on samples that it was not built
  /// from: stores it, then uses it. Nothing happens when training is not due. Errors: kIo, kNoSpace and the like;
  /// nothing changed then but for files `*.new`. Cost: tens to hundreds of milliseconds and some 20 MB. Threads: any;
  /// one at a time gets to work.
  Result<void> train();

  /// How many dictionaries can be read: one load.
  [[nodiscard]] std::size_t dictionaries() const noexcept { return shelf_.size(); }
  /// Whether the one of that id can.
  [[nodiscard]] bool knows(std::uint32_t id) const noexcept { return shelf_.find(id) != nullptr; }
  /// Takes the file of a dictionary over from another copy of the store: it is durable when this returns. Nothing when
  /// it is known. Errors: kCorrupt, kUnsupported (too many, or of a later version), those of the files. Threads: any.
  Result<void> take_over(std::string_view file);

  [[nodiscard]] Stats stats() const;

 private:
  std::optional<std::string_view> pack_lz4(std::string_view value);
  std::optional<std::string_view> pack_zstd(std::string_view value, int level);
  std::optional<std::string_view> pack_with_dictionary(std::string_view value);
  std::optional<std::string_view> count(std::string_view value, std::optional<std::string_view> packed);
  void choose_encoder() STAVE_REQUIRES(mutex_);
  Result<bool> train_from(SampleBatch samples) STAVE_REQUIRES(training_mutex_);
  Result<bool> adopt(std::string content) STAVE_REQUIRES(training_mutex_);

  FileSystem& files_;
  const std::string directory_;
  std::atomic<std::uint32_t> setting_;
  DictionaryShelf shelf_;
  CompressionSamples samples_;
  CompressionCounters counters_;

  /// Held while a dictionary is made; taken before `mutex_`.
  base::Mutex training_mutex_;
  /// Held while the setting or the encoder changes. Neither is ever taken by `pack` or `unpack`.
  base::Mutex mutex_;
  /// The dictionary in use at the level that is set; null when there is none, or no use for it.
  EncoderSlot encoder_;
};

}  // namespace stave::packing
