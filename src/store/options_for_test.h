// Options of a small store that does nothing by itself: no threads, no images, no cleaning but where a test asks for
// it.
#pragma once

#include "stave/clock.h"
#include "stave/file_system.h"
#include "stave/options.h"

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

}  // namespace stave::store
