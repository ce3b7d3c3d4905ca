#include "store/consumers.h"

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "base/bytes.h"
#include "base/no_memory.h"
#include "base/try.h"
#include "store/change_reader.h"
#include "store/own_values.h"
#include "store/pages.h"
#include "store/transaction.h"
#include "store/upkeep.h"

namespace stave::store {

namespace {

constexpr Lsn kIdentity{static_cast<std::uint64_t>(OwnValue::kConsumers)};
/// Of a consumer: layout, position, when it was made, when it acknowledged, its name.
constexpr char kLayout = 1;
constexpr std::size_t kPositionAt = 1;
constexpr std::size_t kCreatedAt = 9;
constexpr std::size_t kAcknowledgedAt = 17;
constexpr std::size_t kNameAt = 25;

std::uint64_t number_at(std::string_view bytes, std::size_t at) noexcept {
  return base::load<std::uint64_t>(reinterpret_cast<const std::byte*>(bytes.data()) + at);
}

void put_number(std::string& into, std::uint64_t number) {
  std::array<std::byte, sizeof(number)> bytes{};
  base::store(bytes.data(), number);
  into.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

std::string encode(std::string_view name, const ConsumerInfo& info) {
  std::string value(1, kLayout);
  put_number(value, raw(info.position));
  put_number(value, static_cast<std::uint64_t>(raw(info.created)));
  put_number(value, static_cast<std::uint64_t>(raw(info.acknowledged)));
  return value.append(name);
}

std::optional<ConsumerInfo> decode(std::string_view value) {
  if (value.size() <= kNameAt || value.size() > kNameAt + Consumers::kNameBytesMax || value[0] != kLayout)
    return std::nullopt;
  ConsumerInfo info;
  info.position = Lsn{number_at(value, kPositionAt)};
  info.created = UnixMs{static_cast<std::int64_t>(number_at(value, kCreatedAt))};
  info.acknowledged = UnixMs{static_cast<std::int64_t>(number_at(value, kAcknowledgedAt))};
  info.name = value.substr(kNameAt);
  if (raw(info.position) > kLsnMax) return std::nullopt;
  return info;
}

std::unexpected<Error> no_such_consumer(std::string_view name) {
  return fail(ErrorCode::kNotFound,
              "there is no consumer '" + std::string(name) + "'; STAVE.CONSUMER CREATE makes one");
}

}  // namespace

struct Consumers::Consumer {
  Consumer(Engine& engine, ConsumerInfo given, std::size_t at)
      : info(std::move(given)), slot(at), keep(engine.upkeep(), info.position + 1) {}
  ConsumerInfo info;
  std::size_t slot;
  Upkeep::Keep keep;
};

Consumers::Consumers(Engine& engine) noexcept : engine_(engine) {}

Consumers::~Consumers() = default;

void Consumers::stop() noexcept {
  base::MutexLock lock(mutex_);
  consumers_.clear();
  known_ = false;
}

Result<void> Consumers::settle() {
  base::MutexLock lock(mutex_);
  return know();
}

Result<void> Consumers::know() {
  const bool follows = engine_.follows();
  // A follower's are changed by its leader's log; and so they were until a moment ago when it has just begun to lead.
  if (known_ && !follows && !followed_) return {};
  followed_ = follows;
  return load();
}

Result<void> Consumers::load() try {
  // One look after the other; a consumer that is being changed meanwhile is so in one of the two ways.
  const int database = pages_database(engine_.keyspace());
  const auto read = [&](std::size_t page) -> Result<std::optional<std::string>> {
    const PageKey key(kIdentity, page);
    const KeyRef ref{database, key.view()};
    std::optional<std::string> found;
    Transaction transaction(engine_, ref);
    if (const auto held = transaction.find(ref)) found.emplace(held->value);
    if (const Error* failure = transaction.failure()) return fail(failure->clone());
    return found;
  };
  STAVE_ASSIGN(const auto head, read(0));
  ByName fresh;
  slots_ = head && head->size() == sizeof(std::uint64_t) ? std::min(number_at(*head, 0), kConsumersMax) : 0;
  for (std::size_t slot = 1; slot <= slots_; ++slot) {
    STAVE_ASSIGN(const auto value, read(slot));
    if (!value) continue;
    auto info = decode(*value);
    if (!info)
      return fail(ErrorCode::kCorrupt,
                  "a consumer of the store's changes is damaged; `stave doctor` can examine the "
                  "store's directory");
    std::string name = info->name;
    // Who is there already goes on keeping what it keeps, without a gap.
    if (const auto old = consumers_.find(name); old != consumers_.end() && old->second->slot == slot) {
      old->second->info = std::move(*info);
      old->second->keep.move(old->second->info.position + 1);
      fresh.emplace(std::move(name), std::move(old->second));
      consumers_.erase(old);
    } else {
      fresh.emplace(std::move(name), std::make_unique<Consumer>(engine_, std::move(*info), slot));
    }
  }
  consumers_.swap(fresh);
  known_ = true;
  return {};
} catch (const std::bad_alloc&) {
  return base::no_memory();
}

std::size_t Consumers::free_slot() const {
  std::vector<bool> used(slots_ + 2, false);
  for (const auto& [name, consumer] : consumers_) used[consumer->slot] = true;
  for (std::size_t slot = 1; slot < used.size(); ++slot)
    if (!used[slot]) return slot;
  return used.size();
}

Result<Pending> Consumers::write(std::size_t slot, std::optional<std::string> value, Sync sync) {
  const int database = pages_database(engine_.keyspace());
  const PageKey head(kIdentity, 0);
  const PageKey page(kIdentity, slot);
  const std::array keys = {KeyRef{database, head.view()}, KeyRef{database, page.view()}};
  const bool longer = slot > slots_;
  std::string count;
  put_number(count, slot);
  Transaction transaction(engine_, keys);
  transaction.excuse();
  if (longer) STAVE_TRY(transaction.put(keys[0], count, {}, ValueType::kPage));
  if (value) {
    STAVE_TRY(transaction.put(keys[1], *value, {}, ValueType::kPage));
  } else {
    transaction.erase(keys[1]);
  }
  STAVE_ASSIGN(const Pending pending, transaction.commit(sync));
  if (longer) slots_ = slot;
  return pending;
}

Result<Pending> Consumers::create(std::string_view name, Lsn position, Sync sync) try {
  if (name.empty() || name.size() > kNameBytesMax ||
      std::ranges::any_of(name, [](char c) { return c <= ' ' || c > '~'; }))
    return fail(ErrorCode::kInvalidArgument, "a consumer's name has 1 to 255 letters, digits and signs of ASCII");
  base::MutexLock lock(mutex_);
  STAVE_TRY(know());
  if (consumers_.contains(name))
    return fail(ErrorCode::kConflict, "there is a consumer of that name; drop it first, or take another name");
  if (consumers_.size() >= kConsumersMax)
    return fail(ErrorCode::kTooLarge, "a store has 1024 consumers at most; drop one");
  if (position + 1 > engine_.log().tail())
    return fail(ErrorCode::kInvalidArgument, "that position is beyond the end of the log");
  ConsumerInfo info{.name = std::string(name), .position = position, .created = engine_.now()};
  const std::size_t slot = free_slot();
  // Kept before it is looked at what there is.
  auto consumer = std::make_unique<Consumer>(engine_, info, slot);
  if (position < ChangeReader::oldest_position(engine_))
    return fail(ErrorCode::kNotFound, "the oldest position is " +
                                          std::to_string(raw(ChangeReader::oldest_position(engine_))) +
                                          "; before that the log has been dropped");
  const auto [place, fresh] = consumers_.emplace(std::string(name), std::move(consumer));
  auto written = write(slot, encode(name, info), sync);
  if (!written) consumers_.erase(place);
  return written;
} catch (const std::bad_alloc&) {
  return base::no_memory();
}

Result<Pending> Consumers::acknowledge(std::string_view name, Lsn position, Sync sync) try {
  base::MutexLock lock(mutex_);
  STAVE_TRY(know());
  const auto found = consumers_.find(name);
  if (found == consumers_.end()) return no_such_consumer(name);
  Consumer& consumer = *found->second;
  if (position + 1 > engine_.log().tail())
    return fail(ErrorCode::kInvalidArgument, "that position is beyond the end of the log");
  if (position <= consumer.info.position) return Pending{};
  ConsumerInfo info = consumer.info;
  info.position = position;
  info.acknowledged = engine_.now();
  STAVE_ASSIGN(const Pending pending, write(consumer.slot, encode(name, info), sync));
  consumer.info = std::move(info);
  consumer.keep.move(position + 1);
  return pending;
} catch (const std::bad_alloc&) {
  return base::no_memory();
}

Result<bool> Consumers::drop(std::string_view name, Sync sync, Pending& pending) try {
  base::MutexLock lock(mutex_);
  STAVE_TRY(know());
  const auto found = consumers_.find(name);
  if (found == consumers_.end()) return false;
  STAVE_ASSIGN(const Pending written, write(found->second->slot, std::nullopt, sync));
  pending.merge(written);
  consumers_.erase(found);
  return true;
} catch (const std::bad_alloc&) {
  return base::no_memory();
}

ConsumerInfo Consumers::tell(const std::string& name, const Consumer& consumer) const {
  ConsumerInfo info = consumer.info;
  info.name = name;
  const std::uint64_t end = raw(engine_.upkeep().change_feed().horizon());
  info.lag_bytes = end - std::min(end, raw(info.position) + 1);
  info.behind = info.position < ChangeReader::oldest_position(engine_);
  return info;
}

Result<std::optional<ConsumerInfo>> Consumers::find(std::string_view name) try {
  base::MutexLock lock(mutex_);
  STAVE_TRY(know());
  const auto found = consumers_.find(name);
  if (found == consumers_.end()) return std::nullopt;
  return tell(found->first, *found->second);
} catch (const std::bad_alloc&) {
  return base::no_memory();
}

Result<std::vector<ConsumerInfo>> Consumers::list() try {
  base::MutexLock lock(mutex_);
  STAVE_TRY(know());
  std::vector<ConsumerInfo> all;
  for (const auto& [name, consumer] : consumers_) all.push_back(tell(name, *consumer));
  return all;
} catch (const std::bad_alloc&) {
  return base::no_memory();
}

}  // namespace stave::store
