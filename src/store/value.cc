#include "store/value.h"

namespace stave::store {

ValueView view_of(keyspace::Entry entry, const LoadedValue* loaded) {
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
