// What the crash tests share: a small store on a simulated disk and the way to look at all of it.
#pragma once

#include <cstdlib>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "store/collection.h"
#include "store/engine.h"
#include "testing/sim_file_system.h"

namespace stave::crash {

/// Key (with its database in front) to value and deadline.
using Contents = std::map<std::string, std::pair<std::string, std::int64_t>>;

inline Options small_options(FileSystem& files, Clock& clock) {
  Options options;
  options.file_system = &files;
  options.clock = &clock;
  options.background = false;
  options.databases = 2;
  options.shards = 4;
  options.segment_bytes = 64u << 10;
  options.log_buffer_bytes = 64u << 10;
  options.disk_reserve_bytes = 0;
  // So that images, cleaning and dropping of segments happen all the time.
  options.checkpoint_bytes = 48u << 10;
  options.max_space_amplification = 1.5;
  return options;
}

/// What a collection holds, as a value of `Contents`: every element and its value, in the order of their bytes.
inline std::string rendered(const types::hash::Reader& hash) {
  std::map<std::string, std::string> fields;
  hash.visit([&](const types::hash::Field& field) { return fields.emplace(field.name, field.value).second; });
  std::string text;
  for (const auto& [name, value] : fields) text.append(name).append("=").append(value).append(";");
  return fields.size() == hash.size() ? text : "a field twice, or one that cannot be read: " + text;
}

inline std::string rendered(store::Engine& engine, int database, const std::string& key) {
  const store::KeyRef at{database, key};
  store::Transaction transaction(engine, at);
  const auto opened = store::open_collection<store::Hash>(transaction, at);
  if (!opened) return "unreadable: " + opened.error().describe();
  std::string text = rendered(opened->reader());
  const auto whole = opened->whole();
  return whole ? text : "unreadable: " + whole.error().describe();
}

inline Contents contents_of(store::Engine& engine) {
  Contents contents;
  std::vector<std::pair<int, std::string>> collections;
  for (int database = 0; database < engine.options().databases; ++database) {
    std::uint64_t cursor = 0;
    store::Pending pending;
    do {
      auto next = engine.scan_values(
          database, cursor, 1000,
          [&](std::string_view key, const store::ValueView& view) {
            contents[std::to_string(database) + ":" + std::string(key)] = {std::string(view.value),
                                                                           raw(view.expiry.at)};
            if (view.type != store::ValueType::kString) collections.emplace_back(database, key);
          },
          pending);
      // A value that cannot be read is a key that no state of the model explains.
      if (!next) {
        contents["unreadable: " + next.error().describe()] = {};
        break;
      }
      cursor = *next;
    } while (cursor != 0);
  }
  for (const auto& [database, key] : collections)
    contents[std::to_string(database) + ":" + key].first = rendered(engine, database, key);
  return contents;
}

/// States to examine at the least: STAVE_CRASH_STATES, else `by_default`.
inline std::uint64_t states_wanted(std::uint64_t by_default) {
  const char* text = std::getenv("STAVE_CRASH_STATES");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : by_default;
}

/// Where the loads' seeds begin: STAVE_SEED, else 1, so that `make test` examines the same states every time.
inline std::uint64_t first_seed() {
  const char* text = std::getenv("STAVE_SEED");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : 1;
}

}  // namespace stave::crash
