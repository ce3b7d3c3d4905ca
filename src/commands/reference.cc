#include "commands/reference.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "commands/table.h"
#include "commands/text.h"

namespace stave::commands {

namespace {

// A bar would end the cell.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '|') result += '\\';
    result += c;
  }
  return result;
}

void append_row(std::string& page, const Command& row, const std::string& name) {
  std::string call = name;
  if (!row.syntax.empty()) call.append(" ").append(row.syntax);
  page.append("|`")
      .append(escaped(call))
      .append("`|")
      .append(escaped(row.help))
      .append("|")
      .append(escaped(row.cost))
      .append("|");
  bool first = true;
  for (const std::string_view category : access_categories(row)) {
    if (!first) page += ' ';
    page.append("@").append(category);
    first = false;
  }
  page += "|\n";
}

void append_group(std::string& page, std::string_view group, std::string_view title) {
  const auto of_group = [&](const Command& row) { return row.group == group; };
  if (std::ranges::none_of(command_table(), of_group)) return;
  page.append("\n## ").append(title).append("\n\n|Command|What it does|Cost|Categories|\n|-|-|-|-|\n");
  for (const Command& row : command_table()) {
    if (row.group != group) continue;
    if (row.run != nullptr) append_row(page, row, std::string(row.name));
    for (const Command& sub : row.subcommands)
      append_row(page, sub, std::string(row.name) + " " + std::string(sub.name));
  }
}

}  // namespace

std::string command_reference() {
  std::string page =
      "# Commands\n\n"
      "Made from the command table by `stave commands`; do not edit. Words in capitals are typed as they stand, in any "
      "case; what\n"
      "stands in brackets may be left out. Where a command has the name of one of Redis, or of Valkey, it takes the "
      "same "
      "arguments\n"
      "and gives the same answers; `SLIDING` and the commands that begin with `STAVE.` are additions, and so is "
      "`DELETE`.\n";
  append_group(page, "string", "Strings");
  append_group(page, "hash", "Hashes");
  append_group(page, "list", "Lists");
  append_group(page, "set", "Sets");
  append_group(page, "sorted-set", "Sorted sets");
  append_group(page, "bitmap", "Bitmaps");
  append_group(page, "hyperloglog", "HyperLogLogs");
  append_group(page, "geo", "Places on the earth");
  append_group(page, "bf", "Bloom filters");
  append_group(page, "cf", "Cuckoo filters");
  append_group(page, "cms", "Count-min sketches");
  append_group(page, "topk", "Lists of the heaviest");
  append_group(page, "tdigest", "T-digests");
  append_group(page, "stream", "Streams");
  append_group(page, "generic", "Keys and expiry");
  append_group(page, "transactions", "Transactions");
  append_group(page, "scripting", "Scripts and functions");
  append_group(page, "pubsub", "Publish and subscribe");
  append_group(page, "connection", "Connection");
  append_group(page, "server", "Server");
  return page;
}

}  // namespace stave::commands
