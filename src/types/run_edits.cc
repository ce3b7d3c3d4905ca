#include "types/run_edits.h"

#include "base/assert.h"

namespace stave::types {

RunEdits::RunEdits(const Run& run, std::uint64_t count) noexcept : form_size_(run.form().size()), count_(count) {
  STAVE_ASSERT(!run.form().empty());
  if (count == run.count()) return;
  const std::size_t size = Run::put_count(count_bytes_.data(), count);
  add({.at = 1, .out = run.begin() - 1, .in = {count_bytes_.data(), size}});
}

RunEdits::RunEdits(const Run& run, std::size_t at, std::size_t erased, std::string_view in, std::int64_t items) noexcept
    : RunEdits(run, run.count() + static_cast<std::uint64_t>(items)) {
  STAVE_ASSERT(items >= 0 || run.count() >= static_cast<std::uint64_t>(-items));
  STAVE_ASSERT(at >= run.begin() && at <= run.end() && erased <= run.end() - at);
  add({.at = at, .out = erased, .in = in});
}

RunEdits::RunEdits(const Run& run, const Move& move) noexcept : RunEdits(run, run.count()) {
  STAVE_ASSERT(move.to <= move.from || move.to >= move.from + move.erased);
  const base::Edit gone{.at = move.from, .out = move.erased, .in = {}};
  const base::Edit come{.at = move.to, .out = 0, .in = move.in};
  add(move.to <= move.from ? come : gone);
  add(move.to <= move.from ? gone : come);
}

void RunEdits::add(const base::Edit& edit) noexcept {
  edits_[size_++] = edit;
  form_size_ += edit.in.size() - edit.out;
}

}  // namespace stave::types
