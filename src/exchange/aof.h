// Redis' append-only files: the calls that made a data set, to be made again. Single files, files that begin with a
// snapshot, and the directory of several files with a manifest that Redis 7 keeps.
//
// Promises: a transaction is handed on whole or not at all; a last call that was cut off, as after a power cut, ends
// the reading and is told in the summary, and everything before it was handed on. Must not know: what the calls mean,
// but for MULTI, EXEC and DISCARD.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "exchange/exchange.h"
#include "exchange/source.h"
#include "stave/file_system.h"

namespace stave::exchange {

/// Makes one call. The first of each file is SELECT 0. An error ends the reading.
using CallRef = base::FunctionRef<Result<void>(std::span<const std::string_view> arguments)>;

/// Reads one file: items of a snapshot at its front, if there is one, then calls. `may_be_cut` says whether the last
/// call may be incomplete; otherwise that is kCorrupt. Errors: kCorrupt (with offset), kTooLarge, those of the sinks.
Result<Summary> read_aof(ByteInput& input, const std::string& name, Sink& sink, CallRef call, const Limits& limits,
                         bool may_be_cut = true);

/// One line of a manifest.
struct AofPart {
  enum class Role : char { kBase = 'b', kIncrement = 'i', kHistory = 'h' };
  std::string file;
  std::uint64_t sequence = 0;
  Role role{};
  friend bool operator==(const AofPart&, const AofPart&) = default;
};
/// The parts in the order they are to be read, without history. Errors: kCorrupt, naming the line.
Result<std::vector<AofPart>> parse_manifest(std::string_view text, const std::string& name);

/// Reads all parts of the directory. Only the last may be cut. Errors: kNotFound (no manifest, or a part that it names
/// is missing), kInvalidArgument (several manifests), as `read_aof`.
Result<Summary> read_aof_directory(FileSystem& files, const std::string& directory, Sink& sink, CallRef call,
                                   const Limits& limits);

}  // namespace stave::exchange
