// Looks at a whole store or server: its largest keys, its hottest ones, all of them by name, how long an answer takes,
// and what it does from moment to moment. As redis-cli's --bigkeys, --memkeys, --hotkeys, --scan, --latency and --stat.
//
// Promises: keys are read in steps, so nobody else waits for it; memory does not grow with the number of keys; what
// cannot be asked is said once and ends it. Must not know: where the store is.
#pragma once

#include <cstdint>
#include <string>

#include "doors/shell/target.h"

namespace stave::shell {

enum class Survey : std::uint8_t {
  kNone,
  kBigKeys,     ///< By the number of elements, or bytes of a string.
  kMemoryKeys,  ///< By MEMORY USAGE.
  kHotKeys,
  kNames,
  kLatency,
  kStatistics,
};

struct SurveySettings {
  Survey what = Survey::kNone;
  std::string pattern;           ///< Of keys; empty: all of them.
  std::int64_t interval_ms = 0;  ///< Of latency and statistics: between rows; of hot keys: how long to watch. 0: usual.
  std::int64_t count = 0;  ///< Rows of latency and statistics; 0: until somebody ends it, one when nobody watches.
  bool terminal = false;   ///< Somebody watches: shows progress.
};

/// Runs it; 0, or 1 when something went wrong, which was told.
int run_survey(Target& target, const SurveySettings& settings);

}  // namespace stave::shell
