// A sorted set in one run of bytes: score, member, score, member, in the order of (score, member). A whole score is an
// integer's item; any other one a text of a zero byte and the eight of the double. Cost: a walk for everything.
#pragma once

#include <string>

#include "types/run.h"
#include "types/sorted_set/sorted_set.h"

namespace stave::types::sorted_set {

class Compact final : public Editor {
 public:
  Compact() = default;
  /// `form` must outlive this object until that is changed; empty: the empty sorted set.
  explicit Compact(std::string_view form) noexcept : run_(form) {}
  /// Whether the bytes are the form of a sorted set that is not empty: for those that come from elsewhere.
  static bool well_formed(std::string_view form);
  /// A score, which is no NaN, as its item: appended to what is put together from outside.
  static void append_score(std::string& items, double score);

  /// The form of what another one holds. Cost: one walk.
  static std::string form_of(const Reader& from);

  [[nodiscard]] bool changed() const noexcept { return run_.changed(); }
  [[nodiscard]] std::string_view form() const noexcept { return run_.form(); }

  [[nodiscard]] std::uint64_t size() const noexcept override { return run_.count() / 2; }
  [[nodiscard]] std::optional<double> score(std::string_view member) const override;
  [[nodiscard]] std::optional<std::uint64_t> rank(std::string_view member) const override;
  [[nodiscard]] std::uint64_t count_below(double score, bool or_equal) const override;
  [[nodiscard]] std::uint64_t count_before(std::string_view member, bool or_equal) const override;
  void visit(std::uint64_t from, std::uint64_t to, Visit visit) const override;
  void visit_backwards(std::uint64_t from, std::uint64_t to, Visit visit) const override;
  std::uint64_t scan(std::uint64_t cursor, std::size_t count, Visit visit) const override;
  bool set(std::string_view member, double score) override;
  void append(std::string_view member, double score) override;
  bool remove(std::string_view member) override;
  void erase(std::uint64_t from, std::uint64_t count) override;

 private:
  struct Place {
    std::size_t at = 0;  ///< Of the score's item; the end: there is none.
    std::uint64_t rank = 0;
  };
  [[nodiscard]] Place find(const EncodedItem& member) const noexcept;
  [[nodiscard]] std::size_t place_for(double score, std::string_view member) const noexcept;
  [[nodiscard]] double score_at(std::size_t at) const noexcept;
  void insert(std::size_t at, const EncodedItem& member, double score);
  void take_out(std::size_t at);

  Run run_;
};

}  // namespace stave::types::sorted_set
