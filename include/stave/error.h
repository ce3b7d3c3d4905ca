// Errors as values: every fallible call of Stave returns `Result<T>`.
//
// An `Error` carries a code that answers "what can the caller do?", a sentence for a person, and where it
// applies the system's errno, a file and an offset. It is one pointer wide, allocates only on failure, and is
// never thrown. Without memory there is still an error with its code, only the sentence is another one. Must not know:
// protocols. `WRONGTYPE` and its kin are spelled in `commands/` only.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace stave {

/// What the caller can do about it. The numbers are part of the C API and never change.
enum class ErrorCode : std::uint8_t {
  kInvalidArgument = 1,  ///< Fix the call: it can never succeed as written.
  kNotFound = 2,         ///< The key, file or directory is absent; create it or go on without.
  kWrongType = 3,        ///< The key holds another type; use that type's calls or another key.
  kNotANumber = 4,       ///< The stored bytes are not a number of the kind that was asked for.
  kOverflow = 5,         ///< The result would not fit; use a smaller step.
  kTooLarge = 6,         ///< Over a configured limit; send less or raise the limit.
  kConflict = 7,         ///< A precondition failed or a version moved; read again and retry.
  kBusy = 8,             ///< Held by somebody else or timed out; retry later.
  kNoSpace = 9,          ///< The disk is full; free room and writes resume by themselves.
  kNoMemory = 10,        ///< Over the memory budget, or an allocation failed.
  kReadOnly = 11,        ///< An earlier disk error froze writes; reads go on; reopen after the cause is gone.
  kIo = 12,              ///< The disk failed this call; whether the write happened is unknown.
  kCorrupt = 13,         ///< Stored bytes fail their check; see `stave doctor`.
  kUnsupported = 14,     ///< A format or feature this version does not know; upgrade.
  kPermission = 15,      ///< The system or the access rules forbid it.
  kAborted = 16,         ///< The caller's own function gave up, or the store is closing; nothing changed.
};

/// The stable name of a code, such as "too_large". Static storage.
std::string_view to_string(ErrorCode code) noexcept;

/// One failure. Move-only and never empty, except after being moved from.
class [[nodiscard]] Error {
 public:
  Error(ErrorCode code, std::string_view message) noexcept;

  /// Adds the system's errno; the message gains its description.
  Error&& with_errno(int system_errno) && noexcept;
  /// Adds the file the failure is about, and the byte offset in it when `offset` is not negative.
  Error&& with_file(std::string_view file, std::int64_t offset = -1) && noexcept;

  [[nodiscard]] ErrorCode code() const noexcept { return detail_->code; }
  [[nodiscard]] int system_errno() const noexcept { return detail_->system_errno; }
  [[nodiscard]] const std::string& file() const noexcept { return detail_->file; }
  /// -1 when the failure is not about a place in a file.
  [[nodiscard]] std::int64_t offset() const noexcept { return detail_->offset; }
  /// The sentence alone.
  [[nodiscard]] const std::string& message() const noexcept { return detail_->message; }
  /// The sentence with file, offset and errno, for logs and people.
  [[nodiscard]] std::string describe() const;
  /// A copy, explicit because it allocates (a group of waiters shares one failure).
  [[nodiscard]] Error clone() const noexcept;

 private:
  struct Detail {
    ErrorCode code;
    int system_errno = 0;
    std::int64_t offset = -1;
    std::string message;
    std::string file;
  };
  /// One stands ready for each code, for when there is no memory; these are shared, and neither changed nor freed.
  static Detail* ready(ErrorCode code) noexcept;
  static bool is_ready(const Detail* detail) noexcept;
  struct Free {
    void operator()(Detail* detail) const noexcept;
  };
  using DetailPtr = std::unique_ptr<Detail, Free>;
  static DetailPtr copy(const Detail& detail) noexcept;
  explicit Error(DetailPtr detail) noexcept : detail_(std::move(detail)) {}
  bool make_own() noexcept;
  DetailPtr detail_;
};

static_assert(sizeof(Error) == sizeof(void*));

template <class T>
using Result = std::expected<T, Error>;

/// Shorthand for `return fail(ErrorCode::kBusy, "…")`.
inline std::unexpected<Error> fail(ErrorCode code, std::string_view message) noexcept {
  return std::unexpected<Error>(Error(code, message));
}
inline std::unexpected<Error> fail(Error&& error) noexcept {
  return std::unexpected<Error>(std::move(error));
}

}  // namespace stave
