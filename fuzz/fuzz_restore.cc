// RESTORE believes nothing in a payload: as it came; with a good checksum and version, as an attacker would send it;
// and what DUMP made comes back as it was.
#include <string>

#include "base/bytes.h"
#include "base/crc64.h"
#include "commands/dump_format.h"
#include "input.h"

namespace {
constexpr std::size_t kSizeMax = 1 << 20;
constexpr std::uint16_t kVersion = 9;
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using stave::fuzz::require;
  const std::string_view text(reinterpret_cast<const char*>(data), size);

  if (const auto value = stave::commands::restore_string(text, kSizeMax)) require(value->size() <= kSizeMax);

  std::string sealed(text);
  sealed.resize(sealed.size() + sizeof kVersion);
  stave::base::store(sealed.data() + text.size(), kVersion);
  const std::uint64_t check = stave::base::crc64(sealed);
  sealed.resize(sealed.size() + sizeof check);
  stave::base::store(sealed.data() + text.size() + sizeof kVersion, check);
  if (const auto value = stave::commands::restore_string(sealed, kSizeMax)) require(value->size() <= kSizeMax);

  const auto back = stave::commands::restore_string(stave::commands::dump_string(text), kSizeMax);
  require(back.has_value() && *back == text);
  return 0;
}
