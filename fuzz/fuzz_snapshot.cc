// The readers of snapshots and of Redis' files refuse or understand any bytes; what they understood is written and read
// back the same, in every form that holds it.
#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "exchange/aof.h"
#include "exchange/big_endian.h"
#include "exchange/binary2.h"
#include "exchange/collection.h"
#include "exchange/exchange.h"
#include "exchange/files.h"
#include "input.h"

namespace stave::fuzz {
namespace {

using exchange::Format;

// A length that a file only announces must not cost memory: the limit of the process is below the real ones.
constexpr exchange::Limits kLimits{.key_bytes_max = 64u << 10, .value_bytes_max = 16u << 20, .databases = 256};

struct Entry {
  int database;
  std::string key;
  std::string value;
  Expiry expiry;
  exchange::Kind kind;
  friend bool operator==(const Entry&, const Entry&) = default;
};

class Collector final : public exchange::Sink {
 public:
  Result<void> take(const exchange::Item& item) override {
    require(item.key.size() <= kLimits.key_bytes_max && item.value.size() <= kLimits.value_bytes_max);
    require(item.database >= 0 && item.database < kLimits.databases);
    require(raw(item.expiry.at) >= 0 && raw(item.expiry.at) <= kUnixMsMax);
    require(item.expiry.sliding_ms == 0 || !item.expiry.never());
    require(exchange::well_formed(item.kind, item.value));
    entries.push_back({item.database, std::string(item.key), std::string(item.value), item.expiry, item.kind});
    return {};
  }
  std::vector<Entry> entries;
};

void write_and_read_back(Format format, const std::vector<Entry>& entries) {
  exchange::MemoryOutput output;
  const auto writer = exchange::make_writer(format, output);
  require(writer->begin({.time = UnixMs{1'700'000'000'000}, .lsn = Lsn{5}}).has_value());
  for (const Entry& e : entries)
    require(writer->take({.database = e.database, .key = e.key, .kind = e.kind, .value = e.value, .expiry = e.expiry})
                .has_value());
  require(writer->finish().has_value());
  exchange::MemoryInput input(output.bytes());
  Collector again;
  require(exchange::read_any(input, "again", again, kLimits, format).has_value());
  require(again.entries.size() == entries.size());
  // JSON brings those that are text first.
  require(std::ranges::is_permutation(again.entries, entries));
}

void any_bytes(std::string_view bytes) {
  Collector collector;
  exchange::MemoryInput input(bytes);
  const auto read = exchange::read_any(input, "fuzz", collector, kLimits);
  if (!read) {
    require(read.error().offset() >= 0);
    return;
  }
  require(read->entries == collector.entries.size());
  if (collector.entries.size() > 300) return;  // comparing permutations takes the square of it
  for (const Format format : {Format::kBinary2, Format::kJson, Format::kNdjson})
    write_and_read_back(format, collector.entries);
}

void any_calls(std::string_view bytes) {
  Collector collector;
  exchange::MemoryInput input(bytes);
  std::size_t calls = 0;
  const auto call = [&](std::span<const std::string_view> arguments) -> Result<void> {
    require(!arguments.empty());
    ++calls;
    return {};
  };
  const auto read = exchange::read_aof(input, "fuzz", collector, call, kLimits);
  if (read && calls != 0) require(read->commands + 1 == calls);
  static_cast<void>(exchange::parse_manifest(bytes, "fuzz"));
}

/// The bytes as the content of a block of binary version 2 whose checksums are right, which no fuzzer would guess.
std::string sealed(std::string_view bytes) {
  namespace binary2 = exchange::binary2;
  std::string file;
  exchange::append_big(file, exchange::kBinaryMagic);
  exchange::append_big(file, std::uint32_t{2});
  for (int i = 0; i < 3; ++i) exchange::append_big(file, std::uint64_t{0});
  const std::uint64_t seed = binary2::check(file, 0);
  exchange::append_big(file, seed);
  Input input(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  std::string head;
  exchange::append_big(head, input.number<std::uint16_t>());  // kind and codec
  exchange::append_big(head, std::uint16_t{0});
  exchange::append_big(head, static_cast<std::uint32_t>(input.number<std::uint8_t>()));
  exchange::append_big(head, static_cast<std::uint32_t>(input.number<std::uint16_t>()));
  const std::string_view body = input.rest();
  exchange::append_big(head, static_cast<std::uint32_t>(body.size()));
  exchange::append_big(head, binary2::check(body, seed));
  exchange::append_big(head, binary2::check(head, seed));
  return file + head + std::string(body);
}

}  // namespace
}  // namespace stave::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  stave::fuzz::any_bytes(bytes);
  stave::fuzz::any_bytes(stave::fuzz::sealed(bytes));
  stave::fuzz::any_calls(bytes);
  return 0;
}
