#include "types/stream/compact.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "types/stream/varint.h"

namespace stave::types::stream {

namespace {

/// The first item of a form: the header, and how many blocks follow.
struct First {
  Header header;
  std::uint64_t blocks = 0;
};

std::optional<First> first_of_run(const Run& run) noexcept {
  if (run.count() == 0) return std::nullopt;
  const ItemText text = run.read(run.begin());
  std::string_view rest = text.view();
  const auto header = take_header(rest);
  if (!header) return std::nullopt;
  const auto blocks = checked_varint(rest);
  if (!blocks || !rest.empty() || *blocks > run.count() - 1) return std::nullopt;
  return First{.header = *header, .blocks = *blocks};
}

std::string spell(const Header& header, std::uint64_t blocks) {
  std::string text;
  append_header(text, header);
  put_varint(text, blocks);
  return text;
}

/// Whether blocks are whole, in order, and what the header says of them.
class BlockCheck {
 public:
  bool take(std::string_view block) {
    if (!Block::well_formed(block)) return false;
    if (entries_ != 0 && Block::id_of(block) <= last_) return false;
    Block(block).visit([&](const Entry& entry) {
      last_ = entry.id();
      ++entries_;
      return true;
    });
    return true;
  }
  [[nodiscard]] bool fits(const Header& header) const noexcept {
    const Counters& counters = header.counters;
    if (entries_ != counters.length || counters.entries_added < counters.length) return false;
    return entries_ == 0 || (last_ == header.top && last_ <= counters.last_id);
  }

 private:
  std::uint64_t entries_ = 0;
  Id last_;
};

/// Whether marks are whole, in order, and name nothing that is not there.
class MarkCheck {
 public:
  explicit MarkCheck(Number end) noexcept : end_(end) {}

  bool take(std::string_view element) {
    if (!before_.empty() && element <= before_) return false;
    before_.assign(element);
    const auto read = mark::read(element);
    if (!read) return false;
    const std::pair consumer(read->group, read->consumer);
    switch (read->kind) {
      case mark::Kind::kGroup:
        return fresh(read->as_group.number) && names_.insert(read->name).second &&
               groups_.insert(read->as_group.number).second;
      case mark::Kind::kConsumerName:
        return groups_.contains(read->group) && fresh(read->consumer) &&
               named_.emplace(std::pair(read->group, read->name), read->consumer).second &&
               consumers_.emplace(consumer, read->name).second;
      case mark::Kind::kConsumer: {
        const auto known = consumers_.find(consumer);
        return known != consumers_.end() && known->second == read->name && seen_.insert(consumer).second;
      }
      case mark::Kind::kPending:
        pending_.push_back({read->group, read->as_pending.consumer, read->id});
        return known(read->group, read->as_pending.consumer) && once(read->group, read->id);
      case mark::Kind::kConsumerPending: of_consumers_.push_back({read->group, read->consumer, read->id}); return true;
      case mark::Kind::kIdempotence: return !std::exchange(idempotent_, true);
      case mark::Kind::kProducer:
        return fresh(read->as_producer.number) && producer_names_.insert(read->name).second &&
               producers_.emplace(read->as_producer.number, read->as_producer.known).second;
      case mark::Kind::kSent:
        sent_.push_back({read->group, read->name, read->id});
        return sent_names_.emplace(read->group, read->name).second;
      case mark::Kind::kSentInOrder:
        in_order_.push_back({read->group, read->name, read->id});
        return sent_ids_.emplace(read->group, read->id).second;
    }
    return false;
  }
  [[nodiscard]] bool whole() {
    std::ranges::sort(pending_);
    return seen_.size() == consumers_.size() && pending_ == of_consumers_ && sent_whole();
  }

 private:
  struct Delivered {
    Number group;
    Number consumer;
    Id id;
    friend auto operator<=>(const Delivered&, const Delivered&) = default;
  };
  struct SentOnce {
    Number producer;
    std::string name;
    Id id;
    friend auto operator<=>(const SentOnce&, const SentOnce&) = default;
  };
  bool sent_whole() {
    std::ranges::sort(sent_);
    std::ranges::sort(in_order_);
    for (const SentOnce& sent : sent_) {
      const auto producer = producers_.find(sent.producer);
      if (producer == producers_.end() || producer->second == 0) return false;
      --producer->second;
    }
    return sent_ == in_order_ && (producers_.empty() || idempotent_) &&
           std::ranges::all_of(producers_, [](const auto& producer) { return producer.second == 0; });
  }
  bool fresh(Number number) { return number < end_ && numbers_.insert(number).second; }
  [[nodiscard]] bool known(Number group, Number consumer) const { return seen_.contains({group, consumer}); }
  /// The bytes of two with the same key may differ.
  bool once(Number group, const Id& id) {
    return std::exchange(last_pending_, std::pair(group, id)) != std::pair(group, id);
  }

