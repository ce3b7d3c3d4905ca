// From samples to a dictionary in use.
#include <zstd.h>

#include <limits>
#include <new>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "base/try.h"
#include "log/segment.h"
#include "packing/compression.h"
#include "packing/compression_scratch.h"

namespace stave::packing {

namespace {

// Of a payload packed with a dictionary, what zstd does not count: our head for its magic number.
constexpr std::size_t kHeadBytesMore = 3;

/// What the log would take for these samples when they are packed with `encoder`; null: as they are.
std::size_t log_bytes(const SampleBatch& samples, std::shared_ptr<const Encoder> encoder) {
  EncoderSlot slot;
  slot.set(std::move(encoder));
  CompressionScratch scratch;
  ZSTD_CCtx* context = scratch.zstd(slot);
  if (context == nullptr) return samples.bytes.size();
  std::size_t total = 0;
  std::string_view rest = samples.bytes;
  for (const std::size_t size : samples.sizes) {
    const std::size_t most = Compression::payload_bytes_max(size);
    char* to = scratch.buffer(most);
    const std::size_t made = to != nullptr ? ZSTD_compress2(context, to, most, rest.data(), size) : size;
    total += ZSTD_isError(made) != 0 || made + kHeadBytesMore > most ? size : made + kHeadBytesMore;
    rest.remove_prefix(size);
  }
  STAVE_ASSERT(rest.empty());
  return total;
}

}  // namespace

Result<void> Compression::train() {
  base::MutexLock lock(training_mutex_);
  SampleBatch samples = samples_.take();
  if (samples.sizes.empty()) return {};
  Result<bool> trained = false;
  try {
    trained = train_from(std::move(samples));
  } catch (const std::bad_alloc&) {
    trained = fail(ErrorCode::kNoMemory, "there is no memory to train a dictionary");
  }
  samples_.resume(trained && *trained);
  if (!trained) return fail(std::move(trained).error());
  return {};
}

Result<bool> Compression::train_from(SampleBatch samples) {
  const SampleSplit split = split_samples(std::move(samples));
  if (split.training.sizes.empty() || split.test.sizes.empty()) return false;
  std::string content = train_dictionary(split.training);
  if (content.empty()) return false;
  const std::shared_ptr<const Encoder> candidate = Encoder::make(0, content, setting().level);
  if (candidate == nullptr) return false;
  const std::size_t now = log_bytes(split.test, encoder_.get());
  if (log_bytes(split.test, candidate) * 10 > now * 9) return false;
  return adopt(std::move(content));
}

Result<bool> Compression::adopt(std::string content) {
  const Dictionary* newest = shelf_.newest();
  const std::uint32_t last = newest != nullptr ? newest->order() : 0;
  // No store comes that far, but a file may say so: then there is no later one.
  if (shelf_.size() == kDictionariesMax || last == std::numeric_limits<std::uint32_t>::max()) return false;
  std::uint32_t id = 0;
  for (std::uint64_t seed = 0; id == 0; ++seed) {
    id = static_cast<std::uint32_t>(base::xxh3(base::as_bytes(content), seed));
    const Dictionary* holder = shelf_.find(id);
    if (holder != nullptr && holder->content() == content) return false;
    if (holder != nullptr) id = 0;
  }
  const std::uint32_t order = last + 1;
  const std::string file = encode_dictionary(id, order, content);
  STAVE_ASSIGN(auto dictionary, Dictionary::make(id, order, std::move(content)));
  // On disk before anything can need it.
  STAVE_TRY(log::publish_file(files_, directory_, dictionary_name(id), base::as_bytes(file)));
  base::MutexLock lock(mutex_);
  const bool added = shelf_.add(std::move(dictionary));
  STAVE_ASSERT(added);
  choose_encoder();
  return true;
}

Result<void> Compression::take_over(std::string_view file) {
  STAVE_ASSIGN(auto dictionary, decode_dictionary(file, log::join_path(directory_, "a dictionary that was received")));
  base::MutexLock training(training_mutex_);
  const std::uint32_t id = dictionary->id();
  if (knows(id)) return {};
  if (shelf_.size() == kDictionariesMax)
    return fail(ErrorCode::kUnsupported, "there are more dictionaries than a store can have");
  STAVE_TRY(log::publish_file(files_, directory_, dictionary_name(id), base::as_bytes(file)));
  base::MutexLock lock(mutex_);
  const bool added = shelf_.add(std::move(dictionary));
  STAVE_ASSERT(added);
  choose_encoder();
  return {};
}

}  // namespace stave::packing
