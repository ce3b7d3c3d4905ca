#include "store/cut_pages.h"

#include <algorithm>
#include <new>

#include "base/assert.h"
#include "base/try.h"
#include "store/collection.h"

namespace stave::store {

/// The pages of one collection, read as they are asked for and kept, since several may be looked at at once.
class CutPages::Of final : public types::Pages {
 public:
  Of(const CutPages& cut, Lsn identity) noexcept : cut_(cut), identity_(identity) {}

  [[nodiscard]] std::string_view read(types::PageId page) override {
    if (error_) return {};
    if (const auto known = read_.find(page); known != read_.end()) return known->second;
    const Page wanted{.identity = identity_, .page = page};
    const auto at = std::ranges::lower_bound(cut_.pages_, wanted);
    if (at == cut_.pages_.end() || at->identity != identity_ || at->page != page)
      return lost(Error(ErrorCode::kCorrupt,
                        "a piece of a collection is missing; `stave doctor` can examine the "
                        "store's directory"));
    std::string value;
    if (auto done = cut_.engine_.residence().load(at->address, PageKey(identity_, page).view(), value); !done)
      return lost(std::move(done).error());
    return read_.emplace(page, std::move(value)).first->second;
  }
  // Nobody changes what was.
  void write(types::PageId, std::string_view) override { STAVE_ASSERT(false && "a snapshot is only read"); }
  void erase(types::PageId) override { STAVE_ASSERT(false && "a snapshot is only read"); }
  [[nodiscard]] bool failed() const noexcept override { return error_.has_value(); }
  [[nodiscard]] const Error& error() const { return *error_; }

 private:
  std::string_view lost(Error&& why) {
    error_ = std::move(why);
    return {};
  }

  const CutPages& cut_;
  Lsn identity_;
  std::unordered_map<types::PageId, std::string> read_;
  std::optional<Error> error_;
};

namespace {

template <class Type, class Of>
Result<std::string> put_together(Of& pages, std::string_view root) {
  const typename Type::Paged form(pages, root);
  std::string compact = Type::Compact::form_of(form);
  if (pages.failed()) return fail(pages.error().clone());
  return compact;
}

}  // namespace

void CutPages::add(std::string_view key, Lsn address) {
  pages_.push_back({.identity = PageKey::identity_of(key), .page = PageKey::page_of(key), .address = address});
}

void CutPages::sort() {
  std::ranges::sort(pages_);
}

Result<std::string> CutPages::compact_form(ValueType type, std::string_view paged) const try {
  STAVE_ASSERT(is_root(type));
  Of pages(*this, identity_of(paged));
  switch (shown_type(type)) {
    case ValueType::kHash: return put_together<Hash>(pages, root_of(paged));
    case ValueType::kList: return put_together<List>(pages, root_of(paged));
    case ValueType::kSet: return put_together<Set>(pages, root_of(paged));
    case ValueType::kSketch: return put_together<Sketch>(pages, root_of(paged));
    case ValueType::kStream: return put_together<Stream>(pages, root_of(paged));
    case ValueType::kString: return put_together<String>(pages, root_of(paged));
    default: return put_together<SortedSet>(pages, root_of(paged));
  }
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kNoMemory, "there is no memory to put a collection together");
}

}  // namespace stave::store
