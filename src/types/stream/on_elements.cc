#include "types/stream/on_elements.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace stave::types::stream {

// --- entries ---------------------------------------------------------------------------------------------------------

/// The number of the block in which an entry of that id is, or would be. Not `there`: it would be before all of them.
std::uint64_t OnElements::block_of(const Id& id, bool& there) const {
  const auto behind = next_id(id);
  std::uint64_t below = elements().count(Part::kEntries);
  if (behind && below != 0) {
    char key[kIdBytes];
    put_id(key, *behind);
    below = elements().rank(Part::kEntries, {key, kIdBytes});
  }
  there = below != 0;
  return there ? below - 1 : 0;
}

std::optional<Id> OnElements::first_id() const {
  std::optional<Id> first;
  if (size() == 0) return first;
  elements().visit(Part::kEntries, 0, 1, false, [&](std::string_view block) {
    return Block(block).visit([&](const Entry& entry) { return first = entry.id(), false; });
  });
  return first;
}

std::optional<Id> OnElements::top_id() const {
  return size() == 0 ? std::nullopt : std::optional(header_.top);
}

bool OnElements::contains(const Id& id) const {
  bool there = false;
  visit(id, id, [&](const Entry&) { return there = true, false; });
  return there;
}

void OnElements::visit(const Id& from, const Id& to, VisitEntry visit) const {
  const std::uint64_t blocks = this->blocks();
  if (size() == 0 || blocks == 0 || from > to || from > header_.top) return;
  bool there = false;
  const std::uint64_t first = block_of(from, there);
  elements().visit(Part::kEntries, first, blocks, false, [&](std::string_view block) {
    return Block(block).visit([&](const Entry& entry) {
      if (entry.id() < from) return true;
      return entry.id() <= to && visit(entry);
    });
  });
}

void OnElements::visit_backwards(const Id& from, const Id& to, VisitEntry visit) const {
  if (size() == 0 || from > to) return;
  bool there = false;
  const std::uint64_t last = block_of(to, there);
  if (!there) return;
  elements().visit(Part::kEntries, 0, last + 1, true, [&](std::string_view block) {
    return Block(block).visit_backwards([&](const Entry& entry) {
      if (entry.id() > to) return true;
      return entry.id() >= from && visit(entry);
    });
  });
}

void OnElements::set_counters(const Counters& counters) {
  Counters wanted = counters;
  wanted.length = header_.counters.length;
  if (wanted == header_.counters) return;
  header_.counters = wanted;
  note_change();
}

void OnElements::append(const Id& id, std::span<const Field> fields) {
  STAVE_ASSERT(!fields.empty());
  const std::uint64_t blocks = this->blocks();
  std::string block;
  if (blocks != 0) {
    block.reserve(Block::kBytesMax + kIdBytes);
    elements().visit(Part::kEntries, blocks - 1, blocks, false,
                     [&](std::string_view last) { return block.assign(last), false; });
  }
  if (!block.empty() && Block::append(block, header_.top, id, fields)) {
    elements().replace(Part::kEntries, blocks - 1, block);
  } else {
    elements().insert(Part::kEntries, Block::of(id, fields));
  }
  Counters& counters = header_.counters;
  ++counters.length;
  ++counters.entries_added;
  counters.last_id = header_.top = id;
  note_change();
}

/// The last entry has gone.
void OnElements::find_top() {
  const std::uint64_t blocks = this->blocks();
  if (blocks == 0) return;
  elements().visit(Part::kEntries, blocks - 1, blocks, false, [&](std::string_view block) {
    return Block(block).visit_backwards([&](const Entry& entry) { return header_.top = entry.id(), false; });
  });
}

bool OnElements::remove(const Id& id) {
  if (size() == 0) return false;
  bool there = false;
  const std::uint64_t at = block_of(id, there);
  if (!there) return false;
  bool found = false;
  std::string left;
  elements().visit(Part::kEntries, at, at + 1, false, [&](std::string_view block) {
    left = Block(block).without([&](const Entry& entry) {
      const bool gone = entry.id() == id;
      found = found || gone;
      return gone;
    });
    return false;
  });
  if (!found) return false;
  if (left.empty()) {
    elements().erase(Part::kEntries, at, 1);
  } else {
    elements().replace(Part::kEntries, at, left);
  }
  --header_.counters.length;
  if (id == header_.top) find_top();
  note_change();
  return true;
}

