#include "commands/command_answer.h"

#include <string>

#include "base/assert.h"
#include "commands/syntax.h"
#include "commands/text.h"

namespace stave::commands {

namespace {

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> found;
  while (!text.empty()) {
    const std::size_t end = text.find(' ');
    found.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return found;
}

void answer_statuses(Sink& reply, const std::vector<std::string_view>& names, std::string_view prefix = {}) {
  reply.set(names.size());
  for (const std::string_view name : names) reply.status(std::string(prefix).append(name));
}

/// "At most as many as at least" is a fixed number; anything else is written as minus the least.
int signed_arity(const Command& row) noexcept {
  return row.arity.most == row.arity.least ? row.arity.least : -row.arity.least;
}

/// Keys with which the same is done: from an argument on, up to another, or as many as it says.
struct KeySpecification {
  bool first = true;  ///< Whether the call's first key is among them.
  int at = 0;
  bool counted = false;
  bool behind_word = false;  ///< Behind STREAMS, which is `at` or comes later.
  int last = 0;
  int step = 0;
};

constexpr std::string_view kForOthers = " | ";

std::vector<KeySpecification> key_specifications(const Command& row) {
  const Keys& keys = row.keys;
  const bool differ = row.key_flags.find(kForOthers) != std::string_view::npos;
  std::vector<KeySpecification> all;
  if (keys.step != 0) {
    const bool apart = differ && keys.count_at == 0;
    all.push_back({.first = true, .at = keys.first, .last = apart ? keys.first : keys.last, .step = keys.step});
    if (apart) all.push_back({.first = false, .at = keys.first + keys.step, .last = keys.last, .step = keys.step});
  }
  if (keys.count_at != 0)
    all.push_back({.first = all.empty(), .at = keys.count_at, .counted = true, .step = keys.count_step});
  if (keys.word_from != 0) all.push_back({.at = keys.word_from, .behind_word = true, .last = -1, .step = 1});
  return all;
}

void answer_key_specification(Sink& reply, const Command& row, const KeySpecification& specification) {
  STAVE_ASSERT(specification.at > 0 && (specification.step > 0));
  reply.map(3);
  reply.bulk("flags");
  answer_statuses(reply, key_flags(row, specification.first));
  reply.bulk("begin_search");
  reply.map(2);
  reply.bulk("type");
  reply.bulk(specification.behind_word ? "keyword" : "index");
  reply.bulk("spec");
  reply.map(specification.behind_word ? 2 : 1);
  if (specification.behind_word) {
    reply.bulk("keyword");
    reply.bulk("STREAMS");
  }
  reply.bulk(specification.behind_word ? "startfrom" : "index");
  reply.integer(specification.at);
  reply.bulk("find_keys");
  reply.map(2);
  reply.bulk("type");
  reply.bulk(specification.counted ? "keynum" : "range");
  reply.bulk("spec");
  reply.map(3);
  if (specification.counted) {
    reply.bulk("keynumidx");
    reply.integer(0);
    reply.bulk("firstkey");
    reply.integer(1);
    reply.bulk("keystep");
    reply.integer(specification.step);
    return;
  }
  reply.bulk("lastkey");
  // Counted from the first key, unless from the end.
  reply.integer(specification.last < 0 ? specification.last : specification.last - specification.at);
  reply.bulk("keystep");
  reply.integer(specification.step);
  reply.bulk("limit");
  reply.integer(specification.behind_word ? 2 : 0);
}

/// `next_key`: which specification the next argument that is a key belongs to, of those up to `last_key`.
void answer_argument(Sink& reply, const SyntaxNode& node, std::int64_t& next_key, std::int64_t last_key) {
  STAVE_ASSERT(!node.name.empty() && !node.type.empty());
  const bool has_parts = !node.parts.empty();
  const std::size_t fields = 2 + (node.token.empty() ? 0 : 1) + (node.optional || node.multiple ? 1 : 0) +
                             (has_parts ? 1 : 0) + (node.type == "key" ? 1 : 0);
  reply.map(fields);
  reply.bulk("name");
  reply.bulk(node.name);
  reply.bulk("type");
  reply.bulk(node.type);
  if (node.type == "key") {
    reply.bulk("key_spec_index");
    reply.integer(next_key);
    if (next_key < last_key) ++next_key;
  }
  if (!node.token.empty()) {
    reply.bulk("token");
    reply.bulk(node.token);
  }
  if (node.optional || node.multiple) {
    reply.bulk("flags");
    std::vector<std::string_view> flags;
    if (node.optional) flags.push_back("optional");
    if (node.multiple) flags.push_back("multiple");
    answer_statuses(reply, flags);
  }
  if (has_parts) {
    reply.bulk("arguments");
    reply.array(node.parts.size());
    for (const SyntaxNode& part : node.parts) answer_argument(reply, part, next_key, last_key);
  }
}

}  // namespace

std::vector<std::string_view> key_flags(const Command& row, bool first) {
  const std::size_t bar = row.key_flags.find(kForOthers);
  if (bar != std::string_view::npos)
    return words(first ? row.key_flags.substr(0, bar) : row.key_flags.substr(bar + kForOthers.size()));
  if (!row.key_flags.empty()) return words(row.key_flags);
  if ((row.flags & kWrite) != 0) return {"RW", "update"};
  if (row.needs == Needs::kNothing) return {"RO"};
  return {"RO", "access"};
}

void answer_command_info(Sink& reply, const Command& row) {
  reply.array(10);
  reply.bulk(full_name(row));
  reply.integer(signed_arity(row));
  answer_statuses(reply, flag_names(row));
  reply.integer(row.keys.first);
  reply.integer(row.keys.last);
  reply.integer(row.keys.step);
  answer_statuses(reply, access_categories(row), "@");
  const auto tips = words(row.tips);
  reply.array(tips.size());
  for (const std::string_view tip : tips) reply.bulk(tip);
  const auto specifications = key_specifications(row);
  reply.array(specifications.size());
  for (const KeySpecification& specification : specifications) answer_key_specification(reply, row, specification);
  reply.array(row.subcommands.size());
  for (const Command& sub : row.subcommands) answer_command_info(reply, sub);
}

void answer_command_docs(Sink& reply, const Command& row) {
  const std::vector<SyntaxNode> arguments = parse_syntax(row.subcommands.empty() ? row.syntax : std::string_view{});
  reply.map(4 + (arguments.empty() ? 0 : 1) + (row.subcommands.empty() ? 0 : 1));
  reply.bulk("summary");
  reply.bulk(row.help);
  reply.bulk("since");
  reply.bulk(row.since);
  reply.bulk("group");
  reply.bulk(row.group);
  reply.bulk("complexity");
  reply.bulk(row.cost);
  if (!arguments.empty()) {
    reply.bulk("arguments");
    reply.array(arguments.size());
    std::int64_t next_key = 0;
    const auto last_key = static_cast<std::int64_t>(key_specifications(row).size()) - 1;
    for (const SyntaxNode& argument : arguments) answer_argument(reply, argument, next_key, last_key);
  }
  if (!row.subcommands.empty()) {
    reply.bulk("subcommands");
    reply.map(row.subcommands.size());
    for (const Command& sub : row.subcommands) {
      reply.bulk(full_name(sub));
      answer_command_docs(reply, sub);
    }
  }
}

}  // namespace stave::commands
