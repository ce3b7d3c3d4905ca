// The memory of a large value: one piece, counted by who holds it.
//
// The entry of a key is one holder. Whoever sends the value is another, for as long as that takes: so it need not be
// copied, and goes on unharmed when the key is overwritten, deleted or spilled meanwhile. Whoever receives a value
// fills the memory that it is going to lie in. Promises: bytes do not change once an entry holds them; memory is taken
// as it is filled; from kMappedFrom on it goes straight back to the system. Must not know: keys, entries.
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>

#include "keyspace/block_heap.h"
#include "keyspace/chunk_source.h"

namespace stave::keyspace {

/// A share of a block; null when empty. Threads: any, each with its own share. The source outlives all shares.
class Block {
 public:
  /// Values from this size on lie in such blocks: for smaller ones a copy costs less than the count.
  static constexpr std::size_t kBytesMin = std::size_t{16} << 10;
  static_assert(kBytesMin > BlockHeap::kBytesMax, "a block that may have several holders is never moved");
  /// From this size on a block is a mapping of its own, of whole pages.
  static constexpr std::size_t kMappedFrom = std::size_t{4} << 20;

  Block() = default;
  Block(const Block& other) noexcept : at_(other.at_) { hold(); }
  Block(Block&& other) noexcept : at_(std::exchange(other.at_, nullptr)) {}
  Block& operator=(Block other) noexcept {
    std::swap(at_, other.at_);
    return *this;
  }
  ~Block() { drop(); }

  /// A block of `bytes` of any content, held once; null when there is no memory.
  [[nodiscard]] static Block make(ChunkSource& source, std::size_t bytes) noexcept;
  /// One more share of the block whose bytes begin at `at`.
  [[nodiscard]] static Block share(std::byte* at) noexcept {
    Block block(at);
    block.hold();
    return block;
  }
  /// Gives up this share without giving up the block: `adopt` takes it over.
  [[nodiscard]] std::byte* release() noexcept { return std::exchange(at_, nullptr); }
  [[nodiscard]] static Block adopt(std::byte* at) noexcept { return Block(at); }
  /// It is a value from now on, and its memory held. One that was received is not before; `make` says so itself.
  void settle() const noexcept;

  explicit operator bool() const noexcept { return at_ != nullptr; }
  [[nodiscard]] std::byte* data() const noexcept { return at_; }
  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] std::string_view view() const noexcept {
    return at_ == nullptr ? std::string_view{} : std::string_view{reinterpret_cast<const char*>(at_), size()};
  }
  /// Bytes that it takes.
  [[nodiscard]] std::size_t footprint() const noexcept;

 private:
  friend class BlockWriter;
  struct Head;
  explicit Block(std::byte* at) noexcept : at_(at) {}
  [[nodiscard]] Head& head() const noexcept;
  void hold() const noexcept;
  void drop() noexcept;

  std::byte* at_ = nullptr;
};

/// A block that grows as it is filled, for a value whose length is not known, or not to be trusted.
class BlockWriter {
 public:
  explicit BlockWriter(ChunkSource& source) noexcept : source_(&source) {}
  BlockWriter(BlockWriter&& other) noexcept
      : source_(other.source_),
        at_(std::exchange(other.at_, nullptr)),
        mapped_(std::exchange(other.mapped_, 0)),
        size_(std::exchange(other.size_, 0)) {}
  BlockWriter& operator=(BlockWriter other) noexcept {
    std::swap(source_, other.source_);
    std::swap(at_, other.at_);
    std::swap(mapped_, other.mapped_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~BlockWriter();

  /// False, and nothing changed, when there is no memory. Cost: the copy; growing moves nothing.
  [[nodiscard]] bool append(std::string_view bytes) noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Valid until the next call.
  [[nodiscard]] std::string_view view() const noexcept;
  /// What was appended, kMappedFrom bytes at least; the writer is empty again.
  [[nodiscard]] Block finish() noexcept;

 private:
  ChunkSource* source_;
  std::byte* at_ = nullptr;  ///< The mapping; the value begins behind a head.
  std::size_t mapped_ = 0;
  std::size_t size_ = 0;
};

}  // namespace stave::keyspace
