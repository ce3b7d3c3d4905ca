// The part of the page about what goes on behind the calls: memory and its budget, images of the index, the cleaner,
// snapshots and backups.
#pragma once

#include "doors/http/metrics.h"
#include "store/engine.h"

namespace stave::http {

void add_memory(MetricsPage& page, const store::EngineStats& stats);
void add_checkpoints(MetricsPage& page, const store::EngineStats& stats);
void add_cleaner(MetricsPage& page, const store::EngineStats& stats);
void add_snapshots(MetricsPage& page, commands::Environment& environment);
void add_backups(MetricsPage& page, commands::Environment& environment);

}  // namespace stave::http
