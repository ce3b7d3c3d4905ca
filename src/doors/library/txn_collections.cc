// Hashes, lists, sets and sorted sets within a transaction of the caller's.
#include <array>

#include "doors/library/collections.h"
#include "doors/library/txn.h"

namespace stave::library {

using store::Access;
using store::Hash;
using store::List;
using store::Set;
using store::SortedSet;
using HashReader = types::hash::Reader;
using HashEditor = types::hash::Editor;
using ListReader = types::list::Reader;
using ListEditor = types::list::Editor;
using SetReader = types::set::Reader;
using SetEditor = types::set::Editor;
using SortedSetReader = types::sorted_set::Reader;
using SortedSetEditor = types::sorted_set::Editor;

template <class Type>
Result<store::Opened<Type>> Inside::open(std::string_view key, Access access) {
  STAVE_TRY(check_key_size(key.size()));
  const auto held = transaction_.find(keys_[key], store::as_root(access));
  STAVE_TRY(still_good());
  return store::Opened<Type>::open(transaction_, held ? &*held : nullptr);
}

template <class Type, class Ask>
auto Inside::look(std::string_view key, Ask&& ask) {
  using Answer = std::invoke_result_t<Ask, const typename Type::Reader&>;
  const auto guarded = [&]() -> Result<Answer> {
    STAVE_ASSIGN(const auto opened, open<Type>(key, Access::kTouch));
    Answer said = ask(opened.reader());
    STAVE_TRY(opened.whole());
    return said;
  };
  return guarded();
}

template <class Type, class Edit>
auto Inside::change(std::string_view key, Edit&& edit) {
  using Done = std::invoke_result_t<Edit, typename Type::Editor&>;
  const auto guarded = [&]() -> Result<Done> {
    STAVE_ASSIGN(auto opened, open<Type>(key, Access::kPeek));
    Done done = edit(opened.editor());
    STAVE_TRY(store::keep_collection(transaction_, keys_[key], opened));
    STAVE_TRY(still_good());
    return done;
  };
  return guarded();
}

Result<void> Inside::check_elements(std::string_view key, std::span<const std::string_view> elements) const {
  for (const std::string_view element : elements) {
    STAVE_TRY(check_element_size(element.size()));
    STAVE_TRY(engine_.check_limits(key, element.size()));
  }
  return {};
}

// --- hashes -------------------------------------------------------------------------------------

Result<bool> Inside::hash_set(std::string_view key, std::string_view field, std::string_view value) {
  STAVE_TRY(check_elements(key, std::array{field, value}));
  return change<Hash>(key, [&](HashEditor& hash) { return hash.set(field, value); });
}

Result<std::optional<std::string>> Inside::hash_get(std::string_view key, std::string_view field) {
  STAVE_TRY(check_element_size(field.size()));
  return look<Hash>(key, [&](const HashReader& hash) { return get_field(hash, field); });
}

Result<std::vector<HashField>> Inside::hash_get_all(std::string_view key) {
  return look<Hash>(key, all_fields);
}

Result<bool> Inside::hash_remove(std::string_view key, std::string_view field) {
  STAVE_TRY(check_element_size(field.size()));
  return change<Hash>(key, [&](HashEditor& hash) { return hash.remove(field); });
}

Result<std::uint64_t> Inside::hash_size(std::string_view key) {
  return look<Hash>(key, [](const HashReader& hash) { return hash.size(); });
}

// --- lists --------------------------------------------------------------------------------------

Result<std::uint64_t> Inside::list_push(std::string_view key, ListEnd end, std::string_view element) {
  STAVE_TRY(check_elements(key, std::span(&element, 1)));
  return change<List>(key, [&](ListEditor& list) { return push(list, end, element); });
}

Result<std::optional<std::string>> Inside::list_pop(std::string_view key, ListEnd end) {
  return change<List>(key, [&](ListEditor& list) { return pop(list, end); });
}

Result<std::vector<std::string>> Inside::list_range(std::string_view key, std::int64_t from, std::int64_t to) {
  return look<List>(key, [&](const ListReader& list) { return list_places(list, from, to); });
}

Result<std::uint64_t> Inside::list_size(std::string_view key) {
  return look<List>(key, [](const ListReader& list) { return list.size(); });
}

// --- sets ---------------------------------------------------------------------------------------

Result<bool> Inside::set_add(std::string_view key, std::string_view member) {
  STAVE_TRY(check_elements(key, std::span(&member, 1)));
  return change<Set>(key, [&](SetEditor& set) { return set.add(member); });
}

Result<bool> Inside::set_remove(std::string_view key, std::string_view member) {
  STAVE_TRY(check_element_size(member.size()));
  return change<Set>(key, [&](SetEditor& set) { return set.remove(member); });
}

Result<bool> Inside::set_contains(std::string_view key, std::string_view member) {
  STAVE_TRY(check_element_size(member.size()));
  return look<Set>(key, [&](const SetReader& set) { return set.contains(member); });
}

Result<std::vector<std::string>> Inside::set_members(std::string_view key) {
  return look<Set>(key, all_members);
}

Result<std::uint64_t> Inside::set_size(std::string_view key) {
  return look<Set>(key, [](const SetReader& set) { return set.size(); });
}

// --- sorted sets --------------------------------------------------------------------------------

Result<bool> Inside::sorted_set_add(std::string_view key, std::string_view member, double score) {
  STAVE_TRY(check_score(score));
  STAVE_TRY(check_elements(key, std::span(&member, 1)));
  return change<SortedSet>(key, [&](SortedSetEditor& set) { return set.set(member, score); });
}

Result<bool> Inside::sorted_set_remove(std::string_view key, std::string_view member) {
  STAVE_TRY(check_element_size(member.size()));
  return change<SortedSet>(key, [&](SortedSetEditor& set) { return set.remove(member); });
}

Result<std::optional<double>> Inside::sorted_set_score(std::string_view key, std::string_view member) {
  STAVE_TRY(check_element_size(member.size()));
  return look<SortedSet>(key, [&](const SortedSetReader& set) { return set.score(member); });
}

Result<std::optional<std::uint64_t>> Inside::sorted_set_rank(std::string_view key, std::string_view member,
                                                             Order order) {
  STAVE_TRY(check_element_size(member.size()));
  return look<SortedSet>(key, [&](const SortedSetReader& set) { return rank_of(set, member, order); });
}

Result<std::vector<ScoredMember>> Inside::sorted_set_range(std::string_view key, std::int64_t from, std::int64_t to,
                                                           Order order) {
  return look<SortedSet>(key, [&](const SortedSetReader& set) { return ranks(set, from, to, order); });
}

Result<std::vector<ScoredMember>> Inside::sorted_set_range_by_score(std::string_view key, const ScoreRange& range,
                                                                    std::uint64_t count_max, Order order) {
  STAVE_TRY(check_score(range.min));
  STAVE_TRY(check_score(range.max));
  return look<SortedSet>(key, [&](const SortedSetReader& set) { return scores(set, range, count_max, order); });
}

Result<std::uint64_t> Inside::sorted_set_size(std::string_view key) {
  return look<SortedSet>(key, [](const SortedSetReader& set) { return set.size(); });
}

}  // namespace stave::library
