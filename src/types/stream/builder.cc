#include "types/stream/builder.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "types/stream/compact.h"

namespace stave::types::stream {

void Builder::clear() {
  *this = Builder();
}

bool Builder::append(const Id& id, std::span<const Field> fields) {
  STAVE_ASSERT(!fields.empty());
  Counters& counters = header_.counters;
  if (counters.length != 0 ? id <= header_.top : id == kIdMin) return false;
  const std::size_t before = block_.size();
  if (block_.empty() || !Block::append(block_, header_.top, id, fields)) {
    if (!block_.empty()) EncodedItem(block_).append_to(items_);
    block_ = Block::of(id, fields);
    ++blocks_;
    bytes_ += block_.size();
  } else {
    bytes_ += block_.size() - before;
  }
  ++counters.length;
  counters.last_id = header_.top = id;
  return true;
}

void Builder::add(std::string mark) {
  bytes_ += mark.size();
  marks_.push_back(std::move(mark));
}

Number Builder::add_group(std::string_view name, const Id& last_delivered, std::optional<std::uint64_t> entries_read) {
  const Number number = header_.next_number++;
  add(mark::element_of(name, Group{.number = number, .last_delivered = last_delivered, .entries_read = entries_read}));
  return number;
}

Number Builder::add_consumer(Number group, std::string_view name, std::int64_t seen_ms,
                             std::optional<std::int64_t> active_ms) {
  const Number number = header_.next_number++;
  add(mark::element_of(group, name, number));
  add(mark::element_of(group, name, Consumer{.number = number, .seen_ms = seen_ms, .active_ms = active_ms}));
  return number;
}

void Builder::add_pending(Number group, const Id& id, const Pending& pending) {
  add(mark::element_of(group, id, pending));
  add(mark::pending_key(group, pending.consumer, id));
}

void Builder::set_counters(const Counters& counters) {
  counters_ = counters;
}

std::optional<std::string> Builder::finish() {
  Header header = header_;
  header.counters.entries_added = header.counters.length;
  if (counters_) {
    header.counters = *counters_;
    header.counters.length = header_.counters.length;
  }
  if (header.counters.length == 0) header.top = header.counters.last_id;
  std::ranges::sort(marks_);
  std::string form = Compact::begin_form(header, blocks_, marks_.size());
  form.append(items_);
  items_ = {};
  if (!block_.empty()) EncodedItem(block_).append_to(form);
  for (const std::string& mark : marks_) EncodedItem(mark).append_to(form);
  marks_ = {};
  if (!Compact::well_formed(form)) return std::nullopt;
  return form;
}

}  // namespace stave::types::stream