void OnElements::remove_first(std::uint64_t count) {
  STAVE_ASSERT(count <= size());
  if (count == 0) return;
  const std::uint64_t blocks = this->blocks();
  if (count == size()) {
    elements().erase(Part::kEntries, 0, blocks);
  } else {
    std::uint64_t whole = 0;
    std::uint64_t left = count;
    std::string rest;
    elements().visit(Part::kEntries, 0, blocks, false, [&](std::string_view block) {
      const std::uint64_t entries = Block::count_of(block);
      if (left < entries) return rest.assign(block), false;
      left -= entries;
      ++whole;
      return true;
    });
    elements().erase(Part::kEntries, 0, std::min(whole, blocks));
    if (left != 0 && !rest.empty())
      elements().replace(Part::kEntries, 0,
                         Block(rest).without([&](const Entry&) { return left != 0 && left-- != 0; }));
  }
  header_.counters.length -= count;
  note_change();
}

// --- marks -----------------------------------------------------------------------------------------------------------

/// Shows the mark of that key. False: there is none.
bool OnElements::find(std::string_view key, Elements::Visit visit) const {
  const std::uint64_t count = elements().count(Part::kMarks);
  if (count == 0) return false;
  const std::uint64_t rank = elements().rank(Part::kMarks, key);
  if (rank >= count) return false;
  bool found = false;
  elements().visit(Part::kMarks, rank, rank + 1, false, [&](std::string_view element) {
    found = element.starts_with(key);
    return found && visit(element);
  });
  return found;
}

/// Shows the marks that begin with `prefix`, from `from` on.
void OnElements::visit_marks(const std::string& prefix, std::string_view from, Elements::Visit visit) const {
  const std::uint64_t count = elements().count(Part::kMarks);
  if (count == 0) return;
  const std::uint64_t rank = elements().rank(Part::kMarks, from);
  if (rank >= count) return;
  elements().visit(Part::kMarks, rank, count, false,
                   [&](std::string_view element) { return element.starts_with(prefix) && visit(element); });
}

std::uint64_t OnElements::marks(const std::string& prefix) const {
  if (elements().count(Part::kMarks) == 0) return 0;
  const std::uint64_t begin = elements().rank(Part::kMarks, prefix);
  const std::uint64_t end = elements().rank(Part::kMarks, mark::behind(prefix));
  return end > begin ? end - begin : 0;
}

void OnElements::put_mark(std::string_view key, std::string_view element) {
  const std::uint64_t count = elements().count(Part::kMarks);
  bool found = false;
  const std::uint64_t rank = count == 0 ? 0 : elements().rank(Part::kMarks, key);
  if (rank < count) {
    elements().visit(Part::kMarks, rank, rank + 1, false,
                     [&](std::string_view there) { return found = there.starts_with(key), false; });
  }
  if (found) {
    elements().replace(Part::kMarks, rank, element);
  } else {
    elements().insert(Part::kMarks, element);
  }
  note_change();
}

void OnElements::erase_mark(std::string_view key) {
  const std::uint64_t count = elements().count(Part::kMarks);
  if (count == 0) return;
  const std::uint64_t rank = elements().rank(Part::kMarks, key);
  bool found = false;
  if (rank >= count) return;
  elements().visit(Part::kMarks, rank, rank + 1, false,
                   [&](std::string_view there) { return found = there.starts_with(key), false; });
  if (!found) return;
  elements().erase(Part::kMarks, rank, 1);
  note_change();
}

void OnElements::erase_marks(const std::string& prefix) {
  const std::uint64_t count = elements().count(Part::kMarks);
  if (count == 0) return;
  const std::uint64_t begin = elements().rank(Part::kMarks, prefix);
  const std::uint64_t end = std::min(elements().rank(Part::kMarks, mark::behind(prefix)), count);
  if (begin >= end) return;
  elements().erase(Part::kMarks, begin, end - begin);
  note_change();
}

std::uint64_t OnElements::groups() const {
  if (elements().count(Part::kMarks) == 0) return 0;
  return elements().rank(Part::kMarks, mark::behind(mark::Kind::kGroup));
}

std::optional<Group> OnElements::group(std::string_view name) const {
  std::optional<Group> group;
  find(mark::group_key(name), [&](std::string_view element) { return group = mark::group_of(element), false; });
  return group;
}

