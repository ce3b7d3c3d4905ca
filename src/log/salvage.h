// A damaged log copied into a new directory, as far as it is whole, every record at the address that it had.
//
// Promises: the original is only read. In the copy, what is lost is covered by kLost records, so that versions, history
// and links between records stay what they were; a change of a value that is lost is lost with it. The copy opens, or
// an error is returned; until it is complete it has no identity and is no store.
// Must not know: the index, what values mean.
#pragma once

#include <string>

#include "log/inspect.h"
#include "log/losses.h"

namespace stave::log {

struct Salvage {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;       ///< Of the records that were kept.
  std::uint64_t lost_bytes = 0;  ///< Addresses that are covered now.
  std::uint64_t orphans = 0;     ///< Records that were whole but hung on lost ones.
};

/// Copies what `inspection` (of the same directory, complete, with the same `proven`) found to be whole from `source`
/// into `target`, which must be empty or missing. Every record that is kept is shown to `losses`. Errors: kConflict
/// (there is something in `target`), kCorrupt (nothing to salvage), those of the files.
Result<Salvage> salvage(FileSystem& files, const std::string& source, const std::string& target,
                        const Inspection& inspection, Lsn proven, KeyLosses& losses);

}  // namespace stave::log
