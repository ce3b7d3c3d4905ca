// Both forms of a stream beside a model, and what is refused of bytes from elsewhere.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "types/memory_pages.h"
#include "types/stream/builder.h"
#include "types/stream/compact.h"
#include "types/stream/paged.h"

namespace stave::types::stream {
namespace {

using Texts = std::vector<std::pair<std::string, std::string>>;

std::vector<Field> fields_of(const Texts& texts) {
  std::vector<Field> fields;
  for (const auto& [name, value] : texts) fields.push_back({.name = name, .value = value});
  return fields;
}

Texts texts_of(const Entry& entry) {
  Texts texts;
  entry.visit([&](std::string_view name, std::string_view value) { texts.emplace_back(name, value); });
  return texts;
}

std::string spell(const Reader& stream) {
  std::string text;
  const Counters& counters = stream.counters();
  text += std::to_string(counters.length) + " of " + std::to_string(counters.entries_added) + " last " +
          std::string(IdText(counters.last_id).view()) + " deleted " +
          std::string(IdText(counters.max_deleted_id).view()) + "\n";
  stream.visit(kIdMin, kIdMax, [&](const Entry& entry) {
    text += std::string(IdText(entry.id()).view());
    entry.visit([&](std::string_view name, std::string_view value) {
      text.append(" ").append(name).append("=").append(value);
    });
    text += "\n";
    return true;
  });
  stream.visit_groups([&](std::string_view name, const Group& group) {
    text.append(name).append(" at ").append(IdText(group.last_delivered).view()).append(" read ");
    text += group.entries_read ? std::to_string(*group.entries_read) : "?";
    text += " pending " + std::to_string(stream.pending(group.number)) + " consumers " +
            std::to_string(stream.consumers(group.number)) + "\n";
    stream.visit_consumers(group.number, [&](std::string_view consumer_name, const Consumer& consumer) {
      text.append(" ").append(consumer_name).append(" ") +=
          std::to_string(consumer.seen_ms) + " " + std::to_string(consumer.active_ms.value_or(-1)) + ":";
      EXPECT_EQ(stream.consumer_name(group.number, consumer.number), consumer_name);
      std::uint64_t count = 0;
      stream.visit_pending(group.number, consumer.number, kIdMin, [&](const Id& id) {
        const auto pending = stream.pending(group.number, id);
        EXPECT_TRUE(pending && pending->consumer == consumer.number);
        if (!pending) return false;
        text.append(" ").append(IdText(id).view()) +=
            "@" + std::to_string(pending->delivered_ms) + "x" + std::to_string(pending->deliveries);
        ++count;
        return true;
      });
      EXPECT_EQ(count, stream.pending(group.number, consumer.number));
      text += "\n";
      return true;
    });
    return true;
  });
  return text;
}

/// A stream as it should be.
struct Model {
  std::map<Id, Texts> entries;
  Counters counters;
  struct ModelGroup {
    Group group;
    std::map<std::string, Consumer> consumers;
    std::map<Id, Pending> pending;
  };
  std::map<std::string, ModelGroup> groups;
};

class Both {
 public:
  Both() : paged_(pages_, Paged::empty_root(0)) {}

  Compact& compact() { return compact_; }
  Paged& paged() { return paged_; }
  MemoryPages& pages() { return pages_; }
  template <class Change>
  auto change(Change change) {
    auto one = change(static_cast<Editor&>(compact_));
    auto other = change(static_cast<Editor&>(paged_));
    EXPECT_EQ(one, other);
    return one;
  }
  /// As after a restart: from what is kept.
  void reopen() {
    form_ = std::string(compact_.form());
    compact_ = Compact(form_);
    const std::string root(paged_.root());
    ASSERT_TRUE(Paged::well_formed(root));
    reopened_.emplace_back(root);
    paged_.~Paged();
    new (&paged_) Paged(pages_, reopened_.back());
  }

 private:
  std::string form_;
  Compact compact_;
  MemoryPages pages_;
  std::vector<std::string> reopened_;
  Paged paged_;
};

class Life {
 public:
  explicit Life(std::uint64_t seed, std::size_t text_max) : random_(seed), text_max_(text_max) {}

