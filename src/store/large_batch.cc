#include "store/large_batch.h"

#include "base/assert.h"

namespace stave::store {

std::shared_ptr<LargeBatch> LargeBatch::make(std::span<const log::RecordSpec> batch, Blocks blocks) {
  STAVE_ASSERT(batch.size() == blocks.size());
  std::size_t copied = 0;
  for (std::size_t i = 0; i < batch.size(); ++i)
    copied += batch[i].key.size() + (blocks[i] ? 0 : batch[i].payload.size());
  if (copied > kCopiedMax) return nullptr;
  auto held = std::make_shared<LargeBatch>();
  held->batch_.assign(batch.begin(), batch.end());
  held->lsns_.resize(batch.size());
  held->copied_.reserve(copied);
  const auto keep = [&text = held->copied_](std::string_view bytes) {
    const std::size_t at = text.size();
    STAVE_ASSERT(at + bytes.size() <= text.capacity());
    text += bytes;
    return std::string_view(text).substr(at);
  };
  for (std::size_t i = 0; i < batch.size(); ++i) {
    log::RecordSpec& record = held->batch_[i];
    record.key = keep(record.key);
    if (blocks[i]) {
      STAVE_ASSERT(blocks[i].view().data() == record.payload.data());
      held->blocks_.push_back(blocks[i]);
    } else {
      record.payload = keep(record.payload);
    }
  }
  STAVE_ASSERT(held->copied_.size() == copied);
  return held;
}

}  // namespace stave::store
