// What must be true of a shard at any moment, looked at whole: for tests, and for who suspects something.
#include "base/assert.h"
#include "keyspace/shard.h"

namespace stave::keyspace {

void Shard::check() const {
  expiries_.check(arena_);
  std::uint64_t slots = 0;
  std::uint64_t live = 0;
  std::uint64_t data = 0;
  std::uint64_t without_value = 0;
  std::uint64_t expiring = 0;
  std::uint64_t bytes = table_.node_bytes();
  table_.for_each(arena_, [&](Ref ref) {
    const Entry entry = arena_.entry(ref);
    const EntryShape shape = entry.shape();
    ++slots;
    if (!entry.detached()) ++live;
    data += shape.key_size + shape.value_size;
    bytes += entry.memory_bytes();
    // The shape and the word tell the same.
    STAVE_ASSERT(entry.resident() == !shape.spilled);
    STAVE_ASSERT(!shape.spilled || !shape.out_of_line);
    STAVE_ASSERT(entry.has_expiry() == shape.expiring);
    STAVE_ASSERT(entry.key().size() == shape.key_size && entry.value_size() == shape.value_size);
    if (shape.spilled) ++without_value;
    if (!shape.expiring) return;
    ++expiring;
    STAVE_ASSERT(expiries_.holds(entry.queue_slot(), ref));
  });
  STAVE_ASSERT(slots == table_.used());
  STAVE_ASSERT(live == size() && live <= slots);
  STAVE_ASSERT(data == data_bytes());
  STAVE_ASSERT(without_value == spilled());
  STAVE_ASSERT(expiring == expiries_.size());
  STAVE_ASSERT(bytes == arena_.used_bytes());
  STAVE_ASSERT(arena_.used_bytes() <= arena_.held_bytes());
}

}  // namespace stave::keyspace
