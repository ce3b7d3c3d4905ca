// LZF, the compression of string values in Redis' snapshot files and DUMP payloads: reading only. Written from the
// description of the format in Marc Lehmann's LibLZF 3.6 ("compressed format").
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace stave::base {

/// The `size` bytes that `compressed` stands for; nullopt when it stands for anything else. Never allocates more than
/// what the input can expand to, which is checked before `size` is believed.
std::optional<std::string> lzf_decompress(std::string_view compressed, std::size_t size);

}  // namespace stave::base