  Number end_;
  std::string before_;
  std::set<Number> numbers_;
  std::set<std::string> names_;
  std::set<Number> groups_;
  std::map<std::pair<Number, std::string>, Number> named_;
  std::map<std::pair<Number, Number>, std::string> consumers_;
  std::set<std::pair<Number, Number>> seen_;
  std::optional<std::pair<Number, Id>> last_pending_;
  std::vector<Delivered> pending_;
  std::vector<Delivered> of_consumers_;
  bool idempotent_ = false;
  std::set<std::string> producer_names_;
  std::map<Number, std::uint64_t> producers_;  ///< With how many it says that are known.
  std::set<std::pair<Number, std::string>> sent_names_;
  std::set<std::pair<Number, Id>> sent_ids_;
  std::vector<SentOnce> sent_;
  std::vector<SentOnce> in_order_;
};

}  // namespace

bool Compact::well_formed(std::string_view form) {
  if (!Run::well_formed(form)) return false;
  const Run run(form);
  const auto first = first_of_run(run);
  if (!first || spell(first->header, first->blocks) != run.read(run.begin()).view()) return false;
  BlockCheck blocks;
  MarkCheck marks(first->header.next_number);
  std::uint64_t left = first->blocks;
  for (std::size_t at = run.next(run.begin()); at != run.end(); at = run.next(at)) {
    const ItemText text = run.read(at);
    if (left != 0 ? !blocks.take(text.view()) : !marks.take(text.view())) return false;
    if (left != 0) --left;
  }
  return blocks.fits(first->header) && marks.whole();
}

std::string Compact::begin_form(const Header& header, std::uint64_t blocks, std::uint64_t marks) {
  std::string form = Run::begin_form(1 + blocks + marks);
  EncodedItem(spell(header, blocks)).append_to(form);
  return form;
}

std::string Compact::form_of(const OnElements& from) {
  const Elements& elements = from.elements();
  const std::uint64_t blocks = elements.count(Part::kEntries);
  const std::uint64_t marks = elements.count(Part::kMarks);
  std::string form = begin_form(from.header(), blocks, marks);
  const auto add = [&](std::string_view element) {
    EncodedItem(element).append_to(form);
    return true;
  };
  elements.visit(Part::kEntries, 0, blocks, false, add);
  elements.visit(Part::kMarks, 0, marks, false, add);
  return form;
}

namespace {
Header header_of(std::string_view form) noexcept {
  const auto first = form.empty() ? First{} : first_of_run(Run(form));
  STAVE_ASSERT(first);
  return first->header;
}
}  // namespace

Compact::Compact(std::string_view form) noexcept : OnElements(header_of(form)), run_(form) {
  if (!form.empty()) blocks_ = first_of_run(run_)->blocks;
}

Compact::Items Compact::items(Part part) const noexcept {
  if (run_.count() == 0) return {};
  const std::uint64_t count = this->count(part);
  const std::size_t begin = run_.place(first_of(part));
  const std::size_t end = run_.walk(begin, count);
  return {.begin = run_.form().data() + begin, .end = run_.form().data() + end, .count = count};
}

// Behind the item that says what follows.
std::uint64_t Compact::first_of(Part part) const noexcept {
  return part == Part::kEntries ? 1 : 1 + blocks_;
}

std::uint64_t Compact::count(Part part) const noexcept {
  if (run_.count() == 0) return 0;
  return part == Part::kEntries ? blocks_ : run_.count() - 1 - blocks_;
}

std::uint64_t Compact::rank(Part part, std::string_view key) const {
  const std::uint64_t count = this->count(part);
  if (count == 0) return 0;
  std::size_t at = run_.place(first_of(part));
  std::uint64_t rank = 0;
  for (; rank != count && run_.read(at).view() < key; ++rank) at = run_.next(at);
  return rank;
}

void Compact::visit(Part part, std::uint64_t from, std::uint64_t to, bool backwards, Elements::Visit visit) const {
  STAVE_ASSERT(from <= to && to <= count(part));
  if (from == to) return;
  std::size_t at = run_.place(first_of(part) + from);
  std::vector<std::size_t> places;
  for (; from != to; ++from, at = run_.next(at)) {
    if (backwards) {
      places.push_back(at);
    } else if (!visit(run_.read(at).view())) {
      return;
    }
  }
  while (!places.empty()) {
    if (!visit(run_.read(places.back()).view())) return;
    places.pop_back();
  }
}

void Compact::note_change() {
  const std::string text = spell(header(), blocks_);
  const EncodedItem item(text);
  std::size_t at = run_.count() == 0 ? 0 : run_.begin();
  const std::size_t before = run_.count() == 0 ? 0 : run_.next(at) - at;
  item.write_to(run_.replace(at, before, item.size(), before == 0 ? 1 : 0));
}

void Compact::insert(Part part, std::string_view element) {
  if (run_.count() == 0) note_change();
  const std::uint64_t rank = this->rank(part, element);
  std::size_t at = run_.place(first_of(part) + rank);
  const EncodedItem item(element);
  item.write_to(run_.replace(at, 0, item.size(), 1));
  if (part == Part::kEntries) ++blocks_;
}

void Compact::replace(Part part, std::uint64_t rank, std::string_view element) {
  STAVE_ASSERT(rank < count(part));
  std::size_t at = run_.place(first_of(part) + rank);
  const EncodedItem item(element);
  item.write_to(run_.replace(at, run_.next(at) - at, item.size(), 0));
}

void Compact::erase(Part part, std::uint64_t from, std::uint64_t count) {
  STAVE_ASSERT(from <= this->count(part) && count <= this->count(part) - from);
  if (count == 0) return;
  std::size_t at = run_.place(first_of(part) + from);
  const std::size_t end = run_.walk(at, count);
  run_.replace(at, end - at, 0, -static_cast<std::int64_t>(count));
  if (part == Part::kEntries) blocks_ -= count;
}

}  // namespace stave::types::stream
