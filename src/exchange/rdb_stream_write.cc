#include "exchange/rdb_stream_write.h"

#include <vector>

#include "exchange/rdb_types.h"
#include "types/string/number.h"

namespace stave::exchange {

namespace {

using types::stream::Consumer;
using types::stream::Entry;
using types::stream::Group;
using types::stream::Id;
using types::stream::Reader;

// As redis-server cuts them when nobody has configured it otherwise.
constexpr std::uint64_t kNodeEntries = 100;
constexpr std::size_t kNodeBytes = 4096;

/// A listpack that grows at its end.
class Listpack {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return kHead + items_.size() + 1; }
  void add(std::int64_t number) {
    const std::size_t at = items_.size();
    if (number >= 0 && number < 128) {
      items_.push_back(static_cast<char>(number));
    } else if (number >= -4096 && number < 4096) {
      const auto raw = static_cast<unsigned>(number) & 0x1fff;
      items_.push_back(static_cast<char>(0xc0 | raw >> 8));
      items_.push_back(static_cast<char>(raw & 0xff));
    } else {
      add_wide(number);
    }
    end(at);
  }
  void add(std::string_view text) {
    constexpr std::size_t kDigitsMax = 20;
    if (text.size() <= kDigitsMax) {
      if (const auto number = types::parse_integer(text)) return add(*number);
    }
    const std::size_t at = items_.size();
    if (text.size() < 64) {
      items_.push_back(static_cast<char>(0x80 | text.size()));
    } else if (text.size() < 4096) {
      items_.push_back(static_cast<char>(0xe0 | text.size() >> 8));
      items_.push_back(static_cast<char>(text.size() & 0xff));
    } else {
      items_.push_back('\xf0');
      append_rdb_number(items_, static_cast<std::uint32_t>(text.size()));
    }
    items_.append(text);
    end(at);
  }
  [[nodiscard]] std::string form() const {
    constexpr std::uint64_t kCountUnknown = 0xffff;
    std::string form;
    append_rdb_number(form, static_cast<std::uint32_t>(size()));
    append_rdb_number(form, static_cast<std::uint16_t>(count_ < kCountUnknown ? count_ : kCountUnknown));
    return form.append(items_).append(1, '\xff');
  }

 private:
  static constexpr std::size_t kHead = 6;

  void add_wide(std::int64_t number) {
    int bytes = 8;
    if (number >= INT32_MIN && number <= INT32_MAX) bytes = 4;
    if (number >= -(1 << 23) && number < 1 << 23) bytes = 3;
    if (number >= INT16_MIN && number <= INT16_MAX) bytes = 2;
    items_.push_back(bytes == 8 ? '\xf4' : static_cast<char>(0xf1 + bytes - 2));
    for (int i = 0; i < bytes; ++i) items_.push_back(static_cast<char>(number >> (8 * i)));
  }
  /// Behind an element stands how long it is, in groups of seven bits, the highest first; the limits are those of
  /// Redis, which leave the last number below each of them out.
  void end(std::size_t at) {
    const std::size_t size = items_.size() - at;
    unsigned groups = 1;
    if (size > 127) groups = 2;
    if (size >= 16383) groups = 3;
    if (size >= 2097151) groups = 4;
    if (size >= 268435455) groups = 5;
    for (unsigned i = 0; i < groups; ++i)
      items_.push_back(static_cast<char>((size >> (7 * (groups - 1 - i)) & 0x7f) | (i == 0 ? 0u : 0x80u)));
    ++count_;
  }

  std::string items_;
  std::uint64_t count_ = 0;
};

struct Text {
  std::string name;
  std::string value;
};

/// Entries, gathered until a node is full.
class Nodes {
 public:
  void take(const Entry& entry) {
    std::vector<Text> fields;
    std::size_t bytes = 0;
    entry.visit([&](std::string_view name, std::string_view value) {
      fields.push_back({.name = std::string(name), .value = std::string(value)});
      bytes += name.size() + value.size();
    });
    if (count_ != 0 && (count_ == kNodeEntries || head_bytes() + entries_.size() + bytes >= kNodeBytes)) close();
    if (count_ == 0) {
      master_ = entry.id();
      names_.clear();
      for (const Text& field : fields) names_.push_back(field.name);
    }
    add(entry.id(), fields);
  }
  void close() {
    if (count_ == 0) return;
    ++nodes_;
    append_rdb_string(out_, types::stream::id_bytes(master_));
    Listpack node = head();
    // The entries' elements behind the master's: both are listpacks, joined by adding one's elements to the other's.
    entries_.append_to(node);
    append_rdb_string(out_, node.form());
    entries_ = {};
    count_ = 0;
  }
  [[nodiscard]] std::uint64_t nodes() const noexcept { return nodes_; }
  [[nodiscard]] const std::string& bytes() const noexcept { return out_; }

