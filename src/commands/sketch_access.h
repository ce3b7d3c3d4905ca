// A key's sketch in a command: looked at or changed like any collection, once it is known to be of the kind that the
// command is about.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "base/try.h"
#include "commands/arguments.h"
#include "commands/collection.h"
#include "commands/errors.h"
#include "store/collection.h"
#include "types/sketch/sketch.h"

namespace stave::commands {

/// Shows the sketch of argument `i`'s key: `const types::sketch::Reader*`, null when there is none. Errors: as
/// `look_at`.
template <class Show>
Result<void> look_at_sketch(Call& call, std::size_t i, types::sketch::Kind kind, Show&& show) {
  return look_at<store::Sketch>(call, i, [&](const types::sketch::Reader* bytes) -> Result<void> {
    if (bytes != nullptr && !types::sketch::is_kind(*bytes, kind)) return wrong_type();
    return show(bytes);
  });
}

/// Lets `change` edit it (`types::sketch::Editor&`, of no bytes when there is none). Errors: as `change_collection`.
template <class Change>
Result<void> change_sketch(Call& call, std::size_t i, types::sketch::Kind kind, Change&& change) {
  return change_collection<store::Sketch>(call, i, [&](store::Opened<store::Sketch>& opened) -> Result<void> {
    if (opened.existed() && !types::sketch::is_kind(opened.reader(), kind)) return wrong_type();
    return change(opened.editor());
  });
}

/// What may be asked for: a sketch is as large as a value may be, and it is made and changed in memory, where what it
/// was and what it becomes have to fit.
inline bool sketch_fits(Call& call, std::uint64_t bytes) noexcept {
  const std::uint64_t limit = call.engine().budget().max();
  return bytes <= call.engine().options().value_bytes_max && (limit == 0 || bytes <= limit / 2);
}

inline Result<void> check_sketch_size(Call& call, std::uint64_t bytes) {
  if (sketch_fits(call, bytes)) return {};
  return answer_error("ERR Insufficient memory to create filter");
}

inline std::unexpected<Error> sketch_not_found() {
  return answer_error("ERR not found");
}

/// Pieces that SCANDUMP hands out; behind the head, which is the first.
inline constexpr std::size_t kSketchChunkBytes = std::size_t{1} << 20;

/// SCANDUMP: argument 2 says how far one has come; the next piece and how far that leads. 0 and nothing: the end.
/// `kind`'s sketch in argument 1's key.
Result<void> scan_dump(Call& call, types::sketch::Kind kind);
/// LOADCHUNK: arguments as SCANDUMP answered them; the first piece makes the key anew. `size_of`: how large the sketch
/// of that head is; nullopt: it is none.
Result<void> load_chunk(Call& call, types::sketch::Kind kind,
                        std::optional<std::uint64_t> (*size_of)(const types::sketch::Head&));

}  // namespace stave::commands
