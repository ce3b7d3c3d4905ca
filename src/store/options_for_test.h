// Options of a small store that does nothing by itself (no threads, no images, no cleaning but where a test asks for
// it), and what such a store holds.
#pragma once

#include <gtest/gtest.h>

#include <string_view>

#include "stave/clock.h"
#include "stave/file_system.h"
#include "stave/options.h"
#include "store/engine.h"

namespace stave::store {

inline Options still_options(FileSystem& files, Clock& clock, int databases) {
  Options options;
  options.file_system = &files;
  options.clock = &clock;
  options.background = false;
  options.segment_bytes = 64 << 10;
  options.log_buffer_bytes = 64 << 10;
  options.databases = databases;
  options.shards = 2;
  options.sync = Sync::kOs;
  options.disk_reserve_bytes = 0;
  options.checkpoint_bytes = 0;
  options.checkpoint_interval_ms = 0;
  options.max_space_amplification = 0;
  return options;
}

/// Shows every key of the database and its value, wherever that lies, to `visit`.
template <class Visit>
void visit_all(Engine& engine, int database, const Visit& visit) {
  Pending pending;
  std::uint64_t cursor = 0;
  do {
    auto next = engine.scan_values(
        database, cursor, 100, [&](std::string_view key, const ValueView& view) { visit(key, view); }, pending);
    EXPECT_TRUE(next) << next.error().describe();
    if (!next) break;
    cursor = *next;
  } while (cursor != 0);
}

}  // namespace stave::store