  void step() {
    switch (random_() % 16) {
      case 0: remove(); break;
      case 1: trim(); break;
      case 2: add_group(); break;
      case 3: add_consumer(); break;
      case 4:
      case 5:
      case 6: deliver(); break;
      case 7: acknowledge(); break;
      case 8:
        if (random_() % 8 == 0) remove_consumer();
        break;
      case 9:
        if (random_() % 16 == 0) remove_group();
        break;
      case 10: look(); break;
      default: append(); break;
    }
  }

  void check() {
    const std::string form = Compact::form_of(both_.paged());
    ASSERT_EQ(form, Compact::form_of(both_.compact()));
    ASSERT_TRUE(Compact::well_formed(form));
    const std::string said = spell(both_.paged());
    ASSERT_EQ(said, spell(both_.compact()));
    std::map<Id, Texts> entries;
    both_.paged().visit(kIdMin, kIdMax, [&](const Entry& entry) {
      entries.emplace(entry.id(), texts_of(entry));
      return true;
    });
    ASSERT_EQ(entries, model_.entries);
    ASSERT_EQ(both_.paged().counters(), model_.counters);
    for (const auto& [name, group] : model_.groups) {
      ASSERT_EQ(both_.paged().consumers(group.group.number), group.consumers.size());
      ASSERT_EQ(both_.paged().pending(group.group.number), group.pending.size());
      const auto ends = both_.paged().pending_ends(group.group.number);
      ASSERT_EQ(ends.has_value(), !group.pending.empty());
      if (ends) {
        ASSERT_EQ(ends->first, group.pending.begin()->first);
        ASSERT_EQ(ends->second, group.pending.rbegin()->first);
      }
    }
    ASSERT_EQ(both_.paged().groups(), model_.groups.size());
    std::size_t pages = 0;
    both_.paged().visit_pages([&](PageId) { return ++pages, true; });
    ASSERT_EQ(pages, both_.pages().size());
    const auto end = Paged::page_end(both_.paged().root());
    both_.paged().visit_pages([&](PageId page) { return !end || page < *end; });
    both_.reopen();
    MemoryPages others;
    Paged filled(others, Paged::empty_root(0));
    filled.fill(form);
    ASSERT_EQ(Compact::form_of(filled), form);
  }

 private:
  std::string text() {
    if (random_() % 3 == 0) return std::to_string(random_() % 1000);
    std::size_t size = random_() % 12;
    if (random_() % 50 == 0) size = random_() % text_max_;
    return std::string(size, static_cast<char>('a' + random_() % 26));
  }
  Id some_id() {
    if (model_.entries.empty() || random_() % 8 == 0) return {.ms = random_() % 1000, .seq = random_() % 3};
    const auto at =
        model_.entries.lower_bound({.ms = random_() % (model_.counters.last_id.ms + 1), .seq = random_() % 4});
    return at == model_.entries.end() ? model_.counters.last_id : at->first;
  }
  Model::ModelGroup* some_group(std::string& name) {
    if (model_.groups.empty()) return nullptr;
    auto at = model_.groups.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(random_() % model_.groups.size()));
    name = at->first;
    return &at->second;
  }
  std::string name() {
    static const std::vector<std::string> kNames = {
        "", "a", std::string("a\0b", 3), std::string(1, '\0'), "group-one", "\xff", "12", std::string("\0\xff", 2)};
    return kNames[random_() % kNames.size()];
  }