void OnElements::visit_groups(VisitGroup visit) const {
  const std::string prefix(1, static_cast<char>(mark::Kind::kGroup));
  visit_marks(prefix, prefix, [&](std::string_view element) {
    const auto read = mark::read(element);
    return read && visit(read->name, read->as_group);
  });
}

std::uint64_t OnElements::consumers(Number group) const {
  return marks(mark::consumer_names_of(group));
}

std::optional<Consumer> OnElements::consumer(Number group, std::string_view name) const {
  std::optional<Number> number;
  find(mark::consumer_name_key(group, name),
       [&](std::string_view element) { return number = mark::consumer_number_of(element), false; });
  if (!number) return std::nullopt;
  std::optional<Consumer> consumer;
  find(mark::consumer_key(group, *number),
       [&](std::string_view element) { return consumer = mark::consumer_of(element), false; });
  return consumer;
}

std::string OnElements::consumer_name(Number group, Number consumer) const {
  std::string name;
  find(mark::consumer_key(group, consumer),
       [&](std::string_view element) { return name = mark::consumer_name_of(element), false; });
  return name;
}

void OnElements::visit_consumers(Number group, VisitConsumer visit) const {
  const std::string prefix = mark::consumer_names_of(group);
  visit_marks(prefix, prefix, [&](std::string_view element) {
    const auto named = mark::read(element);
    if (!named) return false;
    std::optional<Consumer> consumer;
    find(mark::consumer_key(group, named->consumer),
         [&](std::string_view other) { return consumer = mark::consumer_of(other), false; });
    return consumer && visit(named->name, *consumer);
  });
}

std::uint64_t OnElements::pending(Number group) const {
  return marks(mark::pending_of(group));
}

std::uint64_t OnElements::pending(Number group, Number consumer) const {
  return marks(mark::pending_of(group, consumer));
}

std::optional<Pending> OnElements::pending(Number group, const Id& id) const {
  std::optional<Pending> pending;
  find(mark::pending_key(group, id),
       [&](std::string_view element) { return pending = mark::pending_of(element), false; });
  return pending;
}

void OnElements::visit_pending(Number group, const Id& from, VisitPending visit) const {
  visit_marks(mark::pending_of(group), mark::pending_key(group, from),
              [&](std::string_view element) { return visit(mark::pending_id_of(element), mark::pending_of(element)); });
}

void OnElements::visit_pending(Number group, Number consumer, const Id& from, VisitId visit) const {
  visit_marks(mark::pending_of(group, consumer), mark::pending_key(group, consumer, from),
              [&](std::string_view element) { return visit(mark::pending_id_of(element)); });
}

std::optional<std::pair<Id, Id>> OnElements::pending_ends(Number group) const {
  if (elements().count(Part::kMarks) == 0) return std::nullopt;
  const std::string prefix = mark::pending_of(group);
  const std::uint64_t begin = elements().rank(Part::kMarks, prefix);
  const std::uint64_t end = elements().rank(Part::kMarks, mark::behind(prefix));
  if (begin >= end) return std::nullopt;
  std::pair<Id, Id> ends;
  elements().visit(Part::kMarks, begin, begin + 1, false,
                   [&](std::string_view element) { return ends.first = mark::pending_id_of(element), false; });
  elements().visit(Part::kMarks, end - 1, end, false,
                   [&](std::string_view element) { return ends.second = mark::pending_id_of(element), false; });
  return ends;
}

Number OnElements::add_group(std::string_view name, const Id& last_delivered,
                             std::optional<std::uint64_t> entries_read) {
  const Number number = header_.next_number++;
  set_group(name, {.number = number, .last_delivered = last_delivered, .entries_read = entries_read});
  return number;
}

void OnElements::set_group(std::string_view name, const Group& group) {
  put_mark(mark::group_key(name), mark::element_of(name, group));
}

void OnElements::remove_group(std::string_view name, const Group& group) {
  erase_mark(mark::group_key(name));
  erase_marks(mark::consumer_names_of(group.number));
  erase_marks(mark::consumers_of(group.number));
  erase_marks(mark::pending_of(group.number));
  std::string of_consumers = mark::pending_of(group.number);
  of_consumers[0] = static_cast<char>(mark::Kind::kConsumerPending);
  erase_marks(of_consumers);
}

