// A stream in one run of bytes: an item with the header and the number of blocks, then the blocks, then the marks.
// Cost: a walk for everything.
#pragma once

#include <string>

#include "types/run.h"
#include "types/stream/on_elements.h"

namespace stave::types::stream {

class Compact final : public OnElements, private Elements {
 public:
  using OnElements::visit;

  Compact() = default;
  /// `form` must outlive this object until that is changed; empty: a stream of which nothing is known.
  explicit Compact(std::string_view form) noexcept;
  /// Whether the bytes are the form of a stream, which may have no entries: for those that come from elsewhere.
  static bool well_formed(std::string_view form);
  /// What a form begins with, in front of so many blocks and marks.
  static std::string begin_form(const Header& header, std::uint64_t blocks, std::uint64_t marks);
  /// The form of what another one holds. Cost: one walk.
  static std::string form_of(const OnElements& from);

  [[nodiscard]] bool changed() const noexcept { return run_.changed(); }
  [[nodiscard]] std::string_view form() const noexcept { return run_.form(); }
  /// The items of one part of a form: from here to there, so many.
  struct Items {
    const char* begin = nullptr;
    const char* end = nullptr;
    std::uint64_t count = 0;
  };
  [[nodiscard]] Items items(Part part) const noexcept;
  [[nodiscard]] const Elements& elements() const noexcept override { return *this; }

 private:
  [[nodiscard]] Elements& elements() noexcept override { return *this; }
  void note_change() override;

  [[nodiscard]] std::uint64_t count(Part part) const noexcept override;
  [[nodiscard]] std::uint64_t rank(Part part, std::string_view key) const override;
  void visit(Part part, std::uint64_t from, std::uint64_t to, bool backwards, Elements::Visit visit) const override;
  void insert(Part part, std::string_view element) override;
  void replace(Part part, std::uint64_t rank, std::string_view element) override;
  void erase(Part part, std::uint64_t from, std::uint64_t count) override;
  [[nodiscard]] std::uint64_t first_of(Part part) const noexcept;

  Run run_;
  std::uint64_t blocks_ = 0;
};

}  // namespace stave::types::stream
