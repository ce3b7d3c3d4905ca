// Where SORT looks for something that belongs to an element: in a key, or a field of a hash, whose name is made of it.
//
// "weight_*" is the string of the key in whose name the element stands for the first asterisk; "object_*->name" the
// field `name` of such a hash; "#" the element itself. A pattern without an asterisk is none of them and finds nothing.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/assert.h"

namespace stave::commands {

class SortPattern {
 public:
  /// The text must outlive the pattern.
  explicit SortPattern(std::string_view text) noexcept : text_(text), asterisk_(text.find('*')) {
    if (is_constant()) return;
    key_behind_ = text.substr(asterisk_ + 1);
    const std::size_t arrow = key_behind_.find("->");
    if (arrow == std::string_view::npos || arrow + 2 == key_behind_.size()) return;
    field_ = key_behind_.substr(arrow + 2);
    key_behind_ = key_behind_.substr(0, arrow);
  }
  [[nodiscard]] bool is_element() const noexcept { return text_ == "#"; }
  [[nodiscard]] bool is_constant() const noexcept { return asterisk_ == std::string_view::npos; }
  /// Whether there is anything to look up.
  [[nodiscard]] bool looks_up() const noexcept { return !is_constant(); }
  /// Empty: the value is a string.
  [[nodiscard]] std::string_view field() const noexcept { return field_; }
  [[nodiscard]] std::size_t key_size(std::string_view element) const noexcept {
    return asterisk_ + element.size() + key_behind_.size();
  }
  void append_key(std::string& to, std::string_view element) const {
    STAVE_ASSERT(looks_up());
    to.append(text_.substr(0, asterisk_)).append(element).append(key_behind_);
  }

 private:
  std::string_view text_;
  std::size_t asterisk_;
  std::string_view key_behind_;
  std::string_view field_;
};

}  // namespace stave::commands
