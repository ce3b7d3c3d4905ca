// The large arguments of the command that is being received, each in the block that its value is going to lie in.
//
// Promises: they are copied once, as they come, and memory is taken as they do. Must not know: sockets, the parser.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "keyspace/block.h"
#include "store/buffer_meter.h"
#include "store/engine.h"

namespace stave::resp {

class LargeArguments {
 public:
  /// From this size on an argument is one.
  static constexpr std::size_t kBytesMin = keyspace::Block::kMappedFrom;

  explicit LargeArguments(store::Engine& engine) noexcept : engine_(engine), counted_(&engine.budget()) {}

  /// Bytes that are still to come of the one that is being received; 0: none is.
  [[nodiscard]] std::size_t missing() const noexcept { return writer_ ? size_ - writer_->size() : 0; }
  /// Bytes that have come of that one.
  [[nodiscard]] std::size_t receiving() const noexcept { return writer_ ? writer_->size() : 0; }
  /// Begins to receive one of `size` bytes, kBytesMin at least. Throws std::bad_alloc.
  void begin(std::size_t size);
  /// More of it, not more than is missing. False: there is no memory for it.
  [[nodiscard]] bool append(std::string_view bytes) noexcept;
  /// The one that is whole.
  std::string_view finish() noexcept;

  /// What all of them take so far.
  [[nodiscard]] std::size_t bytes() const noexcept { return counted_.bytes(); }
  /// Those that are whole.
  [[nodiscard]] std::span<const keyspace::Block> blocks() const noexcept { return blocks_; }

 private:
  store::Engine& engine_;
  std::optional<keyspace::BlockWriter> writer_;
  std::size_t size_ = 0;
  std::vector<keyspace::Block> blocks_;
  store::BufferShare counted_;
};

}  // namespace stave::resp
