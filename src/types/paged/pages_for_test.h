// Pages in memory, which count what is done to them and fail when they are told to.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "types/pages.h"

namespace stave::types::paged {

class PagesForTest final : public Pages {
 public:
  // What was read before the last change is freed with that change, so that a sanitizer notes who goes on reading it.
  std::string_view read(PageId page) override {
    if (fails()) return {};
    const auto at = pages_.find(page);
    EXPECT_TRUE(at != pages_.end()) << "page " << page << " was never written";
    if (at == pages_.end()) {
      failed_ = true;
      return {};
    }
    ++reads;
    auto& lent = lent_[page];
    if (!lent) lent = std::make_unique<std::string>(at->second);
    return *lent;
  }
  void write(PageId page, std::string_view bytes) override {
    if (fails()) return;
    EXPECT_FALSE(bytes.empty());
    EXPECT_LT(page, PageId{1} << 48);
    ++writes;
    bytes_written += bytes.size();
    pages_[page] = std::string(bytes);
    lent_.clear();
  }
  void edit(PageId page, base::Edits edits) override {
    if (fails()) return;
    EXPECT_FALSE(edits.empty());
    const auto at = pages_.find(page);
    ASSERT_TRUE(at != pages_.end()) << "page " << page << " was never written";
    ASSERT_TRUE(base::well_formed(edits, at->second.size()));
    ++writes;
    std::string edited(base::edited_size(edits, at->second.size()), '\0');
    base::copy_edited(at->second, edits, edited.data());
    bytes_written += edited.size();
    at->second = std::move(edited);
    lent_.clear();
  }
  void erase(PageId page) override {
    if (fails()) return;
    EXPECT_EQ(pages_.erase(page), 1u) << "page " << page;
    lent_.clear();
  }
  [[nodiscard]] bool failed() const noexcept override { return failed_; }

  /// The `calls`th call from now on fails.
  void fail_after(std::uint64_t calls) { calls_left_ = calls; }
  [[nodiscard]] const std::map<PageId, std::string>& all() const { return pages_; }
  [[nodiscard]] std::uint64_t bytes() const {
    std::uint64_t sum = 0;
    for (const auto& [page, form] : pages_) sum += form.size();
    return sum;
  }
  /// Every page is one that `collection` names, once, and it names no other.
  template <class Collection>
  void expect_exactly_those_of(const Collection& collection) const {
    std::set<PageId> named;
    collection.visit_pages([&](PageId page) {
      EXPECT_TRUE(named.insert(page).second) << "page " << page << " is named twice";
      EXPECT_TRUE(pages_.contains(page)) << "page " << page << " is not there";
      return true;
    });
    EXPECT_EQ(named.size(), pages_.size());
  }

  std::uint64_t reads = 0;
  std::uint64_t writes = 0;
  std::uint64_t bytes_written = 0;

 private:
  bool fails() {
    if (failed_) return true;
    if (calls_left_ != 0 && --calls_left_ == 0) failed_ = true;
    return failed_;
  }

  std::map<PageId, std::string> pages_;
  std::map<PageId, std::unique_ptr<std::string>> lent_;
  std::uint64_t calls_left_ = 0;
  bool failed_ = false;
};

/// A text of a length that is mostly short, sometimes long, sometimes an integer; the same for the same number.
inline std::string text_for_test(std::uint64_t number) {
  std::uint64_t z = number * 0x9e3779b97f4a7c15ull;
  z = (z ^ (z >> 31)) * 0xbf58476d1ce4e5b9ull;
  z ^= z >> 29;
  if (number == 0) return "";
  std::string text = std::to_string(number);
  if (z % 4 == 0) return text;
  std::size_t room = z / 4 % 24;
  if (z / 128 % 32 == 0) room = z / 4096 % 300;
  if (z / 128 % 256 == 1) room = z / 4096 % 3000;
  return text + ":" + std::string(room, static_cast<char>('a' + z % 26));
}

}  // namespace stave::types::paged
