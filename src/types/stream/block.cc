#include "types/stream/block.h"

#include <optional>
#include <ranges>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "types/stream/varint.h"

namespace stave::types::stream {

namespace {

constexpr std::size_t kCountAt = kIdBytes;
constexpr std::size_t kNamesAt = kCountAt + 2;
constexpr std::uint64_t kCountMax = 0xffff;

// The head of an entry: how much later than the one before, up to 31 ms, in its upper bits.
constexpr unsigned kOwnNames = 1;
constexpr unsigned kSeqGiven = 2;
constexpr unsigned kMsGiven = 4;
constexpr unsigned kMsShift = 3;
constexpr std::uint64_t kMsInHead = 31;

/// What comes before the first entry of a block with that id.
constexpr Id before_first(const Id& id) noexcept {
  return {.ms = id.ms, .seq = id.seq - 1};
}

void append_head(std::string& to, const Id& before, const Id& id, bool own_names) {
  const std::uint64_t later = id.ms - before.ms;
  // Of the same millisecond: how many numbers were left out. The subtraction wraps before the first entry.
  const std::uint64_t seq = later == 0 ? id.seq - before.seq - 1 : id.seq;
  unsigned head = (own_names ? kOwnNames : 0) | (seq != 0 ? kSeqGiven : 0);
  head |= later > kMsInHead ? kMsGiven : static_cast<unsigned>(later) << kMsShift;
  to.push_back(static_cast<char>(head));
  if (later > kMsInHead) put_varint(to, later);
  if (seq != 0) put_varint(to, seq);
}

Id take_id(unsigned head, const Id& before, const char*& from) noexcept {
  const std::uint64_t later = (head & kMsGiven) != 0 ? get_varint(from) : head >> kMsShift;
  const std::uint64_t seq = (head & kSeqGiven) != 0 ? get_varint(from) : 0;
  return {.ms = before.ms + later, .seq = later == 0 ? before.seq + 1 + seq : seq};
}

const char* skip(const char* from, std::uint64_t items) noexcept {
  for (; items != 0; --items) from += item::size_at(from);
  return from;
}

void append_own(std::string& to, std::span<const Field> fields) {
  put_varint(to, fields.size());
  for (const Field& field : fields) {
    EncodedItem(field.name).append_to(to);
    EncodedItem(field.value).append_to(to);
  }
}

void append_values(std::string& to, std::span<const Field> fields) {
  for (const Field& field : fields) EncodedItem(field.value).append_to(to);
}

bool skip_checked(std::string_view& rest, std::uint64_t items) noexcept {
  for (; items != 0; --items) {
    const auto size = item::checked_size(rest);
    if (!size) return false;
    rest.remove_prefix(*size);
  }
  return true;
}

/// The id of an entry from elsewhere; nullopt: there is none, or it does not come behind the one before.
std::optional<Id> take_checked_id(unsigned head, const Id& before, bool first, std::string_view& rest) noexcept {
  std::uint64_t later = head >> kMsShift;
  std::uint64_t seq = 0;
  if ((head & kMsGiven) != 0) {
    const auto given = checked_varint(rest);
    if (!given || later != 0 || *given <= kMsInHead) return std::nullopt;
    later = *given;
  }
  if ((head & kSeqGiven) != 0) {
    const auto given = checked_varint(rest);
    if (!given || *given == 0) return std::nullopt;
    seq = *given;
  }
  Id id{.ms = before.ms + later, .seq = seq};
  if (later == 0) id.seq += before.seq + 1;
  if (first) {
    const Id least{.ms = before.ms, .seq = before.seq + 1};
    return later > kIdMax.ms - before.ms || id < least ? std::nullopt : std::optional(id);
  }
  return later > kIdMax.ms - before.ms || id <= before ? std::nullopt : std::optional(id);
}

}  // namespace

void Entry::visit(base::FunctionRef<void(std::string_view name, std::string_view value)> visit) const {
  const char* name = names_;
  const char* at = items_;
  for (std::uint64_t i = 0; i != fields_; ++i) {
    if (names_ == nullptr) {
      name = at;
      at += item::size_at(at);
    }
    visit(item::read(name).view(), item::read(at).view());
    at += item::size_at(at);
    if (names_ != nullptr) name += item::size_at(name);
  }
}

std::uint64_t Block::count_of(std::string_view bytes) noexcept {
  return base::load<std::uint16_t>(bytes.data() + kCountAt);
}

Block::Block(std::string_view bytes) noexcept : bytes_(bytes), id_(id_of(bytes)), count_(count_of(bytes)) {
  STAVE_ASSERT(bytes.size() > kNamesAt);
  const char* at = bytes.data() + kNamesAt;
  names_ = get_varint(at);
  names_at_ = at;
  entries_at_ = skip(at, names_);
}

bool Block::well_formed(std::string_view bytes) noexcept {
  if (bytes.size() <= kNamesAt) return false;
  const std::uint64_t count = count_of(bytes);
  std::string_view rest = bytes.substr(kNamesAt);
  const auto names = checked_varint(rest);
  if (count == 0 || !names || !skip_checked(rest, *names)) return false;
  Id before = before_first(id_of(bytes));
  for (std::uint64_t i = 0; i != count; ++i) {
    if (rest.empty()) return false;
    const auto head = static_cast<unsigned char>(rest[0]);
    rest.remove_prefix(1);
    const auto id = take_checked_id(head, before, i == 0, rest);
    if (!id) return false;
    before = *id;
    if ((head & kOwnNames) == 0) {
      if (*names == 0 || !skip_checked(rest, *names)) return false;
      continue;
    }
    const auto own = checked_varint(rest);
    if (!own || *own == 0 || *own > rest.size() || !skip_checked(rest, 2 * *own)) return false;
  }
  return rest.empty();
}

/// The entry that begins where `entry` ends.
bool Block::next(Entry& entry, Id& before) const noexcept {
  const char* at = entry.end_ == nullptr ? entries_at_ : entry.end_;
  if (at == bytes_.data() + bytes_.size()) return false;
  entry.at_ = at;
  const auto head = static_cast<unsigned char>(*at++);
  entry.id_ = before = take_id(head, before, at);
  const bool own = (head & kOwnNames) != 0;
  entry.fields_ = own ? get_varint(at) : names_;
  entry.names_ = own ? nullptr : names_at_;
  entry.items_ = at;
  entry.end_ = skip(at, own ? 2 * entry.fields_ : names_);
  STAVE_ASSERT(entry.end_ <= bytes_.data() + bytes_.size());
  return true;
}

bool Block::visit(base::FunctionRef<bool(const Entry&)> visit) const {
  Id before = before_first(id_);
  for (Entry entry; next(entry, before);)
    if (!visit(entry)) return false;
  return true;
}

bool Block::visit_backwards(base::FunctionRef<bool(const Entry&)> visit) const {
  std::vector<Entry> entries;
  entries.reserve(count_);
  Id before = before_first(id_);
  for (Entry entry; next(entry, before);) entries.push_back(entry);
  for (const Entry& entry : entries | std::views::reverse)
    if (!visit(entry)) return false;
  return true;
}

std::string Block::of(const Id& id, std::span<const Field> fields) {
  std::string block = id_bytes(id);
  block.append({1, 0});
  put_varint(block, fields.size());
  for (const Field& field : fields) EncodedItem(field.name).append_to(block);
  append_head(block, before_first(id), id, false);
  append_values(block, fields);
  return block;
}

bool Block::append(std::string& block, const Id& last, const Id& id, std::span<const Field> fields) {
  const std::uint64_t count = count_of(block);
  const std::size_t before = block.size();
  if (count == kCountMax || before >= kBytesMax) return false;
  const char* at = block.data() + kNamesAt;
  bool same = get_varint(at) == fields.size();
  for (std::size_t i = 0; same && i != fields.size(); ++i) {
    if (fields[i].name.size() > kBytesMax) return false;
    same = EncodedItem(fields[i].name).is_at(at);
    at += item::size_at(at);
  }
  std::size_t bytes = 0;
  for (const Field& field : fields) {
    bytes += field.value.size() + (same ? 0 : field.name.size());
    if (bytes > kBytesMax - before) return false;
  }
  append_head(block, last, id, !same);
  if (same) {
    append_values(block, fields);
  } else {
    append_own(block, fields);
  }
  if (block.size() > kBytesMax) {
    block.resize(before);
    return false;
  }
  base::store(block.data() + kCountAt, static_cast<std::uint16_t>(count + 1));
  return true;
}

std::string Block::without(base::FunctionRef<bool(const Entry&)> gone) const {
  std::string left(bytes_.substr(0, static_cast<std::size_t>(entries_at_ - bytes_.data())));
  std::uint64_t count = 0;
  Id before = before_first(id_);
  visit([&](const Entry& entry) {
    if (gone(entry)) return true;
    const bool own = entry.names_ == nullptr;
    append_head(left, before, entry.id_, own);
    if (own) put_varint(left, entry.fields_);
    left.append(entry.items_, entry.end_);
    before = entry.id_;
    ++count;
    return true;
  });
  if (count == 0) return {};
  base::store(left.data() + kCountAt, static_cast<std::uint16_t>(count));
  return left;
}

}  // namespace stave::types::stream
