// The fields of a compact hash with deadlines beside one another, found by name in the time of a search: for as long as
// one call looks for many of them, or changes many, each of which would go through the whole form otherwise.
//
// Promises: the fields stay in the order of the form. Must not know: what time it is, the key's own deadline. Threads:
// as a standard container.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "stave/units.h"

namespace stave::types::hash {

class Unpacked {
 public:
  /// Name and value are items.
  struct Field {
    std::string name;
    std::string value;
    UnixMs deadline{0};
    bool there = true;
  };

  /// The field of that name, which is an item; nullptr: there is none. It stays until one is added.
  [[nodiscard]] const Field* find(std::string_view name) const;
  [[nodiscard]] Field* find(std::string_view name);
  /// Behind all others; there is none of that name. Throws std::bad_alloc.
  void add(std::string_view name, std::string_view value, UnixMs deadline);
  /// It is there.
  void remove(std::string_view name);
  /// In their order, some of which are not there any more.
  [[nodiscard]] const std::vector<Field>& fields() const noexcept { return fields_; }

 private:
  std::vector<Field> fields_;
  /// Not a table of hashes, which whoever chooses the names could fill unevenly.
  std::map<std::string, std::size_t, std::less<>> index_;
};

}  // namespace stave::types::hash
