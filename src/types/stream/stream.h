// What a stream is to whoever reads or changes one, however it is kept: entries in the order of their ids, counters,
// and groups of consumers with what was delivered to them and not yet acknowledged.
//
// `Reader` and `Editor` are what commands, the library and the doors are written against; the forms (compact.h,
// paged.h) implement them. A stream may be empty and still be there. Nothing here is a rule of a command: that a
// deleted entry counts as a tombstone, or that reading for a group moves it on, is the commands'. Must not know: keys,
// locks, the log, clocks. Threads: one at a time, also for reading.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/function_ref.h"
#include "types/stream/block.h"
#include "types/stream/id.h"
#include "types/stream/marks.h"

namespace stave::types::stream {

/// What a stream keeps count of.
struct Counters {
  std::uint64_t length = 0;
  std::uint64_t entries_added = 0;  ///< Ever.
  Id last_id;                       ///< Of the entry that was added last, be it there or not.
  Id max_deleted_id;                ///< The greatest that was deleted one by one.

  friend bool operator==(const Counters&, const Counters&) = default;
};

class Reader {
 public:
  // Visits return whether to go on; what they are shown ends with the call.
  using VisitEntry = base::FunctionRef<bool(const Entry& entry)>;
  using VisitGroup = base::FunctionRef<bool(std::string_view name, const Group& group)>;
  using VisitConsumer = base::FunctionRef<bool(std::string_view name, const Consumer& consumer)>;
  using VisitPending = base::FunctionRef<bool(const Id& id, const Pending& pending)>;
  using VisitId = base::FunctionRef<bool(const Id& id)>;

  virtual ~Reader() = default;
  [[nodiscard]] virtual const Counters& counters() const noexcept = 0;
  /// Entries.
  [[nodiscard]] std::uint64_t size() const noexcept { return counters().length; }

  [[nodiscard]] virtual std::optional<Id> first_id() const = 0;
  /// Of the last entry that is there.
  [[nodiscard]] virtual std::optional<Id> top_id() const = 0;
  [[nodiscard]] virtual bool contains(const Id& id) const = 0;
  /// The entries from `from` to `to`, both among them.
  virtual void visit(const Id& from, const Id& to, VisitEntry visit) const = 0;
  virtual void visit_backwards(const Id& from, const Id& to, VisitEntry visit) const = 0;
  /// Pieces in which the entries are kept.
  [[nodiscard]] virtual std::uint64_t blocks() const noexcept = 0;

  [[nodiscard]] virtual std::uint64_t groups() const = 0;
  [[nodiscard]] virtual std::optional<Group> group(std::string_view name) const = 0;
  /// In the order of the bytes of the names; consumers likewise.
  virtual void visit_groups(VisitGroup visit) const = 0;
  [[nodiscard]] virtual std::uint64_t consumers(Number group) const = 0;
  [[nodiscard]] virtual std::optional<Consumer> consumer(Number group, std::string_view name) const = 0;
  [[nodiscard]] virtual std::string consumer_name(Number group, Number consumer) const = 0;
  virtual void visit_consumers(Number group, VisitConsumer visit) const = 0;

  /// How many entries a group, one of its consumers has not acknowledged.
  [[nodiscard]] virtual std::uint64_t pending(Number group) const = 0;
  [[nodiscard]] virtual std::uint64_t pending(Number group, Number consumer) const = 0;
  [[nodiscard]] virtual std::optional<Pending> pending(Number group, const Id& id) const = 0;
  virtual void visit_pending(Number group, const Id& from, VisitPending visit) const = 0;
  virtual void visit_pending(Number group, Number consumer, const Id& from, VisitId visit) const = 0;
  /// nullopt: nothing that was named by its producer was ever added.
  [[nodiscard]] virtual std::optional<Idempotence> idempotence() const = 0;
  [[nodiscard]] virtual std::optional<Producer> producer(std::string_view name) const = 0;
  [[nodiscard]] virtual std::optional<Sent> sent(Number producer, std::string_view name) const = 0;
  /// The producers, and what one has sent, the oldest first.
  using VisitProducer = base::FunctionRef<bool(std::string_view name, const Producer& producer)>;
  using VisitSent = base::FunctionRef<bool(const Id& id, std::string_view name)>;
  virtual void visit_producers(std::string_view from, VisitProducer visit) const = 0;
  virtual void visit_sent(Number producer, VisitSent visit) const = 0;
  /// The least and the greatest id that a group has pending.
  [[nodiscard]] virtual std::optional<std::pair<Id, Id>> pending_ends(Number group) const = 0;
};

class Editor : public Reader {
 public:
  /// All but the length, which follows from the entries.
  virtual void set_counters(const Counters& counters) = 0;
  /// `id` is behind all that are there; counts it, and makes it the last. The fields, at least one, must not lie in
  /// this stream, and hold item::kTextMax bytes together with what is said about them.
  virtual void append(const Id& id, std::span<const Field> fields) = 0;
  /// False: it is not there. Says nothing about tombstones.
  virtual bool remove(const Id& id) = 0;
  /// The first `count` entries, all of which are there.
  virtual void remove_first(std::uint64_t count) = 0;

  /// A new group. The name is no group's yet.
  virtual Number add_group(std::string_view name, const Id& last_delivered,
                           std::optional<std::uint64_t> entries_read) = 0;
  /// What it says of itself changes, not its number.
  virtual void set_group(std::string_view name, const Group& group) = 0;
  /// With its consumers and all that is pending.
  virtual void remove_group(std::string_view name, const Group& group) = 0;
  virtual Consumer add_consumer(Number group, std::string_view name, std::int64_t seen_ms) = 0;
  virtual void set_consumer(Number group, std::string_view name, const Consumer& consumer) = 0;
  /// With all that it has pending.
  virtual void remove_consumer(Number group, std::string_view name, Number consumer) = 0;
  /// Makes an entry pending, or changes how it is; `before`: how it was.
  virtual void set_pending(Number group, const Id& id, const Pending& pending,
                           const std::optional<Pending>& before) = 0;
  virtual void remove_pending(Number group, const Id& id, const Pending& before) = 0;

  virtual void set_idempotence(const Idempotence& idempotence) = 0;
  virtual Producer add_producer(std::string_view name) = 0;
  /// Notes what a producer has sent, which was not known; its id is behind those of all others of this producer.
  /// `producer` is as it is known, and becomes what it is then; likewise:
  virtual void add_sent(std::string_view producer_name, Producer& producer, std::string_view name,
                        const Sent& sent) = 0;
  /// Forgets one; the producer too, with the last.
  virtual void remove_sent(std::string_view producer_name, Producer& producer, std::string_view name, const Id& id) = 0;
};

}  // namespace stave::types::stream