  void append() {
    Id id = model_.counters.last_id;
    if (random_() % 3 == 0) {
      ++id.seq;
    } else {
      id = {.ms = id.ms + 1 + random_() % 50, .seq = random_() % 4 == 0 ? random_() % 1000 : 0};
    }
    Texts texts;
    const std::size_t fields = random_() % 4 == 0 ? 1 + random_() % 5 : 2;
    for (std::size_t i = 0; i != fields; ++i)
      texts.emplace_back(random_() % 4 == 0 ? text() : "field" + std::to_string(i), text());
    const std::vector<Field> given = fields_of(texts);
    both_.change([&](Editor& stream) { return stream.append(id, given), 0; });
    model_.entries[id] = texts;
    ++model_.counters.entries_added;
    model_.counters.last_id = id;
    model_.counters.length = model_.entries.size();
  }
  void remove() {
    const Id id = some_id();
    const bool there = both_.change([&](Editor& stream) { return stream.remove(id); });
    ASSERT_EQ(there, model_.entries.erase(id) != 0);
    model_.counters.length = model_.entries.size();
    if (there) model_.counters.max_deleted_id = std::max(model_.counters.max_deleted_id, id);
    Counters counters = both_.paged().counters();
    counters.max_deleted_id = model_.counters.max_deleted_id;
    both_.change([&](Editor& stream) { return stream.set_counters(counters), 0; });
  }
  void trim() {
    if (model_.entries.empty() || random_() % 4 != 0) return;
    std::uint64_t count = random_() % std::min<std::size_t>(model_.entries.size() + 1, 60);
    if (random_() % 20 == 0) count = model_.entries.size();
    both_.change([&](Editor& stream) { return stream.remove_first(count), 0; });
    for (; count != 0; --count) model_.entries.erase(model_.entries.begin());
    model_.counters.length = model_.entries.size();
  }
  void add_group() {
    const std::string name = this->name();
    const auto known = both_.change([&](Editor& stream) { return stream.group(name).has_value(); });
    ASSERT_EQ(known, model_.groups.contains(name));
    if (known) return;
    const Id last = some_id();
    const auto number = both_.change([&](Editor& stream) { return stream.add_group(name, last, 7); });
    model_.groups[name].group = {.number = number, .last_delivered = last, .entries_read = 7};
  }
  void remove_group() {
    std::string name;
    const auto* group = some_group(name);
    if (group == nullptr) return;
    both_.change([&](Editor& stream) { return stream.remove_group(name, group->group), 0; });
    model_.groups.erase(name);
  }
  void add_consumer() {
    std::string group_name;
    auto* group = some_group(group_name);
    if (group == nullptr) return;
    const std::string name = this->name();
    const bool known = both_.change([&](Editor& s) { return s.consumer(group->group.number, name).has_value(); });
    ASSERT_EQ(known, group->consumers.contains(name));
    if (known) return;
    const auto number = both_.change([&](Editor& s) { return s.add_consumer(group->group.number, name, 1000).number; });
    group->consumers[name] = {.number = number, .seen_ms = 1000, .active_ms = std::nullopt};
  }
  void remove_consumer() {
    std::string group_name;
    auto* group = some_group(group_name);
    if (group == nullptr || group->consumers.empty()) return;
    const auto [name, consumer] = *group->consumers.begin();
    both_.change([&](Editor& s) { return s.remove_consumer(group->group.number, name, consumer.number), 0; });
    std::erase_if(group->pending, [&](const auto& one) { return one.second.consumer == consumer.number; });
    group->consumers.erase(name);
  }
  void deliver() {
    std::string group_name;
    auto* group = some_group(group_name);
    if (group == nullptr || group->consumers.empty()) return;
    auto at = group->consumers.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(random_() % group->consumers.size()));
    const Id id = some_id();
    const auto known = group->pending.find(id);
    const auto before = both_.paged().pending(group->group.number, id);
    ASSERT_EQ(before.has_value(), known != group->pending.end());
    const Pending pending{.consumer = at->second.number,
                          .delivered_ms = static_cast<std::int64_t>(random_() % 100000),
                          .deliveries = random_() % 300};
    both_.change([&](Editor& s) { return s.set_pending(group->group.number, id, pending, before), 0; });
    group->pending[id] = pending;
  }
  void acknowledge() {
    std::string group_name;
    auto* group = some_group(group_name);
    if (group == nullptr || group->pending.empty()) return;
    const auto at = group->pending.begin();
    both_.change([&](Editor& s) { return s.remove_pending(group->group.number, at->first, at->second), 0; });
    group->pending.erase(at);
  }
  void look() {
    const Id from = some_id();
    const Id to = some_id();
    std::vector<Id> wanted;
    for (const auto& [id, texts] : model_.entries)
      if (id >= from && id <= to) wanted.push_back(id);
    for (const Reader* stream :
         {static_cast<const Reader*>(&both_.compact()), static_cast<const Reader*>(&both_.paged())}) {
      std::vector<Id> found;
      stream->visit(from, to, [&](const Entry& entry) { return found.push_back(entry.id()), true; });
      ASSERT_EQ(found, wanted);
      found.clear();
      stream->visit_backwards(from, to, [&](const Entry& entry) { return found.push_back(entry.id()), true; });
      std::ranges::reverse(found);
      ASSERT_EQ(found, wanted);
      ASSERT_EQ(stream->contains(from), model_.entries.contains(from));
      const auto first = stream->first_id();
      ASSERT_EQ(first.has_value(), !model_.entries.empty());
      if (!first) continue;
      ASSERT_EQ(*first, model_.entries.begin()->first);
      ASSERT_EQ(*stream->top_id(), model_.entries.rbegin()->first);
    }
  }

