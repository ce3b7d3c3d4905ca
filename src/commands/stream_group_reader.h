// What XREAD and XREADGROUP are asked for, how much of it may be answered, and a group that reads on through a stream.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "commands/stream_arguments.h"
#include "store/collection.h"

namespace stave::commands {

struct ReadWish {
  std::uint64_t count = 0;      ///< Of each stream; 0: all.
  std::uint64_t count_all = 0;  ///< Of all streams together; 0: all.
  std::uint64_t bytes_all = 0;  ///< That the entries take in the answer, unless it is one; 0: any.
  std::optional<std::uint64_t> block_ns;
  std::optional<std::int64_t> claim_ms;  ///< To take over what is pending for so long.
  bool no_ack = false;
  std::size_t group = 0;  ///< The argument with its name; 0: there is none.
  std::size_t first_key = 0;
  std::size_t keys = 0;

  [[nodiscard]] std::size_t id_at(std::size_t i) const noexcept { return first_key + keys + i; }
};

/// What may still be answered, of all streams together.
class ReadBudget {
 public:
  explicit ReadBudget(const ReadWish& wish) noexcept
      : entries_(wish.count_all), bytes_(wish.bytes_all), counted_(wish.count_all != 0), sized_(wish.bytes_all != 0) {}
  [[nodiscard]] bool spent() const noexcept { return spent_; }
  /// Whether this one may be answered too; it is, then.
  bool take(const types::stream::Entry& entry);
  /// The same of one that is there no more.
  bool take_gone(const types::stream::Id& id);

 private:
  bool take(std::uint64_t bytes) noexcept;

  std::uint64_t entries_;
  std::uint64_t bytes_;
  bool counted_;
  bool sized_;
  bool any_ = false;
  bool spent_ = false;
};

/// One stream's part of the answer.
struct ReadPart {
  bool there = false;  ///< It has a part.
  TakenEntries entries;
};

/// What a consumer asks for of one stream: what is new, or what it has pending behind an id.
struct GroupAsk {
  bool fresh = false;
  types::stream::Id behind;
};

/// When the entry of a group that has been pending the longest will have been so for `idle_ms`, on the wall clock;
/// nullopt: nothing is pending. Cost: all that is pending.
std::optional<std::int64_t> idle_at(const types::stream::Reader& stream, const types::stream::Group& group,
                                    std::int64_t idle_ms);

/// A group as it reads on through its stream.
class GroupReader {
 public:
  GroupReader(store::Opened<store::Stream>& stream, std::string_view group_name, std::string_view consumer_name,
              std::int64_t now_ms)
      : stream_(stream), group_name_(group_name), consumer_name_(consumer_name), now_ms_(now_ms) {}

  void read(const GroupAsk& ask, const ReadWish& wish, ReadBudget& budget, ReadPart& part);
  /// Whether the consumer was not known before.
  [[nodiscard]] bool met_consumer() const noexcept { return fresh_consumer_; }

 private:
  void claim(const ReadWish& wish, ReadBudget& budget, ReadPart& part);
  void read_fresh(const ReadWish& wish, ReadBudget& budget, ReadPart& part);
  void deliver(const types::stream::Id& id, bool no_ack, bool pending);
  void read_pending(const types::stream::Id& behind, const ReadWish& wish, ReadBudget& budget, ReadPart& part);

  store::Opened<store::Stream>& stream_;
  std::string_view group_name_;
  std::string_view consumer_name_;
  std::int64_t now_ms_;
  types::stream::Group group_;
  types::stream::Consumer consumer_;
  bool fresh_consumer_ = false;
};

}  // namespace stave::commands
