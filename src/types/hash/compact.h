// A hash in one run of bytes: name, value, name, value, in the order in which the fields came. Cost: a walk for
// everything.
#pragma once

#include "types/hash/hash.h"
#include "types/run.h"

namespace stave::types::hash {

class Compact final : public Editor {
 public:
  Compact() = default;
  /// `form` must outlive this object until that is changed; empty: the empty hash.
  explicit Compact(std::string_view form) noexcept : run_(form) {}
  /// Whether the bytes are the form of a hash that is not empty: for those that come from elsewhere.
  static bool well_formed(std::string_view form);

  [[nodiscard]] bool changed() const noexcept { return run_.changed(); }
  [[nodiscard]] std::string_view form() const noexcept { return run_.form(); }

  [[nodiscard]] std::uint64_t size() const noexcept override { return run_.count() / 2; }
  [[nodiscard]] std::optional<ItemText> find(std::string_view name) const override;
  void visit(Visit visit) const override;
  std::uint64_t scan(std::uint64_t cursor, std::size_t count, Visit visit) const override;
  void visit_random(std::uint64_t random, Visit visit) const override;
  bool set(std::string_view name, std::string_view value) override;
  bool remove(std::string_view name) override;

 private:
  [[nodiscard]] std::size_t place_of(const EncodedItem& name) const noexcept;

  Run run_;
};

}  // namespace stave::types::hash
