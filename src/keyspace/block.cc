#include "keyspace/block.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>

#include "base/assert.h"
#include "base/memory_map.h"

namespace stave::keyspace {

/// Stands right before the bytes.
struct alignas(std::max_align_t) Block::Head {
  std::atomic<std::uint32_t> holders{1};
  bool mapped = false;
  std::atomic<bool> settled{false};
  std::size_t bytes = 0;
  ChunkSource* source = nullptr;

  [[nodiscard]] std::byte* begin() noexcept { return reinterpret_cast<std::byte*>(this); }
};

namespace {

std::size_t whole_pages(std::size_t bytes) noexcept {
  return (bytes + ChunkSource::kMapUnit - 1) / ChunkSource::kMapUnit * ChunkSource::kMapUnit;
}

}  // namespace

Block::Head& Block::head() const noexcept {
  return *reinterpret_cast<Head*>(at_ - sizeof(Head));
}

std::size_t Block::size() const noexcept {
  return head().bytes;
}

std::size_t Block::footprint() const noexcept {
  const std::size_t bytes = sizeof(Head) + head().bytes;
  return head().mapped ? whole_pages(bytes) : ChunkSource::footprint(bytes);
}

Block Block::make(ChunkSource& source, std::size_t bytes) noexcept {
  const bool mapped = bytes >= kMappedFrom;
  const std::size_t whole = sizeof(Head) + bytes;
  std::byte* const at = mapped ? source.map(whole_pages(whole)) : source.allocate(whole, alignof(Head));
  if (at == nullptr) return {};
  if (mapped) base::take_memory(at, whole_pages(whole));
  Head* const head = new (at) Head;
  head->mapped = mapped;
  head->bytes = bytes;
  head->source = &source;
  Block block(at + sizeof(Head));
  block.settle();
  return block;
}

void Block::settle() const noexcept {
  Head& mine = head();
  if (mine.mapped && !mine.settled.exchange(true, std::memory_order_relaxed)) mine.source->hold_mapping(footprint());
}

void Block::hold() const noexcept {
  if (at_ == nullptr) return;
  const std::uint32_t holders = head().holders.fetch_add(1, std::memory_order_relaxed);
  STAVE_ASSERT(holders != 0);
}

void Block::drop() noexcept {
  if (at_ == nullptr) return;
  Head& mine = head();
  const std::uint32_t holders = mine.holders.fetch_sub(1, std::memory_order_acq_rel);
  STAVE_ASSERT(holders != 0);
  if (holders == 1) {
    ChunkSource& source = *mine.source;
    if (mine.mapped) {
      source.unmap_later(mine.begin(), footprint(), mine.settled.load(std::memory_order_relaxed));
    } else {
      source.release(mine.begin(), sizeof(Head) + mine.bytes);
    }
  }
  at_ = nullptr;
}

// --- filling one --------------------------------------------------------------------------------

BlockWriter::~BlockWriter() {
  if (at_ != nullptr) source_->unmap_later(at_, mapped_, false);
}

std::string_view BlockWriter::view() const noexcept {
  if (at_ == nullptr) return {};
  return {reinterpret_cast<const char*>(at_ + sizeof(Block::Head)), size_};
}

bool BlockWriter::append(std::string_view bytes) noexcept {
  if (bytes.empty()) return true;
  if (bytes.size() > std::numeric_limits<std::size_t>::max() / 2 - size_) return false;
  const std::size_t needed = sizeof(Block::Head) + size_ + bytes.size();
  if (needed > mapped_) {
    // What is mapped ahead is not touched yet, and so no memory: an eighth means few calls.
    constexpr std::size_t kFirstBytes = std::size_t{1} << 20;
    const std::size_t wanted = whole_pages(std::max({needed, mapped_ + mapped_ / 8, kFirstBytes}));
    std::byte* const at = at_ == nullptr ? source_->map(wanted) : source_->remap(at_, mapped_, wanted);
    if (at == nullptr) return false;
    at_ = at;
    mapped_ = wanted;
  }
  std::memcpy(at_ + sizeof(Block::Head) + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
  return true;
}

Block BlockWriter::finish() noexcept {
  STAVE_ASSERT(size_ >= Block::kMappedFrom);
  const std::size_t kept = whole_pages(sizeof(Block::Head) + size_);
  // Giving back the end of a mapping needs no memory.
  if (kept < mapped_) source_->unmap(at_ + kept, mapped_ - kept);
  auto* const head = new (at_) Block::Head;
  head->mapped = true;
  head->bytes = std::exchange(size_, 0);
  head->source = source_;
  mapped_ = 0;
  return Block(std::exchange(at_, nullptr) + sizeof(Block::Head));
}

}  // namespace stave::keyspace