  std::mt19937_64 random_;
  std::size_t text_max_;
  Both both_;
  Model model_;
};

void live(std::uint64_t seed, int steps, std::size_t text_max) {
  SCOPED_TRACE("STAVE_SEED=" + std::to_string(seed));
  Life life(seed, text_max);
  for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) {
    life.step();
    if (i % 200 == 0) life.check();
  }
  life.check();
}

TEST(Stream, of_both_forms_lives_as_a_model_does) {
  const char* const given = std::getenv("STAVE_SEED");
  const std::uint64_t seed = given == nullptr ? std::random_device{}() : std::strtoull(given, nullptr, 10);
  for (int round = 0; round < 6 && !HasFailure(); ++round)
    live(seed + static_cast<std::uint64_t>(round), 3000, round % 2 == 0 ? 200 : 3000);
}

TEST(Stream, keeps_the_largest_ids_and_numbers) {
  Both both;
  const Field field{.name = "f", .value = "v"};
  const std::vector<Id> ids = {
      {.ms = 0, .seq = 1}, {.ms = 0, .seq = kIdMax.seq}, {.ms = 1, .seq = 0}, {.ms = kIdMax.ms, .seq = 0}, kIdMax};
  for (const Id& id : ids) both.change([&](Editor& s) { return s.append(id, {&field, 1}), 0; });
  const std::string form = Compact::form_of(both.paged());
  ASSERT_TRUE(Compact::well_formed(form));
  std::vector<Id> found;
  both.paged().visit(kIdMin, kIdMax, [&](const Entry& entry) { return found.push_back(entry.id()), true; });
  EXPECT_EQ(found, ids);
  EXPECT_TRUE(both.change([&](Editor& s) { return s.remove(kIdMax); }));
  EXPECT_TRUE(both.change([&](Editor& s) { return s.remove(ids[0]); }));
  EXPECT_EQ(*both.paged().top_id(), ids[3]);
  EXPECT_EQ(*both.compact().first_id(), ids[1]);
  ASSERT_TRUE(Compact::well_formed(Compact::form_of(both.compact())));
}

TEST(Stream, takes_few_bytes_beyond_the_values_of_entries_with_the_same_fields) {
  MemoryPages pages;
  Paged paged(pages, Paged::empty_root(0));
  std::uint64_t own = 0;
  constexpr std::uint64_t kEntries = 20'000;
  for (std::uint64_t i = 0; i != kEntries; ++i) {
    const std::string a = "value-" + std::to_string(i);
    const std::string b = "other-" + std::to_string(i * 7);
    const Field fields[] = {{.name = "field", .value = a}, {.name = "second", .value = b}};
    paged.append({.ms = 1'700'000'000'000 + i / 2, .seq = i % 2}, fields);
    own += a.size() + b.size();
  }
  std::uint64_t bytes = 0;
  std::uint64_t count = 0;
  paged.visit_pages([&](PageId page) {
    bytes += pages.read(page).size();
    ++count;
    return true;
  });
  // An entry of a page takes some 45 bytes of memory beyond it.
  const double beyond = static_cast<double>(bytes + 45 * count - own) / kEntries;
  RecordProperty("beyond", std::to_string(beyond));
  EXPECT_LT(beyond, 8);
}

