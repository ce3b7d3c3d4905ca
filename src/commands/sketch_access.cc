#include "commands/sketch_access.h"

#include <algorithm>
#include <optional>
#include <string_view>

namespace stave::commands {

namespace sketch = types::sketch;

Result<void> scan_dump(Call& call, sketch::Kind kind) {
  STAVE_ASSIGN(const std::int64_t from, integer_argument(call, 2));
  if (from < 0) return answer_error("ERR Invalid position");
  std::int64_t next = 0;
  std::string piece;
  STAVE_TRY(look_at_sketch(call, 1, kind, [&](const sketch::Reader* bytes) -> Result<void> {
    if (bytes == nullptr) return sketch_not_found();
    next = 0;
    piece.clear();
    std::string scratch;
    if (from == 0) {
      piece = bytes->read(0, sketch::kHeadBytes, scratch);
      next = 1;
      return {};
    }
    const std::uint64_t at = sketch::kHeadBytes + static_cast<std::uint64_t>(from - 1);
    if (at >= bytes->size()) return {};
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(kSketchChunkBytes, bytes->size() - at));
    piece = bytes->read(at, size, scratch);
    next = from + static_cast<std::int64_t>(size);
    return {};
  }));
  call.reply().array(2);
  call.reply().integer(next);
  call.reply().bulk(piece);
  return {};
}

Result<void> load_chunk(Call& call, sketch::Kind kind, std::optional<std::uint64_t> (*size_of)(const sketch::Head&)) {
  STAVE_ASSIGN(const std::int64_t position, integer_argument(call, 2));
  const std::string_view piece = call[3];
  const auto bad = [] { return answer_error("ERR received bad data"); };
  if (position < 1) return answer_error("ERR Invalid position");
  if (position == 1) {
    if (piece.size() != sketch::kHeadBytes) return bad();
    const sketch::Head head(piece);
    const auto size = head.is(kind) ? size_of(head) : std::nullopt;
    if (!size) return bad();
    STAVE_TRY(check_sketch_size(call, *size));
    STAVE_TRY(change_sketch(call, 1, kind, [&](sketch::Editor& bytes) -> Result<void> {
      if (bytes.size() != 0) return answer_error("ERR item exists");
      bytes.extend(*size);
      bytes.write(0, head.view());
      return {};
    }));
  } else {
    // Where the piece ends, counted behind the head.
    const auto end = static_cast<std::uint64_t>(position - 1);
    if (piece.empty() || piece.size() > end) return bad();
    STAVE_TRY(change_sketch(call, 1, kind, [&](sketch::Editor& bytes) -> Result<void> {
      if (bytes.size() == 0) return sketch_not_found();
      if (end > bytes.size() - sketch::kHeadBytes) return bad();
      bytes.write(sketch::kHeadBytes + end - piece.size(), piece);
      return {};
    }));
  }
  call.reply().status("OK");
  return {};
}

}  // namespace stave::commands
