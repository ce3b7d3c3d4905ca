// The pages of collections as they were at a snapshot's cut: where in the log each of them lies, and how they are read.
//
// A walk meets roots and pages in no order, so it notes pages by their addresses, which stay readable while it goes on,
// and puts the collections together at its end. Must not know: how a walk finds what was there at its cut.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "store/engine.h"
#include "store/pages.h"
#include "types/pages.h"

namespace stave::store {

class CutPages {
 public:
  explicit CutPages(Engine& engine) noexcept : engine_(engine) {}
  /// A page of the cut, by its key, and its record. Throws std::bad_alloc.
  void add(std::string_view key, Lsn address);
  /// Behind the last `add`; before `compact_form`.
  void sort();
  /// What a collection was, as one run (types/*/compact.h), from its root's value; its type is that of a root. Memory
  /// for it is taken twice. Errors: kCorrupt, kIo (a page cannot be read), kNoMemory.
  Result<std::string> compact_form(ValueType type, std::string_view paged) const;

 private:
  class Of;
  struct Page {
    Lsn identity = kNoLsn;
    types::PageId page = 0;
    Lsn address = kNoLsn;
    friend auto operator<=>(const Page&, const Page&) = default;
  };

  Engine& engine_;
  std::vector<Page> pages_;
};

}  // namespace stave::store
