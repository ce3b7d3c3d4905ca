#include "doors/http/draft.h"

#include <algorithm>
#include <new>

#include "base/assert.h"
#include "base/encoding.h"

namespace stave::http {
namespace {

/// The longest piece of `bytes`, up to `most`, that does not end within a character. Of bytes that are not UTF-8: any.
std::size_t whole_characters(std::string_view bytes, std::size_t most) noexcept {
  if (bytes.size() <= most) return bytes.size();
  constexpr int kContinuationMax = 3;
  std::size_t end = most;
  for (int i = 0; i < kContinuationMax && (static_cast<unsigned char>(bytes[end]) & 0xC0) == 0x80; ++i) --end;
  return end;
}

}  // namespace

void Draft::refuse(Refusal why) noexcept {
  refusal_ = why;
  std::string().swap(text_);
  std::string().swap(done_);
  std::vector<Part>().swap(parts_);
  static_cast<void>(counted_.resize(0));
}

bool Draft::fits(std::uint64_t more) noexcept {
  if (!good()) return false;
  if (bytes_ + more <= options_.bytes_max) return true;
  refuse(Refusal::kLimit);
  return false;
}

// Room for so many bytes more, counted before it is taken.
bool Draft::grow(std::string& text, std::size_t more) noexcept try {
  if (!good()) return false;
  if (text.capacity() - text.size() >= more) return true;
  const std::size_t capacity = std::max(text.size() + more, text.capacity() + text.capacity() / 2);
  STAVE_ASSERT(&text == &text_ || &text == &done_);
  const std::size_t other = &text == &text_ ? done_.capacity() : text_.capacity();
  // Both are there while the one is copied into the other.
  if (!counted_.resize(other + text.capacity() + capacity)) {
    refuse(Refusal::kMemory);
    return false;
  }
  text.reserve(capacity);
  static_cast<void>(counted_.resize(other + text.capacity()));
  return true;
} catch (const std::bad_alloc&) {
  refuse(Refusal::kMemory);
  return false;
}

// --- drafting ---------------------------------------------------------------------------------

void Draft::text(std::string_view json) noexcept {
  if (!fits(json.size()) || !grow(text_, json.size())) return;
  text_.append(json);
  bytes_ += json.size();
}

void Draft::string(std::string_view bytes, std::string_view name) noexcept {
  constexpr std::size_t kFrame = 32;
  constexpr std::size_t kLongestEscape = 6;  // \u0000
  const bool plain = !options_.base64 && base::is_utf8(bytes);
  const std::size_t most = bytes.size() * (plain ? kLongestEscape : 2) + name.size() + kFrame;
  const std::size_t before = text_.size();
  if (!fits(bytes.size()) || !grow(text_, most)) return;
  if (!name.empty()) text_.append("\"").append(name).append(plain || options_.base64 ? "\":" : "_base64\":");
  if (plain) {
    base::append_json_string(text_, bytes);
  } else {
    const bool says_so = name.empty() && !options_.base64;
    text_ += says_so ? "{\"base64\":\"" : "\"";
    base::append_base64(text_, bytes);
    text_ += says_so ? "\"}" : "\"";
    if (!options_.base64) escaped_here_ = true;
  }
  STAVE_ASSERT(text_.size() - before <= most);
  bytes_ += text_.size() - before;
}

void Draft::add(Part part) noexcept {
  constexpr std::size_t kCountedFrom = 64;
  // Few are nobody's concern; many count.
  const std::size_t more = parts_.size() < kCountedFrom ? 0 : sizeof(Part);
  if (!fits(part.bytes.size) || !grow(text_, more)) return;
  try {
    bytes_ += part.bytes.size;
    parts_.push_back(std::move(part));
  } catch (const std::bad_alloc&) {
    refuse(Refusal::kMemory);
  }
}

void Draft::string(const commands::SharedBytes& bytes, std::string_view name) noexcept {
  STAVE_ASSERT(bytes.block);
  add({.at = text_.size(), .bytes = bytes, .name = name});
}

void Draft::if_escaped(std::string_view json) noexcept {
  add({.at = text_.size(), .bytes = {}, .name = json, .escaped = escaped_here_});
  escaped_here_ = false;
}

void Draft::rewind(const Mark& mark) noexcept {
  if (!good()) return;
  STAVE_ASSERT(mark.text <= text_.size() && mark.parts <= parts_.size() && mark.bytes <= bytes_);
  text_.resize(mark.text);
  parts_.erase(parts_.begin() + static_cast<std::ptrdiff_t>(mark.parts), parts_.end());
  bytes_ = mark.bytes;
  escaped_here_ = mark.escaped;
}

// --- writing ----------------------------------------------------------------------------------

void Draft::open_string(const Part& part, bool base64) {
  done_.resize(begin_);
  written_ = 0;
  as_base64_ = base64;
  const bool says_so = base64 && !options_.base64;
  if (!part.name.empty()) {
    done_.append("\"").append(part.name).append(says_so ? "_base64\":\"" : "\":\"");
  } else {
    done_ += says_so ? "{\"base64\":\"" : "\"";
  }
}

void Draft::close_string(const Part& part, bool base64) {
  const bool says_so = base64 && !options_.base64;
  done_ += says_so && part.name.empty() ? "\"}" : "\"";
  if (says_so) escaped_since_ = true;
}

// Into a scratch first: how long it becomes is not known, and the whole must not be made room for that much.
bool Draft::append_piece(std::string_view piece) {
  std::string text;
  if (as_base64_) {
    base::append_base64(text, piece);
  } else {
    base::append_json_string(text, piece);
    STAVE_ASSERT(text.size() >= 2 && text.front() == '"' && text.back() == '"');
  }
  const std::string_view inside =
      as_base64_ ? std::string_view(text) : std::string_view(text).substr(1, text.size() - 2);
  if (!grow(done_, inside.size())) return false;
  done_.append(inside);
  return true;
}

// A step of the part that is next; true when it is whole.
bool Draft::write_part() {
  constexpr std::size_t kStepBase64 = kStepBytes / 3 * 3;
  constexpr std::size_t kFrame = 64;
  STAVE_ASSERT(part_ < parts_.size());
  const Part& part = parts_[part_];
  if (!part.bytes.block) {
    if (part.escaped || escaped_since_) {
      if (!grow(done_, part.name.size())) return false;
      done_ += part.name;
      escaped_ = true;
    }
    escaped_since_ = false;
    return true;
  }
  const std::string_view bytes = part.bytes.view();
  if (!grow(done_, kFrame + part.name.size())) return false;
  if (!open_) {
    open_ = true;
    begin_ = done_.size();
    open_string(part, options_.base64);
  }
  STAVE_ASSERT(written_ <= bytes.size() && begin_ <= done_.size());
  const std::string_view left = bytes.substr(written_);
  const std::string_view piece =
      left.substr(0, as_base64_ ? std::min(kStepBase64, left.size()) : whole_characters(left, kStepBytes));
  if (!as_base64_ && !base::is_utf8(piece)) {
    open_string(part, true);  // from its beginning again
    return false;
  }
  if (!append_piece(piece)) return false;
  written_ += piece.size();
  if (written_ < bytes.size()) return false;
  close_string(part, as_base64_);
  open_ = false;
  return true;
}

bool Draft::write_some() noexcept try {
  if (!good()) return true;
  if (parts_.empty()) {
    done_ = std::move(text_);
    text_.clear();
    return true;
  }
  STAVE_ASSERT(part_ <= parts_.size());
  constexpr std::size_t kRoomBehind = 64;  // so that what a handler adds does not move it
  if (done_.empty() && !grow(done_, static_cast<std::size_t>(bytes_) + kRoomBehind)) return true;
  const std::size_t stop = done_.size() + kStepBytes;
  while (good() && done_.size() < stop) {
    const std::size_t until = part_ < parts_.size() ? parts_[part_].at : text_.size();
    STAVE_ASSERT(text_written_ <= until && until <= text_.size());
    if (text_written_ < until) {
      const std::size_t here = std::min(until - text_written_, kStepBytes);
      if (!grow(done_, here)) break;
      done_.append(text_, text_written_, here);
      text_written_ += here;
      continue;
    }
    if (part_ == parts_.size()) return true;
    if (!write_part()) break;
    parts_[part_].bytes = {};
    ++part_;
  }
  if (good() && done_.size() > options_.bytes_max) refuse(Refusal::kLimit);
  return !good();
} catch (const std::bad_alloc&) {
  refuse(Refusal::kMemory);
  return true;
}

}  // namespace stave::http
