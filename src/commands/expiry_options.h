// EX, PX, EXAT, PXAT, SLIDING, KEEPTTL and PERSIST: the options that SET and GETEX share.
#pragma once

#include <cstdint>
#include <string_view>

#include "commands/arguments.h"
#include "commands/call.h"

namespace stave::commands {

class ExpiryOptions {
 public:
  /// Takes the option at argument `i` and moves `i` behind it. False: it is none of them, or does not go with what was
  /// taken before; then `i` is as it was.
  bool take(const Call& call, std::size_t& i);

  /// Whether a time was given.
  [[nodiscard]] bool timed() const noexcept { return amount_ != 0; }
  [[nodiscard]] bool keep() const noexcept { return keep_; }
  [[nodiscard]] bool persist() const noexcept { return persist_; }
  /// SLIDING needs a relative time before it.
  [[nodiscard]] bool any() const noexcept { return timed() || keep_ || persist_; }

  /// The expiry that was asked for; `now` is the call's one time. Only when `timed()`. Errors: not an integer, not
  /// positive or too far away ("invalid expire time").
  Result<Expiry> resolve(const Call& call, UnixMs now, std::string_view name) const;
  /// The checks of `resolve` that need no time, for answering errors in the order clients know.
  Result<std::int64_t> amount(const Call& call, std::string_view name) const;

 private:
  TimeForm form_{};
  std::size_t amount_ = 0;  ///< Argument that holds the time; 0: none.
  bool sliding_ = false;
  bool keep_ = false;
  bool persist_ = false;
};

}  // namespace stave::commands
