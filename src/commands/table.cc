#include "commands/table.h"

#include "base/assert.h"
#include "commands/access_categories.h"
#include "commands/acl_commands.h"
#include "commands/bitfield_commands.h"
#include "commands/bitmap_commands.h"
#include "commands/blocking_list_commands.h"
#include "commands/blocking_sorted_set_commands.h"
#include "commands/changes_commands.h"
#include "commands/client_commands.h"
#include "commands/command_commands.h"
#include "commands/commandlog_commands.h"
#include "commands/conditional_commands.h"
#include "commands/config_commands.h"
#include "commands/connection_commands.h"
#include "commands/database_commands.h"
#include "commands/dump_commands.h"
#include "commands/durability_commands.h"
#include "commands/expiry_commands.h"
#include "commands/function_commands.h"
#include "commands/geo_commands.h"
#include "commands/geo_search_commands.h"
#include "commands/hash_commands.h"
#include "commands/hash_expiry_commands.h"
#include "commands/hash_scan_commands.h"
#include "commands/history_commands.h"
#include "commands/hot_keys_commands.h"
#include "commands/hyperloglog_commands.h"
#include "commands/increx_command.h"
#include "commands/info_commands.h"
#include "commands/keys_commands.h"
#include "commands/latency_commands.h"
#include "commands/lcs_command.h"
#include "commands/life_commands.h"
#include "commands/list_commands.h"
#include "commands/list_move_commands.h"
#include "commands/memory_commands.h"
#include "commands/module_commands.h"
#include "commands/monitor_commands.h"
#include "commands/move_commands.h"
#include "commands/multi_commands.h"
#include "commands/multi_key_commands.h"
#include "commands/object_commands.h"
#include "commands/pubsub_commands.h"
#include "commands/replication_commands.h"
#include "commands/scan_commands.h"
#include "commands/script_commands.h"
#include "commands/sentinel_commands.h"
#include "commands/server_commands.h"
#include "commands/set_algebra_commands.h"
#include "commands/set_commands.h"
#include "commands/sketch_bloom_commands.h"
#include "commands/sketch_count_commands.h"
#include "commands/sketch_cuckoo_commands.h"
#include "commands/sketch_digest_commands.h"
#include "commands/sketch_top_commands.h"
#include "commands/slow_log_commands.h"
#include "commands/sort_command.h"
#include "commands/sorted_set_add_commands.h"
#include "commands/sorted_set_aggregate_commands.h"
#include "commands/sorted_set_pop_commands.h"
#include "commands/sorted_set_range_commands.h"
#include "commands/sorted_set_read_commands.h"
#include "commands/sorted_set_remove_commands.h"
#include "commands/sorted_set_scan_commands.h"
#include "commands/stream_claim_commands.h"
#include "commands/stream_commands.h"
#include "commands/stream_group_commands.h"
#include "commands/stream_info_commands.h"
#include "commands/stream_read_commands.h"
#include "commands/string_commands.h"
#include "commands/string_number_commands.h"
#include "commands/table_build.h"
#include "types/string/number.h"

