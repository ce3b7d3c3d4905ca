// Dictionaries of zstd: their file form, the shelf of those that can be read, and the one in use for packing.
//
// A dictionary lies in `<id>.dict` (id: 8 hex digits) beside the log: "STAVEDCT", version, id, order, size and an
// XXH3 checksum in front of it (docs/format.md). The checksum knows no store, so the file may be copied with the values
// that need it. Ids are drawn from the content, so that two dictionaries of different stores do not share one.
// Must not know: values, when to train.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "stave/error.h"
#include "stave/file_system.h"

// zstd's own, so that its header stays out of ours.
struct ZSTD_CDict_s;
struct ZSTD_DDict_s;

namespace stave::packing {

/// The largest content that is written or read. Bytes.
inline constexpr std::size_t kDictionaryContentMax = 1u << 20;
/// How many a store can have. Each takes its size and some 30 KB of memory.
inline constexpr std::size_t kDictionariesMax = 64;

/// One dictionary, digested for reading. Never changes. Threads: any.
class Dictionary {
 public:
  /// Errors: kCorrupt (zstd does not take it), kNoMemory.
  static Result<std::unique_ptr<const Dictionary>> make(std::uint32_t id, std::uint32_t order, std::string content);
  ~Dictionary();
  Dictionary(const Dictionary&) = delete;
  Dictionary& operator=(const Dictionary&) = delete;

  [[nodiscard]] std::uint32_t id() const noexcept { return id_; }
  /// Later dictionaries have greater ones.
  [[nodiscard]] std::uint32_t order() const noexcept { return order_; }
  [[nodiscard]] const std::string& content() const noexcept { return content_; }
  [[nodiscard]] const ZSTD_DDict_s* decoder() const noexcept { return decoder_; }

 private:
  Dictionary(std::uint32_t id, std::uint32_t order, std::string content)
      : id_(id), order_(order), content_(std::move(content)) {}
  const std::uint32_t id_;
  const std::uint32_t order_;
  const std::string content_;
  ZSTD_DDict_s* decoder_ = nullptr;
};

/// The bytes of a dictionary's file.
std::string encode_dictionary(std::uint32_t id, std::uint32_t order, std::string_view content);
/// Errors: kCorrupt with file and offset, kUnsupported (a later version), kNoMemory.
Result<std::unique_ptr<const Dictionary>> decode_dictionary(std::string_view bytes, const std::string& path);
/// Reads the file at `path`, whose name must be that of the id in it. Errors: as above, kIo.
Result<std::unique_ptr<const Dictionary>> read_dictionary(FileSystem& files, const std::string& path);
/// `<id>.dict`.
std::string dictionary_name(std::uint32_t id);
bool is_dictionary_name(std::string_view name);

/// Every dictionary that can be read. Only grows, so who found one may keep using it.
class DictionaryShelf {
 public:
  DictionaryShelf() = default;
  ~DictionaryShelf();
  DictionaryShelf(const DictionaryShelf&) = delete;
  DictionaryShelf& operator=(const DictionaryShelf&) = delete;

  /// False when the shelf is full. Threads: one at a time.
  bool add(std::unique_ptr<const Dictionary> dictionary);
  /// Null: there is none of that id. Threads: any.
  [[nodiscard]] const Dictionary* find(std::uint32_t id) const noexcept;
  /// That of the greatest order; null when the shelf is empty. Threads: any.
  [[nodiscard]] const Dictionary* newest() const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return size_.load(std::memory_order_acquire); }

 private:
  // Slots below `size_` are set and never change again: readers need no lock.
  std::array<const Dictionary*, kDictionariesMax> slots_{};
  std::atomic<std::size_t> size_{0};
};

/// A dictionary digested for packing at one level. Never changes.
class Encoder {
 public:
  /// Null when there is no memory or zstd does not take the content.
  static std::shared_ptr<const Encoder> make(std::uint32_t id, std::string_view content, int level);
  ~Encoder();
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  [[nodiscard]] std::uint32_t id() const noexcept { return id_; }
  [[nodiscard]] int level() const noexcept { return level_; }
  [[nodiscard]] const ZSTD_CDict_s* digested() const noexcept { return digested_; }

 private:
  Encoder(std::uint32_t id, int level, ZSTD_CDict_s* digested) : id_(id), level_(level), digested_(digested) {}
  const std::uint32_t id_;
  const int level_;
  ZSTD_CDict_s* const digested_;
};

/// The encoder in use, which every thread that packs keeps a share of: looking whether that is still the one costs one
/// load. Threads: any.
class EncoderSlot {
 public:
  void set(std::shared_ptr<const Encoder> encoder) STAVE_EXCLUDES(mutex_);
  /// Makes `mine` the encoder in use; false when it was already. A thread holds its share until it comes here again or
  /// ends.
  bool refresh(std::shared_ptr<const Encoder>& mine) const STAVE_EXCLUDES(mutex_) {
    // The address of an encoder that `mine` keeps alive cannot be that of another one.
    if (now_.load(std::memory_order_acquire) == mine.get()) return false;
    mine = get();
    return true;
  }
  [[nodiscard]] bool empty() const noexcept { return now_.load(std::memory_order_acquire) == nullptr; }
  [[nodiscard]] std::shared_ptr<const Encoder> get() const STAVE_EXCLUDES(mutex_);

 private:
  mutable base::ShortMutex mutex_;
  std::shared_ptr<const Encoder> encoder_ STAVE_GUARDED_BY(mutex_);
  std::atomic<const Encoder*> now_{nullptr};
};

}  // namespace stave::packing