TEST(Stream, refuses_bytes_that_are_none) {
  Compact stream;
  const Field fields[] = {{.name = "f", .value = "v"}, {.name = "g", .value = "12"}};
  for (std::uint64_t i = 1; i != 40; ++i) stream.append({.ms = i * 3, .seq = 0}, fields);
  const Number group = stream.add_group("g", {.ms = 9, .seq = 0}, 3);
  const Consumer consumer = stream.add_consumer(group, "c", 50);
  stream.add_consumer(group, "d", 50);
  stream.set_pending(group, {.ms = 3, .seq = 0}, {.consumer = consumer.number, .delivered_ms = 5, .deliveries = 1}, {});
  const std::string form(stream.form());
  ASSERT_TRUE(Compact::well_formed(form));
  EXPECT_FALSE(Compact::well_formed({}));
  for (std::size_t size = 0; size != form.size(); ++size) EXPECT_FALSE(Compact::well_formed(form.substr(0, size)));
  // Whatever bytes are accepted can be read to the end.
  std::mt19937_64 random(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string damaged = form;
    for (auto n = 1 + random() % 3; n != 0; --n) damaged[random() % damaged.size()] = static_cast<char>(random());
    if (!Compact::well_formed(damaged)) continue;
    const Compact read{std::string_view(damaged)};
    spell(read);
    MemoryPages pages;
    Paged paged(pages, Paged::empty_root(0));
    paged.fill(damaged);
    EXPECT_EQ(Compact::form_of(paged), damaged);
  }
}

TEST(Stream, knows_what_producers_have_sent) {
  Compact compact;
  MemoryPages pages;
  Paged paged(pages, Paged::empty_root(0));
  std::map<std::string, std::map<Id, std::string>> model;
  const Field field{.name = "f", .value = "v"};
  std::mt19937_64 random(8);
  for (Editor* const stream : {static_cast<Editor*>(&compact), static_cast<Editor*>(&paged)})
    stream->set_idempotence({.seconds = 7, .most = 40, .added = 3, .duplicates = 2});
  for (std::uint64_t i = 1; i != 600; ++i) {
    const std::string producer = std::string("producer\0", 9) + std::to_string(random() % 4);
    const Id id{.ms = i, .seq = 1};
    auto& known = model[producer];
    const bool remove = known.size() > 20 + random() % 10;
    const std::pair<const Id, std::string> first = remove ? *known.begin() : std::pair<const Id, std::string>();
    for (Editor* const stream : {static_cast<Editor*>(&compact), static_cast<Editor*>(&paged)}) {
      stream->append(id, {&field, 1});
      auto by = stream->producer(producer);
      EXPECT_EQ(by.has_value(), !known.empty());
      if (!by) by = stream->add_producer(producer);
      EXPECT_EQ(by->known, known.size());
      stream->add_sent(producer, *by, "name " + std::to_string(i), {.id = id, .sent_ms = static_cast<std::int64_t>(i)});
      if (remove) stream->remove_sent(producer, *by, first.second, first.first);
    }
    known.emplace(id, "name " + std::to_string(i));
    if (remove) known.erase(first.first);
  }
  for (const Reader* const stream : {static_cast<const Reader*>(&compact), static_cast<const Reader*>(&paged)}) {
    std::map<std::string, std::map<Id, std::string>> found;
    stream->visit_producers({}, [&](std::string_view name, const Producer& producer) {
      stream->visit_sent(producer.number, [&](const Id& id, std::string_view sent) {
        found[std::string(name)].emplace(id, sent);
        const auto known = stream->sent(producer.number, sent);
        EXPECT_TRUE(known && known->id == id && known->sent_ms == static_cast<std::int64_t>(id.ms));
        return true;
      });
      return true;
    });
    EXPECT_EQ(found, model);
    const auto how = stream->idempotence();
    EXPECT_TRUE(how && how->seconds == 7 && how->most == 40 && how->added == 3 && how->duplicates == 2);
  }
  const std::string form(compact.form());
  EXPECT_EQ(Compact::form_of(paged), form);
  ASSERT_TRUE(Compact::well_formed(form));
  for (int i = 0; i < 3000; ++i) {
    std::string damaged = form;
    damaged[form.size() - 1 - random() % 8000] = static_cast<char>(random());
    if (!Compact::well_formed(damaged)) continue;
    const Compact read{std::string_view(damaged)};
    read.visit_producers({}, [&](std::string_view, const Producer& producer) {
      read.visit_sent(producer.number, [](const Id&, std::string_view) { return true; });
      return true;
    });
  }
  // With its last name a producer goes.
  for (const auto& [producer, known] : model)
    for (const auto& [id, name] : known) {
      auto by = compact.producer(producer);
      ASSERT_TRUE(by);
      compact.remove_sent(producer, *by, name, id);
    }
  compact.visit_producers({}, [](std::string_view, const Producer&) { return ADD_FAILURE(), false; });
  EXPECT_TRUE(Compact::well_formed(compact.form()));
}

