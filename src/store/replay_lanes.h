// Changes of keys on their way from the thread that reads the log to those that make the index of them, by shard.
//
// A lane is a queue with a thread behind it. Whoever adds chooses the lane; what is added to one lane is applied in
// that order, by one thread at a time. Promises: what is added is copied, so that its source may go; memory is bounded,
// a full lane lets the reader wait; the first error of a lane is handed to whoever adds or drains, and nothing behind
// it in that lane is applied; no thread outlives the object. A lane that gets no thread works in the caller's. Must not
// know: the log's files, the index.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "log/record.h"
#include "stave/error.h"

namespace stave::store {

/// What one record says of its key, without the value.
struct Change {
  std::uint64_t hash = 0;
  std::string_view key;
  log::RecordKind kind{};
  std::uint8_t database = 0;
  std::uint32_t value_size = 0;  ///< In memory, however it is packed in the record.
  Expiry expiry{};
  Lsn lsn = kNoLsn;
  Lsn version = kNoLsn;  ///< Of a change of expiry or of a part: where the value lies, if the record says it.
};
static_assert(sizeof(Change) == 64);

/// Threads: one adds and drains.
class ReplayLanes {
 public:
  static constexpr std::size_t kBatchChanges = 1024;
  /// Gets no more than that at once.
  using Apply = std::function<Result<void>(std::span<const Change>)>;
  /// `apply` is called on the lanes' threads. Throws std::bad_alloc.
  ReplayLanes(std::size_t lanes, Apply apply);
  /// What was added and is not applied yet is forgotten.
  ~ReplayLanes();
  ReplayLanes(const ReplayLanes&) = delete;
  ReplayLanes& operator=(const ReplayLanes&) = delete;

  [[nodiscard]] std::size_t size() const noexcept { return lanes_.size(); }
  /// Errors: those of `apply` for something that was added before. Throws std::bad_alloc.
  Result<void> add(std::size_t lane, const Change& change);
  /// Returns when everything that was added is applied; until the next `add` no lane does anything. Errors: as `add`.
  Result<void> drain();

 private:
  class Batch;
  class Lane;
  const Apply apply_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace stave::store
