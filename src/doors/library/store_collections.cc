// Hashes, lists, sets and sorted sets. One element is looked at under its key's lock; what reads all of them takes a
// copy first; changes are one step of the engine, or a short transaction where that cannot do it.
#include <array>
#include <utility>

#include "commands/collection.h"
#include "doors/library/collections.h"
#include "doors/library/store_impl.h"
#include "store/collection.h"

namespace stave {

using library::check_element_size;
using library::check_element_sizes;
using store::Hash;
using store::KeyRef;
using store::List;
using store::Opened;
using store::Pending;
using store::Set;
using store::SortedSet;
using store::Transaction;
using store::ValueView;

namespace {

using HashReader = types::hash::Reader;
using HashEditor = types::hash::Editor;
using ListReader = types::list::Reader;
using ListEditor = types::list::Editor;
using SetReader = types::set::Reader;
using SetEditor = types::set::Editor;
using SortedSetReader = types::sorted_set::Reader;
using SortedSetEditor = types::sorted_set::Editor;

}  // namespace

template <class Type, class Ask>
auto Store::Impl::look(std::string_view key, const ReadOptions& options, Ask&& ask) {
  using Answer = Result<std::invoke_result_t<Ask, const typename Type::Reader&>>;
  const auto guarded = [&]() -> Answer {
    STAVE_TRY(check_key(options.database, key));
    std::optional<Answer> answer;
    const KeyRef ref{options.database, key};
    Result<Pending> pending = engine->read(ref, store::Access::kTouchRoot, [&](const ValueView* held) {
      if (held != nullptr && held->type == Type::kType && held->paged) return;
      const auto opened = Opened<Type>::open(held, engine->now());
      answer = opened ? Answer(ask(opened->reader())) : Answer(std::unexpected(opened.error().clone()));
    });
    STAVE_TRY(settle(std::move(pending)));
    if (answer.has_value()) return std::move(*answer);
    const auto in_pages = [&](Transaction& transaction) -> Answer {
      STAVE_ASSIGN(const auto opened, store::open_collection<Type>(transaction, ref, store::Access::kTouch));
      Answer said = ask(opened.reader());
      STAVE_TRY(opened.whole());
      return said;
    };
    STAVE_ASSIGN(auto asked, transact(std::span(&ref, 1), Sync::kDefault, in_pages));
    return std::move(asked.value);
  };
  try {
    return guarded();
  } catch (const std::bad_alloc&) {
    return Answer(library::no_memory());
  }
}

template <class Type, class Ask>
auto Store::Impl::read(std::string_view key, const ReadOptions& options, Ask&& ask) {
  using Answer = Result<std::invoke_result_t<Ask, const typename Type::Reader&>>;
  const auto guarded = [&]() -> Answer {
    STAVE_TRY(check_key(options.database, key));
    commands::Copied<Type> copy;
    bool other = false;
    bool paged = false;
    const KeyRef ref{options.database, key};
    Result<Pending> pending = engine->read(ref, store::Access::kTouchRoot, [&](const ValueView* held) {
      if (held == nullptr) return;
      other = held->type != Type::kType;
      paged = !other && held->paged;
      if (!other && !paged) copy.take(*held, engine->now());
    });
    STAVE_TRY(settle(std::move(pending)));
    if (other) return fail(ErrorCode::kWrongType, "the key holds another type");
    if (!paged) return ask(copy.or_empty());
    const auto in_pages = [&](Transaction& transaction) -> Answer {
      STAVE_ASSIGN(const auto opened, store::open_collection<Type>(transaction, ref, store::Access::kTouch));
      Answer said = ask(opened.reader());
      STAVE_TRY(opened.whole());
      return said;
    };
    STAVE_ASSIGN(auto asked, transact(std::span(&ref, 1), Sync::kDefault, in_pages));
    return std::move(asked.value);
  };
  try {
    return guarded();
  } catch (const std::bad_alloc&) {
    return Answer(library::no_memory());
  }
}

namespace {

/// An edit takes the editor, or, when it adds many elements, what gives it one for each.
template <class Type, class Edit>
decltype(auto) edit_opened(Edit& edit, Opened<Type>& opened) {
  if constexpr (std::is_invocable_v<Edit&, Opened<Type>&>) {
    return edit(opened);
  } else {
    return edit(opened.editor());
  }
}

}  // namespace

template <class Type, class Edit>
auto Store::Impl::change(std::string_view key, const WriteOptions& options, Edit&& edit, std::size_t elements) {
  using Done = decltype(edit_opened<Type>(edit, std::declval<Opened<Type>&>()));
  const auto guarded = [&]() -> Result<Done> {
    STAVE_TRY(check_key(options.database, key));
    const KeyRef ref{options.database, key};
    std::optional<Opened<Type>> opened;
    std::optional<Done> done;
    bool in_pages = false;
    const auto decide = [&](const ValueView* held, UnixMs now) -> Result<store::Update> {
      in_pages = held != nullptr && held->type == Type::kType && held->paged;
      if (in_pages) return store::Update{};
      STAVE_ASSIGN(auto found, Opened<Type>::open(held, now));
      opened.emplace(std::move(found));
      done = edit_opened<Type>(edit, *opened);
      in_pages = opened->outgrown();
      return in_pages ? store::Update{} : opened->update();
    };
    // Many become pages on the way, for which there must be a transaction.
    if (elements <= kFewElements) {
      Pending pending;
      const auto updated = engine->update(ref, store::Access::kPeekRoot, decide, options.sync, pending);
      if (!updated || (*updated != store::Updated::kNot && !in_pages)) {
        // An error tells what it was decided by.
        STAVE_TRY(settle(pending));
        if (!updated) return std::unexpected(updated.error().clone());
        STAVE_ASSERT(done.has_value());
        return std::move(*done);
      }
    }
    STAVE_ASSIGN(auto committed,
                 transact(std::span(&ref, 1), options.sync, [&](Transaction& transaction) -> Result<Done> {
                   STAVE_ASSIGN(auto held, store::open_collection<Type>(transaction, ref));
                   Done result = edit_opened<Type>(edit, held);
                   STAVE_TRY(store::keep_collection(transaction, ref, held));
                   return result;
                 }));
    return std::move(committed.value);
  };
  try {
    return guarded();
  } catch (const std::bad_alloc&) {
    return Result<Done>(library::no_memory());
  }
}

Result<void> Store::Impl::check_elements(std::string_view key, std::span<const std::string_view> elements) const {
  for (const std::string_view element : elements) {
    STAVE_TRY(check_element_size(element.size()));
    STAVE_TRY(engine->check_limits(key, element.size()));
  }
  return {};
}

// --- hashes -------------------------------------------------------------------------------------

Result<bool> Store::hash_set(std::string_view key, std::string_view field, std::string_view value,
                             const WriteOptions& options) {
  STAVE_TRY(impl_->check_elements(key, std::array{field, value}));
  return impl_->change<Hash>(key, options, [&](HashEditor& hash) { return hash.set(field, value); });
}

Result<std::uint64_t> Store::hash_set(std::string_view key, std::span<const FieldValue> fields,
                                      const WriteOptions& options) {
  for (const auto& [field, value] : fields) STAVE_TRY(impl_->check_elements(key, std::array{field, value}));
  return impl_->change<Hash>(
      key, options,
      [&](Opened<Hash>& hash) {
        std::uint64_t added = 0;
        for (const auto& [field, value] : fields) added += hash.growing_editor().set(field, value) ? 1 : 0;
        return added;
      },
      fields.size());
}

Result<std::optional<std::string>> Store::hash_get(std::string_view key, std::string_view field,
                                                   const ReadOptions& options) {
  STAVE_TRY(check_element_size(field.size()));
  return impl_->look<Hash>(key, options, [&](const HashReader& hash) { return library::get_field(hash, field); });
}

Result<std::vector<HashField>> Store::hash_get_all(std::string_view key, const ReadOptions& options) {
  return impl_->read<Hash>(key, options, library::all_fields);
}

Result<bool> Store::hash_remove(std::string_view key, std::string_view field, const WriteOptions& options) {
  STAVE_TRY(check_element_size(field.size()));
  return impl_->change<Hash>(key, options, [&](HashEditor& hash) { return hash.remove(field); });
}

Result<std::uint64_t> Store::hash_remove(std::string_view key, std::span<const std::string_view> fields,
                                         const WriteOptions& options) {
  STAVE_TRY(check_element_sizes(fields));
  return impl_->change<Hash>(key, options, [&](HashEditor& hash) {
    std::uint64_t removed = 0;
    for (const std::string_view field : fields) removed += hash.remove(field) ? 1 : 0;
    return removed;
  });
}

Result<std::uint64_t> Store::hash_size(std::string_view key, const ReadOptions& options) {
  return impl_->look<Hash>(key, options, [](const HashReader& hash) { return hash.size(); });
}

// --- lists --------------------------------------------------------------------------------------

Result<std::uint64_t> Store::list_push(std::string_view key, ListEnd end, std::string_view element,
                                       const WriteOptions& options) {
  return list_push(key, end, std::span(&element, 1), options);
}

Result<std::uint64_t> Store::list_push(std::string_view key, ListEnd end, std::span<const std::string_view> elements,
                                       const WriteOptions& options) {
  STAVE_TRY(impl_->check_elements(key, elements));
  return impl_->change<List>(
      key, options,
      [&](Opened<List>& list) {
        for (const std::string_view element : elements) library::push(list.growing_editor(), end, element);
        return list.reader().size();
      },
      elements.size());
}

Result<std::optional<std::string>> Store::list_pop(std::string_view key, ListEnd end, const WriteOptions& options) {
  return impl_->change<List>(key, options, [&](ListEditor& list) { return library::pop(list, end); });
}

Result<std::vector<std::string>> Store::list_range(std::string_view key, std::int64_t from, std::int64_t to,
                                                   const ReadOptions& options) {
  return impl_->read<List>(key, options, [&](const ListReader& list) { return library::list_places(list, from, to); });
}

Result<std::uint64_t> Store::list_size(std::string_view key, const ReadOptions& options) {
  return impl_->look<List>(key, options, [](const ListReader& list) { return list.size(); });
}

// --- sets ---------------------------------------------------------------------------------------

Result<bool> Store::set_add(std::string_view key, std::string_view member, const WriteOptions& options) {
  STAVE_ASSIGN(const std::uint64_t added, set_add(key, std::span(&member, 1), options));
  return added != 0;
}

Result<std::uint64_t> Store::set_add(std::string_view key, std::span<const std::string_view> members,
                                     const WriteOptions& options) {
  STAVE_TRY(impl_->check_elements(key, members));
  return impl_->change<Set>(
      key, options,
      [&](Opened<Set>& set) {
        std::uint64_t added = 0;
        for (const std::string_view member : members) added += set.growing_editor().add(member) ? 1 : 0;
        return added;
      },
      members.size());
}

Result<bool> Store::set_remove(std::string_view key, std::string_view member, const WriteOptions& options) {
  STAVE_ASSIGN(const std::uint64_t removed, set_remove(key, std::span(&member, 1), options));
  return removed != 0;
}

Result<std::uint64_t> Store::set_remove(std::string_view key, std::span<const std::string_view> members,
                                        const WriteOptions& options) {
  STAVE_TRY(check_element_sizes(members));
  return impl_->change<Set>(key, options, [&](SetEditor& set) {
    std::uint64_t removed = 0;
    for (const std::string_view member : members) removed += set.remove(member) ? 1 : 0;
    return removed;
  });
}

Result<bool> Store::set_contains(std::string_view key, std::string_view member, const ReadOptions& options) {
  STAVE_TRY(check_element_size(member.size()));
  return impl_->look<Set>(key, options, [&](const SetReader& set) { return set.contains(member); });
}

Result<std::vector<std::string>> Store::set_members(std::string_view key, const ReadOptions& options) {
  return impl_->read<Set>(key, options, library::all_members);
}

Result<std::uint64_t> Store::set_size(std::string_view key, const ReadOptions& options) {
  return impl_->look<Set>(key, options, [](const SetReader& set) { return set.size(); });
}

// --- sorted sets --------------------------------------------------------------------------------

Result<bool> Store::sorted_set_add(std::string_view key, std::string_view member, double score,
                                   const WriteOptions& options) {
  const MemberScore one{member, score};
  STAVE_ASSIGN(const std::uint64_t added, sorted_set_add(key, std::span(&one, 1), options));
  return added != 0;
}

Result<std::uint64_t> Store::sorted_set_add(std::string_view key, std::span<const MemberScore> members,
                                            const WriteOptions& options) {
  for (const auto& [member, score] : members) {
    STAVE_TRY(impl_->check_elements(key, std::span(&member, 1)));
    STAVE_TRY(library::check_score(score));
  }
  return impl_->change<SortedSet>(
      key, options,
      [&](Opened<SortedSet>& set) {
        std::uint64_t added = 0;
        for (const auto& [member, score] : members) added += set.growing_editor().set(member, score) ? 1 : 0;
        return added;
      },
      members.size());
}

Result<bool> Store::sorted_set_remove(std::string_view key, std::string_view member, const WriteOptions& options) {
  STAVE_ASSIGN(const std::uint64_t removed, sorted_set_remove(key, std::span(&member, 1), options));
  return removed != 0;
}

Result<std::uint64_t> Store::sorted_set_remove(std::string_view key, std::span<const std::string_view> members,
                                               const WriteOptions& options) {
  STAVE_TRY(check_element_sizes(members));
  return impl_->change<SortedSet>(key, options, [&](SortedSetEditor& set) {
    std::uint64_t removed = 0;
    for (const std::string_view member : members) removed += set.remove(member) ? 1 : 0;
    return removed;
  });
}

Result<std::optional<double>> Store::sorted_set_score(std::string_view key, std::string_view member,
                                                      const ReadOptions& options) {
  STAVE_TRY(check_element_size(member.size()));
  return impl_->look<SortedSet>(key, options, [&](const SortedSetReader& set) { return set.score(member); });
}

Result<std::optional<std::uint64_t>> Store::sorted_set_rank(std::string_view key, std::string_view member, Order order,
                                                            const ReadOptions& options) {
  STAVE_TRY(check_element_size(member.size()));
  return impl_->look<SortedSet>(key, options,
                                [&](const SortedSetReader& set) { return library::rank_of(set, member, order); });
}

Result<std::vector<ScoredMember>> Store::sorted_set_range(std::string_view key, std::int64_t from, std::int64_t to,
                                                          Order order, const ReadOptions& options) {
  return impl_->read<SortedSet>(key, options,
                                [&](const SortedSetReader& set) { return library::ranks(set, from, to, order); });
}

Result<std::vector<ScoredMember>> Store::sorted_set_range_by_score(std::string_view key, const ScoreRange& range,
                                                                   std::uint64_t count_max, Order order,
                                                                   const ReadOptions& options) {
  STAVE_TRY(library::check_score(range.min));
  STAVE_TRY(library::check_score(range.max));
  return impl_->read<SortedSet>(
      key, options, [&](const SortedSetReader& set) { return library::scores(set, range, count_max, order); });
}

Result<std::uint64_t> Store::sorted_set_size(std::string_view key, const ReadOptions& options) {
  return impl_->look<SortedSet>(key, options, [](const SortedSetReader& set) { return set.size(); });
}

}  // namespace stave
