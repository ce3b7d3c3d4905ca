// Collections in files: put together element by element, and known for what they are when they come whole.
//
// An item's value is the compact form of `types` (types/run.h), whatever the file's own form is. Promises: an element
// that is there twice, and bytes over the limit, are found when they come, before memory is taken for more of them; the
// same elements in the same order give the same bytes. Must not know: the formats of files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "exchange/exchange.h"
#include "types/run_builder.h"

namespace stave::exchange {

class CollectionBuilder {
 public:
  enum class Added : std::uint8_t { kYes, kTwice, kTooLarge };

  /// Starts a collection of `kind`, which is no string's and no stream's (types/stream/builder.h), whose form is to be
  /// of at most `bytes_max` bytes.
  void begin(Kind kind, std::size_t bytes_max);
  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

  /// Of a list or set.
  Added add(std::string_view element);
  /// Of a hash. `deadline`: when the field dies; zero: never.
  Added add(std::string_view field, std::string_view value, UnixMs deadline = UnixMs{0});
  /// Gives a field of a hash that has none a deadline, which is not zero. False: there is no such field, or it has one.
  bool set_deadline(std::string_view field, UnixMs deadline);
  /// Of a sorted set, in any order. `score` is no NaN.
  Added add(std::string_view member, double score);

  /// The form, until the next `begin`. Of what is not empty; once.
  [[nodiscard]] std::string_view finish();

 private:
  struct Scored {
    double score = 0;
    std::uint32_t at = 0;  ///< Of the member among the items.
  };
  [[nodiscard]] bool has_room(std::size_t more) const noexcept;
  void sort();
  void form_sorted_set();
  void form_expiring_hash();

  Kind kind_ = Kind::kList;
  std::size_t bytes_max_ = 0;
  std::uint64_t size_ = 0;
  types::Items items_;
  types::ItemIndex index_;
  std::vector<Scored> scores_;
  std::map<std::size_t, UnixMs> deadlines_;  ///< By the place of the field's name among the items.
  std::string form_;
};

/// Whether the bytes are a value of that kind: for those that a file holds as they are.
bool well_formed(Kind kind, std::string_view value);

/// When the key of an item dies by itself, whether or not its last field dies before: what a hash whose fields expire
/// may tell instead of the item's expiry.
Expiry own_expiry(const Item& item);

}  // namespace stave::exchange
