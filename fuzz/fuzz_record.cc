// The record reader never reads outside of what it was given, believes no byte that was changed, and gives back what
// was written.
//
// Random bytes would never pass the checksum, so the input is used three ways: as it is; sealed with good checks, as a
// writer gone mad would leave it; and as the fields of a record that is written, read, damaged and read again.
#include <vector>

#include "base/bytes.h"
#include "input.h"
#include "log/record.h"

namespace stave::fuzz {
namespace {

void require_inside(std::string_view part, const std::vector<std::byte>& whole) {
  const auto* begin = reinterpret_cast<const char*>(whole.data());
  require(part.empty() || (part.data() >= begin && part.data() + part.size() <= begin + whole.size()));
}

void read_any_bytes(std::string_view text, Lsn lsn, std::uint64_t seed) {
  const auto given = base::as_bytes(text);
  std::vector<std::byte> bytes(given.begin(), given.end());
  for (const bool sealed : {false, true}) {
    if (sealed) {
      if (bytes.size() < log::kRecordHeaderBytes) return;
      base::store(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
      log::add_flag(bytes, log::kAfterSync, lsn, seed);
      require(log::checked_length(bytes, lsn, seed) == bytes.size());
    }
    if (const auto view = log::decode(bytes, lsn, seed)) {
      require_inside(view->key, bytes);
      require_inside(view->payload, bytes);
      require(view->length <= bytes.size());
    }
  }
}

void write_read_damage(Input input, Lsn lsn, std::uint64_t seed) {
  log::RecordSpec spec;
  spec.kind = log::RecordKind::kString;
  spec.database = input.number<std::uint8_t>();
  spec.time = UnixMs{static_cast<std::int64_t>(input.number<std::uint32_t>())};
  spec.prev = Lsn{input.number<std::uint64_t>() & kLsnMax};
  const auto form = input.number<std::uint8_t>();
  if ((form & 1) != 0) spec.expiry.at = UnixMs{1 + static_cast<std::int64_t>(input.number<std::uint32_t>())};
  if ((form & 3) == 3) spec.expiry.sliding_ms = 1 + static_cast<std::int64_t>(input.number<std::uint32_t>());
  const auto damage_at = input.number<std::uint32_t>();
  const auto damage = static_cast<std::byte>(input.number<std::uint8_t>());
  spec.key = input.bytes(input.number<std::uint16_t>());
  spec.payload = input.rest();

  std::vector<std::byte> bytes(log::encoded_size(spec));
  log::encode(spec, log::kCommit, lsn, seed, bytes.data());
  const auto view = log::decode(bytes, lsn, seed);
  require(view.has_value());
  require(view->key == spec.key && view->payload == spec.payload && view->expiry == spec.expiry);
  require(view->time == spec.time && view->prev == spec.prev && view->database == spec.database && view->commit());
  require(!log::decode(std::span(bytes).first(bytes.size() - 1), lsn, seed));
  if (damage == std::byte{0}) return;
  bytes[damage_at % bytes.size()] ^= damage;
  require(!log::decode(bytes, lsn, seed));
}

}  // namespace
}  // namespace stave::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  stave::fuzz::Input input(data, size);
  const stave::Lsn lsn{input.number<std::uint64_t>() & stave::kLsnMax};
  const auto seed = input.number<std::uint64_t>();
  stave::fuzz::Input fields = input;
  stave::fuzz::read_any_bytes(input.rest(), lsn, seed);
  stave::fuzz::write_read_damage(fields, lsn, seed);
  return 0;
}
