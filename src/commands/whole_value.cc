#include "commands/whole_value.h"

#include "commands/stream_arguments.h"
#include "store/collection.h"

namespace stave::commands {

using store::ValueType;

namespace {

void answer_hash(Sink& reply, const types::hash::Reader& hash) {
  reply.map(hash.size());
  hash.visit([&](const types::hash::Field& field) {
    reply.bulk(field.name);
    reply.bulk(field.value);
    return true;
  });
}

void answer_list(Sink& reply, const types::list::Reader& list) {
  reply.array(list.size());
  list.visit(0, list.size(), [&](std::string_view element) {
    reply.bulk(element);
    return true;
  });
}

void answer_set(Sink& reply, const types::set::Reader& set) {
  reply.set(set.size());
  set.visit([&](std::string_view member) {
    reply.bulk(member);
    return true;
  });
}

void answer_sorted_set(Sink& reply, const types::sorted_set::Reader& set) {
  const bool pairs = reply.protocol() == 3;
  reply.array(pairs ? set.size() : 2 * set.size());
  set.visit(0, set.size(), [&](const types::sorted_set::Element& element) {
    if (pairs) reply.array(2);
    reply.bulk(element.member);
    reply.real(element.score);
    return true;
  });
}

/// What XRANGE answers: its entries.
void answer_stream(Sink& reply, const types::stream::Reader& stream) {
  reply.array(stream.size());
  stream.visit(types::stream::kIdMin, types::stream::kIdMax, [&](const types::stream::Entry& entry) {
    reply.array(2);
    answer_id(reply, entry.id());
    reply.array(2 * entry.fields());
    entry.visit([&](std::string_view name, std::string_view value) {
      reply.bulk(name);
      reply.bulk(value);
    });
    return true;
  });
}

}  // namespace

void answer_whole_value(Sink& reply, ValueType type, std::string_view bytes) {
  switch (type) {
    case ValueType::kHash: answer_hash(reply, store::Hash::Compact(bytes)); return;
    case ValueType::kList: answer_list(reply, store::List::Compact(bytes)); return;
    case ValueType::kSet: answer_set(reply, store::Set::Compact(bytes)); return;
    case ValueType::kSortedSet: answer_sorted_set(reply, store::SortedSet::Compact(bytes)); return;
    case ValueType::kStream: answer_stream(reply, store::Stream::Compact(bytes)); return;
    default: reply.bulk(bytes); return;
  }
}

}  // namespace stave::commands
