// A large batch that is written after the shards of its keys were let go.
//
// Promises: all that its records are made of stays as it was while this lives, whatever becomes of the keys meanwhile:
// large values are shared with those who hold them, the rest is copied. Must not know: locks, who writes it.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "keyspace/block.h"
#include "log/log.h"

namespace stave::store {

class LargeBatch {
 public:
  /// One value of the batch: the block that it lies in, if it lies in one as it is logged.
  using Blocks = std::span<const keyspace::Block>;

  /// Takes hold of `batch`, whose payloads lie in `blocks` (one for each record) or, where that is empty, elsewhere.
  /// Null when more than kCopiedMax bytes would have to be copied: then it is written with the shards held. Throws
  /// std::bad_alloc.
  static std::shared_ptr<LargeBatch> make(std::span<const log::RecordSpec> batch, Blocks blocks);

  /// Gives the batch its place in the log. Errors: those of the log; nothing was appended.
  Result<Lsn> append(log::Log& log) { return log.append(batch_, lsns_, later_); }
  [[nodiscard]] std::span<const Lsn> lsns() const noexcept { return lsns_; }
  /// Writes it, once after `append` has succeeded; blocks for as long as the disk takes.
  void write() noexcept {
    if (later_) later_.write(batch_, lsns_);
  }

 private:
  static constexpr std::size_t kCopiedMax = std::size_t{64} << 20;

  std::vector<log::RecordSpec> batch_;
  std::vector<Lsn> lsns_;
  std::vector<keyspace::Block> blocks_;
  std::string copied_;
  log::Unwritten later_;
};

}  // namespace stave::store
