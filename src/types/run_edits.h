// A change of a run (run.h) as edits of its form, for one that lies where it can be changed without a copy.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/edit.h"
#include "types/run.h"

namespace stave::types {

/// What `Run::replace` would do to a run that was not changed, with the bytes that it leaves to be written. The form
/// and `in` outlive this. Of one place, or, when items change places, of two.
class RunEdits {
 public:
  RunEdits(const Run& run, std::size_t at, std::size_t erased, std::string_view in, std::int64_t items) noexcept;
  /// Items go from the one place, and as many are put in at the other, which is not within what goes.
  struct Move {
    std::size_t from = 0;
    std::size_t erased = 0;
    std::size_t to = 0;
    std::string_view in;
  };
  RunEdits(const Run& run, const Move& move) noexcept;

  [[nodiscard]] base::Edits edits() const noexcept { return {edits_.data(), size_}; }
  /// Of the form as it will be.
  [[nodiscard]] std::size_t form_size() const noexcept { return form_size_; }
  /// Items as there will be.
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  RunEdits(const RunEdits&) = delete;
  RunEdits& operator=(const RunEdits&) = delete;

 private:
  RunEdits(const Run& run, std::uint64_t count) noexcept;
  void add(const base::Edit& edit) noexcept;

  std::array<base::Edit, 3> edits_;
  std::size_t size_ = 0;
  std::size_t form_size_;
  std::uint64_t count_;
  std::array<char, Run::kCountBytesMax> count_bytes_{};  ///< `edits_` refers to them.
};

}  // namespace stave::types
