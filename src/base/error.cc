#include <cstddef>
#include <cstring>
#include <new>
#include <utility>

#include "stave/error.h"

namespace stave {

std::string_view to_string(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kInvalidArgument: return "invalid_argument";
    case ErrorCode::kNotFound: return "not_found";
    case ErrorCode::kWrongType: return "wrong_type";
    case ErrorCode::kNotANumber: return "not_a_number";
    case ErrorCode::kOverflow: return "overflow";
    case ErrorCode::kTooLarge: return "too_large";
    case ErrorCode::kConflict: return "conflict";
    case ErrorCode::kBusy: return "busy";
    case ErrorCode::kNoSpace: return "no_space";
    case ErrorCode::kNoMemory: return "no_memory";
    case ErrorCode::kReadOnly: return "read_only";
    case ErrorCode::kIo: return "io";
    case ErrorCode::kCorrupt: return "corrupt";
    case ErrorCode::kUnsupported: return "unsupported";
    case ErrorCode::kPermission: return "permission";
    case ErrorCode::kAborted: return "aborted";
  }
  return "unknown";
}

namespace {
constexpr std::size_t kCodes = static_cast<std::size_t>(ErrorCode::kAborted) + 1;
// Place 0 is nobody's: a number that is no code is answered from there.
static_assert(static_cast<std::size_t>(ErrorCode::kInvalidArgument) == 1 && kCodes == 17);
}  // namespace

// Built once, in place and never destroyed: errors may be looked at until the very end of the process. The sentence is
// short enough to lie in the string itself, so that this takes no memory either.
Error::Detail* Error::ready(ErrorCode code) noexcept {
  alignas(Detail) static std::byte room[kCodes][sizeof(Detail)];
  static const bool built = [] {
    for (std::size_t i = 0; i < kCodes; ++i)
      new (room[i]) Detail{.code = static_cast<ErrorCode>(i), .message = "no memory left"};
    return true;
  }();
  const auto i = static_cast<std::size_t>(code);
  return std::launder(reinterpret_cast<Detail*>(room[built && i < kCodes ? i : 0]));
}

bool Error::is_ready(const Detail* detail) noexcept {
  return detail == ready(detail->code);
}

void Error::Free::operator()(Detail* detail) const noexcept {
  if (!is_ready(detail)) delete detail;
}

Error::DetailPtr Error::copy(const Detail& detail) noexcept try {
  return DetailPtr(new Detail(detail));
} catch (const std::bad_alloc&) {
  return DetailPtr(ready(detail.code));
}

/// False: it is one of those that are not changed, and there is no memory for another.
bool Error::make_own() noexcept {
  if (is_ready(detail_.get())) detail_ = copy(*detail_);
  return !is_ready(detail_.get());
}

Error::Error(ErrorCode code, std::string_view message) noexcept {
  try {
    detail_.reset(new Detail{.code = code, .message = std::string(message)});
  } catch (const std::bad_alloc&) {
    detail_.reset(ready(code));
  }
}

Error&& Error::with_errno(int system_errno) && noexcept {
  if (make_own()) detail_->system_errno = system_errno;
  return std::move(*this);
}

Error&& Error::with_file(std::string_view file, std::int64_t offset) && noexcept try {
  if (make_own()) {
    detail_->offset = offset;
    detail_->file = file;
  }
  return std::move(*this);
} catch (const std::bad_alloc&) {
  return std::move(*this);
}

std::string Error::describe() const {
  std::string text = detail_->message;
  if (!detail_->file.empty()) {
    text += " [" + detail_->file;
    if (detail_->offset >= 0) text += " at byte " + std::to_string(detail_->offset);
    text += "]";
  }
  if (detail_->system_errno != 0) {
    char buffer[128];
    text += ": ";
    text += ::strerror_r(detail_->system_errno, buffer, sizeof buffer);
  }
  return text;
}

Error Error::clone() const noexcept {
  return Error(copy(*detail_));
}

}  // namespace stave
