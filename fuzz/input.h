// Reads numbers and byte strings off a fuzzer's input; a spent input yields zeros and empty strings.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace stave::fuzz {

/// Ends the fuzzer with a report when a claim about the code does not hold.
inline void require(bool claim) {
  if (!claim) std::abort();
}

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

  template <class T>
  T number() {
    T value{};
    const std::size_t count = std::min(sizeof(T), rest_.size());
    std::memcpy(&value, rest_.data(), count);
    rest_.remove_prefix(count);
    return value;
  }
  std::string_view bytes(std::size_t most) {
    const std::string_view taken = rest_.substr(0, most);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  std::string_view rest() { return bytes(rest_.size()); }
  [[nodiscard]] bool spent() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

}  // namespace stave::fuzz
