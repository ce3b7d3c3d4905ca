#include "types/run.h"

#include <optional>

namespace stave::types {

namespace {

struct Count {
  std::uint64_t count = 0;
  std::size_t bytes = 0;
};

std::optional<Count> take_count(std::string_view from) noexcept {
  Count taken;
  for (int shift = 0; taken.bytes < from.size() && taken.bytes < Run::kCountBytesMax; shift += 7) {
    const auto byte = static_cast<unsigned char>(from[taken.bytes++]);
    taken.count |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return taken;
  }
  return std::nullopt;
}

// What a run has room for beyond its items when it is changed first, so that a second change need not move it.
constexpr std::size_t kSpare = 64;

}  // namespace

std::size_t Run::put_count(char* to, std::uint64_t count) noexcept {
  std::size_t bytes = 0;
  for (; count >= 0x80; count >>= 7) to[bytes++] = static_cast<char>(count | 0x80);
  to[bytes++] = static_cast<char>(count);
  return bytes;
}

Run::Run(std::string_view form) noexcept : borrowed_(form) {
  if (form.empty()) return;
  layout_ = form[0];
  STAVE_ASSERT(layout() <= kLayoutMax);
  const auto taken = take_count(form.substr(1));
  STAVE_ASSERT(taken && taken->count <= form.size());
  count_ = taken->count;
  items_at_ = 1 + taken->bytes;
}

Run Run::of_layout(unsigned layout) noexcept {
  STAVE_ASSERT(layout <= kLayoutMax);
  Run run;
  run.layout_ = static_cast<char>(layout);
  return run;
}

bool Run::well_formed(std::string_view form, unsigned layout) noexcept {
  if (form.empty() || static_cast<unsigned char>(form[0]) != layout) return false;
  const auto taken = take_count(form.substr(1));
  if (!taken || taken->count > form.size()) return false;
  char again[kCountBytesMax];
  if (put_count(again, taken->count) != taken->bytes) return false;
  std::string_view rest = form.substr(1 + taken->bytes);
  for (std::uint64_t i = 0; i < taken->count; ++i) {
    const auto size = item::checked_size(rest);
    if (!size) return false;
    rest.remove_prefix(*size);
  }
  return rest.empty();
}

std::string Run::head(std::uint64_t count, unsigned layout) {
  STAVE_ASSERT(layout <= kLayoutMax);
  char bytes[kCountBytesMax];
  std::string head(1, static_cast<char>(layout));
  return head.append(bytes, put_count(bytes, count));
}

std::size_t Run::place(std::uint64_t number) const noexcept {
  STAVE_ASSERT(number <= count_);
  if (number == count_) return end();
  return walk(begin(), number);
}

// Items of the same size stand one behind another more often than not: while they do, where the next one begins does
// not have to be read from the one before it, so the processor need not wait for it.
std::size_t Run::walk(std::size_t at, std::uint64_t items) const noexcept {
  const char* const form = this->form().data();
  unsigned before = item::kText16;
  std::size_t step = 0;
  for (; items != 0; --items) {
    const auto tag = static_cast<unsigned char>(form[at]);
    if (tag != before || tag >= item::kText16) [[unlikely]] {
      before = tag;
      step = item::size_at(form + at);
    }
    at += step;
  }
  STAVE_ASSERT(at <= end());
  return at;
}

void Run::own(std::size_t room) {
  if (changed_) return;
  std::string copy;
  copy.reserve(borrowed_.size() + room + kSpare);
  if (borrowed_.empty()) {
    copy.push_back(layout_);
    copy.push_back(0);
    items_at_ = copy.size();
  } else {
    copy.append(borrowed_);
  }
  own_ = std::move(copy);
  changed_ = true;
}

// The number may take a byte more, or less, than before: then the items move, and `at` with them.
void Run::set_count(std::uint64_t count, std::size_t& at) {
  char bytes[kCountBytesMax];
  const std::size_t size = put_count(bytes, count);
  const std::size_t before = items_at_ - 1;
  if (size == before) {
    std::memcpy(own_.data() + 1, bytes, size);
  } else {
    own_.replace(1, before, bytes, size);
    at = at + size - before;
    items_at_ = 1 + size;
  }
  count_ = count;
}

char* Run::replace(std::size_t& at, std::size_t erased, std::size_t bytes, std::int64_t items) {
  const bool first = borrowed_.empty() && !changed_;
  STAVE_ASSERT(first ? at == 0 && erased == 0 : at >= items_at_ && at <= end() && erased <= end() - at);
  STAVE_ASSERT(items >= 0 || count_ >= static_cast<std::uint64_t>(-items));
  if (first) {
    own(bytes + kCountBytesMax);
    at = items_at_;
  }
  // All the memory first: what follows changes both parts or neither.
  if (changed_) {
    own_.reserve(own_.size() + bytes + kCountBytesMax);
    own_.replace(at, erased, bytes, '\0');
  } else {
    // Copied with the gap in it, so that nothing has to be moved.
    std::string copy;
    copy.reserve(borrowed_.size() - erased + bytes + kCountBytesMax + kSpare);
    copy.append(borrowed_.substr(0, at)).append(bytes, '\0').append(borrowed_.substr(at + erased));
    own_ = std::move(copy);
    changed_ = true;
  }
  set_count(count_ + static_cast<std::uint64_t>(items), at);
  return own_.data() + at;
}

std::string Run::begin_form(std::uint64_t items) {
  char bytes[kCountBytesMax];
  const std::size_t size = put_count(bytes, items);
  return std::string(1, '\0').append(bytes, size);
}

void Run::clear() {
  own(0);
  own_.assign({layout_, 0});
  items_at_ = own_.size();
  count_ = 0;
}

}  // namespace stave::types
