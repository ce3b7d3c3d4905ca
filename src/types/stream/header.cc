#include "types/stream/header.h"

#include "types/stream/varint.h"

namespace stave::types::stream {

void append_header(std::string& to, const Header& header) {
  const Counters& counters = header.counters;
  const bool top = counters.length != 0 && header.top != counters.last_id;
  for (const std::uint64_t number :
       {counters.length, counters.entries_added, counters.last_id.ms, counters.last_id.seq, counters.max_deleted_id.ms,
        counters.max_deleted_id.seq, header.next_number, std::uint64_t{top}})
    put_varint(to, number);
  if (!top) return;
  put_varint(to, header.top.ms);
  put_varint(to, header.top.seq);
}

std::optional<Header> take_header(std::string_view& from) noexcept {
  Header header;
  Counters& counters = header.counters;
  std::uint64_t top = 0;
  for (std::uint64_t* const number :
       {&counters.length, &counters.entries_added, &counters.last_id.ms, &counters.last_id.seq,
        &counters.max_deleted_id.ms, &counters.max_deleted_id.seq, &header.next_number, &top}) {
    const auto taken = checked_varint(from);
    if (!taken) return std::nullopt;
    *number = *taken;
  }
  header.top = counters.last_id;
  if (top == 0) return header;
  const auto ms = checked_varint(from);
  const auto seq = ms ? checked_varint(from) : std::nullopt;
  if (top != 1 || !seq || counters.length == 0) return std::nullopt;
  header.top = {.ms = *ms, .seq = *seq};
  return header;
}

}  // namespace stave::types::stream
