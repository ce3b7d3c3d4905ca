// A list in one run of bytes: its elements, first to last. Cost: a walk to the place, from the front.
#pragma once

#include "types/list/list.h"
#include "types/run.h"

namespace stave::types::list {

class Compact final : public Editor {
 public:
  Compact() = default;
  /// `form` must outlive this object until that is changed; empty: the empty list.
  explicit Compact(std::string_view form) noexcept : run_(form) {}
  /// Whether the bytes are the form of a list that is not empty: for those that come from elsewhere.
  static bool well_formed(std::string_view form) noexcept { return Run::well_formed(form) && Run(form).count() != 0; }

  /// The form of what another one holds. Cost: one walk.
  static std::string form_of(const Reader& from);

  [[nodiscard]] bool changed() const noexcept { return run_.changed(); }
  [[nodiscard]] std::string_view form() const noexcept { return run_.form(); }

  [[nodiscard]] std::uint64_t size() const noexcept override { return run_.count(); }
  [[nodiscard]] ItemText at(std::uint64_t place) const override { return run_.read(run_.place(place)); }
  void visit(std::uint64_t from, std::uint64_t to, Visit visit) const override;
  void visit_backwards(std::uint64_t from, std::uint64_t to, Visit visit) const override;
  void find(std::string_view element, std::uint64_t from, std::uint64_t to, VisitPlace visit) const override;
  void find_backwards(std::string_view element, std::uint64_t from, std::uint64_t to, VisitPlace visit) const override;
  using Editor::insert;
  void insert(std::uint64_t place, std::span<const std::string_view> elements, Order order) override;
  void set(std::uint64_t place, std::string_view element) override;
  void erase(std::uint64_t from, std::uint64_t count) override;
  std::uint64_t remove_first(std::string_view element, std::uint64_t most) override;
  std::uint64_t remove_last(std::string_view element, std::uint64_t most) override;

 private:
  void remove_equal(const EncodedItem& element, std::uint64_t spared, std::uint64_t count);

  Run run_;
};

}  // namespace stave::types::list
