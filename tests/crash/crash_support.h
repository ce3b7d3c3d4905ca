// What the crash tests share: a small store on a simulated disk and the way to look at all of it.
#pragma once

#include <cstdlib>
#include <map>
#include <string>
#include <utility>

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

inline Contents contents_of(store::Engine& engine) {
  Contents contents;
  for (int database = 0; database < engine.options().databases; ++database) {
    std::uint64_t cursor = 0;
    store::Pending pending;
    do {
      auto next = engine.scan_values(
          database, cursor, 1000,
          [&](std::string_view key, const store::ValueView& view) {
            contents[std::to_string(database) + ":" + std::string(key)] = {std::string(view.value),
                                                                           raw(view.expiry.at)};
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
