#include "doors/resp/output.h"

#include <algorithm>
#include <new>

#include "base/assert.h"

namespace stave::resp {

using Block = BlockPool::Block;

BlockPool::~BlockPool() {
  while (free_ != nullptr) {
    Block* const next = free_->next;
    ::operator delete(free_);
    free_ = next;
  }
}

Block* BlockPool::take(std::size_t least) {
  constexpr std::size_t kRoom = kBlockBytes - sizeof(Block);
  if (least <= kRoom && free_ != nullptr) {
    Block* const block = std::exchange(free_, free_->next);
    --kept_;
    *block = {nullptr, kRoom, 0, 0};
    return block;
  }
  const std::size_t capacity = std::max(least, kRoom);
  return new (::operator new(sizeof(Block) + capacity)) Block{nullptr, capacity, 0, 0};
}

void BlockPool::give(Block* block) noexcept {
  if (block->capacity == kBlockBytes - sizeof(Block) && kept_ < kKeptMax) {
    block->next = std::exchange(free_, block);
    ++kept_;
  } else {
    ::operator delete(block);
  }
}

void Output::grow(std::size_t bytes) {
  Block* const block = pool_.take(bytes);
  if (tail_ == nullptr) {
    head_ = block;
  } else {
    settle();
    base_ += tail_->used;
    tail_->next = block;
  }
  tail_ = block;
  at_ = block->bytes();
  end_ = at_ + block->capacity;
}

std::size_t Output::gather(std::uint64_t limit, iovec* pieces, std::size_t most) noexcept {
  settle();
  std::uint64_t left = std::min(limit, appended()) - std::min(limit, sent_);
  std::size_t count = 0;
  for (Block* block = head_; block != nullptr && left > 0 && count < most; block = block->next) {
    const std::size_t length = static_cast<std::size_t>(std::min<std::uint64_t>(block->used - block->sent, left));
    if (length == 0) continue;
    pieces[count++] = {block->bytes() + block->sent, length};
    left -= length;
  }
  return count;
}

void Output::advance(std::size_t bytes) noexcept {
  settle();
  sent_ += bytes;
  STAVE_ASSERT(sent_ <= appended());
  while (head_ != nullptr) {
    const std::size_t here = std::min(head_->used - head_->sent, bytes);
    head_->sent += here;
    bytes -= here;
    if (head_->sent < head_->used) return;
    if (head_ == tail_) {
      base_ += tail_->used;
      pool_.give(tail_);
      head_ = tail_ = nullptr;
      at_ = end_ = nullptr;
      return;
    }
    Block* const next = head_->next;
    pool_.give(head_);
    head_ = next;
  }
}

void Output::truncate(std::uint64_t from) noexcept {
  settle();
  STAVE_ASSERT(from >= sent_);
  if (from >= appended()) return;
  std::uint64_t keep = from - sent_;
  if (keep == 0) {
    clear();
    base_ = sent_ = from;
    return;
  }
  Block* block = head_;
  std::uint64_t begin = sent_ - head_->sent;
  while (keep > block->used - block->sent) {
    keep -= block->used - block->sent;
    begin += block->used;
    block = block->next;
  }
  while (block->next != nullptr) {
    Block* const extra = block->next;
    block->next = extra->next;
    pool_.give(extra);
  }
  tail_ = block;
  base_ = begin;
  at_ = block->bytes() + block->sent + keep;
  end_ = block->bytes() + block->capacity;
  settle();
}

void Output::clear() noexcept {
  base_ = sent_ = appended();
  while (head_ != nullptr) {
    Block* const next = head_->next;
    pool_.give(head_);
    head_ = next;
  }
  tail_ = nullptr;
  at_ = end_ = nullptr;
}

}  // namespace stave::resp
