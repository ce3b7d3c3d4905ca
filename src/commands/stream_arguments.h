// Ids, ranges and trimming as the commands of streams are told them, and entries as they answer them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "commands/call.h"
#include "commands/stream_references.h"
#include "store/collection.h"
#include "types/stream/stream.h"

namespace stave::commands {

/// Milliseconds of the wall clock: what ids and the times of consumers are made of.
inline std::int64_t wall_ms(Call& call) {
  return raw(call.engine().time().to_wall(call.made_at()));
}

std::unexpected<Error> invalid_stream_id();

/// "ms-seq" or "ms"; not strict: also "-" and "+". Errors: "Invalid stream ID".
Result<types::stream::Id> id_argument(std::string_view text, std::uint64_t missing_seq = 0, bool strict = true);

/// A range of ids, both ends among them.
struct IdRange {
  types::stream::Id from;
  types::stream::Id to = types::stream::kIdMax;
};
/// An end of a range: an id, "-", "+", or an id behind "(", which is not among them itself.
Result<types::stream::Id> range_start(std::string_view text);
Result<types::stream::Id> range_end(std::string_view text);

/// What XADD and XTRIM have in common.
struct TrimWish {
  enum class By : std::uint8_t { kNothing, kLength, kId };
  By by = By::kNothing;
  bool about = false;        ///< Only whole pieces of `piece` entries.
  std::uint64_t length = 0;  ///< To leave so many.
  types::stream::Id least;   ///< To leave those from here on.
  std::uint64_t limit = 0;   ///< To remove no more; 0: whatever it takes.
  std::uint64_t piece = 1;
  References references = References::kKeep;
};
/// How many of the first entries that means.
std::uint64_t entries_to_trim(const types::stream::Reader& stream, const TrimWish& wish);

/// Removes them, and returns how many.
std::uint64_t trim_stream(types::stream::Editor& stream, const TrimWish& wish);

/// The options that XADD and XTRIM share, taken one by one.
class TrimOptions {
 public:
  explicit TrimOptions(Call& call) : call_(call) {}
  /// Takes the option at argument `i` and moves `i` to its last argument. False: it is none of these. Errors: as Redis
  /// spells them.
  Result<bool> take(std::size_t& i);
  /// All there is. Errors: what does not go together.
  Result<TrimWish> finish();

 private:
  Result<void> take_threshold(std::size_t& i, TrimWish::By by);

  Call& call_;
  TrimWish wish_;
  std::optional<std::uint64_t> limit_;
};

/// Copies of entries, in few pieces of memory.
class TakenEntries {
 public:
  void clear() noexcept;
  void add(const types::stream::Entry& entry);
  /// How it was pending that was taken over.
  struct Before {
    std::int64_t idle_ms = 0;
    std::uint64_t deliveries = 0;
  };
  /// In front of all that were not.
  void add_claimed(const types::stream::Entry& entry, const Before& before);
  /// One that is there no more.
  void add_gone(const types::stream::Id& id);
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] const types::stream::Id& id(std::size_t i) const noexcept { return entries_[i].id; }
  /// One of them: an id, and its fields and values; and how it was pending, if it was taken over.
  void answer(Sink& reply, std::size_t i) const;
  /// An array of all.
  void answer(Sink& reply) const;

 private:
  struct One {
    types::stream::Id id;
    std::size_t first = 0;  ///< Of its strings.
    std::size_t strings = 0;
    bool gone = false;
  };
  void add(std::string_view text) {
    bytes_.append(text);
    ends_.push_back(bytes_.size());
  }

  std::string bytes_;
  std::vector<std::size_t> ends_;
  std::vector<One> entries_;
  std::vector<Before> claimed_;  ///< Of the first entries.
};

inline void answer_id(Sink& reply, const types::stream::Id& id) {
  reply.bulk(types::stream::IdText(id).view());
}

}  // namespace stave::commands
