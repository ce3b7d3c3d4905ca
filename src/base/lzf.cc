#include "base/lzf.h"

#include "base/assert.h"

namespace stave::base {

// A sequence of runs. A control byte below 32 announces that many plus one literal bytes. Any other is a copy from the
// output: its upper three bits are the length minus two (7: a further byte is added to it), its lower five bits and the
// last byte of the run are the distance minus one.
std::optional<std::string> lzf_decompress(std::string_view compressed, std::size_t size) {
  // The densest run is three bytes for 264.
  constexpr std::size_t kExpansionMax = 88;
  if (size / kExpansionMax > compressed.size()) return std::nullopt;
  std::string out;
  out.reserve(size);
  std::size_t at = 0;
  const auto byte = [&] {
    STAVE_ASSERT(at < compressed.size());
    return static_cast<std::size_t>(static_cast<unsigned char>(compressed[at++]));
  };
  while (at < compressed.size()) {
    const std::size_t control = byte();
    if (control < 32) {
      const std::size_t count = control + 1;
      if (count > compressed.size() - at || count > size - out.size()) return std::nullopt;
      out.append(compressed.substr(at, count));
      at += count;
      continue;
    }
    std::size_t length = control >> 5;
    if (length == 7) {
      if (at == compressed.size()) return std::nullopt;
      length += byte();
    }
    length += 2;
    if (at == compressed.size()) return std::nullopt;
    const std::size_t distance = ((control & 31) << 8 | byte()) + 1;
    if (distance > out.size() || length > size - out.size()) return std::nullopt;
    STAVE_ASSERT(distance != 0 && out.size() <= size);
    // Source and target may overlap: that is how a short pattern is repeated.
    for (std::size_t i = 0; i < length; ++i) out.push_back(out[out.size() - distance]);
  }
  if (out.size() != size) return std::nullopt;
  return out;
}

}  // namespace stave::base