TEST(StreamBuilder, makes_the_form_that_a_stream_of_the_same_has) {
  Compact stream;
  Builder builder;
  for (std::uint64_t i = 1; i != 500; ++i) {
    const std::string value = std::to_string(i * i);
    const Field field{.name = i % 9 == 0 ? "other" : "f", .value = value};
    stream.append({.ms = i, .seq = i}, {&field, 1});
    EXPECT_TRUE(builder.append({.ms = i, .seq = i}, {&field, 1}));
    EXPECT_FALSE(builder.append({.ms = i, .seq = i}, {&field, 1}));
  }
  const Number group = stream.add_group("g", {.ms = 9, .seq = 0}, std::nullopt);
  const Consumer consumer = stream.add_consumer(group, "c", 50);
  const Pending pending{.consumer = consumer.number, .delivered_ms = 5, .deliveries = 1};
  stream.set_pending(group, {.ms = 3, .seq = 3}, pending, {});
  EXPECT_EQ(builder.add_group("g", {.ms = 9, .seq = 0}, std::nullopt), group);
  EXPECT_EQ(builder.add_consumer(group, "c", 50, std::nullopt), consumer.number);
  builder.add_pending(group, {.ms = 3, .seq = 3}, pending);
  EXPECT_GT(builder.bytes(), 500u);
  builder.set_counters(stream.counters());
  const auto form = builder.finish();
  ASSERT_TRUE(form);
  EXPECT_EQ(*form, stream.form());

  builder.clear();
  builder.add_group("g", {}, std::nullopt);
  builder.add_group("g", {}, std::nullopt);
  EXPECT_FALSE(builder.finish());
  builder.clear();
  EXPECT_TRUE(builder.finish()) << "a stream may be empty";
}

TEST(StreamId, is_parsed_and_spelled) {
  EXPECT_EQ(parse_id("5-7", 0), (Id{.ms = 5, .seq = 7}));
  EXPECT_EQ(parse_id("5", 9), (Id{.ms = 5, .seq = 9}));
  EXPECT_EQ(parse_id("18446744073709551615-18446744073709551615", 0), kIdMax);
  for (const std::string_view bad : {"", "-", "5-", "-5", "5-7-8", "5-*", "x", "18446744073709551616", " 5", "5 "})
    EXPECT_FALSE(parse_id(bad, 0)) << bad;
  EXPECT_EQ(IdText(kIdMax).view(), "18446744073709551615-18446744073709551615");
  EXPECT_EQ(next_id({.ms = 1, .seq = kIdMax.seq}), (Id{.ms = 2, .seq = 0}));
  EXPECT_FALSE(next_id(kIdMax));
  EXPECT_EQ(previous_id({.ms = 2, .seq = 0}), (Id{.ms = 1, .seq = kIdMax.seq}));
  EXPECT_FALSE(previous_id(kIdMin));
}

}  // namespace
}  // namespace stave::types::stream
