// RESTORE believes nothing in a payload: as it came; with a good checksum and version, as an attacker would send it;
// what comes through is well formed, dumps and restores as it is; and what DUMP made comes back as it was. The packed
// collections inside are tried by themselves as well, for few inputs get as far as that.
#include <string>

#include "base/bytes.h"
#include "base/crc64.h"
#include "commands/dump_format.h"
#include "exchange/collection.h"
#include "exchange/rdb_packed.h"
#include "input.h"

namespace stave::fuzz {
namespace {

constexpr std::size_t kSizeMax = 1 << 20;
constexpr std::uint16_t kVersion = 9;

std::string sealed(std::string body) {
  const std::size_t size = body.size();
  body.resize(size + sizeof kVersion);
  base::store(body.data() + size, kVersion);
  const std::uint64_t check = base::crc64(body);
  body.resize(body.size() + sizeof check);
  base::store(body.data() + size + sizeof kVersion, check);
  return body;
}

void restore(std::string_view payload) {
  const auto restored = commands::restore_value(payload, kSizeMax);
  if (!restored) return;
  require(restored->value.size() <= kSizeMax);
  require(exchange::well_formed(static_cast<exchange::Kind>(restored->type), restored->value));
  const auto again = commands::restore_value(commands::dump_value(restored->type, restored->value), kSizeMax);
  require(again && again->type == restored->type && again->value == restored->value);
}

void walk(std::string_view bytes) {
  for (const auto one : {exchange::walk_listpack, exchange::walk_ziplist, exchange::walk_intset, exchange::walk_zipmap})
    one(bytes, [&](const types::ItemText& element) {
      require(element.number() || (element.view().data() >= bytes.data() &&
                                   element.view().data() + element.view().size() <= bytes.data() + bytes.size()));
      return true;
    });
}

}  // namespace
}  // namespace stave::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stave::fuzz;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  restore(text);
  restore(sealed(std::string(text)));
  walk(text);
  if (size > 1) {
    // The string of a packed type, which must state its own length: it is given the right one.
    std::string packed(text.substr(0, 1));
    packed += '\x80';
    const auto length = static_cast<std::uint32_t>(size - 1);
    for (int shift = 24; shift >= 0; shift -= 8) packed += static_cast<char>(length >> shift & 0xff);
    restore(sealed(packed.append(text.substr(1))));
  }
  const auto back =
      stave::commands::restore_value(stave::commands::dump_value(stave::store::ValueType::kString, text), kSizeMax);
  require(back.has_value() && back->value == text);
  return 0;
}
