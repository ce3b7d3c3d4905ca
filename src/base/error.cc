#include <cstring>
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

Error::Error(ErrorCode code, std::string message) : detail_(std::make_unique<Detail>()) {
  detail_->code = code;
  detail_->message = std::move(message);
}

Error&& Error::with_errno(int system_errno) && {
  detail_->system_errno = system_errno;
  return std::move(*this);
}

Error&& Error::with_file(std::string file, std::int64_t offset) && {
  detail_->file = std::move(file);
  detail_->offset = offset;
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

Error Error::clone() const { return Error(std::make_unique<Detail>(*detail_)); }

}  // namespace stave
