// What a hash is to whoever reads or changes one, however it is kept: fields, each once, each with a value, and perhaps
// with a deadline.
//
// `Reader` and `Editor` are what commands, the library and the doors are written against; the forms (compact.h)
// implement them. A hash is opened as of a moment: a field whose deadline has come by then is not there for any of
// these. Must not know: keys, locks, the log. Threads: as a standard container.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/function_ref.h"
#include "stave/units.h"
#include "types/item.h"

namespace stave::types::hash {

/// The deadline of a field that has none.
inline constexpr UnixMs kNever{0};

struct Field {
  std::string_view name;
  std::string_view value;
  UnixMs deadline = kNever;
};

class Reader {
 public:
  /// Returns whether to go on. The views end with the call.
  using Visit = base::FunctionRef<bool(const Field&)>;

  virtual ~Reader() = default;
  [[nodiscard]] virtual std::uint64_t size() const noexcept = 0;
  /// The value of a field. It ends with the next change.
  [[nodiscard]] virtual std::optional<ItemText> find(std::string_view name) const = 0;
  /// When a field dies, or kNever; nullopt when it is not there.
  [[nodiscard]] virtual std::optional<UnixMs> deadline(std::string_view name) const = 0;
  /// All fields, each once, in the form's own order, which stays while nothing changes.
  virtual void visit(Visit visit) const = 0;
  /// A bounded piece of all fields, of about `count`, from `cursor` (0: the beginning) on; returns the cursor to go on
  /// from, 0 at the end. A field that is there all the time is visited, perhaps twice, whatever changes in between.
  virtual std::uint64_t scan(std::uint64_t cursor, std::size_t count, Visit visit) const = 0;
  /// Visits one field, each with about the same chance; `random` is 64 random bits. Not of an empty hash.
  virtual void visit_random(std::uint64_t random, Visit visit) const = 0;
};

class Editor : public Reader {
 public:
  /// True when the field is new; it dies at `deadline`, which lies ahead or is kNever, whatever it had before. Neither
  /// text may lie in this hash. Limits: item::kTextMax each, and as many fields as 32 bits count; whoever calls checks
  /// them before.
  virtual bool set(std::string_view name, std::string_view value, UnixMs deadline) = 0;
  bool set(std::string_view name, std::string_view value) { return set(name, value, kNever); }
  /// Gives a field, which may lie in this hash, a deadline, or takes it away. False when it is not there.
  virtual bool set_deadline(std::string_view name, UnixMs deadline) = 0;
  /// False when it is not there.
  virtual bool remove(std::string_view name) = 0;
};

}  // namespace stave::types::hash
