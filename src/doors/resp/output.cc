#include "doors/resp/output.h"

#include <algorithm>
#include <new>

#include "base/assert.h"

namespace stave::resp {

using Block = BlockPool::Block;

BlockPool::~BlockPool() {
  while (free_ != nullptr) destroy(std::exchange(free_, free_->next));
}

bool BlockPool::count(std::uint64_t bytes, bool must) noexcept {
  if (meter_ == nullptr || meter_->take_buffer(bytes)) return true;
  // What is kept for later is not worth more than what is wanted now.
  for (; free_ != nullptr; --kept_) destroy(std::exchange(free_, free_->next));
  STAVE_ASSERT(kept_ == 0);
  if (meter_->take_buffer(bytes)) return true;
  if (must) meter_->force_buffer(bytes);
  return must;
}

void BlockPool::destroy(Block* block) noexcept {
  if (meter_ != nullptr) meter_->give_buffer(sizeof(Block) + block->capacity);
  ::operator delete(block);
}

Block* BlockPool::take(std::size_t least, bool must) noexcept {
  constexpr std::size_t kRoom = kRoomBytes;
  if (least <= kRoom && free_ != nullptr) {
    Block* const block = std::exchange(free_, free_->next);
    STAVE_ASSERT(block->capacity == kRoom);
    STAVE_ASSERT(kept_ != 0);
    --kept_;
    *block = {nullptr, kRoom, 0, 0};
    return block;
  }
  const std::size_t capacity = std::max(least, kRoom);
  if (!count(sizeof(Block) + capacity, must)) return nullptr;
  void* const memory = ::operator new(sizeof(Block) + capacity, std::nothrow);
  if (memory != nullptr) return new (memory) Block{nullptr, capacity, 0, 0};
  if (meter_ != nullptr) meter_->give_buffer(sizeof(Block) + capacity);
  return nullptr;
}

void BlockPool::give(Block* block) noexcept {
  STAVE_ASSERT(block->sent <= block->used && block->used <= block->capacity);
  if (block->capacity == kRoomBytes && kept_ < kKeptMax) {
    block->next = std::exchange(free_, block);
    ++kept_;
  } else {
    destroy(block);
  }
}

// --- appending --------------------------------------------------------------------------------

void Output::refuse(Refusal why) noexcept {
  refusal_ = why;
  // Nothing fits any more, so that the way in is closed at no cost to it.
  settle();
  end_ = at_;
}

bool Output::full() noexcept {
  if (refusal_ != Refusal::kNone) return true;
  if (pending() <= limit_ || must_) return false;
  refuse(Refusal::kLimit);
  return true;
}

bool Output::grow(std::size_t bytes) noexcept {
  if (full()) return false;
  // The first block of a client is never refused: whoever has read what it asked for gets its small answers, whatever
  // others leave unread.
  const bool must = (head_ == nullptr && bytes <= BlockPool::kRoomBytes) || (must_ && bytes <= kShortBytes);
  Block* const block = pool_.take(bytes, must);
  if (block == nullptr) {
    refuse(Refusal::kMemory);
    return false;
  }
  must_ = false;
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
  STAVE_ASSERT(static_cast<std::size_t>(end_ - at_) >= bytes);
  return true;
}

void Output::append_shared(const commands::SharedBytes& bytes) noexcept {
  if (bytes.size == 0 || full()) return;
  STAVE_ASSERT(bytes.at + bytes.size <= bytes.block.view().size());
  try {
    pieces_.push_back({.text_at = text_end(), .bytes = bytes});
  } catch (const std::bad_alloc&) {
    return refuse(Refusal::kMemory);
  }
  shared_bytes_ += bytes.size;
}

void Output::retract(std::uint64_t from) noexcept {
  STAVE_ASSERT(refusal_ == Refusal::kMemory);
  truncate(from);
  refusal_ = Refusal::kNone;
  if (tail_ != nullptr) end_ = tail_->bytes() + tail_->capacity;
  must_ = true;
}

// --- sending ----------------------------------------------------------------------------------

std::size_t Output::gather(std::uint64_t limit, iovec* pieces, std::size_t most) noexcept {
  settle();
  std::uint64_t left = std::min(limit, appended()) - std::min(limit, sent_);
  std::size_t count = 0;
  Block* block = head_;
  std::size_t skip = block == nullptr ? 0 : block->sent;
  std::uint64_t text = text_sent_;
  // Describes the text up to its position `until`.
  const auto take_text = [&](std::uint64_t until) {
    while (text < until && left > 0 && count < most) {
      STAVE_ASSERT(block != nullptr);
      const std::uint64_t here = std::min<std::uint64_t>({block->used - skip, until - text, left});
      if (here > 0) pieces[count++] = {block->bytes() + skip, static_cast<std::size_t>(here)};
      text += here;
      left -= here;
      skip += here;
      if (skip < block->used) continue;
      block = block->next;
      skip = block == nullptr ? 0 : block->sent;
    }
  };
  for (std::size_t i = first_; i < pieces_.size() && left > 0 && count < most; ++i) {
    const Piece& piece = pieces_[i];
    take_text(piece.text_at);
    if (left == 0 || count == most) break;
    const std::string_view bytes = piece.bytes.view().substr(piece.sent);
    const std::size_t here = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), left));
    pieces[count++] = {const_cast<char*>(bytes.data()), here};
    left -= here;
  }
  take_text(text_end());
  return count;
}

