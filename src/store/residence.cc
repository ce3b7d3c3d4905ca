#include "store/residence.h"

#include <string>

#include "base/assert.h"
#include "base/try.h"
#include "log/value_address.h"
#include "packing/compression.h"
#include "packing/difference.h"
#include "store/budget.h"

namespace stave::store {

using keyspace::Entry;
using keyspace::Shard;

Result<void> Residence::value_of(const log::RecordView& record, std::string& value) {
  if (!record.compressed()) {
    value.assign(record.payload);
    return {};
  }
  // The value is all that `unpack` puts there.
  STAVE_TRY(compression_.unpack(record.payload, value));
  return {};
}

// The record that holds the value: the one at `address`, or one that it changed the expiry or parts of. In a log of
// version 0.1 a chain of expiries may have any length; the present of a key never hangs on one. Changes of parts lead
// back one by one, and are some dozen at most.
Result<Residence::Found> Residence::read(Lsn address, std::string_view key, std::vector<std::byte>& buffer,
                                         log::Log::PlaceFn place) {
  Found found;
  for (;;) {
    STAVE_ASSIGN(found.whole, log_->read(address, buffer, place));
    const log::RecordView& record = found.whole;
    // An index that points astray must never show one key's value as another's.
    if (record.key != key) break;
    if (log::is_value(record.kind)) return found;
    Lsn value = log::is_delta(record.kind) ? log::value_address(record) : kNoLsn;
    if (value == kNoLsn) break;
    if (record.kind == log::RecordKind::kPatch) {
      found.differences.emplace_back(log::patch_difference(record));
      value = record.prev;
    }
    STAVE_ASSERT(value < address);
    address = value;
  }
  return fail(ErrorCode::kCorrupt,
              "the record at LSN " + std::to_string(raw(address)) +
                  " should hold the key's value and does not; `stave doctor` can examine the directory");
}

Result<void> Residence::put_together(const Found& found, std::string& value) {
  std::string before;
  if (found.whole.payload.data() == value.data()) {
    before.swap(value);  // a large one, which was read to its place
  } else {
    STAVE_TRY(value_of(found.whole, before));
  }
  for (auto difference = found.differences.rbegin(); difference != found.differences.rend(); ++difference) {
    STAVE_TRY(packing::apply_difference(before, *difference, value));
    before.swap(value);
  }
  value.swap(before);
  return {};
}

namespace {

/// What a thread reads records into; what a large one made of it is given back.
class ReadBuffer {
 public:
  ReadBuffer() = default;
  ~ReadBuffer() {
    constexpr std::size_t kKeptBytes = 1u << 20;
    if (bytes().capacity() > kKeptBytes) std::vector<std::byte>().swap(bytes());
  }
  ReadBuffer(const ReadBuffer&) = delete;
  ReadBuffer& operator=(const ReadBuffer&) = delete;
  std::vector<std::byte>& bytes() noexcept {
    thread_local std::vector<std::byte> bytes;
    return bytes;
  }
};

std::unexpected<Error> no_memory_to_read() {
  return fail(ErrorCode::kNoMemory, "there is no memory to read the value from the log");
}

}  // namespace

Result<void> Residence::load(Lsn address, std::string_view key, LoadedValue& value) try {
  ReadBuffer buffer;
  value.block = {};
  STAVE_ASSIGN(const Found found, read(address, key, buffer.bytes(), [&](std::size_t bytes) {
                 value.block = keyspace::Block::make(keyspace_.source(), bytes);
                 return value.block.data();
               }));
  if (found.differences.empty()) {
    if (value.block) return {};
    STAVE_TRY(value_of(found.whole, value.text));
  } else {
    STAVE_TRY(put_together(found, value.text));
    value.block = {};
  }
  if (value.text.size() < keyspace::Block::kBytesMin) return {};
  // Who shows it shares it, as any large value, and its entry takes it as it is.
  value.block = keyspace::Block::make(keyspace_.source(), value.text.size());
  if (!value.block) return no_memory_to_read();
  value.text.copy(reinterpret_cast<char*>(value.block.data()), value.text.size());
  std::string().swap(value.text);
  return {};
} catch (const std::bad_alloc&) {
  return no_memory_to_read();
}

Result<void> Residence::load(Lsn address, std::string_view key, std::string& value, ValueType* type) try {
  ReadBuffer buffer;
  STAVE_ASSIGN(const Found found, read(address, key, buffer.bytes(), [&](std::size_t bytes) {
                 value.resize(bytes);
                 return reinterpret_cast<std::byte*>(value.data());
               }));
  if (type != nullptr) *type = type_of(found.whole.kind);
  if (!found.differences.empty()) return put_together(found, value);
  if (found.whole.payload.data() == value.data()) return {};
  return value_of(found.whole, value);
} catch (const std::bad_alloc&) {
  return no_memory_to_read();
}

// A value comes back for good when there is room, or when it is asked for again before the hand of the budget came by:
// one reading of everything must not drive out what is used all the time.
void Residence::keep(Shard& shard, std::uint64_t hash, Entry entry, const LoadedValue& value) {
  const std::string_view bytes = value.view();
  if (bytes.size() != entry.value_size()) return;
  // A block that was read into is counted already.
  if (!budget_.has_room(value.block ? 0 : bytes.size()) &&
      (budget_.policy() != MemoryPolicy::kSpill || entry.heat() == 0))
    return;
  // Without memory it stays where it is, and is shown all the same.
  static_cast<void>(shard.fill(hash, entry, bytes, value.block ? &value.block : nullptr));
}

bool Residence::must_fetch(std::span<const KeyRef> keys) {
  if (!ever_spilled()) [[likely]]
    return false;
  for (const KeyRef& key : keys) {
    const std::uint64_t hash = hash_of(keyspace_, key);
    Shard& shard = keyspace_.shard_of(key.database, hash, key.key);
    if (shard.spilled() == 0) continue;
    base::ShortLock lock(shard.mutex());
    const Entry entry = shard.find(hash, key.key);
    if (entry && !entry.resident()) return true;
  }
  return false;
}

}  // namespace stave::store
