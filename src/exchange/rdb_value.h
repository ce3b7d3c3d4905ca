// A value as Redis' snapshot files and DUMP payloads hold it: read in every encoding of versions 1 to 12, written in
// the plain ones, which every server takes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "exchange/collection.h"
#include "exchange/rdb_stream.h"
#include "types/stream/builder.h"

namespace stave::exchange {

/// The kind of value that a type of the file stands for; nullopt for what has no place here.
std::optional<Kind> rdb_kind(unsigned type) noexcept;

class RdbValueReader {
 public:
  /// Reads a value of that type, which has a kind, of at most `bytes_max` bytes (as in Item::value). nullopt: a
  /// collection of nothing, as some servers wrote them. The view ends with the next call. Errors: kCorrupt (malformed,
  /// or an element is there twice, or a score is none), kTooLarge, those of the input.
  Result<std::optional<std::string_view>> read(RdbStream& stream, unsigned type, std::size_t bytes_max);

 private:
  struct StreamGroup;
  using Added = CollectionBuilder::Added;

  Result<void> read_collection(RdbStream& stream, unsigned type);
  Result<void> read_elements(RdbStream& stream);
  Result<void> read_fields(RdbStream& stream);
  Result<void> read_expiring_fields(RdbStream& stream, bool with_earliest);
  Result<void> read_scores(RdbStream& stream, bool binary);
  Result<void> read_quicklist(RdbStream& stream, bool with_container);
  template <class Walk>
  Result<void> read_packed(RdbStream& stream, Walk walk);
  bool take(std::string_view element);
  bool take_group(std::string_view last);
  [[nodiscard]] Result<void> check(const RdbStream& stream) const;
  Result<void> string(RdbStream& stream, std::string& into);
  // rdb_stream_value.cc
  Result<std::string_view> read_stream_value(RdbStream& stream, unsigned type);
  Result<void> read_stream_node(RdbStream& stream);
  Result<void> read_stream_group(RdbStream& stream, unsigned type);
  Result<void> read_stream_consumers(RdbStream& stream, unsigned type, StreamGroup& group);
  [[nodiscard]] Result<void> check_stream_size(const RdbStream& stream, std::size_t more) const;

  std::size_t bytes_max_ = 0;
  CollectionBuilder builder_;
  types::stream::Builder stream_;
  Added added_ = Added::kYes;  ///< How it went with the last element.
  unsigned group_ = 1;         ///< How many strings make an element: a field, its value and its deadline are three.
  unsigned come_ = 0;          ///< How many of them have come.
  std::string first_;
  std::string second_;
  std::string text_;
};

/// Appends the type and the value, and returns the version of the format that it takes to read it.
int append_rdb_value(std::string& to, Kind kind, std::string_view value);

}  // namespace stave::exchange