Consumer OnElements::add_consumer(Number group, std::string_view name, std::int64_t seen_ms) {
  const Consumer consumer{.number = header_.next_number++, .seen_ms = seen_ms, .active_ms = std::nullopt};
  put_mark(mark::consumer_name_key(group, name), mark::element_of(group, name, consumer.number));
  set_consumer(group, name, consumer);
  return consumer;
}

void OnElements::set_consumer(Number group, std::string_view name, const Consumer& consumer) {
  put_mark(mark::consumer_key(group, consumer.number), mark::element_of(group, name, consumer));
}

void OnElements::remove_consumer(Number group, std::string_view name, Number consumer) {
  std::vector<Id> ids;
  visit_pending(group, consumer, kIdMin, [&](const Id& id) { return ids.push_back(id), true; });
  for (const Id& id : ids) erase_mark(mark::pending_key(group, id));
  erase_marks(mark::pending_of(group, consumer));
  erase_mark(mark::consumer_name_key(group, name));
  erase_mark(mark::consumer_key(group, consumer));
}

void OnElements::set_pending(Number group, const Id& id, const Pending& pending, const std::optional<Pending>& before) {
  put_mark(mark::pending_key(group, id), mark::element_of(group, id, pending));
  if (before && before->consumer == pending.consumer) return;
  if (before) erase_mark(mark::pending_key(group, before->consumer, id));
  const std::string of_consumer = mark::pending_key(group, pending.consumer, id);
  put_mark(of_consumer, of_consumer);
}

void OnElements::remove_pending(Number group, const Id& id, const Pending& before) {
  erase_mark(mark::pending_key(group, id));
  erase_mark(mark::pending_key(group, before.consumer, id));
}

// --- what producers have sent ----------------------------------------------------------------------------------------

std::optional<Idempotence> OnElements::idempotence() const {
  std::optional<Idempotence> known;
  find(mark::idempotence_key(), [&](std::string_view element) {
    if (const auto read = mark::read(element)) known = read->as_idempotence;
    return false;
  });
  return known;
}

std::optional<Producer> OnElements::producer(std::string_view name) const {
  std::optional<Producer> producer;
  find(mark::producer_key(name), [&](std::string_view element) {
    if (const auto read = mark::read(element)) producer = read->as_producer;
    return false;
  });
  return producer;
}

std::optional<Sent> OnElements::sent(Number producer, std::string_view name) const {
  std::optional<Sent> sent;
  find(mark::sent_key(producer, name), [&](std::string_view element) {
    if (const auto read = mark::read(element)) sent = read->as_sent;
    return false;
  });
  return sent;
}

void OnElements::visit_producers(std::string_view from, VisitProducer visit) const {
  const std::string prefix(1, static_cast<char>(mark::Kind::kProducer));
  visit_marks(prefix, mark::producer_key(from), [&](std::string_view element) {
    const auto read = mark::read(element);
    return read && visit(read->name, read->as_producer);
  });
}

void OnElements::visit_sent(Number producer, VisitSent visit) const {
  const std::string prefix = mark::sent_in_order_of(producer);
  visit_marks(prefix, prefix, [&](std::string_view element) {
    const auto read = mark::read(element);
    return read && visit(read->id, read->name);
  });
}

void OnElements::set_idempotence(const Idempotence& idempotence) {
  put_mark(mark::idempotence_key(), mark::element_of(idempotence));
}

Producer OnElements::add_producer(std::string_view name) {
  const Producer producer{.number = header_.next_number++, .known = 0};
  put_mark(mark::producer_key(name), mark::element_of(name, producer));
  return producer;
}

void OnElements::add_sent(std::string_view producer_name, Producer& producer, std::string_view name, const Sent& sent) {
  put_mark(mark::sent_key(producer.number, name), mark::element_of(producer.number, name, sent));
  put_mark(mark::sent_in_order_key(producer.number, sent.id), mark::element_of(producer.number, sent.id, name));
  ++producer.known;
  put_mark(mark::producer_key(producer_name), mark::element_of(producer_name, producer));
}

void OnElements::remove_sent(std::string_view producer_name, Producer& producer, std::string_view name, const Id& id) {
  erase_mark(mark::sent_key(producer.number, name));
  erase_mark(mark::sent_in_order_key(producer.number, id));
  if (producer.known != 0) --producer.known;
  if (producer.known == 0) {
    erase_mark(mark::producer_key(producer_name));
  } else {
    put_mark(mark::producer_key(producer_name), mark::element_of(producer_name, producer));
  }
}

}  // namespace stave::types::stream
