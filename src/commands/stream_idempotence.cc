#include "commands/stream_idempotence.h"

#include <utility>
#include <vector>

namespace stave::commands {

using types::stream::Editor;
using types::stream::Id;
using types::stream::Idempotence;
using types::stream::Producer;
using StreamReader = types::stream::Reader;
using types::stream::Sent;

namespace {

bool too_old(const Sent& sent, const Idempotence& how, std::int64_t now_ms) noexcept {
  return now_ms - sent.sent_ms >= static_cast<std::int64_t>(how.seconds) * 1000;
}

/// The oldest that a producer has sent.
std::vector<std::pair<Id, std::string>> oldest(const StreamReader& stream, const Producer& producer,
                                               std::size_t count) {
  std::vector<std::pair<Id, std::string>> found;
  stream.visit_sent(producer.number, [&](const Id& id, std::string_view name) {
    found.emplace_back(id, name);
    return found.size() != count;
  });
  return found;
}

/// Forgets up to `count` of a producer's that are too old, or more than there may be besides `more` new ones.
void forget_some(Editor& stream, std::string_view name, Producer producer, const Idempotence& how, std::uint64_t more,
                 std::size_t count, std::int64_t now_ms) {
  for (const auto& [id, sent_name] : oldest(stream, producer, count)) {
    const auto sent = stream.sent(producer.number, sent_name);
    if (!sent) return;  // only when pages cannot be had
    if (!too_old(*sent, how, now_ms) && producer.known + more <= how.most) return;
    stream.remove_sent(name, producer, sent_name, id);
  }
}

}  // namespace

std::optional<Id> find_sent(Editor& stream, const Named& named, std::int64_t now_ms) {
  const auto producer = stream.producer(named.producer);
  if (!producer) return std::nullopt;
  const auto sent = stream.sent(producer->number, named.name);
  auto how = stream.idempotence();
  if (!sent || !how || too_old(*sent, *how, now_ms)) return std::nullopt;
  ++how->duplicates;
  stream.set_idempotence(*how);
  return sent->id;
}

void note_sent(Editor& stream, const Named& named, const Id& id, std::int64_t now_ms) {
  constexpr std::size_t kAtOnce = 8;
  Idempotence how = stream.idempotence().value_or(Idempotence{});
  if (const auto producer = stream.producer(named.producer)) {
    // One that has this name, but is too old to count.
    Producer known = *producer;
    if (const auto sent = stream.sent(known.number, named.name))
      stream.remove_sent(named.producer, known, named.name, sent->id);
    if (known.known != 0) forget_some(stream, named.producer, known, how, 1, kAtOnce, now_ms);
  }
  auto producer = stream.producer(named.producer);
  if (!producer) producer = stream.add_producer(named.producer);
  stream.add_sent(named.producer, *producer, named.name, {.id = id, .sent_ms = now_ms});
  ++how.added;
  stream.set_idempotence(how);
  // The next producer's, or the first one's.
  std::string other;
  Producer others;
  const auto take = [&](std::string_view name, const Producer& next) {
    if (name == named.producer) return true;
    other = name;
    others = next;
    return false;
  };
  stream.visit_producers(named.producer, take);
  if (other.empty()) stream.visit_producers({}, take);
  if (!other.empty()) forget_some(stream, other, others, how, 0, kAtOnce, now_ms);
}

void forget_sent(Editor& stream) {
  for (;;) {
    std::string name;
    Producer producer;
    stream.visit_producers({}, [&](std::string_view first, const Producer& found) {
      name = first;
      producer = found;
      return false;
    });
    if (name.empty()) return;
    const auto all = oldest(stream, producer, 0);
    if (all.empty()) return;  // only when pages cannot be had
    for (const auto& [id, sent_name] : all) stream.remove_sent(name, producer, sent_name, id);
  }
}

Tracked tracked(const StreamReader& stream, const Idempotence& how, std::int64_t now_ms) {
  Tracked all;
  stream.visit_producers({}, [&](std::string_view, const Producer& producer) {
    std::uint64_t known = 0;
    stream.visit_sent(producer.number, [&](const Id&, std::string_view name) {
      const auto sent = stream.sent(producer.number, name);
      if (sent && !too_old(*sent, how, now_ms)) ++known;
      return true;
    });
    all.entries += known;
    if (known != 0) ++all.producers;
    return true;
  });
  return all;
}

}  // namespace stave::commands
