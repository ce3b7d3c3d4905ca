// For tests of the keyspace: memory that is counted, and refused on demand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "keyspace/chunk_source.h"

namespace stave::keyspace {

inline constexpr base::HashKey kTestKey{0x0123456789abcdef, 0xfedcba9876543210};
inline std::uint64_t test_hash(std::string_view key) {
  return base::sip_hash(kTestKey, key);
}

/// Counts every byte that is taken and given back.
class CountedSource final : public ChunkSource {
 public:
  std::byte* take(std::size_t count) noexcept override {
    if (!admit()) return nullptr;
    bytes_ += count * kChunkBytes;
    return real_.take(count);
  }
  void give(std::byte* at, std::size_t count) noexcept override {
    bytes_ -= count * kChunkBytes;
    real_.give(at, count);
  }
  std::byte* allocate(std::size_t bytes, std::size_t alignment) noexcept override {
    if (!admit()) return nullptr;
    bytes_ += footprint(bytes);
    return real_.allocate(bytes, alignment);
  }
  void release(std::byte* at, std::size_t bytes) noexcept override {
    bytes_ -= footprint(bytes);
    real_.release(at, bytes);
  }
  std::byte* allocate_denser(const std::byte* at, std::size_t bytes) noexcept override {
    std::byte* const denser = real_.allocate_denser(at, bytes);
    if (denser != nullptr) bytes_ += footprint(bytes);
    return denser;
  }

  std::byte* map(std::size_t bytes) noexcept override {
    if (!admit()) return nullptr;
    bytes_ += bytes;
    return real_.map(bytes);
  }
  std::byte* remap(std::byte* at, std::size_t bytes, std::size_t new_bytes) noexcept override {
    if (!admit()) return nullptr;
    bytes_ += new_bytes - bytes;
    return real_.remap(at, bytes, new_bytes);
  }
  void unmap(std::byte* at, std::size_t bytes) noexcept override {
    bytes_ -= bytes;
    real_.unmap(at, bytes);
  }
  void hold_mapping(std::size_t bytes) noexcept override { real_.hold_mapping(bytes); }
  void drop_mapping(std::size_t bytes) noexcept override { real_.drop_mapping(bytes); }

  /// What a budget would count of mappings and blocks.
  [[nodiscard]] std::uint64_t held_bytes() const { return real_.held_bytes(); }

  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] std::uint64_t requests() const { return requests_; }
  /// Requests are granted `granted` times more, and then never again.
  void fail_after(std::uint64_t granted) { left_ = granted; }
  void fail_never() { left_ = std::numeric_limits<std::uint64_t>::max(); }

 private:
  bool admit() {
    ++requests_;
    if (left_ == 0) return false;
    --left_;
    return true;
  }
  SystemChunkSource real_;
  std::uint64_t bytes_ = 0;
  std::uint64_t requests_ = 0;
  std::uint64_t left_ = std::numeric_limits<std::uint64_t>::max();
};

}  // namespace stave::keyspace
