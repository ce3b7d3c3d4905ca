// A batch too large for the ring buffer that has its place in the log and is still to be written there.
//
// Promises: whoever holds it decides when, and on which thread, the bytes go to the disk; until then nothing that was
// appended behind it is acknowledged, so it should be soon. It is written once. Must not know: who holds it.
#pragma once

#include <memory>
#include <span>
#include <utility>

#include "base/assert.h"
#include "log/record.h"

namespace stave::log {

class Unwritten {
 public:
  /// How it is written; the log's.
  class Work {
   public:
    virtual ~Work() = default;
    virtual void write(std::span<const RecordSpec> batch, std::span<Lsn> lsns) noexcept = 0;
  };

  Unwritten() = default;
  explicit Unwritten(std::unique_ptr<Work> work) noexcept : work_(std::move(work)) {}
  Unwritten(Unwritten&&) noexcept = default;
  Unwritten& operator=(Unwritten&& other) noexcept {
    STAVE_ASSERT(work_ == nullptr);
    work_ = std::move(other.work_);
    return *this;
  }
  // Without its bytes the log would wait for them for ever.
  ~Unwritten() { STAVE_ASSERT(work_ == nullptr); }

  explicit operator bool() const noexcept { return work_ != nullptr; }
  /// Writes the batch, which is the one that was appended, byte for byte, and so are its `lsns`. Blocks for as long as
  /// the disk takes. A failure is latched: who waits for the batch hears of it. Threads: any, one at a time.
  void write(std::span<const RecordSpec> batch, std::span<Lsn> lsns) noexcept {
    STAVE_ASSERT(work_ != nullptr);
    std::exchange(work_, nullptr)->write(batch, lsns);
  }

 private:
  std::unique_ptr<Work> work_;
};

}  // namespace stave::log
