// A stream on elements (elements.h), wherever these lie: the one place that knows how a stream is made of them.
//
// Entries lie in blocks, each element one; what else there is in marks. Promises: where elements cannot be had (pages
// that cannot be read) everything comes to an end, and what it says does not matter. Must not know: runs, pages.
#pragma once

#include <string>
#include <string_view>

#include "types/stream/elements.h"
#include "types/stream/header.h"
#include "types/stream/stream.h"

namespace stave::types::stream {

class OnElements : public Editor {
 public:
  [[nodiscard]] const Header& header() const noexcept { return header_; }
  [[nodiscard]] virtual const Elements& elements() const noexcept = 0;

  [[nodiscard]] const Counters& counters() const noexcept override { return header_.counters; }
  [[nodiscard]] std::optional<Id> first_id() const override;
  [[nodiscard]] std::optional<Id> top_id() const override;
  [[nodiscard]] bool contains(const Id& id) const override;
  void visit(const Id& from, const Id& to, VisitEntry visit) const override;
  void visit_backwards(const Id& from, const Id& to, VisitEntry visit) const override;
  [[nodiscard]] std::uint64_t blocks() const noexcept override { return elements().count(Part::kEntries); }
  [[nodiscard]] std::uint64_t groups() const override;
  [[nodiscard]] std::optional<Group> group(std::string_view name) const override;
  void visit_groups(VisitGroup visit) const override;
  [[nodiscard]] std::uint64_t consumers(Number group) const override;
  [[nodiscard]] std::optional<Consumer> consumer(Number group, std::string_view name) const override;
  [[nodiscard]] std::string consumer_name(Number group, Number consumer) const override;
  void visit_consumers(Number group, VisitConsumer visit) const override;
  [[nodiscard]] std::uint64_t pending(Number group) const override;
  [[nodiscard]] std::uint64_t pending(Number group, Number consumer) const override;
  [[nodiscard]] std::optional<Pending> pending(Number group, const Id& id) const override;
  void visit_pending(Number group, const Id& from, VisitPending visit) const override;
  void visit_pending(Number group, Number consumer, const Id& from, VisitId visit) const override;
  [[nodiscard]] std::optional<Idempotence> idempotence() const override;
  [[nodiscard]] std::optional<Producer> producer(std::string_view name) const override;
  [[nodiscard]] std::optional<Sent> sent(Number producer, std::string_view name) const override;
  void visit_producers(std::string_view from, VisitProducer visit) const override;
  void visit_sent(Number producer, VisitSent visit) const override;
  [[nodiscard]] std::optional<std::pair<Id, Id>> pending_ends(Number group) const override;

  void set_counters(const Counters& counters) override;
  void append(const Id& id, std::span<const Field> fields) override;
  bool remove(const Id& id) override;
  void remove_first(std::uint64_t count) override;
  Number add_group(std::string_view name, const Id& last_delivered, std::optional<std::uint64_t> entries_read) override;
  void set_group(std::string_view name, const Group& group) override;
  void remove_group(std::string_view name, const Group& group) override;
  Consumer add_consumer(Number group, std::string_view name, std::int64_t seen_ms) override;
  void set_consumer(Number group, std::string_view name, const Consumer& consumer) override;
  void remove_consumer(Number group, std::string_view name, Number consumer) override;
  void set_pending(Number group, const Id& id, const Pending& pending, const std::optional<Pending>& before) override;
  void remove_pending(Number group, const Id& id, const Pending& before) override;
  void set_idempotence(const Idempotence& idempotence) override;
  Producer add_producer(std::string_view name) override;
  void add_sent(std::string_view producer_name, Producer& producer, std::string_view name, const Sent& sent) override;
  void remove_sent(std::string_view producer_name, Producer& producer, std::string_view name, const Id& id) override;

 protected:
  OnElements() = default;
  explicit OnElements(const Header& header) noexcept : header_(header) {}
  void restore_header(const Header& header) {
    header_ = header;
    note_change();
  }
  OnElements(const OnElements&) = default;
  OnElements& operator=(const OnElements&) = default;

  [[nodiscard]] virtual Elements& elements() noexcept = 0;
  /// Elements or what the header says have changed.
  virtual void note_change() = 0;

 private:
  [[nodiscard]] std::uint64_t block_of(const Id& id, bool& there) const;
  bool find(std::string_view key, Elements::Visit visit) const;
  void visit_marks(const std::string& prefix, std::string_view from, Elements::Visit visit) const;
  [[nodiscard]] std::uint64_t marks(const std::string& prefix) const;
  void put_mark(std::string_view key, std::string_view element);
  void erase_mark(std::string_view key);
  void erase_marks(const std::string& prefix);
  void find_top();

  Header header_;
};

}  // namespace stave::types::stream
