#include "keyspace/expiry_queue.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/assert.h"

namespace stave::keyspace {

// --- memory ----------------------------------------------------------------------------------------------------------

bool ExpiryQueue::reserve(ChunkSource& source) noexcept {
  if (size_ < block_count_ * kItemsPerBlock) return true;
  if (block_count_ == directory_size_ && !grow_directory(source)) return false;
  std::byte* const block = source.allocate(kItemsPerBlock * sizeof(Item), alignof(Item));
  if (block == nullptr) {
    if (block_count_ == 0) release(source);
    return false;
  }
  blocks_[block_count_++] = reinterpret_cast<Item*>(block);
  return true;
}

bool ExpiryQueue::grow_directory(ChunkSource& source) noexcept {
  const std::uint32_t size = std::max(directory_size_ * 2, 4u);
  std::byte* const at = source.allocate(size * sizeof(Item*), alignof(Item*));
  if (at == nullptr) return false;
  if (directory_size_ != 0) {
    std::memcpy(at, blocks_, block_count_ * sizeof(Item*));
    source.release(reinterpret_cast<std::byte*>(blocks_), directory_size_ * sizeof(Item*));
  }
  blocks_ = reinterpret_cast<Item**>(at);
  directory_size_ = size;
  return true;
}

/// One free block is kept, so that an item that comes and goes does not send it back and forth.
void ExpiryQueue::trim(ChunkSource& source) noexcept {
  if (size_ == 0) {
    release(source);
  } else if (size_ + 2 * kItemsPerBlock <= block_count_ * kItemsPerBlock) {
    source.release(reinterpret_cast<std::byte*>(blocks_[--block_count_]), kItemsPerBlock * sizeof(Item));
  }
}

void ExpiryQueue::release(ChunkSource& source) noexcept {
  while (block_count_ != 0)
    source.release(reinterpret_cast<std::byte*>(blocks_[--block_count_]), kItemsPerBlock * sizeof(Item));
  if (directory_size_ != 0) source.release(reinterpret_cast<std::byte*>(blocks_), directory_size_ * sizeof(Item*));
  blocks_ = nullptr;
  directory_size_ = 0;
  size_ = 0;
  publish();
}

std::uint64_t ExpiryQueue::bytes() const noexcept {
  if (directory_size_ == 0) return 0;
  return block_count_ * ChunkSource::footprint(kItemsPerBlock * sizeof(Item)) +
         ChunkSource::footprint(directory_size_ * sizeof(Item*));
}

// --- the heap --------------------------------------------------------------------------------------------------------

ExpiryQueue::Item ExpiryQueue::make_item(UnixMs deadline, Ref ref) noexcept {
  const auto bits = static_cast<std::uint64_t>(raw(deadline));
  return {static_cast<std::uint32_t>(bits), static_cast<std::uint32_t>(bits >> 32), ref};
}

void ExpiryQueue::put(std::uint32_t slot, const Item& its, Arena& arena) noexcept {
  item(slot) = its;
  arena.entry(its.ref).set_queue_slot(slot);
}

void ExpiryQueue::sift_up(std::uint32_t slot, Item its, Arena& arena) noexcept {
  while (slot != 0) {
    const std::uint32_t parent = (slot - 1) / kChildren;
    if (item(parent).deadline() <= its.deadline()) break;
    put(slot, item(parent), arena);
    slot = parent;
  }
  put(slot, its, arena);
}

void ExpiryQueue::sift_down(std::uint32_t slot, Item its, Arena& arena) noexcept {
  for (;;) {
    const std::uint64_t first = std::uint64_t{slot} * kChildren + 1;
    if (first >= size_) break;
    auto least = static_cast<std::uint32_t>(first);
    const auto end = static_cast<std::uint32_t>(std::min<std::uint64_t>(first + kChildren, size_));
    for (std::uint32_t child = least + 1; child < end; ++child)
      if (item(child).deadline() < item(least).deadline()) least = child;
    if (item(least).deadline() >= its.deadline()) break;
    put(slot, item(least), arena);
    slot = least;
  }
  put(slot, its, arena);
}

/// Puts an item that belongs about there where it belongs.
void ExpiryQueue::settle(std::uint32_t slot, const Item& its, Arena& arena) noexcept {
  if (slot != 0 && its.deadline() < item((slot - 1) / kChildren).deadline()) {
    sift_up(slot, its, arena);
  } else {
    sift_down(slot, its, arena);
  }
}

void ExpiryQueue::add(Ref ref, Arena& arena) noexcept {
  STAVE_ASSERT(size_ < block_count_ * kItemsPerBlock);
  const Item its = make_item(arena.entry(ref).expiry().at, ref);
  sift_up(size_++, its, arena);
  publish();
}

void ExpiryQueue::remove(std::uint32_t slot, Arena& arena) noexcept {
  STAVE_ASSERT(slot < size_ && arena.entry(item(slot).ref).queue_slot() == slot);
  const Item last = item(--size_);
  if (slot != size_) settle(slot, last, arena);
  trim(arena.source());
  publish();
}

void ExpiryQueue::update(std::uint32_t slot, Arena& arena) noexcept {
  STAVE_ASSERT(slot < size_);
  const Ref ref = item(slot).ref;
  STAVE_ASSERT(arena.entry(ref).queue_slot() == slot);
  settle(slot, make_item(arena.entry(ref).expiry().at, ref), arena);
  publish();
}

void ExpiryQueue::publish() noexcept {
  const std::int64_t next = size_ != 0 ? item(0).deadline() : raw(kNoDeadline);
  if (next >= next_.load(std::memory_order_relaxed)) {
    next_.store(next, std::memory_order_relaxed);
    return;
  }
  next_.store(next, std::memory_order_seq_cst);
  if (hint_ != nullptr) hint_->lower(UnixMs{next});
}

// --- what is due -----------------------------------------------------------------------------------------------------

struct ExpiryQueue::Collection {
  std::int64_t now;
  std::size_t max;
  std::size_t work;  ///< Items still to be looked at; a bound on how long the shard is held.
  Arena& arena;
  std::vector<std::string>& keys;
};

void ExpiryQueue::collect(UnixMs now, std::size_t max, Arena& arena, std::vector<std::string>& keys) {
  constexpr std::size_t kLooksPerKey = 8;
  Collection collection{raw(now), max, max * kLooksPerKey, arena, keys};
  collect_below(0, collection);
  publish();
}

/// What is due is the top of the heap, so it is enough to go down until something is not. The depth is that of the
/// heap.
void ExpiryQueue::collect_below(std::uint32_t slot, Collection& c) {
  for (;;) {
    if (slot >= size_ || item(slot).deadline() > c.now || c.max == 0 || c.work == 0) return;
    --c.work;
    const Ref ref = item(slot).ref;
    const Entry entry = c.arena.entry(ref);
    const UnixMs deadline = entry.expiry().at;
    if (raw(deadline) > item(slot).deadline()) {
      // It was put off since; something else takes its place here.
      sift_down(slot, make_item(deadline, ref), c.arena);
      continue;
    }
    if (!entry.detached()) {
      c.keys.emplace_back(entry.key());
      --c.max;
    }
    break;
  }
  const std::uint64_t first = std::uint64_t{slot} * kChildren + 1;
  for (std::uint64_t child = first; child < first + kChildren && child < size_; ++child)
    collect_below(static_cast<std::uint32_t>(child), c);
}

void ExpiryQueue::check(const Arena& arena) const noexcept {
  STAVE_ASSERT(size_ <= block_count_ * kItemsPerBlock && block_count_ <= directory_size_);
  STAVE_ASSERT(raw(next_deadline()) == (size_ != 0 ? item(0).deadline() : raw(kNoDeadline)));
  for (std::uint32_t slot = 0; slot < size_; ++slot) {
    const Item& its = item(slot);
    const Entry entry = arena.entry(its.ref);
    STAVE_ASSERT(entry.has_expiry() && entry.queue_slot() == slot);
    // It may have been put off in the entry alone, and never brought forward.
    STAVE_ASSERT(raw(entry.expiry().at) >= its.deadline());
    STAVE_ASSERT(slot == 0 || item((slot - 1) / kChildren).deadline() <= its.deadline());
  }
}

void ExpiryQueue::swap(ExpiryQueue& other) noexcept {
  std::swap(blocks_, other.blocks_);
  std::swap(size_, other.size_);
  std::swap(block_count_, other.block_count_);
  std::swap(directory_size_, other.directory_size_);
  publish();
  other.publish();
}

}  // namespace stave::keyspace
