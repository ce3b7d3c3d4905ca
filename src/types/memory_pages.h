// Pages in plain memory: for a collection that is copied out of a store, or not yet in one.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "base/assert.h"
#include "types/pages.h"

namespace stave::types {

class MemoryPages final : public Pages {
 public:
  [[nodiscard]] std::string_view read(PageId page) override {
    const auto at = pages_.find(page);
    STAVE_ASSERT(at != pages_.end());
    return at->second;
  }
  void write(PageId page, std::string_view bytes) override { pages_[page] = std::string(bytes); }
  void erase(PageId page) override {
    const bool erased = pages_.erase(page) != 0;
    STAVE_ASSERT(erased);
  }
  [[nodiscard]] bool failed() const noexcept override { return false; }
  [[nodiscard]] std::size_t size() const noexcept { return pages_.size(); }

 private:
  std::unordered_map<PageId, std::string> pages_;
};

}  // namespace stave::types
