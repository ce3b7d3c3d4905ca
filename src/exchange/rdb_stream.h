// The primitives of RDB: bytes under a running CRC-64, lengths, strings in their four encodings, and values walked
// over.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "exchange/source.h"

namespace stave::exchange {

class RdbStream {
 public:
  /// `summing`: `crc` is going to be asked for.
  explicit RdbStream(Source& source, bool summing = true) : source_(source), summing_(summing) {}

  Result<std::string_view> take(std::uint64_t count);
  /// Walks over bytes without holding more than a piece of them.
  Result<void> skip(std::uint64_t count);
  Result<unsigned> byte();
  /// Little-endian.
  template <class Integer>
  Result<Integer> integer() {
    auto bytes = take(sizeof(Integer));
    if (!bytes) return fail(std::move(bytes).error());
    return base::load<Integer>(bytes->data());
  }
  /// A length or number.
  Result<std::uint64_t> length();
  /// A string into `out`. Errors: kTooLarge over `bytes_max`, named `what`, before it is stored.
  Result<void> string(std::string& out, std::size_t bytes_max, std::string_view what);
  Result<void> skip_string();

  /// Of everything taken so far.
  [[nodiscard]] std::uint64_t crc() const noexcept { return crc_; }
  [[nodiscard]] Source& source() noexcept { return source_; }
  [[nodiscard]] std::unexpected<Error> fail_here(ErrorCode code, std::string message) const {
    return source_.fail_at(source_.offset(), code, std::move(message));
  }
  [[nodiscard]] std::unexpected<Error> corrupt(std::string message) const {
    return fail_here(ErrorCode::kCorrupt, std::move(message));
  }

 private:
  struct Length {
    std::uint64_t value = 0;
    bool special = false;  ///< `value` tells an encoding.
  };
  Result<Length> length_or_encoding();
  Result<void> compressed_string(std::string& out, std::size_t bytes_max, std::string_view what);

  Source& source_;
  bool summing_;
  std::uint64_t crc_ = 0;
};

/// What people call the type of a value; empty when there is no such type.
std::string_view rdb_type_name(unsigned type) noexcept;
/// What a module calls the type of its value, which the number that such a value begins with spells: nine letters.
std::string rdb_module_type_name(std::uint64_t id);
/// Whether a value of that type is a module's, and begins with that number.
constexpr bool is_rdb_module(unsigned type) noexcept {
  return type == 7;
}
/// Walks over a value of that type. Errors: kCorrupt, kUnsupported (a type of no known version).
Result<void> skip_rdb_value(RdbStream& stream, unsigned type);
/// Walks over what a module wrote, up to its end mark.
Result<void> skip_rdb_module(RdbStream& stream);

}  // namespace stave::exchange
