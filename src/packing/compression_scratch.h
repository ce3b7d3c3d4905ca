// What a thread needs to pack and unpack: the codecs' contexts and a buffer. One per thread, freed when it ends; large
// pieces are let go as soon as a small value does not need them.
#pragma once

#include <cstddef>
#include <memory>

#include "packing/compression_dictionary.h"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;
union LZ4_stream_u;

namespace stave::packing {

class CompressionScratch {
 public:
  static CompressionScratch& of_this_thread() noexcept;

  CompressionScratch() = default;
  ~CompressionScratch();
  CompressionScratch(const CompressionScratch&) = delete;
  CompressionScratch& operator=(const CompressionScratch&) = delete;

  // Each of these is null when there is no memory.

  /// A buffer of `size` bytes for what is packed; what an earlier one held is gone.
  char* buffer(std::size_t size) noexcept { return packed_.of(size); }
  /// Likewise for what is about to be unpacked.
  char* frame(std::size_t size) noexcept { return frame_.of(size); }
  /// For values one after the other, each of which it starts with no more than a look.
  LZ4_stream_u* lz4_stream() noexcept;
  /// For values whose table is cleared first. Not to be mixed with the other.
  LZ4_stream_u* lz4_state() noexcept;
  /// Set to `level`, and to frames that do not repeat what our head says.
  ZSTD_CCtx_s* zstd(int level) noexcept;
  /// Set to `encoder`, which this keeps a share of.
  ZSTD_CCtx_s* zstd(const EncoderSlot& slot) noexcept;
  ZSTD_DCtx_s* decoder() noexcept;
  /// Frees a context that a large value has blown up.
  void shrink_zstd() noexcept;
  /// Id of the dictionary of the last `zstd(slot)`.
  [[nodiscard]] std::uint32_t dictionary() const noexcept { return encoder_->id(); }

 private:
  class Buffer {
   public:
    char* of(std::size_t size) noexcept;

   private:
    std::unique_ptr<char[]> bytes_;
    std::size_t size_ = 0;
  };

  Buffer packed_;
  Buffer frame_;
  LZ4_stream_u* lz4_stream_ = nullptr;
  LZ4_stream_u* lz4_state_ = nullptr;
  ZSTD_CCtx_s* plain_ = nullptr;
  int plain_level_ = 0;
  ZSTD_CCtx_s* with_dictionary_ = nullptr;
  std::shared_ptr<const Encoder> encoder_;
  bool encoder_set_ = false;  ///< Whether `with_dictionary_` is set to it.
  ZSTD_DCtx_s* decoder_ = nullptr;
};

}  // namespace stave::packing
