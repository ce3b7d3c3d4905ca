// The scripts that were sent, by name and by text.
//
// Promises: what SCRIPT LOAD brought stays until SCRIPT FLUSH; of what EVAL brought, so many as `kEvalMax` stay, those
// used last. Together they take no more than `kBytesMax`: SCRIPT LOAD is refused beyond, EVAL's go. Nothing of it lives
// longer than the process. Threads: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/mutex.h"
#include "commands/script/script_source.h"
#include "store/buffer_meter.h"

namespace stave::commands::script {

class ScriptCache {
 public:
  static constexpr std::size_t kEvalMax = 500;
  static constexpr std::uint64_t kBytesMax = std::uint64_t{64} << 20;

  explicit ScriptCache(store::BufferMeter* meter) noexcept : counted_(meter) {}

  using Shared = std::shared_ptr<const Source>;
  /// Null: there is none.
  [[nodiscard]] Shared find_text(std::string_view text) STAVE_EXCLUDES(mutex_);
  /// `sha` in any case.
  [[nodiscard]] Shared find_sha(std::string_view sha) STAVE_EXCLUDES(mutex_);
  /// False: there is no room. `to_stay`: as by SCRIPT LOAD.
  [[nodiscard]] bool add(const Shared& source, bool to_stay) STAVE_EXCLUDES(mutex_);
  void flush() STAVE_EXCLUDES(mutex_);

  [[nodiscard]] std::size_t size() const STAVE_EXCLUDES(mutex_);
  [[nodiscard]] std::uint64_t bytes() const STAVE_EXCLUDES(mutex_);
  [[nodiscard]] std::uint64_t evicted() const noexcept { return evicted_.load(std::memory_order_relaxed); }

 private:
  struct Held {
    Shared source;
    bool stays = false;
    std::uint64_t used = 0;
  };
  struct Hash {
    std::size_t operator()(std::string_view text) const noexcept;
  };
  static std::uint64_t cost_of(const Source& source) noexcept;
  void evict_one() STAVE_REQUIRES(mutex_);
  void remove(Held& held) STAVE_REQUIRES(mutex_);

  std::atomic<std::uint64_t> evicted_{0};
  mutable base::ShortMutex mutex_;
  std::unordered_map<std::string_view, Held, Hash> by_text_ STAVE_GUARDED_BY(mutex_);  // views of the sources
  std::unordered_map<std::string_view, Held*, Hash> by_sha_ STAVE_GUARDED_BY(mutex_);
  std::size_t passing_ STAVE_GUARDED_BY(mutex_) = 0;  ///< Those that do not stay.
  std::uint64_t clock_ STAVE_GUARDED_BY(mutex_) = 0;
  std::uint64_t bytes_ STAVE_GUARDED_BY(mutex_) = 0;
  store::BufferShare counted_ STAVE_GUARDED_BY(mutex_);
};

}  // namespace stave::commands::script
