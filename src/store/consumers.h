// Named readers of a store's changes, and how far each has got.
//
// A consumer is a value of the store's own (own_values.h): it survives a restart, and followers have it. What it has
// not said to have done stays in the log, up to `Upkeep::keep_bytes_max` before the end; one that is further behind is
// told so when it comes. Promises: a position never goes back by itself; nothing of the log is dropped before the
// consumers are known. Must not know: who speaks for a consumer, how changes are read.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "store/engine.h"

namespace stave::store {

struct ConsumerInfo {
  std::string name;
  Lsn position = kNoLsn;  ///< Everything up to here, included, is done.
  UnixMs created{0};
  UnixMs acknowledged{0};  ///< When that was said last; 0: never.
  std::uint64_t lag_bytes = 0;
  bool behind = false;  ///< What it would read next is not in the log any more.
};

/// Threads: any. Errors of all: kNoMemory, and those of reading the store's own values.
class Consumers {
 public:
  static constexpr std::size_t kNameBytesMax = 255;
  static constexpr std::size_t kConsumersMax = 1024;

  explicit Consumers(Engine& engine) noexcept;
  ~Consumers();
  Consumers(const Consumers&) = delete;
  Consumers& operator=(const Consumers&) = delete;

  /// Errors: kConflict (there is one of that name), kInvalidArgument (no name for one, or beyond the log's end),
  /// kNotFound (the log does not reach back to that position), kTooLarge (too many), those of a write.
  Result<Pending> create(std::string_view name, Lsn position, Sync sync) STAVE_EXCLUDES(mutex_);
  /// Everything up to `position`, included, is done; an earlier one than that known changes nothing. Errors: kNotFound
  /// (there is no such consumer), kInvalidArgument (beyond what can have been read), those of a write.
  Result<Pending> acknowledge(std::string_view name, Lsn position, Sync sync) STAVE_EXCLUDES(mutex_);
  /// False: there was none.
  Result<bool> drop(std::string_view name, Sync sync, Pending& pending) STAVE_EXCLUDES(mutex_);
  Result<std::optional<ConsumerInfo>> find(std::string_view name) STAVE_EXCLUDES(mutex_);
  /// All of them, by name.
  Result<std::vector<ConsumerInfo>> list() STAVE_EXCLUDES(mutex_);
  /// Finds out who there is, if that is not known; for who is about to drop segments.
  Result<void> settle() STAVE_EXCLUDES(mutex_);
  /// Lets the log go. Idempotent.
  void stop() noexcept STAVE_EXCLUDES(mutex_);

 private:
  struct Consumer;
  using ByName = std::map<std::string, std::unique_ptr<Consumer>, std::less<>>;

  Result<void> load() STAVE_REQUIRES(mutex_);
  Result<void> know() STAVE_REQUIRES(mutex_);
  Result<Pending> write(std::size_t slot, std::optional<std::string> value, Sync sync) STAVE_REQUIRES(mutex_);
  [[nodiscard]] ConsumerInfo tell(const std::string& name, const Consumer& consumer) const;
  [[nodiscard]] std::size_t free_slot() const STAVE_REQUIRES(mutex_);

  Engine& engine_;
  base::Mutex mutex_;
  bool known_ STAVE_GUARDED_BY(mutex_) = false;
  bool followed_ STAVE_GUARDED_BY(mutex_) = false;  ///< What is known may be old: others write it.
  std::size_t slots_ STAVE_GUARDED_BY(mutex_) = 0;  ///< The highest that was ever used.
  ByName consumers_ STAVE_GUARDED_BY(mutex_);
};

}  // namespace stave::store
