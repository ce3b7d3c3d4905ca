// Values of every type put into a store without the commands of their types, for tests of what is common to all.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "store/collection.h"
#include "store/transaction.h"

namespace stave::commands {

struct AnyValue {
  std::string_view name;  ///< As TYPE answers it.
  store::ValueType type{};
  std::string bytes;
  std::string whole;  ///< As `spell` spells the whole of it in RESP3.
};

/// One of each type of collection. `text` is among the elements.
inline std::vector<AnyValue> some_collections(std::string_view text = "abc") {
  const std::string shown = "\"" + std::string(text) + "\"";
  store::Hash::Compact hash;
  hash.set("name", text);
  hash.set("n", "12");
  store::List::Compact list;
  list.push_back("1");
  list.push_back(text);
  list.push_back("1");
  store::Set::Compact set;
  set.add(text);
  store::SortedSet::Compact sorted;
  sorted.set(text, 2.5);
  sorted.set("first", -1);
  store::Stream::Compact stream;
  const types::stream::Field field{.name = "name", .value = text};
  stream.append({.ms = 5, .seq = 1}, {&field, 1});
  stream.add_group("g", {}, std::nullopt);
  return {
      {"hash", store::Hash::kType, store::Hash::Compact::form_of(hash), "{\"name\", " + shown + ", \"n\", \"12\"}"},
      {"list", store::List::kType, std::string(list.form()), "[\"1\", " + shown + ", \"1\"]"},
      {"set", store::Set::kType, std::string(set.form()), "[" + shown + "]"},
      {"zset", store::SortedSet::kType, std::string(sorted.form()),
       "[[\"first\", -1.000000], [" + shown + ", 2.500000]]"},
      {"stream", store::Stream::kType, std::string(stream.form()), "[[\"5-1\", [\"name\", " + shown + "]]]"},
  };
}

inline AnyValue some_string(std::string_view text = "abc") {
  return {"string", store::ValueType::kString, std::string(text), "\"" + std::string(text) + "\""};
}

inline void put_value(store::Engine& engine, store::KeyRef key, const AnyValue& value, Expiry expiry = {}) {
  store::Transaction transaction(engine, key);
  ASSERT_TRUE(transaction.put(key, value.bytes, expiry, value.type));
  ASSERT_TRUE(transaction.commit(Sync::kDefault));
}

}  // namespace stave::commands
