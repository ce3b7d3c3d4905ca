#include "commands/stream_group_reader.h"

#include <algorithm>
#include <limits>

#include "commands/stream_groups.h"
#include "types/string/number.h"

namespace stave::commands {

using types::stream::Consumer;
using types::stream::Entry;
using types::stream::Group;
using types::stream::Id;
using PendingEntry = types::stream::Pending;
using StreamReader = types::stream::Reader;

namespace {

/// Of a bulk string in an answer.
std::uint64_t bulk_bytes(std::size_t size) noexcept {
  std::uint64_t digits = 1;
  for (std::size_t left = size; left >= 10; left /= 10) ++digits;
  return digits + size + 5;
}

constexpr std::uint64_t kArrayBytes = 4;

}  // namespace

// --- how much --------------------------------------------------------------------------------------------------------

bool ReadBudget::take(std::uint64_t bytes) noexcept {
  if (spent_) return false;
  // One is always answered, however large.
  if (sized_ && any_ && bytes > bytes_) {
    spent_ = true;
    return false;
  }
  bytes_ -= std::min(bytes, bytes_);
  any_ = true;
  spent_ = counted_ && --entries_ == 0;
  return true;
}

bool ReadBudget::take(const Entry& entry) {
  if (!sized_) return take(0);
  std::uint64_t bytes = 2 * kArrayBytes + bulk_bytes(types::stream::IdText(entry.id()).view().size());
  entry.visit([&](std::string_view name, std::string_view value) {
    bytes += bulk_bytes(name.size()) + bulk_bytes(value.size());
  });
  return take(bytes);
}

bool ReadBudget::take_gone(const Id& id) {
  return take(2 * kArrayBytes + bulk_bytes(types::stream::IdText(id).view().size()));
}

// --- what is idle ----------------------------------------------------------------------------------------------------

std::optional<std::int64_t> idle_at(const StreamReader& stream, const Group& group, std::int64_t idle_ms) {
  std::optional<std::int64_t> oldest;
  stream.visit_pending(group.number, types::stream::kIdMin, [&](const Id&, const PendingEntry& pending) {
    oldest = std::min(oldest.value_or(pending.delivered_ms), pending.delivered_ms);
    return true;
  });
  if (!oldest) return std::nullopt;
  return types::checked_add(*oldest, idle_ms).value_or(std::numeric_limits<std::int64_t>::max());
}

// --- a group ---------------------------------------------------------------------------------------------------------

void GroupReader::read(const GroupAsk& ask, const ReadWish& wish, ReadBudget& budget, ReadPart& part) {
  part.entries.clear();
  part.there = !ask.fresh;
  const auto group = stream_.reader().group(group_name_);
  if (!group) return;  // only when pages cannot be had
  group_ = *group;
  const auto known = stream_.reader().consumer(group_.number, consumer_name_);
  fresh_consumer_ = !known;
  consumer_ = known ? *known : stream_.editor().add_consumer(group_.number, consumer_name_, now_ms_);
  Consumer after = consumer_;
  after.seen_ms = now_ms_;
  if (ask.fresh) {
    if (wish.claim_ms) claim(wish, budget, part);
    const std::size_t claimed = part.entries.size();
    if (wish.count == 0 || claimed < wish.count) read_fresh(wish, budget, part);
    part.there = part.entries.size() != 0;
    if (claimed != 0 || (part.there && !wish.no_ack)) after.active_ms = now_ms_;
  } else {
    read_pending(ask.behind, wish, budget, part);
  }
  stream_.editor().set_consumer(group_.number, consumer_name_, after);
}

/// Takes over what has been pending for long enough, the longest first. What is there no more is pending no more.
void GroupReader::claim(const ReadWish& wish, ReadBudget& budget, ReadPart& part) {
  struct Idle {
    std::int64_t delivered_ms;
    Id id;
    PendingEntry pending;
  };
  std::vector<Idle> idle;
  stream_.reader().visit_pending(group_.number, types::stream::kIdMin, [&](const Id& id, const PendingEntry& pending) {
    if (pending.delivered_ms == 0 || now_ms_ - pending.delivered_ms >= *wish.claim_ms)
      idle.push_back({.delivered_ms = pending.delivered_ms, .id = id, .pending = pending});
    return true;
  });
  std::ranges::sort(idle, [](const Idle& a, const Idle& b) {
    return a.delivered_ms != b.delivered_ms ? a.delivered_ms < b.delivered_ms : a.id < b.id;
  });
  for (const Idle& one : idle) {
    if (budget.spent() || (wish.count != 0 && part.entries.size() == wish.count)) return;
    bool there = false;
    bool taken = false;
    stream_.reader().visit(one.id, one.id, [&](const Entry& entry) {
      there = true;
      taken = budget.take(entry);
      if (taken)
        part.entries.add_claimed(entry, {.idle_ms = std::max<std::int64_t>(now_ms_ - one.delivered_ms, 0),
                                         .deliveries = one.pending.deliveries});
      return false;
    });
    if (!there) {
      stream_.editor().remove_pending(group_.number, one.id, one.pending);
    } else if (taken) {
      stream_.editor().set_pending(
          group_.number, one.id,
          {.consumer = consumer_.number, .delivered_ms = now_ms_, .deliveries = once_more(one.pending.deliveries)},
          one.pending);
    }
  }
}

void GroupReader::read_fresh(const ReadWish& wish, ReadBudget& budget, ReadPart& part) {
  const StreamReader& stream = stream_.reader();
  const auto top = stream.top_id();
  const auto from = types::stream::next_id(group_.last_delivered);
  if (!top || *top <= group_.last_delivered || !from || budget.spent()) return;
  const std::size_t before = part.entries.size();
  stream.visit(*from, types::stream::kIdMax, [&](const Entry& entry) {
    if (!budget.take(entry)) return false;
    part.entries.add(entry);
    return part.entries.size() != wish.count && !budget.spent();
  });
  if (before == part.entries.size()) return;
  // A group whose place was set back has some of them pending; else nobody need look.
  const auto ends = wish.no_ack ? std::nullopt : stream.pending_ends(group_.number);
  const bool pending = ends && ends->second >= part.entries.id(before);
  for (std::size_t i = before; i != part.entries.size(); ++i) deliver(part.entries.id(i), wish.no_ack, pending);
  stream_.editor().set_group(group_name_, group_);
}

/// `pending`: it may be so already.
void GroupReader::deliver(const Id& id, bool no_ack, bool pending) {
  const auto& counters = stream_.reader().counters();
  if (group_.entries_read && !has_tombstones(counters, group_.last_delivered)) {
    ++*group_.entries_read;
  } else if (counters.entries_added != 0) {
    group_.entries_read = entries_read_at(stream_.reader(), id);
  }
  group_.last_delivered = id;
  if (no_ack) return;
  const auto before = pending ? stream_.reader().pending(group_.number, id) : std::nullopt;
  stream_.editor().set_pending(group_.number, id,
                               {.consumer = consumer_.number, .delivered_ms = now_ms_, .deliveries = 1}, before);
}

/// What the consumer has pending, which counts as delivered once more where the entry is still there.
void GroupReader::read_pending(const Id& behind, const ReadWish& wish, ReadBudget& budget, ReadPart& part) {
  const auto from = types::stream::next_id(behind);
  if (!from || budget.spent()) return;
  std::vector<Id> ids;
  stream_.reader().visit_pending(group_.number, consumer_.number, *from, [&](const Id& id) {
    ids.push_back(id);
    return ids.size() != wish.count && ids.size() != wish.count_all;
  });
  for (const Id& id : ids) {
    bool there = false;
    bool taken = false;
    stream_.reader().visit(id, id, [&](const Entry& entry) {
      there = true;
      taken = budget.take(entry);
      if (taken) part.entries.add(entry);
      return false;
    });
    if (!there) {
      taken = budget.take_gone(id);
      if (taken) part.entries.add_gone(id);
    }
    if (!taken) return;
    if (!there) continue;
    const auto before = stream_.reader().pending(group_.number, id);
    if (!before) continue;  // only when pages cannot be had
    PendingEntry after = *before;
    after.delivered_ms = now_ms_;
    after.deliveries = once_more(after.deliveries);
    stream_.editor().set_pending(group_.number, id, after, before);
  }
}

}  // namespace stave::commands
