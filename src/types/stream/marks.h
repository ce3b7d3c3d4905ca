// What a stream knows beside its entries, as elements of one order: groups, their consumers, what was delivered and not
// yet acknowledged, and what producers have sent, so that nothing is added twice.
//
//     1 | group's name                  -> its number | last id delivered | entries read
//     2 | group | consumer's name       -> the consumer's number
//     3 | group | consumer              -> last seen | last active | its name
//     4 | group | id                    -> consumer | delivered when | how often      of all of a group
//     5 | group | consumer | id         -> nothing                                    the same of one consumer
//     6                                 -> for how many seconds and how many of each producer what was sent is known,
//                                          how many were added with a name of their own, how many were there already
//     7 | producer's name               -> the producer's number | how many are known
//     8 | producer | name of what it sent -> id of the entry | when
//     9 | producer | id                 -> that name                                  the same in their order
//
// A key comes first, so that the bytes of elements are in the order of the keys; none is the beginning of another one.
// Numbers in keys are big-endian behind their length; names end with a zero, and a zero in them is two bytes. Promises:
// nothing but `well_formed` looks at bytes that were not checked. Must not know: trees, entries. On disk; see
// docs/format.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "types/stream/id.h"

namespace stave::types::stream {

/// Of a group or a consumer: given once in the life of a stream.
using Number = std::uint64_t;

struct Group {
  Number number = 0;
  Id last_delivered;
  std::optional<std::uint64_t> entries_read;  ///< nullopt: not known.
};

struct Consumer {
  Number number = 0;
  std::int64_t seen_ms = 0;               ///< When it asked for something the last time.
  std::optional<std::int64_t> active_ms;  ///< When it was given something the last time.
};

struct Pending {
  Number consumer = 0;
  std::int64_t delivered_ms = 0;
  std::uint64_t deliveries = 0;
};

/// How long a stream knows what was sent to it.
struct Idempotence {
  static constexpr std::uint64_t kSecondsMax = 86'400;
  static constexpr std::uint64_t kMostMax = 10'000;
  std::uint64_t seconds = 100;
  std::uint64_t most = 100;  ///< Of each producer.
  std::uint64_t added = 0;   ///< Ever, and likewise:
  std::uint64_t duplicates = 0;
};

/// Who sends entries and names them.
struct Producer {
  Number number = 0;  ///< As of a group.
  std::uint64_t known = 0;
};

struct Sent {
  Id id;
  std::int64_t sent_ms = 0;
};

namespace mark {

enum class Kind : std::uint8_t {
  kGroup = 1,
  kConsumerName = 2,
  kConsumer = 3,
  kPending = 4,
  kConsumerPending = 5,
  kIdempotence = 6,
  kProducer = 7,
  kSent = 8,
  kSentInOrder = 9
};

// Keys, or what keys begin with.
std::string group_key(std::string_view name);
std::string consumer_names_of(Number group);
std::string consumer_name_key(Number group, std::string_view name);
std::string consumers_of(Number group);
std::string consumer_key(Number group, Number consumer);
std::string pending_of(Number group);
std::string pending_key(Number group, const Id& id);
std::string pending_of(Number group, Number consumer);
std::string pending_key(Number group, Number consumer, const Id& id);
std::string idempotence_key();
std::string producer_key(std::string_view name);
std::string sent_of(Number producer);
std::string sent_key(Number producer, std::string_view name);
std::string sent_in_order_of(Number producer);
std::string sent_in_order_key(Number producer, const Id& id);
/// What is greater than everything that begins with `prefix`, which does not end with 0xff.
std::string behind(std::string prefix);
/// What is greater than all of a kind.
std::string behind(Kind kind);

// Whole elements.
std::string element_of(std::string_view name, const Group& group);
std::string element_of(Number group, std::string_view name, Number consumer);
std::string element_of(Number group, std::string_view name, const Consumer& consumer);
std::string element_of(Number group, const Id& id, const Pending& pending);
std::string element_of(const Idempotence& idempotence);
std::string element_of(std::string_view name, const Producer& producer);
std::string element_of(Number producer, std::string_view name, const Sent& sent);
std::string element_of(Number producer, const Id& id, std::string_view name);

/// An element taken to pieces. Views are of the element, but for names with zeros, which are its own.
struct Read {
  Kind kind{};
  Number group = 0;     ///< Not of a group: it says so itself. Of what was sent, the producer.
  Number consumer = 0;  ///< Of kConsumerName, kConsumer and kConsumerPending.
  Id id;                ///< Of pending entries.
  std::string name;
  Group as_group;
  Consumer as_consumer;
  Pending as_pending;
  Idempotence as_idempotence;
  Producer as_producer;
  Sent as_sent;
};
/// nullopt: the bytes, which may be from anywhere, are no element.
std::optional<Read> read(std::string_view element);

// The same of what was checked, without what is not asked for.
Group group_of(std::string_view element);
Number consumer_number_of(std::string_view element);
Consumer consumer_of(std::string_view element);
std::string_view consumer_name_of(std::string_view element);
Id pending_id_of(std::string_view element) noexcept;
Pending pending_of(std::string_view element);

}  // namespace mark

}  // namespace stave::types::stream