void Output::advance_text(std::size_t bytes) noexcept {
  text_sent_ += bytes;
  while (head_ != nullptr) {
    const std::size_t here = std::min(head_->used - head_->sent, bytes);
    head_->sent += here;
    bytes -= here;
    if (head_->sent < head_->used) return;
    if (head_ == tail_) {
      // With a value still to come before the next text, or none: the block is done with either way.
      STAVE_ASSERT(bytes == 0);
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

void Output::drop_sent_pieces() noexcept {
  if (first_ == pieces_.size()) {
    std::vector<Piece>().swap(pieces_);
    first_ = 0;
  } else if (first_ >= 64 && first_ * 2 >= pieces_.size()) {
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

void Output::advance(std::size_t bytes) noexcept {
  settle();
  sent_ += bytes;
  STAVE_ASSERT(sent_ <= appended());
  while (first_ < pieces_.size()) {
    Piece& piece = pieces_[first_];
    STAVE_ASSERT(piece.text_at >= text_sent_ && piece.sent <= piece.bytes.size);
    const std::size_t text = static_cast<std::size_t>(std::min<std::uint64_t>(piece.text_at - text_sent_, bytes));
    advance_text(text);
    bytes -= text;
    if (text_sent_ < piece.text_at) return;
    const std::size_t here = std::min(piece.left(), bytes);
    piece.sent += here;
    bytes -= here;
    if (piece.left() > 0) return;
    piece.bytes = {};  // its memory goes as soon as it is sent
    ++first_;
    drop_sent_pieces();
  }
  advance_text(bytes);
  STAVE_ASSERT(sound());
}

// --- taking back ------------------------------------------------------------------------------

void Output::truncate_text(std::uint64_t from) noexcept {
  STAVE_ASSERT(from >= text_sent_);
  if (from >= text_end()) return;
  std::uint64_t keep = from - text_sent_;
  if (keep == 0) {
    clear_text();
    base_ = from;
    return;
  }
  Block* block = head_;
  std::uint64_t begin = text_sent_ - head_->sent;
  while (keep > block->used - block->sent) {
    STAVE_ASSERT(block->next != nullptr);
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

void Output::truncate(std::uint64_t from) noexcept {
  settle();
  STAVE_ASSERT(from >= sent_);
  if (from >= appended()) return;
  std::uint64_t keep = from - sent_;
  std::uint64_t text = text_sent_;
  std::size_t i = first_;
  for (; i < pieces_.size(); ++i) {
    Piece& piece = pieces_[i];
    const std::uint64_t before = piece.text_at - text;
    if (keep <= before) break;
    keep -= before;
    text = piece.text_at;
    if (keep < piece.left()) {
      // Cut within it: nothing behind it stays.
      shared_bytes_ -= piece.left() - keep;
      piece.bytes.size = piece.sent + static_cast<std::size_t>(keep);
      keep = 0;
      ++i;
      break;
    }
    keep -= piece.left();
  }
  for (std::size_t gone = i; gone < pieces_.size(); ++gone) shared_bytes_ -= pieces_[gone].left();
  pieces_.erase(pieces_.begin() + static_cast<std::ptrdiff_t>(i), pieces_.end());
  drop_sent_pieces();
  truncate_text(text + keep);
  STAVE_ASSERT(appended() == from && sound());
}

void Output::clear_text() noexcept {
  while (head_ != nullptr) {
    Block* const next = head_->next;
    pool_.give(head_);
    head_ = next;
  }
  tail_ = nullptr;
  at_ = end_ = nullptr;
}

void Output::clear() noexcept {
  const std::uint64_t end = appended();
  const std::uint64_t text = text_end();
  clear_text();
  std::vector<Piece>().swap(pieces_);
  first_ = 0;
  base_ = text_sent_ = text;
  sent_ = end;
  STAVE_ASSERT(sound());
}

bool Output::sound() const noexcept {
  if (text_sent_ > text_end() || sent_ > appended() || first_ > pieces_.size()) return false;
  if (head_ == nullptr && text_sent_ != text_end()) return false;
  // Everything is sent exactly when nothing of either kind is left.
  return (pending() == 0) == (text_sent_ == text_end() && first_ == pieces_.size());
}

}  // namespace stave::resp
