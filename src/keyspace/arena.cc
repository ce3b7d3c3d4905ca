#include "keyspace/arena.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

#include "base/assert.h"
#include "base/bytes.h"
#include "keyspace/poison.h"

namespace stave::keyspace {

// Slots are counted from the end of the page, so that slots of 32 bytes do not straddle cache lines. A free slot holds
// the place (offset in the page, in units) of the next free one.
struct Arena::Page {
  std::uint8_t cls;
  bool wide;            ///< As large as its chunk, and the only one in it.
  std::uint16_t used;   ///< Slots in use.
  std::uint16_t fresh;  ///< Slots that were ever used: the rest needs no list.
  std::uint16_t free;   ///< First of the list of free slots; 0 ends it.
  PageId next;          ///< Of the same class, with room.
  PageId previous;

  [[nodiscard]] bool full() const noexcept { return used == (wide ? kSlotsPerChunk : kSlotsPerPage)[cls]; }
  [[nodiscard]] std::size_t bytes() const noexcept { return wide ? ChunkSource::kChunkBytes : kPageBytes; }
};

struct Arena::State {
  PageId with_room[kClassCount] = {};   ///< Heads of the lists of pages.
  std::uint16_t* free_pages = nullptr;  ///< By chunk number: a bit per free page. Zero for blocks.
  std::uint32_t* notes = nullptr;       ///< By number. Unused: the next unused one. In use: kWide or 0.
  std::uint32_t free_number = 0;        ///< First of that list.
  std::uint32_t fresh_number = 1;       ///< Numbers from here on were never used.
  std::uint32_t capacity = 0;           ///< Of the directory.
  std::uint32_t chunks = 0;             ///< Held, blocks not counted.
  std::uint32_t pages = 0;              ///< In use.
  std::uint32_t wide = 0;               ///< Of these, wide ones.
  std::uint32_t roomy = 0;              ///< No chunk below this number has a free page.
  std::uint32_t spare = 0;              ///< A chunk without a page in use, kept for the next one.
  std::uint16_t small_pages[kClassCount] = {};
};

namespace {
constexpr std::uint16_t kAllPages = 0xffff;
constexpr std::uint32_t kWide = 1;
/// A size with this many small pages gets wide ones, where headers and remainders cost next to nothing.
constexpr std::uint16_t kWideFrom = 64;
constexpr std::size_t kPerNumber = sizeof(std::byte*) + sizeof(std::uint16_t) + sizeof(std::uint32_t);
}  // namespace

Arena::Page* Arena::page(PageId id) const noexcept {
  static_assert(sizeof(Page) == kPageHeaderBytes);
  return reinterpret_cast<Page*>(chunks_[id / kPagesPerChunk] + std::size_t{id % kPagesPerChunk} * kPageBytes);
}

// --- slots -----------------------------------------------------------------------------------------------------------

Ref Arena::allocate(std::size_t bytes) noexcept {
  if (bytes > kSlotBytesMax) return allocate_large(bytes);
  const std::size_t cls = size_class(bytes);
  PageId id = state_ != nullptr ? state_->with_room[cls] : 0;
  if (id == 0) {
    id = take_page(cls);
    if (id == 0) return kNoRef;
  }
  return allocate_in(id);
}

/// A slot of a page that has one.
Ref Arena::allocate_in(PageId id) noexcept {
  Page& from = *page(id);
  const std::size_t size = kSlotBytes[from.cls];
  auto* const page_bytes = reinterpret_cast<std::byte*>(&from);
  std::size_t place = std::size_t{from.free} * kRefUnit;
  if (place == 0) place = from.bytes() - ++from.fresh * size;
  unpoison(page_bytes + place, size);
  if (from.free != 0) from.free = base::load<std::uint16_t>(page_bytes + place);
  ++from.used;
  if (from.full()) unlink(id, from);
  used_bytes_ += size;
  const std::size_t offset = (id % kPagesPerChunk) * kPageBytes + place;
  return (id / kPagesPerChunk) << kOffsetBits | static_cast<Ref>(offset / kRefUnit);
}

void Arena::release(Ref ref, std::size_t bytes) noexcept {
  const std::uint32_t number = ref >> kOffsetBits;
  if (bytes > kSlotBytesMax) {
    std::byte* const block = chunks_[number];
    give_number(number);
    release_block(block, bytes);
    return;
  }
  const std::size_t offset = std::size_t{ref & kOffsetMask} * kRefUnit;
  const PageId id = page_of(ref);
  const std::size_t start = (id % kPagesPerChunk) * kPageBytes;
  Page& from = *page(id);
  const std::size_t size = kSlotBytes[from.cls];
  STAVE_ASSERT(from.cls == size_class(bytes) && from.used != 0);
  std::byte* const at = chunks_[number] + offset;
  base::store(at, from.free);
  poison(at, size);
  from.free = static_cast<std::uint16_t>((offset - start) / kRefUnit);
  used_bytes_ -= size;
  const bool was_full = from.full();
  --from.used;
  if (was_full) link(id, from);
  if (from.used == 0) {
    unlink(id, from);
    give_page(id);
  }
}

Arena::PageId Arena::page_of(Ref ref) const noexcept {
  const std::uint32_t number = ref >> kOffsetBits;
  const std::size_t offset = std::size_t{ref & kOffsetMask} * kRefUnit;
  const bool wide = state_->notes[number] == kWide;
  return number * kPagesPerChunk + static_cast<PageId>(wide ? 0 : offset / kPageBytes);
}

/// A page with room of the same size that is fuller; 0: none is. Towards the fuller one only, so that moving comes to
/// an end. As wide as its own, or wider: slots per page differ.
Arena::PageId Arena::fuller_page(PageId own) const noexcept {
  const Page& from = *page(own);
  if (from.full()) return 0;
  PageId other = state_->with_room[from.cls];
  if (other == own) other = from.next;
  if (other == 0 || (page(other)->wide == from.wide && page(other)->used < from.used)) return 0;
  return from.wide && !page(other)->wide ? 0 : other;
}

/// The same in a chunk before, or fuller and in the same chunk. The list is looked at some pages deep: with each one
/// that is emptied or filled others come to its front.
Arena::PageId Arena::page_before(PageId own) const noexcept {
  constexpr int kLooks = 16;
  const Page& from = *page(own);
  PageId best = 0;
  int looks = 0;
  for (PageId id = state_->with_room[from.cls]; id != 0 && looks != kLooks; id = page(id)->next, ++looks) {
    if (id == own || (best != 0 && id > best)) continue;
    const bool same_chunk = id / kPagesPerChunk == own / kPagesPerChunk;
    if (page(id)->wide || (same_chunk ? page(id)->used >= from.used : id < own)) best = id;
  }
  return best;
}

// While a chunk could be spared, things move towards the first chunks, so that the last ones empty; else towards fuller
// pages, wherever these are. Moving alone does not lead from the one back to the other: it begins no page unless some
// more are free than that takes. So it comes to an end.
Ref Arena::allocate_denser(Ref ref) noexcept {
  constexpr std::uint32_t kMargin = 4;
  const PageId own = page_of(ref);
  const Page& from = *page(own);
  State& s = *state_;
  const std::uint32_t free = (s.chunks - s.wide) * kPagesPerChunk - (s.pages - s.wide);
  if (from.wide || free < kPagesPerChunk) {
    const PageId fuller = fuller_page(own);
    return fuller == 0 ? kNoRef : allocate_in(fuller);
  }
  if (const PageId before = page_before(own); before != 0) return allocate_in(before);
  if (free < kPagesPerChunk + kMargin) return kNoRef;
  while (s.roomy < s.fresh_number && s.free_pages[s.roomy] == 0) ++s.roomy;
  if (s.roomy >= own / kPagesPerChunk) return kNoRef;
  const auto index = static_cast<unsigned>(std::countr_zero(s.free_pages[s.roomy]));
  return allocate_in(start_page(s.roomy, index, from.cls, false));
}

// --- pages -----------------------------------------------------------------------------------------------------------

void Arena::link(PageId id, Page& page_) noexcept {
  PageId& head = state_->with_room[page_.cls];
  page_.previous = 0;
  page_.next = head;
  if (head != 0) page(head)->previous = id;
  head = id;
}

void Arena::unlink(PageId id, Page& page_) noexcept {
  if (page_.previous != 0) {
    page(page_.previous)->next = page_.next;
  } else {
    STAVE_ASSERT(state_->with_room[page_.cls] == id);
    state_->with_room[page_.cls] = page_.next;
  }
  if (page_.next != 0) page(page_.next)->previous = page_.previous;
}

/// The number of a chunk without a page in use; 0 when there is no memory.
std::uint32_t Arena::take_chunk() noexcept {
  State& s = *state_;
  if (s.spare != 0) return std::exchange(s.spare, 0);
  const std::uint32_t number = take_number();
  if (number == 0) return 0;
  std::byte* const chunk = source_->take(1);
  if (chunk == nullptr) {
    give_number(number);
    return 0;
  }
  poison(chunk, ChunkSource::kChunkBytes);
  chunks_[number] = chunk;
  s.notes[number] = 0;
  s.free_pages[number] = kAllPages;
  s.roomy = std::min(s.roomy, number);
  ++s.chunks;
  return number;
}

Arena::PageId Arena::start_page(std::uint32_t number, unsigned index, std::size_t cls, bool wide) noexcept {
  State& s = *state_;
  s.free_pages[number] = static_cast<std::uint16_t>(wide ? 0 : s.free_pages[number] & ~(1u << index));
  s.notes[number] = wide ? kWide : 0;
  if (number == s.spare) s.spare = 0;
  if (wide) {
    ++s.wide;
  } else {
    ++s.small_pages[cls];
  }
  ++s.pages;
  const PageId id = number * kPagesPerChunk + index;
  auto* const at = reinterpret_cast<std::byte*>(page(id));
  unpoison(at, kPageHeaderBytes);
  link(id, *new (at) Page{static_cast<std::uint8_t>(cls), wide, 0, 0, 0, 0, 0});
  return id;
}

Arena::PageId Arena::take_page(std::size_t cls) noexcept {
  if (state_ == nullptr && !grow_directory()) return 0;
  if (state_->small_pages[cls] >= kWideFrom)
    if (const std::uint32_t number = take_chunk(); number != 0) return start_page(number, 0, cls, true);
  // The lowest chunk with room, so that the others may empty.
  State& s = *state_;
  while (s.roomy < s.fresh_number && s.free_pages[s.roomy] == 0) ++s.roomy;
  const std::uint32_t number = s.roomy < s.fresh_number ? s.roomy : take_chunk();
  if (number != 0) return start_page(number, static_cast<unsigned>(std::countr_zero(s.free_pages[number])), cls, false);
  if (s.pages == 0 && used_bytes_ == 0) release_all();
  return 0;
}

void Arena::give_page(PageId id) noexcept {
  State& s = *state_;
  const std::uint32_t number = id / kPagesPerChunk;
  const Page gone = *page(id);
  poison(reinterpret_cast<std::byte*>(page(id)), gone.bytes());
  if (gone.wide) {
    s.free_pages[number] = kAllPages;
    s.notes[number] = 0;
    --s.wide;
  } else {
    s.free_pages[number] = static_cast<std::uint16_t>(s.free_pages[number] | 1u << id % kPagesPerChunk);
    --s.small_pages[gone.cls];
  }
  s.roomy = std::min(s.roomy, number);
  --s.pages;
  if (s.pages == 0 && used_bytes_ == 0) {
    release_all();
  } else if (s.free_pages[number] == kAllPages) {
    give_chunk(number);
  }
}

/// Gives back a chunk without a page in use, unless it is the only such one: that is kept, so that a page that comes
/// and goes does not send a chunk back and forth. Of two the lower one is kept.
void Arena::give_chunk(std::uint32_t number) noexcept {
  State& s = *state_;
  if (s.spare == 0) {
    s.spare = number;
    return;
  }
  const std::uint32_t leaving = std::max(s.spare, number);
  s.spare = std::min(s.spare, number);
  give_back(leaving);
}

void Arena::give_spare() noexcept {
  if (state_ == nullptr || state_->spare == 0) return;
  give_back(std::exchange(state_->spare, 0));
}

/// A chunk without a page in use.
void Arena::give_back(std::uint32_t number) noexcept {
  State& s = *state_;
  unpoison(chunks_[number], ChunkSource::kChunkBytes);
  source_->give(chunks_[number], 1);
  s.free_pages[number] = 0;
  --s.chunks;
  give_number(number);
}

// --- chunks and blocks -----------------------------------------------------------------------------------------------

bool Arena::grow_directory() noexcept {
  const std::uint32_t had = state_ != nullptr ? state_->capacity : 0;
  if (had == kChunksMax) return false;
  State* state = state_;
  if (state == nullptr) {
    std::byte* const at = source_->allocate(sizeof(State), alignof(State));
    if (at == nullptr) return false;
    state = new (at) State;
  }
  const std::uint32_t capacity = std::min(std::max(had * 2, 8u), kChunksMax);
  // Three arrays in one block, the widest first.
  std::byte* const block = source_->allocate(capacity * kPerNumber, alignof(std::byte*));
  if (block == nullptr) {
    if (state_ == nullptr) source_->release(reinterpret_cast<std::byte*>(state), sizeof(State));
    return false;
  }
  auto** const chunks = reinterpret_cast<std::byte**>(block);
  auto* const notes = reinterpret_cast<std::uint32_t*>(block + capacity * sizeof(std::byte*));
  auto* const free_pages = reinterpret_cast<std::uint16_t*>(notes + capacity);
  std::memset(block, 0, capacity * kPerNumber);
  if (had != 0) {
    std::memcpy(chunks, chunks_, had * sizeof *chunks);
    std::memcpy(notes, state->notes, had * sizeof *notes);
    std::memcpy(free_pages, state->free_pages, had * sizeof *free_pages);
    source_->release(reinterpret_cast<std::byte*>(chunks_), had * kPerNumber);
  }
  chunks_ = chunks;
  state->notes = notes;
  state->free_pages = free_pages;
  state->capacity = capacity;
  state_ = state;
  if (had == 0) state->roomy = 1;
  return true;
}

std::uint32_t Arena::take_number() noexcept {
  State& s = *state_;
  if (s.free_number != 0) return std::exchange(s.free_number, s.notes[s.free_number]);
  if (s.fresh_number == s.capacity && !grow_directory()) return 0;
  return s.fresh_number++;
}

void Arena::give_number(std::uint32_t number) noexcept {
  chunks_[number] = nullptr;
  state_->notes[number] = std::exchange(state_->free_number, number);
}

Ref Arena::allocate_large(std::size_t bytes) noexcept {
  if (state_ == nullptr && !grow_directory()) return kNoRef;
  const std::uint32_t number = take_number();
  std::byte* const block = number != 0 ? allocate_block(bytes) : nullptr;
  if (block == nullptr) {
    if (number != 0) give_number(number);
    if (state_->pages == 0 && used_bytes_ == 0) release_all();
    return kNoRef;
  }
  chunks_[number] = block;
  return number << kOffsetBits;
}

std::byte* Arena::allocate_block(std::size_t bytes) noexcept {
  std::byte* const at = source_->allocate(bytes, alignof(std::max_align_t));
  if (at != nullptr) count_block(ChunkSource::footprint(bytes));
  return at;
}

void Arena::release_block(std::byte* at, std::size_t bytes) noexcept {
  source_->release(at, bytes);
  discount_block(ChunkSource::footprint(bytes));
}

void Arena::count_block(std::size_t footprint) noexcept {
  used_bytes_ += footprint;
  block_bytes_ += footprint;
}

void Arena::discount_block(std::size_t footprint) noexcept {
  used_bytes_ -= footprint;
  block_bytes_ -= footprint;
  if (used_bytes_ == 0) release_all();
}

std::byte* Arena::move_block_denser(std::byte* at, std::size_t bytes) noexcept {
  std::byte* const to = source_->allocate_denser(at, bytes);
  if (to == nullptr) return at;
  std::memcpy(to, at, bytes);
  source_->release(at, bytes);
  return to;
}

std::uint64_t Arena::held_bytes() const noexcept {
  if (state_ == nullptr) return block_bytes_;
  return block_bytes_ + std::uint64_t{state_->chunks} * ChunkSource::kChunkBytes +
         ChunkSource::footprint(sizeof(State)) + ChunkSource::footprint(state_->capacity * kPerNumber);
}

void Arena::release_all() noexcept {
  if (state_ == nullptr) return;
  STAVE_ASSERT(block_bytes_ == 0);
  for (std::uint32_t number = 1; number < state_->fresh_number; ++number) {
    if (chunks_[number] == nullptr) continue;
    unpoison(chunks_[number], ChunkSource::kChunkBytes);
    source_->give(chunks_[number], 1);
  }
  source_->release(reinterpret_cast<std::byte*>(chunks_), state_->capacity * kPerNumber);
  source_->release(reinterpret_cast<std::byte*>(state_), sizeof(State));
  chunks_ = nullptr;
  state_ = nullptr;
  used_bytes_ = 0;
}

void Arena::swap(Arena& other) noexcept {
  std::swap(chunks_, other.chunks_);
  std::swap(state_, other.state_);
  std::swap(source_, other.source_);
  std::swap(used_bytes_, other.used_bytes_);
  std::swap(block_bytes_, other.block_bytes_);
}

}  // namespace stave::keyspace