 private:
  /// What to add to a listpack once it is known how it begins.
  class Elements {
   public:
    void add(std::int64_t number) { add_text(std::string(types::Digits(number).view())); }
    void add_text(std::string text) {
      bytes_ += text.size() + 2;
      texts_.push_back(std::move(text));
    }
    [[nodiscard]] std::size_t size() const noexcept { return bytes_; }
    void append_to(Listpack& to) const {
      for (const std::string& text : texts_) to.add(text);
    }

   private:
    std::vector<std::string> texts_;
    std::size_t bytes_ = 0;
  };

  [[nodiscard]] Listpack head() const {
    Listpack node;
    node.add(static_cast<std::int64_t>(count_));
    node.add(0);
    node.add(static_cast<std::int64_t>(names_.size()));
    for (const std::string& name : names_) node.add(name);
    node.add(0);
    return node;
  }
  [[nodiscard]] std::size_t head_bytes() const { return head().size(); }

  void add(const Id& id, const std::vector<Text>& fields) {
    constexpr std::int64_t kSameFields = 2;
    bool same = fields.size() == names_.size();
    for (std::size_t i = 0; same && i != fields.size(); ++i) same = fields[i].name == names_[i];
    entries_.add(same ? kSameFields : 0);
    entries_.add(static_cast<std::int64_t>(id.ms - master_.ms));
    entries_.add(static_cast<std::int64_t>(id.seq - master_.seq));
    if (!same) entries_.add(static_cast<std::int64_t>(fields.size()));
    for (const Text& field : fields) {
      if (!same) entries_.add_text(field.name);
      entries_.add_text(field.value);
    }
    entries_.add(static_cast<std::int64_t>(same ? 3 + fields.size() : 4 + 2 * fields.size()));
    ++count_;
  }

  std::string out_;
  std::uint64_t nodes_ = 0;
  std::uint64_t count_ = 0;
  Id master_;
  std::vector<std::string> names_;
  Elements entries_;
};

void append_counted_id(std::string& to, const Id& id) {
  append_rdb_length(to, id.ms);
  append_rdb_length(to, id.seq);
}

void append_group(std::string& to, const Reader& stream, std::string_view name, const Group& group) {
  append_rdb_string(to, name);
  append_counted_id(to, group.last_delivered);
  append_rdb_length(to, group.entries_read ? *group.entries_read : ~std::uint64_t{0});
  append_rdb_length(to, stream.pending(group.number));
  stream.visit_pending(group.number, types::stream::kIdMin, [&](const Id& id, const types::stream::Pending& pending) {
    to.append(types::stream::id_bytes(id));
    append_rdb_number(to, pending.delivered_ms);
    append_rdb_length(to, pending.deliveries);
    return true;
  });
  append_rdb_length(to, stream.consumers(group.number));
  stream.visit_consumers(group.number, [&](std::string_view consumer_name, const Consumer& consumer) {
    append_rdb_string(to, consumer_name);
    append_rdb_number(to, consumer.seen_ms);
    append_rdb_number(to, consumer.active_ms.value_or(-1));
    append_rdb_length(to, stream.pending(group.number, consumer.number));
    stream.visit_pending(group.number, consumer.number, types::stream::kIdMin,
                         [&](const Id& id) { return to.append(types::stream::id_bytes(id)), true; });
    return true;
  });
}

}  // namespace

int append_rdb_stream(std::string& to, const Reader& stream) {
  constexpr int kWithCounters = 10;
  constexpr int kWithActivity = 11;
  bool consumers = false;
  stream.visit_groups([&](std::string_view, const Group& group) {
    consumers = stream.consumers(group.number) != 0;
    return !consumers;
  });
  to.push_back(static_cast<char>(consumers ? RdbType::kStreamListpacks3 : RdbType::kStreamListpacks2));
  Nodes nodes;
  stream.visit(types::stream::kIdMin, types::stream::kIdMax, [&](const Entry& entry) {
    nodes.take(entry);
    return true;
  });
  nodes.close();
  append_rdb_length(to, nodes.nodes());
  to.append(nodes.bytes());
  const types::stream::Counters& counters = stream.counters();
  append_rdb_length(to, counters.length);
  append_counted_id(to, counters.last_id);
  append_counted_id(to, stream.first_id().value_or(types::stream::kIdMin));
  append_counted_id(to, counters.max_deleted_id);
  append_rdb_length(to, counters.entries_added);
  append_rdb_length(to, stream.groups());
  stream.visit_groups([&](std::string_view name, const Group& group) {
    append_group(to, stream, name, group);
    return true;
  });
  return consumers ? kWithActivity : kWithCounters;
}

}  // namespace stave::exchange
