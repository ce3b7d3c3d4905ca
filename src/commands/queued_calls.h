// Calls that are kept to be run later, with copies of their arguments.
//
// Promises: the bytes of a call stay where they are until `clear`; large arguments that lie in blocks of their own are
// shared, not copied; memory is counted from where it matters, and there is no more of it than the limit says. Must not
// know: when and why they are run. Threads: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "commands/resolve.h"
#include "keyspace/block.h"
#include "store/buffer_meter.h"

namespace stave::commands {

class Session;

class QueuedCalls {
 public:
  /// `meter`: null counts nothing.
  explicit QueuedCalls(store::BufferMeter* meter) noexcept : counted_(meter) {}

  /// Adds a call that will be run in `database`, or refused by its row. False: there is no room, and nothing was added.
  /// `bytes_max`: of all.
  [[nodiscard]] bool add(const Session& session, const Resolved& resolved, Arguments arguments, int database,
                         std::uint64_t bytes_max);
  /// Forgets all of them; a little memory stays for the next.
  void clear() noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return calls_.size(); }
  [[nodiscard]] Arguments arguments(std::size_t i) const noexcept {
    return {words_.data() + calls_[i].first, calls_[i].count};
  }
  [[nodiscard]] const Resolved& resolved(std::size_t i) const noexcept { return calls_[i].resolved; }
  [[nodiscard]] const Command& row(std::size_t i) const noexcept { return *calls_[i].resolved.row; }
  [[nodiscard]] int database(std::size_t i) const noexcept { return calls_[i].database; }
  /// The hash of its first argument, where that is its key and known; else 0.
  [[nodiscard]] std::uint64_t hash(std::size_t i) const noexcept { return calls_[i].hash; }
  /// Large arguments, as of Session::received.
  [[nodiscard]] std::span<const keyspace::Block> blocks() const noexcept { return blocks_; }
  /// Bytes held, large arguments included.
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_ + block_bytes_; }

 private:
  struct One {
    std::size_t first;
    std::size_t count;
    Resolved resolved;
    int database;
    std::uint64_t hash;
  };
  struct Chunk {
    std::unique_ptr<char[]> bytes;
    std::size_t size;
  };
  static constexpr std::size_t kChunkBytesMin = 1 << 10;
  static constexpr std::size_t kChunkBytesMax = 64 << 10;

  char* take(std::size_t bytes, std::uint64_t bytes_max);

  std::vector<One> calls_;
  std::vector<std::string_view> words_;
  std::vector<Chunk> chunks_;
  std::size_t used_ = 0;  ///< Of the last chunk.
  std::vector<keyspace::Block> blocks_;
  std::uint64_t bytes_ = 0;
  std::uint64_t block_bytes_ = 0;
  store::BufferShare counted_;
};

}  // namespace stave::commands
