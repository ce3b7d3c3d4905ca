#include "types/stream/marks.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "types/stream/varint.h"

namespace stave::types::stream::mark {

namespace {

std::string begin(Kind kind) {
  return std::string(1, static_cast<char>(kind));
}

/// A number in keys: how many bytes, then these.
void put_number(std::string& to, Number number) {
  int bytes = 1;
  while (bytes != 8 && number >> (8 * bytes) != 0) ++bytes;
  to.push_back(static_cast<char>(bytes));
  for (int i = bytes - 1; i >= 0; --i) to.push_back(static_cast<char>(number >> (8 * i)));
}

std::optional<Number> take_number(std::string_view& from) noexcept {
  if (from.empty()) return std::nullopt;
  const auto bytes = static_cast<unsigned char>(from[0]);
  if (bytes == 0 || bytes > 8 || from.size() <= bytes || (bytes > 1 && from[1] == 0)) return std::nullopt;
  Number number = 0;
  for (unsigned i = 1; i <= bytes; ++i) number = number << 8 | static_cast<unsigned char>(from[i]);
  from.remove_prefix(1u + bytes);
  return number;
}

/// A zero in a name is followed by 0xff, the one behind it by 0x01: so names are in the order of their bytes.
void put_name(std::string& to, std::string_view name) {
  for (const char c : name) {
    to.push_back(c);
    if (c == '\0') to.push_back('\xff');
  }
  to.append({'\0', '\x01'});
}

std::optional<std::string> take_name(std::string_view& from) {
  std::string name;
  for (;;) {
    const std::size_t zero = from.find('\0');
    if (zero == std::string_view::npos || zero + 1 == from.size()) return std::nullopt;
    name.append(from.substr(0, zero));
    const char next = from[zero + 1];
    from.remove_prefix(zero + 2);
    if (next == '\x01') return name;
    if (next != '\xff') return std::nullopt;
    name.push_back('\0');
  }
}

void skip_name(std::string_view& from) noexcept {
  for (;;) {
    const std::size_t zero = from.find('\0');
    STAVE_ASSERT(zero != std::string_view::npos && zero + 1 < from.size());
    const char next = from[zero + 1];
    from.remove_prefix(zero + 2);
    if (next == '\x01') return;
  }
}

void put_id_key(std::string& to, const Id& id) {
  char bytes[kIdBytes];
  put_id(bytes, id);
  to.append(bytes, kIdBytes);
}

std::optional<Id> take_id(std::string_view& from) noexcept {
  if (from.size() < kIdBytes) return std::nullopt;
  const Id id = get_id(from.data());
  from.remove_prefix(kIdBytes);
  return id;
}

// Times may be before 1970 where somebody's clock was wrong.
std::uint64_t zigzag(std::int64_t number) noexcept {
  return static_cast<std::uint64_t>(number) << 1 ^ static_cast<std::uint64_t>(number >> 63);
}
std::int64_t unzigzag(std::uint64_t number) noexcept {
  return static_cast<std::int64_t>(number >> 1 ^ (~(number & 1) + 1));
}

// Nothing, or a number: itself and one.
void put_optional(std::string& to, std::optional<std::uint64_t> number) {
  put_varint(to, number ? *number + 1 : 0);
}
std::optional<std::uint64_t> optional_of(std::uint64_t raw) noexcept {
  return raw == 0 ? std::nullopt : std::optional(raw - 1);
}

void skip_number(const char*& at) noexcept {
  at += 1 + static_cast<unsigned char>(*at);
}

bool read_group(std::string_view rest, Read& read) {
  auto name = take_name(rest);
  const auto number = checked_varint(rest);
  if (!name || !number) return false;
  const auto id = take_id(rest);
  const auto entries = checked_varint(rest);
  if (!id || !entries || !rest.empty()) return false;
  read.name = std::move(*name);
  read.as_group = {.number = *number, .last_delivered = *id, .entries_read = optional_of(*entries)};
  return true;
}

bool read_consumer_name(std::string_view rest, Read& read) {
  auto name = take_name(rest);
  if (!name) return false;
  const auto number = checked_varint(rest);
  if (!number || !rest.empty()) return false;
  read.name = std::move(*name);
  read.consumer = *number;
  return true;
}

bool read_consumer(std::string_view rest, Read& read) {
  const auto number = take_number(rest);
  if (!number) return false;
  const auto seen = checked_varint(rest);
  const auto active = checked_varint(rest);
  if (!seen || !active) return false;
  read.consumer = *number;
  read.as_consumer.number = *number;
  read.as_consumer.seen_ms = unzigzag(*seen);
  if (const auto ms = optional_of(*active)) read.as_consumer.active_ms = unzigzag(*ms);
  read.name = rest;
  return true;
}

bool read_pending(std::string_view rest, Read& read) {
  const auto id = take_id(rest);
  const auto consumer = checked_varint(rest);
  if (!id || !consumer) return false;
  const auto when = checked_varint(rest);
  const auto times = checked_varint(rest);
  if (!when || !times || !rest.empty()) return false;
  read.id = *id;
  read.as_pending = {.consumer = *consumer, .delivered_ms = unzigzag(*when), .deliveries = *times};
  return true;
}

bool read_consumer_pending(std::string_view rest, Read& read) {
  const auto consumer = take_number(rest);
  if (!consumer) return false;
  const auto id = take_id(rest);
  if (!id || !rest.empty()) return false;
  read.consumer = *consumer;
  read.id = *id;
  return true;
}

bool read_idempotence(std::string_view rest, Read& read) {
  for (std::uint64_t* const to : {&read.as_idempotence.seconds, &read.as_idempotence.most, &read.as_idempotence.added,
                                  &read.as_idempotence.duplicates}) {
    const auto number = checked_varint(rest);
    if (!number) return false;
    *to = *number;
  }
  const Idempotence& known = read.as_idempotence;
  return rest.empty() && known.seconds != 0 && known.seconds <= Idempotence::kSecondsMax && known.most != 0 &&
         known.most <= Idempotence::kMostMax;
}

bool read_producer(std::string_view rest, Read& read) {
  auto name = take_name(rest);
  if (!name) return false;
  const auto number = checked_varint(rest);
  const auto known = checked_varint(rest);
  if (!number || !known || !rest.empty()) return false;
  read.name = std::move(*name);
  read.as_producer = {.number = *number, .known = *known};
  return true;
}

bool read_sent(std::string_view rest, Read& read) {
  auto name = take_name(rest);
  if (!name) return false;
  const auto id = take_id(rest);
  const auto when = checked_varint(rest);
  if (!id || !when || !rest.empty()) return false;
  read.name = std::move(*name);
  read.id = *id;
  read.as_sent = {.id = *id, .sent_ms = unzigzag(*when)};
  return true;
}

bool read_sent_in_order(std::string_view rest, Read& read) {
  const auto id = take_id(rest);
  if (!id) return false;
  read.id = *id;
  read.name = rest;
  return true;
}

}  // namespace

std::string group_key(std::string_view name) {
  std::string key = begin(Kind::kGroup);
  put_name(key, name);
  return key;
}

namespace {
std::string of_group(Kind kind, Number group) {
  std::string key = begin(kind);
  put_number(key, group);
  return key;
}
}  // namespace

std::string consumer_names_of(Number group) {
  return of_group(Kind::kConsumerName, group);
}
std::string consumer_name_key(Number group, std::string_view name) {
  std::string key = consumer_names_of(group);
  put_name(key, name);
  return key;
}
std::string consumers_of(Number group) {
  return of_group(Kind::kConsumer, group);
}
std::string consumer_key(Number group, Number consumer) {
  std::string key = consumers_of(group);
  put_number(key, consumer);
  return key;
}
std::string pending_of(Number group) {
  return of_group(Kind::kPending, group);
}
std::string pending_key(Number group, const Id& id) {
  std::string key = pending_of(group);
  put_id_key(key, id);
  return key;
}
std::string pending_of(Number group, Number consumer) {
  std::string key = of_group(Kind::kConsumerPending, group);
  put_number(key, consumer);
  return key;
}
std::string pending_key(Number group, Number consumer, const Id& id) {
  std::string key = pending_of(group, consumer);
  put_id_key(key, id);
  return key;
}

std::string idempotence_key() {
  return begin(Kind::kIdempotence);
}
std::string producer_key(std::string_view name) {
  std::string key = begin(Kind::kProducer);
  put_name(key, name);
  return key;
}
std::string sent_of(Number producer) {
  return of_group(Kind::kSent, producer);
}
std::string sent_key(Number producer, std::string_view name) {
  std::string key = sent_of(producer);
  put_name(key, name);
  return key;
}
std::string sent_in_order_of(Number producer) {
  return of_group(Kind::kSentInOrder, producer);
}
std::string sent_in_order_key(Number producer, const Id& id) {
  std::string key = sent_in_order_of(producer);
  put_id_key(key, id);
  return key;
}

// A number's length is at most eight: to count the last byte up, with a carry, gives what no key of the kind begins
// with.
std::string behind(std::string prefix) {
  for (std::size_t i = prefix.size(); i-- != 0;) {
    auto byte = static_cast<unsigned char>(prefix[i]);
    prefix[i] = static_cast<char>(++byte);
    if (byte != 0) {
      prefix.resize(i + 1);
      return prefix;
    }
  }
  STAVE_ASSERT(false && "nothing is behind that");
  return prefix;
}
std::string behind(Kind kind) {
  return std::string(1, static_cast<char>(static_cast<int>(kind) + 1));
}

std::string element_of(std::string_view name, const Group& group) {
  std::string element = group_key(name);
  put_varint(element, group.number);
  put_id_key(element, group.last_delivered);
  put_optional(element, group.entries_read);
  return element;
}

std::string element_of(Number group, std::string_view name, Number consumer) {
  std::string element = consumer_name_key(group, name);
  put_varint(element, consumer);
  return element;
}

std::string element_of(Number group, std::string_view name, const Consumer& consumer) {
  std::string element = consumer_key(group, consumer.number);
  put_varint(element, zigzag(consumer.seen_ms));
  put_optional(element, consumer.active_ms ? std::optional(zigzag(*consumer.active_ms)) : std::nullopt);
  return element.append(name);
}

std::string element_of(Number group, const Id& id, const Pending& pending) {
  std::string element = pending_key(group, id);
  put_varint(element, pending.consumer);
  put_varint(element, zigzag(pending.delivered_ms));
  put_varint(element, pending.deliveries);
  return element;
}

std::string element_of(const Idempotence& idempotence) {
  std::string element = idempotence_key();
  for (const std::uint64_t number : {idempotence.seconds, idempotence.most, idempotence.added, idempotence.duplicates})
    put_varint(element, number);
  return element;
}

std::string element_of(std::string_view name, const Producer& producer) {
  std::string element = producer_key(name);
  put_varint(element, producer.number);
  put_varint(element, producer.known);
  return element;
}

std::string element_of(Number producer, std::string_view name, const Sent& sent) {
  std::string element = sent_key(producer, name);
  put_id_key(element, sent.id);
  put_varint(element, zigzag(sent.sent_ms));
  return element;
}

std::string element_of(Number producer, const Id& id, std::string_view name) {
  return sent_in_order_key(producer, id).append(name);
}

std::optional<Read> read(std::string_view element) {
  if (element.empty()) return std::nullopt;
  Read read{.kind = static_cast<Kind>(element[0]), .name = {}};
  std::string_view rest = element.substr(1);
  if (read.kind != Kind::kGroup && read.kind != Kind::kIdempotence && read.kind != Kind::kProducer) {
    const auto group = take_number(rest);
    if (!group) return std::nullopt;
    read.group = *group;
  }
  const auto whole = [&] {
    switch (read.kind) {
      case Kind::kGroup: return read_group(rest, read);
      case Kind::kConsumerName: return read_consumer_name(rest, read);
      case Kind::kConsumer: return read_consumer(rest, read);
      case Kind::kPending: return read_pending(rest, read);
      case Kind::kConsumerPending: return read_consumer_pending(rest, read);
      case Kind::kIdempotence: return read_idempotence(rest, read);
      case Kind::kProducer: return read_producer(rest, read);
      case Kind::kSent: return read_sent(rest, read);
      case Kind::kSentInOrder: return read_sent_in_order(rest, read);
    }
    return false;
  };
  if (!whole()) return std::nullopt;
  return read;
}

Group group_of(std::string_view element) {
  element.remove_prefix(1);
  skip_name(element);
  const char* at = element.data();
  Group group;
  group.number = get_varint(at);
  group.last_delivered = get_id(at);
  at += kIdBytes;
  group.entries_read = optional_of(get_varint(at));
  return group;
}

Number consumer_number_of(std::string_view element) {
  const char* at = element.data() + 1;
  skip_number(at);
  element.remove_prefix(static_cast<std::size_t>(at - element.data()));
  skip_name(element);
  at = element.data();
  return get_varint(at);
}

namespace {
/// Where what a consumer's element says of it begins; and its number.
const char* take_consumer_key(std::string_view element, Number& number) noexcept {
  const char* at = element.data() + 1;
  skip_number(at);
  std::string_view rest(at, static_cast<std::size_t>(element.data() + element.size() - at));
  const auto taken = take_number(rest);
  STAVE_ASSERT(taken);
  number = *taken;
  return rest.data();
}
}  // namespace

Consumer consumer_of(std::string_view element) {
  Consumer consumer;
  const char* at = take_consumer_key(element, consumer.number);
  consumer.seen_ms = unzigzag(get_varint(at));
  if (const auto active = optional_of(get_varint(at))) consumer.active_ms = unzigzag(*active);
  return consumer;
}

std::string_view consumer_name_of(std::string_view element) {
  Number number = 0;
  const char* at = take_consumer_key(element, number);
  get_varint(at);
  get_varint(at);
  return element.substr(static_cast<std::size_t>(at - element.data()));
}

Id pending_id_of(std::string_view element) noexcept {
  const char* at = element.data() + 1;
  const bool of_consumer = static_cast<Kind>(element[0]) == Kind::kConsumerPending;
  skip_number(at);
  if (of_consumer) skip_number(at);
  return get_id(at);
}

Pending pending_of(std::string_view element) {
  const char* at = element.data() + 1;
  skip_number(at);
  at += kIdBytes;
  Pending pending;
  pending.consumer = get_varint(at);
  pending.delivered_ms = unzigzag(get_varint(at));
  pending.deliveries = get_varint(at);
  return pending;
}

}  // namespace stave::types::stream::mark