namespace stave::commands {

namespace {

constexpr auto kJoined = build::join(
    // clang-format off: one a line, so that two branches seldom touch the same
    kAclCommands,
    kBitfieldCommands,
    kBitmapCommands,
    kBlockingListCommands,
    kBlockingSortedSetCommands,
    kBloomCommands,
    kChangesCommands,
    kClientCommands,
    kCommandCommands,
    kCommandLogCommands,
    kConditionalCommands,
    kConfigCommands,
    kConnectionCommands,
    kCountMinCommands,
    kCuckooCommands,
    kDatabaseCommands,
    kDigestCommands,
    kDumpCommands,
    kDurabilityCommands,
    kExpiryCommands,
    kFunctionCommands,
    kGeoCommands,
    kGeoSearchCommands,
    kHashCommands,
    kHashExpiryCommands,
    kHashScanCommands,
    kHistoryCommands,
    kHotKeysCommands,
    kHyperLogLogCommands,
    kIncrexCommands,
    kInfoCommands,
    kKeysCommands,
    kLatencyCommands,
    kLcsCommands,
    kLifeCommands,
    kListCommands,
    kListMoveCommands,
    kMemoryCommands,
    kModuleCommands,
    kMonitorCommands,
    kMoveCommands,
    kMultiCommands,
    kMultiKeyCommands,
    kObjectCommands,
    kPubSubCommands,
    kReplicationCommands,
    kScanCommands,
    kScriptCommands,
    kSentinelCommands,
    kServerCommands,
    kSetAlgebraCommands,
    kSetCommands,
    kSlowLogCommands,
    kSortCommands,
    kSortedSetAddCommands,
    kSortedSetAggregateCommands,
    kSortedSetPopCommands,
    kSortedSetRangeCommands,
    kSortedSetReadCommands,
    kSortedSetRemoveCommands,
    kSortedSetScanCommands,
    kStreamClaimCommands,
    kStreamCommands,
    kStreamGroupCommands,
    kStreamInfoCommands,
    kStreamReadCommands,
    kStringCommands,
    kStringNumberCommands,
    kTopCommands);
// clang-format on
static_assert(build::well_formed(kJoined));

// Subcommands lie one after another, so that every row of the table has a number.
constexpr auto kSubcommands = [] {
  std::array<Command, build::count_subcommands(kJoined)> all{};
  std::size_t at = 0;
  for (const Command& row : kJoined)
    for (const Command& sub : row.subcommands) all[at++] = sub;
  return all;
}();

constexpr auto kCommands = [] {
  auto all = kJoined;
  std::size_t at = 0;
  for (Command& row : all) {
    const std::size_t count = row.subcommands.size();
    row.subcommands = std::span<const Command>(kSubcommands).subspan(at, count);
    at += count;
  }
  return all;
}();
static_assert(build::count_subcommands(kCommands) == kSubcommands.size());
static_assert(std::ranges::is_sorted(kCommands, {}, &Command::name));
static_assert(std::ranges::all_of(kCommands, [](const Command& row) { return row.name.size() <= build::kNameMax; }),
              "a longer name would never be found");

constexpr auto kHash = build::make_hash(kCommands);

bool is_command(const Command& row) noexcept {
  const std::less<> before;
  return !before(&row, kCommands.data()) && before(&row, kCommands.data() + kCommands.size());
}

}  // namespace

std::span<const Command> command_table() noexcept {
  return kCommands;
}

const Command* find_command(std::string_view name) noexcept {
  if (name.empty() || name.size() > build::kNameMax) return nullptr;
  const build::PackedName packed = build::pack(name);
  const std::uint16_t row = kHash.row_of(packed);
  if (row == build::kNoRow || kHash.names[row] != packed) return nullptr;
  if (name.size() > build::kWholeNameMax && !same_word(kCommands[row].name, name)) [[unlikely]]
    return nullptr;
  return &kCommands[row];
}

const Command* find_subcommand(const Command& container, std::string_view name) noexcept {
  for (const Command& sub : container.subcommands)
    if (same_word(sub.name, name)) return &sub;
  return nullptr;
}

std::size_t row_count() noexcept {
  return kCommands.size() + kSubcommands.size();
}

std::size_t row_index(const Command& row) noexcept {
  if (is_command(row)) return static_cast<std::size_t>(&row - kCommands.data());
  const auto index = static_cast<std::size_t>(&row - kSubcommands.data());
  STAVE_ASSERT(index < kSubcommands.size());
  return kCommands.size() + index;
}

const Command* container_of(const Command& row) noexcept {
  if (is_command(row)) return nullptr;
  const std::less_equal<> not_after;
  const std::less<> before;
  for (const Command& container : kCommands) {
    const auto subs = container.subcommands;
    if (!subs.empty() && not_after(subs.data(), &row) && before(&row, subs.data() + subs.size())) return &container;
  }
  return nullptr;
}

std::string full_name(const Command& row) {
  const Command* container = container_of(row);
  if (container == nullptr) return lower(row.name);
  return lower(container->name) + "|" + lower(row.name);
}

const Command* find_row(std::span<const std::string_view> arguments) noexcept {
  if (arguments.empty()) return nullptr;
  const Command* row = find_command(arguments[0]);
  if (row == nullptr || row->subcommands.empty()) return row;
  if (arguments.size() == 1) return row->run == nullptr ? nullptr : row;
  return find_subcommand(*row, arguments[1]);
}

std::size_t counted_keys(const Command& row, std::span<const std::string_view> arguments) noexcept {
  STAVE_ASSERT(row.keys.count_at > 0);
  const auto at = static_cast<std::size_t>(row.keys.count_at);
  STAVE_ASSERT(at < arguments.size());
  const auto count = types::parse_unsigned(arguments[at]);
  const std::size_t most = (arguments.size() - at - 1) / static_cast<std::size_t>(row.keys.count_step);
  return count && *count <= most ? static_cast<std::size_t>(*count) : 0;
}

StreamKeys stream_keys(const Command& row, std::span<const std::string_view> arguments) noexcept {
  for (auto i = static_cast<std::size_t>(row.keys.word_from); i < arguments.size(); ++i) {
    if (!same_word(arguments[i], "STREAMS")) continue;
    const std::size_t left = arguments.size() - i - 1;
    return {.first = i + 1, .count = left / 2};
  }
  return {};
}

std::vector<std::size_t> key_positions(const Command& row, std::span<const std::string_view> arguments) {
  std::vector<std::size_t> positions;
  visit_keys(row, arguments, [&](std::size_t i) { positions.push_back(i); });
  STAVE_ASSERT(positions.empty() || positions.back() < arguments.size());
  return positions;
}

std::vector<std::string_view> access_categories(const Command& row) {
  std::vector<std::string_view> names;
  const std::uint32_t mask = categories_of(row);
  const auto all = category_names();
  for (std::size_t i = 0; i < all.size(); ++i)
    if ((mask >> i & 1) != 0) names.push_back(all[i]);
  return names;
}

std::vector<std::string_view> flag_names(const Command& row) {
  struct Name {
    std::uint32_t flag;
    std::string_view name;
  };
  static constexpr Name kNames[] = {
      {kWrite, "write"},       {kReadOnly, "readonly"}, {kGrows, "denyoom"},           {kAdmin, "admin"},
      {kNoScript, "noscript"}, {kBlocking, "blocking"}, {kLoading, "loading"},         {kStale, "stale"},
      {kFast, "fast"},         {kNoAuth, "no_auth"},    {kMovableKeys, "movablekeys"}, {kPubSub, "pubsub"},
  };
  std::vector<std::string_view> names;
  for (const Name& name : kNames)
    if ((row.flags & name.flag) != 0) names.push_back(name.name);
  return names;
}

}  // namespace stave::commands
