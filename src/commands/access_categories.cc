#include "commands/access_categories.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "base/assert.h"
#include "commands/text.h"

namespace stave::commands {
namespace {

constexpr std::array<std::string_view, 26> kNames = {
    "keyspace",    "read",        "write",     "set",    "sortedset", "list", "hash", "string",   "bitmap",
    "hyperloglog", "geo",         "stream",    "pubsub", "admin",     "fast", "slow", "blocking", "dangerous",
    "connection",  "transaction", "scripting", "bloom",  "cuckoo",    "cms",  "topk", "tdigest"};

consteval std::uint32_t bit(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == name) return std::uint32_t{1} << i;
  return 0;
}

std::uint32_t bit_of(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (same_word(kNames[i], name)) return std::uint32_t{1} << i;
  return 0;
}

/// A row, or a container and all that is in it, whose categories its group does not tell.
struct Special {
  std::string_view name;
  std::uint32_t mask;
};
constexpr Special kSpecial[] = {{"COMMAND", bit("connection")},
                                {"LASTSAVE", bit("admin") | bit("dangerous")},
                                {"ROLE", bit("admin") | bit("dangerous")},
                                {"SORT", bit("list") | bit("set") | bit("sortedset")},
                                {"SORT_RO", bit("list") | bit("set") | bit("sortedset")},
                                {"WAIT", bit("connection")},
                                {"WAITAOF", bit("connection")}};

std::uint32_t group_bit(std::string_view group) noexcept {
  if (group == "generic") return bit("keyspace");
  if (group == "sorted-set") return bit("sortedset");
  if (group == "transactions") return bit("transaction");
  if (group == "bf") return bit("bloom");
  if (group == "cf") return bit("cuckoo");
  // A server's commands are in no category of their own; the other groups bear their category's name.
  return group == "server" ? 0 : bit_of(group);
}

}  // namespace

std::span<const std::string_view> category_names() noexcept {
  return kNames;
}

std::uint32_t category_bit(std::string_view name) noexcept {
  return bit_of(name);
}

std::uint32_t categories_of(const Command& row) noexcept {
  const auto flagged = [&](std::uint32_t flags) { return (row.flags & flags) != 0; };
  // What a container is for is decided by what it contains: a rule for it is one for all of that.
  if (row.run == nullptr) return bit("slow");
  const Command* const container = container_of(row);
  const auto* const special =
      std::ranges::find(kSpecial, container == nullptr ? row.name : container->name, &Special::name);
  std::uint32_t mask = special != std::end(kSpecial) ? special->mask : group_bit(row.group);
  if (row.group == "pubsub" && !flagged(kPubSub)) mask = 0;
  if (flagged(kKeyspace)) mask |= bit("keyspace");
  // As in Redis: what a script reads it says itself.
  if (flagged(kReadOnly) && row.group != "scripting") mask |= bit("read");
  if (flagged(kWrite)) mask |= bit("write");
  if (flagged(kAdmin)) mask |= bit("admin");
  if (flagged(kAdmin | kDangerous)) mask |= bit("dangerous");
  if (flagged(kBlocking)) mask |= bit("blocking");
  if (flagged(kPubSub)) mask |= bit("pubsub");
  mask |= flagged(kFast) ? bit("fast") : bit("slow");
  STAVE_ASSERT(mask != 0);
  return mask;
}

}  // namespace stave::commands
