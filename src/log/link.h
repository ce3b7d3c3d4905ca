// Records of one batch that name one another, encoded once they have addresses.
//
// Must not know: where the bytes go.
#pragma once

#include <cstddef>
#include <span>

#include "base/assert.h"
#include "log/record.h"

namespace stave::log {

/// The batch's record `i`, of which those before have got their addresses: as it is encoded at `lsn`.
inline void encode_linked(std::span<const RecordSpec> batch, std::size_t i, std::span<const Lsn> lsns, auto&& encode) {
  const std::int32_t to = batch[i].prev_in_batch;
  if (to < 0) [[likely]]
    return encode(batch[i]);
  STAVE_ASSERT(static_cast<std::size_t>(to) < i);
  RecordSpec linked = batch[i];
  linked.prev = lsns[static_cast<std::size_t>(to)];
  linked.prev_in_batch = -1;
  encode(linked);
}

}  // namespace stave::log
