// The limits by which Redis would keep a value one way or another (encodings.h): options, under the names that Redis
// has for them. Must not know: values.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

namespace stave::commands {

enum class EncodingLimit : std::uint8_t {
  kHashEntries,
  kHashBytes,
  kListSize,   ///< Elements, or below zero one of five sizes in bytes.
  kListDepth,  ///< Decides nothing.
  kSetIntegers,
  kSetEntries,
  kSetBytes,
  kSortedSetEntries,
  kSortedSetBytes,
  kHyperLogLogBytes,   ///< Of sparse ones.
  kStreamNodeEntries,  ///< What trimming about right goes by.
  kStreamNodeBytes,    ///< Decides nothing.
};

struct EncodingOption {
  EncodingLimit limit;
  std::string_view name;
  std::string_view old_name;  ///< May be empty.
  std::int64_t initial;
  std::int64_t least;
  std::int64_t most;
  bool bytes = false;  ///< Takes "1kb".
};

/// In the order of the limits. What Redis has without being asked.
inline constexpr std::array kEncodingOptions = [] {
  constexpr std::int64_t kInt = std::numeric_limits<std::int32_t>::max();
  constexpr std::int64_t kLong = std::numeric_limits<std::int64_t>::max();
  using enum EncodingLimit;
  return std::array{
      EncodingOption{kHashEntries, "hash-max-listpack-entries", "hash-max-ziplist-entries", 512, 0, kLong},
      EncodingOption{kHashBytes, "hash-max-listpack-value", "hash-max-ziplist-value", 64, 0, kLong, true},
      EncodingOption{kListSize, "list-max-listpack-size", "list-max-ziplist-size", -2, -kInt - 1, kInt},
      EncodingOption{kListDepth, "list-compress-depth", "", 0, 0, kInt},
      EncodingOption{kSetIntegers, "set-max-intset-entries", "", 512, 0, kLong},
      EncodingOption{kSetEntries, "set-max-listpack-entries", "", 128, 0, kLong},
      EncodingOption{kSetBytes, "set-max-listpack-value", "", 64, 0, kLong, true},
      EncodingOption{kSortedSetEntries, "zset-max-listpack-entries", "zset-max-ziplist-entries", 128, 0, kLong},
      EncodingOption{kSortedSetBytes, "zset-max-listpack-value", "zset-max-ziplist-value", 64, 0, kLong, true},
      EncodingOption{kHyperLogLogBytes, "hll-sparse-max-bytes", "", 3000, 0, kLong, true},
      EncodingOption{kStreamNodeEntries, "stream-node-max-entries", "", 100, 0, kLong},
      EncodingOption{kStreamNodeBytes, "stream-node-max-bytes", "", 4096, 0, kLong, true}};
}();

/// Threads: any.
class EncodingLimits {
 public:
  EncodingLimits() noexcept {
    for (const EncodingOption& option : kEncodingOptions) set(option.limit, option.initial);
  }
  [[nodiscard]] std::int64_t get(EncodingLimit limit) const noexcept {
    return values_[static_cast<std::size_t>(limit)].load(std::memory_order_relaxed);
  }
  /// `value` lies within the option's bounds.
  void set(EncodingLimit limit, std::int64_t value) noexcept {
    values_[static_cast<std::size_t>(limit)].store(value, std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<std::int64_t>, kEncodingOptions.size()> values_{};
};

}  // namespace stave::commands
