#include "store/collection.h"

#include "store/answer_copy.h"

namespace stave::store {

namespace {

template <class Type>
Result<std::string> copy_pages_of(Transaction& transaction, std::string_view paged) {
  const std::string root(root_of(paged));
  TransactionPages from(transaction, identity_of(paged));
  TransactionPages to(transaction, transaction.engine().new_identity());
  const typename Type::Paged form(from, root);
  form.visit_pages([&](types::PageId page) {
    const std::string_view bytes = from.read(page);
    if (from.failed()) return false;  // the transaction may have to start again
    to.write(page, bytes);
    return !to.failed();
  });
  if (from.failed()) return from.failure();
  if (to.failed()) return to.failure();
  return paged_value(to.identity(), root);
}

template <class Type>
Result<std::string> joined_form_of(Transaction& transaction, std::string_view paged) {
  TransactionPages pages(transaction, identity_of(paged));
  const typename Type::Paged form(pages, root_of(paged));
  std::string joined = Type::Compact::form_of(form);
  if (pages.failed()) return pages.failure();
  return joined;
}

template <class Type>
Result<std::uint64_t> memory_of_pages_of(Transaction& transaction, std::string_view paged) {
  TransactionPages pages(transaction, identity_of(paged));
  const typename Type::Paged form(pages, root_of(paged));
  std::uint64_t bytes = 0;
  form.visit_pages([&](types::PageId page) {
    bytes += pages.memory_of(page);
    return true;
  });
  if (pages.failed()) return pages.failure();
  return bytes;
}

}  // namespace

std::optional<types::PageId> page_end(ValueType type, std::string_view paged) noexcept {
  const std::string_view root = root_of(paged);
  switch (type) {
    case ValueType::kHash: return Hash::Paged::page_end(root);
    case ValueType::kList: return List::Paged::page_end(root);
    case ValueType::kSet: return Set::Paged::page_end(root);
    case ValueType::kSketch: return Sketch::Paged::page_end(root);
    case ValueType::kStream: return Stream::Paged::page_end(root);
    case ValueType::kString: return String::Paged::page_end(root);
    default: STAVE_ASSERT(type == ValueType::kSortedSet); return SortedSet::Paged::page_end(root);
  }
}

Result<std::uint64_t> memory_of_pages(Transaction& transaction, const ValueView& held) {
  STAVE_ASSERT(held.paged && held.here);
  switch (held.type) {
    case ValueType::kHash: return memory_of_pages_of<Hash>(transaction, held.value);
    case ValueType::kList: return memory_of_pages_of<List>(transaction, held.value);
    case ValueType::kSet: return memory_of_pages_of<Set>(transaction, held.value);
    case ValueType::kSketch: return memory_of_pages_of<Sketch>(transaction, held.value);
    case ValueType::kStream: return memory_of_pages_of<Stream>(transaction, held.value);
    case ValueType::kString: return memory_of_pages_of<String>(transaction, held.value);
    default: return memory_of_pages_of<SortedSet>(transaction, held.value);
  }
}

Result<std::string> joined_form(Transaction& transaction, const ValueView& held) {
  STAVE_ASSERT(held.paged && held.here);
  switch (held.type) {
    case ValueType::kHash: return joined_form_of<Hash>(transaction, held.value);
    case ValueType::kList: return joined_form_of<List>(transaction, held.value);
    case ValueType::kSet: return joined_form_of<Set>(transaction, held.value);
    case ValueType::kSketch: return joined_form_of<Sketch>(transaction, held.value);
    case ValueType::kStream: return joined_form_of<Stream>(transaction, held.value);
    case ValueType::kString: return joined_form_of<String>(transaction, held.value);
    default: return joined_form_of<SortedSet>(transaction, held.value);
  }
}

Result<void> join_string(Transaction& transaction, std::string_view paged, LoadedValue& to) {
  const auto size = static_cast<std::size_t>(String::Paged::size_of(root_of(paged)));
  return copy_of_string(transaction, paged, 0, size, to);
}

Result<std::string> copy_pages(Transaction& transaction, ValueType type, std::string_view paged) {
  switch (type) {
    case ValueType::kHash: return copy_pages_of<Hash>(transaction, paged);
    case ValueType::kList: return copy_pages_of<List>(transaction, paged);
    case ValueType::kSet: return copy_pages_of<Set>(transaction, paged);
    case ValueType::kSketch: return copy_pages_of<Sketch>(transaction, paged);
    case ValueType::kStream: return copy_pages_of<Stream>(transaction, paged);
    case ValueType::kString: return copy_pages_of<String>(transaction, paged);
    default: STAVE_ASSERT(type == ValueType::kSortedSet); return copy_pages_of<SortedSet>(transaction, paged);
  }
}

}  // namespace stave::store
