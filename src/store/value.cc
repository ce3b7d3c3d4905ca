#include "store/value.h"

#include "types/string/paged.h"

namespace stave::store {

namespace {

/// A string in pages as one whose bytes are elsewhere. Of a root that is in the log only the length is not known.
ValueView string_of(keyspace::Entry entry) noexcept {
  ValueView view{.type = ValueType::kString, .version = entry.version(), .here = false};
  // Behind the identity (pages.h).
  if (entry.resident())
    view.size = types::text::Paged::size_of(entry.value().substr(keyspace::Keyspace::kTogetherBytes));
  return view;
}

}  // namespace

ValueView view_of(keyspace::Entry entry, Access access, const LoadedValue* loaded) {
  if (entry.type() == ValueType::kPagedString && !takes_root(access)) [[unlikely]]
    return string_of(entry);
  const bool resident = entry.resident();
  const bool in_block = resident && entry.out_of_line() && entry.value_size() >= keyspace::Block::kBytesMin;
  const std::string_view elsewhere = loaded != nullptr ? loaded->view() : std::string_view{};
  return {.type = shown_type(entry.type()),
          .value = resident ? entry.value() : elsewhere,
          .expiry = {},
          .version = entry.version(),
          .json = entry.type() == ValueType::kJson,
          .paged = is_root(entry.type()),
          .size = entry.value_size(),
          .here = resident || elsewhere.size() == entry.value_size(),
          .block = in_block            ? entry.block()
                   : loaded != nullptr ? loaded->block.data()
                                       : nullptr};
}

}  // namespace stave::store
