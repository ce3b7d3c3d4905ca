#include "commands/stream_references.h"

#include <string>
#include <utility>
#include <vector>

namespace stave::commands {

using types::stream::Editor;
using types::stream::Group;
using types::stream::Id;
using StreamReader = types::stream::Reader;

bool is_referenced(const StreamReader& stream, const Id& id) {
  bool referenced = false;
  stream.visit_groups([&](std::string_view, const Group& group) {
    referenced = group.last_delivered < id || stream.pending(group.number, id).has_value();
    return !referenced;
  });
  return referenced;
}

void drop_references(Editor& stream, const Id& id) {
  std::vector<types::stream::Number> groups;
  stream.visit_groups([&](std::string_view, const Group& group) { return groups.push_back(group.number), true; });
  for (const types::stream::Number group : groups)
    if (const auto pending = stream.pending(group, id)) stream.remove_pending(group, id, *pending);
}

Deleted delete_entry(Editor& stream, const Id& id, References references) {
  if (!stream.contains(id)) return Deleted::kNotThere;
  if (references == References::kAcknowledged && is_referenced(stream, id)) return Deleted::kReferenced;
  if (references == References::kDrop) drop_references(stream, id);
  return stream.remove(id) ? Deleted::kYes : Deleted::kNotThere;
}

}  // namespace stave::commands
