#include "base/edit.h"

#include <cstring>

#include "base/assert.h"

namespace stave::base {

namespace {

void put(char* to, std::string_view bytes) noexcept {
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
}

/// What stays between an edit and the next one, and how far it moves. Numbers of bytes wrap around.
struct Kept {
  Kept(Edits edits, std::size_t i, std::size_t size) noexcept
      : from(edits[i].at + edits[i].out), bytes((i + 1 == edits.size() ? size : edits[i + 1].at) - from) {}
  std::size_t from;
  std::size_t bytes;
};

}  // namespace

bool well_formed(Edits edits, std::size_t size) noexcept {
  std::size_t end = 0;
  for (const Edit& edit : edits) {
    if (edit.at < end || edit.at > size || edit.out > size - edit.at) return false;
    end = edit.at + edit.out;
  }
  return true;
}

std::size_t edited_size(Edits edits, std::size_t size) noexcept {
  for (const Edit& edit : edits) size += edit.in.size() - edit.out;
  return size;
}

// What moves to the right is moved from the back, then what moves to the left from the front: so nothing lands on what
// has yet to move.
void edit_in_place(char* run, std::size_t size, Edits edits) noexcept {
  STAVE_ASSERT(well_formed(edits, size));
  std::size_t shift = edited_size(edits, size) - size;
  const auto right = [](std::size_t moves) { return static_cast<std::ptrdiff_t>(moves) > 0; };
  const auto left = [](std::size_t moves) { return static_cast<std::ptrdiff_t>(moves) < 0; };
  for (std::size_t i = edits.size(); i-- != 0;) {
    const Kept kept(edits, i, size);
    if (right(shift)) std::memmove(run + (kept.from + shift), run + kept.from, kept.bytes);
    shift -= edits[i].in.size() - edits[i].out;
  }
  for (std::size_t i = 0; i != edits.size(); ++i) {
    shift += edits[i].in.size() - edits[i].out;
    const Kept kept(edits, i, size);
    if (left(shift)) std::memmove(run + (kept.from + shift), run + kept.from, kept.bytes);
  }
  shift = 0;
  for (const Edit& edit : edits) {
    put(run + (edit.at + shift), edit.in);
    shift += edit.in.size() - edit.out;
  }
}

void copy_edited(std::string_view run, Edits edits, char* to) noexcept {
  STAVE_ASSERT(well_formed(edits, run.size()));
  std::size_t from = 0;
  for (const Edit& edit : edits) {
    put(to, run.substr(from, edit.at - from));
    to += edit.at - from;
    put(to, edit.in);
    to += edit.in.size();
    from = edit.at + edit.out;
  }
  put(to, run.substr(from));
}

}  // namespace stave::base
