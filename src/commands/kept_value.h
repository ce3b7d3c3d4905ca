// Bytes of a large value, seen beyond its shard's lock: shared where they lie, or copied if they are few.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "base/assert.h"
#include "commands/sink.h"
#include "store/engine.h"

namespace stave::commands {

/// What a command keeps of a value it was shown. Made in constant time for a large one, so under the lock; answered
/// with once the lock is gone, for a sink may have to copy.
class KeptValue {
 public:
  KeptValue() = default;
  /// A text that was made: the result of an increment.
  KeptValue(std::string text) : copy_(std::move(text)) {}
  explicit KeptValue(const store::ValueView& value) : KeptValue(value, 0, value.value.size()) {}
  /// `size` bytes from `at` on, which the value has.
  KeptValue(const store::ValueView& value, std::size_t at, std::size_t size) {
    STAVE_ASSERT(at <= value.value.size() && size <= value.value.size() - at);
    if (value.block != nullptr && size >= keyspace::Block::kBytesMin) {
      shared_ = {.block = value.share(), .at = at, .size = size};
    } else {
      copy_.assign(value.value.substr(at, size));
    }
  }

  [[nodiscard]] std::string_view view() const noexcept {
    return shared_.block ? shared_.view() : std::string_view(copy_);
  }
  [[nodiscard]] std::size_t size() const noexcept { return view().size(); }
  /// Null bytes when it is a copy.
  [[nodiscard]] const SharedBytes& shared() const noexcept { return shared_; }
  void answer(Sink& reply) const {
    if (shared_.block) {
      reply.shared_bulk(shared_);
    } else {
      reply.bulk(copy_);
    }
  }

 private:
  SharedBytes shared_;
  std::string copy_;
};

}  // namespace stave::commands
