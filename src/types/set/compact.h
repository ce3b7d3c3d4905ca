// A set in one run of bytes: its members, in the order in which they came. Cost: a walk for everything.
#pragma once

#include "types/run.h"
#include "types/set/set.h"

namespace stave::types::set {

class Compact final : public Editor {
 public:
  Compact() = default;
  /// `form` must outlive this object until that is changed; empty: the empty set.
  explicit Compact(std::string_view form) noexcept : run_(form) {}
  /// Whether the bytes are the form of a set that is not empty: for those that come from elsewhere.
  static bool well_formed(std::string_view form);

  /// The form of what another one holds. Cost: one walk.
  static std::string form_of(const Reader& from);

  [[nodiscard]] bool changed() const noexcept { return run_.changed(); }
  [[nodiscard]] std::string_view form() const noexcept { return run_.form(); }

  [[nodiscard]] std::uint64_t size() const noexcept override { return run_.count(); }
  [[nodiscard]] bool contains(std::string_view member) const override;
  void visit(Visit visit) const override;
  std::uint64_t scan(std::uint64_t cursor, std::size_t count, Visit visit) const override;
  void visit_random(std::uint64_t random, Visit visit) const override;
  void visit_sample(std::uint64_t count, base::Random& random, Visit visit) const override;
  [[nodiscard]] bool all_integers() const override;
  bool add(std::string_view member) override;
  void add_new(std::string_view member) override;
  bool remove(std::string_view member) override;
  void take_sample(std::uint64_t count, base::Random& random, Visit visit) override;

 private:
  [[nodiscard]] std::size_t find(const EncodedItem& member) const noexcept;

  Run run_;
};

}  // namespace stave::types::set
