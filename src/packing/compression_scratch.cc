#include "packing/compression_scratch.h"

#include <lz4.h>
#include <zstd.h>

#include <algorithm>
#include <bit>
#include <new>

#include "base/assert.h"

namespace stave::packing {

namespace {

constexpr std::size_t kBufferBytesMin = 16u << 10;
// A buffer above this is freed when a smaller one will do.
constexpr std::size_t kBufferBytesKept = 1u << 20;
// zstd takes some 3 MiB for large values at its usual levels, and up to 100 MiB at the highest.
constexpr std::size_t kContextBytesKept = 8u << 20;

ZSTD_CCtx* make_context() noexcept {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  if (context == nullptr) return nullptr;
  // Our own head has the size and the dictionary, and the record a checksum.
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 0);
  ZSTD_CCtx_setParameter(context, ZSTD_c_dictIDFlag, 0);
  return context;
}

}  // namespace

CompressionScratch& CompressionScratch::of_this_thread() noexcept {
  thread_local CompressionScratch scratch;
  return scratch;
}

CompressionScratch::~CompressionScratch() {
  LZ4_freeStream(lz4_stream_);
  LZ4_freeStream(lz4_state_);
  ZSTD_freeCCtx(plain_);
  ZSTD_freeCCtx(with_dictionary_);
  ZSTD_freeDCtx(decoder_);
}

char* CompressionScratch::Buffer::of(std::size_t size) noexcept {
  if (size > size_ || (size_ > kBufferBytesKept && size <= kBufferBytesKept)) {
    const std::size_t wanted = size > kBufferBytesKept ? size : std::max(kBufferBytesMin, std::bit_ceil(size));
    bytes_.reset();  // first, so that there are never two
    bytes_.reset(new (std::nothrow) char[wanted]);
    size_ = bytes_ != nullptr ? wanted : 0;
  }
  STAVE_ASSERT(bytes_ == nullptr || size <= size_);
  return bytes_.get();
}

LZ4_stream_t* CompressionScratch::lz4_stream() noexcept {
  if (lz4_stream_ == nullptr) lz4_stream_ = LZ4_createStream();
  return lz4_stream_;
}

LZ4_stream_t* CompressionScratch::lz4_state() noexcept {
  if (lz4_state_ == nullptr) lz4_state_ = LZ4_createStream();
  return lz4_state_;
}

ZSTD_CCtx* CompressionScratch::zstd(int level) noexcept {
  if (plain_ == nullptr) {
    plain_ = make_context();
    if (plain_ == nullptr) return nullptr;
    plain_level_ = 0;
  }
  if (plain_level_ != level) {
    // A value that did not fit leaves a frame begun, and with one zstd takes no new settings.
    ZSTD_CCtx_reset(plain_, ZSTD_reset_session_only);
    ZSTD_CCtx_setParameter(plain_, ZSTD_c_compressionLevel, level);
    plain_level_ = level;
  }
  return plain_;
}

ZSTD_CCtx* CompressionScratch::zstd(const EncoderSlot& slot) noexcept {
  if (slot.refresh(encoder_)) encoder_set_ = false;
  if (encoder_ == nullptr) return nullptr;
  if (with_dictionary_ == nullptr) {
    with_dictionary_ = make_context();
    if (with_dictionary_ == nullptr) return nullptr;
    encoder_set_ = false;
  }
  if (!encoder_set_) {
    ZSTD_CCtx_reset(with_dictionary_, ZSTD_reset_session_only);  // as above
    if (ZSTD_isError(ZSTD_CCtx_refCDict(with_dictionary_, encoder_->digested())) != 0) return nullptr;
    encoder_set_ = true;
  }
  return with_dictionary_;
}

ZSTD_DCtx* CompressionScratch::decoder() noexcept {
  if (decoder_ == nullptr) decoder_ = ZSTD_createDCtx();
  return decoder_;
}

void CompressionScratch::shrink_zstd() noexcept {
  if (ZSTD_sizeof_CCtx(plain_) <= kContextBytesKept) return;
  ZSTD_freeCCtx(plain_);
  plain_ = nullptr;
}

}  // namespace stave::packing
