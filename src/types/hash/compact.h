// A hash in one run of bytes, its fields in the order in which they came. Cost: a walk for everything.
//
//     layout 0: name, value | name, value | …
//     layout 1: the key's own deadline | name, value, deadline | …
//
// Layout 1 is that of a hash some of whose fields have a deadline. A deadline is the text of its milliseconds, empty
// when there is none. When every field has one, the key dies with the last of them: that is what its entry then says,
// and the form keeps when the key dies by itself ("0": never); otherwise the entry says it, and the form's is empty.
// Fields whose time is up stay in the bytes, unseen, until the next change.
#pragma once

#include "types/hash/hash.h"
#include "types/hash/unpacked.h"
#include "types/run.h"

namespace stave::types::hash {

class Compact final : public Editor {
 public:
  using Editor::set;

  Compact() = default;
  /// As of `now`. `form` must outlive this object until that is changed; empty: the empty hash.
  Compact(std::string_view form, UnixMs now) noexcept;
  /// As of no moment: every field is there, also one whose time is up.
  explicit Compact(std::string_view form) noexcept : Compact(form, UnixMs{0}) {}
  /// Whether the bytes are the form of a hash that is not empty: for those that come from elsewhere.
  static bool well_formed(std::string_view form);
  /// Whether what is there depends on the moment.
  static bool expiring(std::string_view form) noexcept { return !form.empty() && form[0] == kExpiring; }

  /// The form of what another one holds. Cost: one walk.
  static std::string form_of(const Reader& from);

  [[nodiscard]] bool changed() const noexcept { return run_.changed() || repack_; }
  /// What is to be kept; after a change, not before `settle`.
  [[nodiscard]] std::string_view form() const noexcept {
    STAVE_ASSERT(settled_ || !changed());
    return run_.form();
  }
  /// About as many as the form will have, also before `settle`.
  [[nodiscard]] std::size_t bytes() const noexcept { return run_.form().size(); }
  /// Whether any field may have a deadline.
  [[nodiscard]] bool with_deadlines() const noexcept { return run_.layout() == static_cast<unsigned>(kExpiring); }
  /// When the key dies by itself, if it is not its entry that says so.
  [[nodiscard]] std::optional<Expiry> own_expiry() const noexcept;
  /// Makes ready what is to be kept under a key that dies by itself at `own`, and returns when it dies indeed: then, or
  /// with its last field. May change the form. A key that is kept alive by being used has to outlive its fields: it
  /// stays, empty, until it was not used for so long.
  Expiry settle(const Expiry& own);

  [[nodiscard]] std::uint64_t size() const noexcept override { return alive_; }
  [[nodiscard]] std::optional<ItemText> find(std::string_view name) const override;
  [[nodiscard]] std::optional<UnixMs> deadline(std::string_view name) const override;
  void visit(Visit visit) const override;
  std::uint64_t scan(std::uint64_t cursor, std::size_t count, Visit visit) const override;
  void visit_random(std::uint64_t random, Visit visit) const override;
  bool set(std::string_view name, std::string_view value, UnixMs deadline) override;
  bool set_deadline(std::string_view name, UnixMs deadline) override;
  bool remove(std::string_view name) override;

 private:
  static constexpr char kExpiring = 1;

  // Places are those of names; the end: no field.
  [[nodiscard]] std::size_t first() const noexcept;
  [[nodiscard]] std::size_t behind(std::size_t at) const noexcept;
  [[nodiscard]] std::size_t place_of(std::string_view name) const noexcept;
  [[nodiscard]] UnixMs deadline_at(std::size_t at) const noexcept;
  [[nodiscard]] bool passed(std::size_t at) const noexcept;
  [[nodiscard]] UnixMs latest() const noexcept;
  bool visit_at(std::size_t at, Visit visit) const;
  bool drop_passed();
  void drop(std::size_t& at);
  void lay_out(unsigned layout);
  [[nodiscard]] bool unpacked() const;
  void unpack() const;
  void pack();
  bool set_unpacked(const EncodedItem& name, const EncodedItem& value, UnixMs deadline);
  void write(std::size_t at, const EncodedItem& item);

  Run run_;
  UnixMs now_{0};
  std::uint64_t alive_ = 0;
  std::uint64_t expiring_ = 0;  ///< How many of these have a deadline.
  bool settled_ = false;
  /// What many operations in a row work on, made when there were a few: the fields that are seen.
  mutable std::optional<Unpacked> unpacked_;
  mutable unsigned operations_ = 0;
  bool repack_ = false;  ///< These are others than those of the run.
};

}  // namespace stave::types::hash
