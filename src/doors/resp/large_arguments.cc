#include "doors/resp/large_arguments.h"

#include <utility>

#include "base/assert.h"

namespace stave::resp {

void LargeArguments::begin(std::size_t size) {
  STAVE_ASSERT(!writer_ && size >= kBytesMin);
  blocks_.reserve(blocks_.size() + 1);
  writer_.emplace(engine_.block_writer());
  size_ = size;
}

bool LargeArguments::append(std::string_view bytes) noexcept {
  STAVE_ASSERT(bytes.size() <= missing());
  return counted_.resize(counted_.bytes() + bytes.size()) && writer_->append(bytes);
}

std::string_view LargeArguments::finish() noexcept {
  STAVE_ASSERT(writer_ && writer_->size() == size_ && blocks_.size() < blocks_.capacity());
  blocks_.push_back(writer_->finish());
  writer_.reset();
  STAVE_ASSERT(blocks_.back().size() == size_);
  return blocks_.back().view();
}

}  // namespace stave::resp
