// A stream made from its first entry to its last, for who brings a whole one from elsewhere: constant time an entry.
//
// Entries come in order; groups, consumers and what is pending in any. Promises: the form is one that `well_formed`
// accepts, or there is none. Must not know: where they come from.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "types/stream/header.h"
#include "types/stream/stream.h"

namespace stave::types::stream {

class Builder {
 public:
  void clear();
  /// About how many bytes the form has so far.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::uint64_t entries() const noexcept { return header_.counters.length; }

  /// The fields, at least one, hold item::kTextMax bytes together with what is said about them. False: the id is not
  /// behind all others.
  bool append(const Id& id, std::span<const Field> fields);
  Number add_group(std::string_view name, const Id& last_delivered, std::optional<std::uint64_t> entries_read);
  Number add_consumer(Number group, std::string_view name, std::int64_t seen_ms, std::optional<std::int64_t> active_ms);
  /// `pending.consumer` is one of that group's.
  void add_pending(Number group, const Id& id, const Pending& pending);
  /// The length is counted. Without this: those of a stream that had these entries only.
  void set_counters(const Counters& counters);

  /// The form; nullopt: something is there twice, or contradicts something else. Once.
  [[nodiscard]] std::optional<std::string> finish();

 private:
  void add(std::string mark);

  Header header_;
  std::optional<Counters> counters_;
  std::uint64_t blocks_ = 0;
  std::string items_;  ///< Blocks, but the last.
  std::string block_;
  std::vector<std::string> marks_;
  std::size_t bytes_ = 0;
};

}  // namespace stave::types::stream
