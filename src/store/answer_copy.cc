#include "store/answer_copy.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "base/assert.h"
#include "store/collection.h"
#include "store/pages.h"

namespace stave::store {

namespace {

/// Where one block has its memory from. It goes with the block, which gives its memory back to it last of all.
class CountedSource final : public keyspace::ChunkSource {
 public:
  CountedSource(keyspace::ChunkSource& memory, Budget& budget) noexcept : memory_(memory), budget_(budget) {}

  std::byte* allocate(std::size_t bytes, std::size_t alignment) noexcept override {
    STAVE_ASSERT(alignment <= alignof(std::max_align_t));
    return counted(footprint(bytes), [&] { return static_cast<std::byte*>(std::malloc(bytes)); });
  }
  void release(std::byte* at, std::size_t bytes) noexcept override {
    std::free(at);
    end(footprint(bytes));
  }
  std::byte* map(std::size_t bytes) noexcept override {
    return counted(bytes, [&] { return memory_.map(bytes); });
  }
  void unmap_later(std::byte* at, std::size_t bytes, bool) noexcept override {
    memory_.unmap_later(at, bytes, false);  // it never was a value
    end(bytes);
  }
  // It counts already, and as what it is.
  void hold_mapping(std::size_t) noexcept override {}
  void drop_mapping(std::size_t) noexcept override {}

  // A block that is made in one go asks for none of this.
  std::byte* take(std::size_t) noexcept override { return nullptr; }
  void give(std::byte*, std::size_t) noexcept override { STAVE_ASSERT(false && "no chunks come from here"); }
  std::byte* allocate_denser(const std::byte*, std::size_t) noexcept override { return nullptr; }
  std::byte* remap(std::byte*, std::size_t, std::size_t) noexcept override { return nullptr; }
  void unmap(std::byte*, std::size_t) noexcept override { STAVE_ASSERT(false && "it is given back whole, and later"); }

 private:
  template <class Take>
  std::byte* counted(std::size_t bytes, Take&& take) noexcept {
    if (!budget_.take_buffer(bytes)) {
      // One is made however large it is, as one value is always shown: there is no other way to read it.
      if (budget_.stats().buffers > kLittleBytes) return nullptr;
      budget_.force_buffer(bytes);
    }
    std::byte* const at = take();
    if (at == nullptr) budget_.give_buffer(bytes);
    return at;
  }
  void end(std::size_t bytes) noexcept {
    budget_.give_buffer(bytes);
    delete this;
  }

  /// What clients leave unread while they read: some blocks of their outputs.
  static constexpr std::uint64_t kLittleBytes = 1u << 20;

  keyspace::ChunkSource& memory_;
  Budget& budget_;
};

}  // namespace

keyspace::Block make_answer_copy(keyspace::ChunkSource& memory, Budget& budget, std::size_t bytes) noexcept {
  auto* const source = new (std::nothrow) CountedSource(memory, budget);
  if (source == nullptr) return {};
  keyspace::Block block = keyspace::Block::make(*source, bytes);
  if (!block) delete source;
  return block;
}

Result<void> copy_of_string(Transaction& transaction, std::string_view paged, std::uint64_t at, std::size_t count,
                            LoadedValue& to) {
  TransactionPages pages(transaction, identity_of(paged));
  const String::Paged form(pages, root_of(paged));
  to = {};
  char* bytes = nullptr;
  if (count >= keyspace::Block::kBytesMin) {
    // Who shows it shares it, as any large value; but it is theirs, as an answer that was written for them.
    Engine& engine = transaction.engine();
    to.block = make_answer_copy(engine.keyspace().source(), engine.budget(), count);
    if (!to.block) return fail(ErrorCode::kNoMemory, "there is no memory to put the value together");
    bytes = reinterpret_cast<char*>(to.block.data());
  } else {
    to.text.resize(count);
    bytes = to.text.data();
  }
  form.visit(at, count, [&](std::uint64_t here, std::size_t size, std::string_view piece) {
    if (piece.empty()) {
      std::memset(bytes + (here - at), 0, size);
    } else {
      std::memcpy(bytes + (here - at), piece.data(), size);
    }
    return !pages.failed();
  });
  if (pages.failed()) return pages.failure();
  return {};
}

}  // namespace stave::store
