#include "commands/queued_calls.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/assert.h"
#include "commands/session.h"

namespace stave::commands {

bool QueuedCalls::add(const Session& session, const Resolved& resolved, Arguments arguments, int database,
                      std::uint64_t bytes_max) try {
  STAVE_ASSERT(resolved.row != nullptr);
  // The books count as well: a call without arguments is not free.
  std::size_t small = 0;
  std::uint64_t large = 0;
  for (const std::string_view word : arguments)
    (session.received_block(word) != nullptr ? large : small) += word.size();
  const std::uint64_t books = sizeof(One) + arguments.size() * sizeof(std::string_view);
  if (bytes() + small + large + books > bytes_max) return false;
  if (large != 0 && !counted_.resize(bytes_ + block_bytes_ + large)) return false;
  char* at = take(small, bytes_max);
  if (at == nullptr && small != 0) return false;
  const std::size_t first = words_.size();
  const std::size_t blocks = blocks_.size();
  try {
    for (const std::string_view word : arguments) {
      if (const keyspace::Block* block = session.received_block(word)) {
        blocks_.push_back(*block);
        words_.push_back(word);
        continue;
      }
      std::ranges::copy(word, at);
      words_.emplace_back(at, word.size());
      at += word.size();
    }
    const std::uint64_t hash = arguments.size() > 1 ? session.known_hash(arguments[1]) : 0;
    calls_.push_back({first, arguments.size(), resolved, database, hash});
  } catch (const std::bad_alloc&) {
    words_.resize(first);
    blocks_.resize(blocks);
    return false;
  }
  bytes_ += books;
  block_bytes_ += large;
  return true;
} catch (const std::bad_alloc&) {
  return false;
}

/// So many bytes that stay where they are; null: there is no room.
char* QueuedCalls::take(std::size_t bytes, std::uint64_t bytes_max) {
  if (bytes == 0) return nullptr;
  if (chunks_.empty() || chunks_.back().size - used_ < bytes) {
    const std::size_t grown = chunks_.empty() ? kChunkBytesMin : std::min(2 * chunks_.back().size, kChunkBytesMax);
    const std::size_t size = bytes_ + grown > bytes_max ? bytes : std::max(bytes, grown);
    // What everybody may queue is not worth asking for.
    if (bytes_ + size > kChunkBytesMax && !counted_.resize(bytes_ + block_bytes_ + size)) return nullptr;
    chunks_.reserve(chunks_.size() + 1);
    chunks_.push_back({std::make_unique_for_overwrite<char[]>(size), size});
    used_ = 0;
    bytes_ += size;
  }
  char* const at = chunks_.back().bytes.get() + used_;
  used_ += bytes;
  return at;
}

void QueuedCalls::clear() noexcept {
  constexpr std::size_t kKept = 64;
  const bool keep = !chunks_.empty() && chunks_.front().size == kChunkBytesMin;
  chunks_.resize(std::min<std::size_t>(chunks_.size(), keep ? 1 : 0));
  used_ = 0;
  calls_.clear();
  words_.clear();
  blocks_.clear();
  if (calls_.capacity() > kKept) calls_.shrink_to_fit();
  if (words_.capacity() > kKept * 4) words_.shrink_to_fit();
  bytes_ = keep ? kChunkBytesMin : 0;
  block_bytes_ = 0;
  static_cast<void>(counted_.resize(0));
}

}  // namespace stave::commands
