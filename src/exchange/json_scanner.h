// JSON (RFC 8259) token by token from a source: the caller asks for what it expects, so no document is ever in memory.
//
// Written here rather than taken from Boost.JSON because the readers are linked into other people's processes through
// the library, which should bring no further one along, and because what is asked for piece by piece can be refused by
// its size and place before it is stored.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "exchange/source.h"

namespace stave::exchange {

class JsonScanner {
 public:
  explicit JsonScanner(Source& source) : source_(source) {}

  /// Skips white space; the first byte of what comes, or '\0' at the end. Takes nothing. A NUL byte is an error.
  Result<char> next();
  /// Skips white space and takes `wanted`. Errors: kCorrupt when something else is there.
  Result<void> expect(char wanted);
  /// The same, but false when something else is there.
  Result<bool> take_if(char wanted);

  /// A string into `out`. Errors: kTooLarge over `bytes_max`, before it is stored; kCorrupt.
  Result<void> string(std::string& out, std::size_t bytes_max);
  /// A number without fraction or exponent, 0 to `most`.
  Result<std::int64_t> integer(std::int64_t most);
  /// A number. Errors: kCorrupt, also for one that no double comes near.
  Result<double> number();
  /// Any value, checked and dropped.
  Result<void> skip_value(int depth_max = 32);

  /// After the `{` or a member: takes what separates members and the next name with its colon; false at the `}`.
  Result<bool> next_member(std::string& name, std::size_t bytes_max, bool& first);
  /// After the `[` or an element: false at the `]`.
  Result<bool> next_element(bool& first);

  /// A failure at the next byte, with line and column.
  [[nodiscard]] std::unexpected<Error> fail_here(ErrorCode code, std::string message) const;
  [[nodiscard]] std::unexpected<Error> malformed(std::string message) const {
    return fail_here(ErrorCode::kCorrupt, "malformed JSON file: " + std::move(message));
  }
  [[nodiscard]] Source& source() noexcept { return source_; }

 private:
  Result<void> escape(std::string& out);
  Result<unsigned> hex4();
  Result<void> skip_literal();

  Source& source_;
  std::uint64_t line_ = 1;
  std::uint64_t line_start_ = 0;  ///< Offset of the line's first byte.
};

}  // namespace stave::exchange
