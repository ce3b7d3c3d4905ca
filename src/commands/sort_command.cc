#include "commands/sort_command.h"

#include <algorithm>
#include <array>
#include <optional>
#include <ranges>
#include <string>
#include <vector>

#include "base/try.h"
#include "commands/access.h"
#include "commands/arguments.h"
#include "commands/collection.h"
#include "commands/list_elements.h"
#include "commands/notices/notices.h"
#include "commands/sort_order.h"
#include "commands/sort_pattern.h"
#include "store/transact.h"

namespace stave::commands {

using store::KeyRef;
using store::List;
using store::ValueType;
using store::ValueView;

namespace {

/// What a call asks for.
struct Plan {
  SortOrder order;
  bool sorts = true;  ///< Else the elements come in the order they have.
  std::optional<SortPattern> by;
  std::vector<SortPattern> get;
  std::optional<KeyRef> store;
};

/// Which keys a pattern names is known only once it runs: who may not read all of them may not use one.
Result<void> check_access(Call& call, std::string_view option) {
  const Command* const row = find_row(call.arguments());
  STAVE_ASSERT(row != nullptr);
  if (is_allowed_every_key(call.session(), *row, call.arguments(), true, false)) return {};
  return answer_error("ERR " + std::string(option) + " option of SORT denied due to insufficient ACL permissions.");
}

Result<Plan> parse_sort(Call& call, bool may_store) {
  Plan plan;
  for (std::size_t i = 2; i < call.size(); ++i) {
    const std::size_t more = call.size() - i - 1;
    if (call.is(i, "ASC")) {
      plan.order.descending = false;
    } else if (call.is(i, "DESC")) {
      plan.order.descending = true;
    } else if (call.is(i, "ALPHA")) {
      plan.order.by_text = true;
    } else if (call.is(i, "LIMIT") && more >= 2) {
      STAVE_ASSIGN(plan.order.offset, integer_argument(call, i + 1));
      STAVE_ASSIGN(plan.order.count, integer_argument(call, i + 2));
      i += 2;
    } else if (may_store && call.is(i, "STORE") && more >= 1) {
      plan.store = call.key(++i);
    } else if (call.is(i, "BY") && more >= 1) {
      plan.by.emplace(call[++i]);
      if (plan.by->is_constant()) {
        plan.sorts = false;
      } else {
        STAVE_TRY(check_access(call, "BY"));
      }
    } else if (call.is(i, "GET") && more >= 1) {
      plan.get.emplace_back(call[++i]);
      if (plan.get.back().looks_up()) STAVE_TRY(check_access(call, "GET"));
    } else {
      return syntax_error();
    }
  }
  return plan;
}

/// Shows several keys at one instant, as `read_many` does, but perhaps within a transaction. `Form::kRoot`: strings in
/// pages by their roots, for none is wanted.
using Show = base::FunctionRef<void(std::size_t, const ValueView*)>;
enum class Form : bool { kWhole, kRoot };
using Look = base::FunctionRef<Result<void>(std::span<const KeyRef>, Form, Show)>;

store::Access form_of(store::Access access, Form form) noexcept {
  return form == Form::kRoot ? store::as_root(access) : access;
}

/// A key that was looked at.
struct SeenKey {
  KeyRef key;
  std::optional<Lsn> version;  ///< nullopt: it was not there.
};

/// Everything that the answer depends on, as of one instant.
struct SortInput {
  TakenElements elements;
  ValueType type = ValueType::kList;
  std::string names;          ///< Of the keys that were made of the elements.
  std::vector<SeenKey> seen;  ///< The source first.
  /// What was found by the patterns that look something up, element by element: first BY's, then those of GET.
  std::vector<std::optional<std::string>> found;
};

std::vector<const SortPattern*> lookups(const Plan& plan) {
  std::vector<const SortPattern*> all;
  if (plan.sorts && plan.by) all.push_back(&*plan.by);
  for (const SortPattern& pattern : plan.get)
    if (pattern.looks_up()) all.push_back(&pattern);
  return all;
}

std::optional<Lsn> version_of(const ValueView* held) {
  return held != nullptr ? std::optional(held->version) : std::nullopt;
}

/// What is to be sorted, held without its key's lock. One of them at most is there.
struct SortSource {
  Copied<List> list;
  Copied<store::Set> set;
  Copied<store::SortedSet> sorted_set;

  /// `within`: where it was found, if that is a transaction; without one it has no pages. Errors: WRONGTYPE, those of
  /// reading pages.
  Result<void> take(const ValueView& held, store::Transaction* within) {
    switch (held.type) {
      case ValueType::kList: return take(held, within, list);
      case ValueType::kSet: return take(held, within, set);
      case ValueType::kSortedSet: return take(held, within, sorted_set);
      default: return wrong_type();
    }
  }
  template <class Kept>
  static Result<void> take(const ValueView& held, store::Transaction* within, Kept& kept) {
    if (held.paged) return kept.take(*within, held.value);
    kept.take(held, UnixMs{0});
    return {};
  }
  /// All elements in the order that they have.
  void visit(types::list::Reader::Visit visit) const {
    list.or_empty().visit(0, list.or_empty().size(), visit);
    set.or_empty().visit(visit);
    const auto member = [&](const types::sorted_set::Element& element) { return visit(element.member); };
    sorted_set.or_empty().visit(0, sorted_set.or_empty().size(), member);
  }
};

/// What a pattern finds in a key; another type than it is about is nothing. `within`: as of Source::take.
std::optional<std::string> look_up(const SortPattern& pattern, const ValueView* held, store::Transaction* within,
                                   UnixMs now) {
  if (held == nullptr) return std::nullopt;
  if (pattern.field().empty())
    return held->type == ValueType::kString ? std::optional<std::string>(held->value) : std::nullopt;
  const auto hash =
      within != nullptr ? store::Opened<store::Hash>::open(*within, held) : store::Opened<store::Hash>::open(held, now);
  if (!hash) return std::nullopt;
  const auto value = hash->reader().find(pattern.field());
  return value ? std::optional<std::string>(value->view()) : std::nullopt;
}

void add_names(const std::vector<const SortPattern*>& patterns, int database, SortInput& gathered) {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < gathered.elements.size(); ++i)
    for (const SortPattern* pattern : patterns) bytes += pattern->key_size(gathered.elements[i]);
  gathered.names.reserve(bytes);  // so that the names stay where they are
  for (std::size_t i = 0; i < gathered.elements.size(); ++i) {
    for (const SortPattern* pattern : patterns) {
      const std::size_t at = gathered.names.size();
      pattern->append_key(gathered.names, gathered.elements[i]);
      gathered.seen.push_back({{database, std::string_view(gathered.names).substr(at)}, {}});
    }
  }
}

/// The elements first, for the other keys' names are made of them; then all at once. False: the source was changed in
/// between, or something is kept in pages, which takes a transaction (`within`) to look at. Errors: WRONGTYPE, those of
/// `look`, those of reading pages.
Result<bool> gather(const Plan& plan, KeyRef source, Look look, UnixMs now, store::Transaction* within,
                    SortInput& gathered) {
  gathered = SortInput();
  gathered.seen.push_back({source, {}});
  SortSource kept;
  Result<void> taken;
  bool out_of_reach = false;
  const auto show_source = [&](std::size_t, const ValueView* held) {
    gathered.seen[0].version = version_of(held);
    if (held == nullptr) return;
    gathered.type = held->type;
    out_of_reach = held->paged && held->type != ValueType::kString && within == nullptr;
    if (!out_of_reach) taken = kept.take(*held, within);
  };
  STAVE_TRY(look(std::span(&source, 1), Form::kRoot, show_source));
  if (!taken) return fail(std::move(taken).error());
  if (out_of_reach) return false;
  const auto add = [&](std::string_view element) {
    gathered.elements.add(element);
    return true;
  };
  kept.visit(add);
  const auto patterns = lookups(plan);
  if (patterns.empty() || gathered.elements.size() == 0) return true;
  add_names(patterns, source.database, gathered);
  std::vector<KeyRef> keys;
  keys.reserve(gathered.seen.size());
  for (const SeenKey& seen : gathered.seen) keys.push_back(seen.key);
  gathered.found.resize(keys.size() - 1);
  bool same = true;
  const auto show = [&](std::size_t i, const ValueView* held) {
    if (i == 0) {
      same = version_of(held) == gathered.seen[0].version;
    } else if (same) {
      gathered.seen[i].version = version_of(held);
      const SortPattern& pattern = *patterns[(i - 1) % patterns.size()];
      if (held != nullptr && held->paged && within == nullptr) {
        out_of_reach = true;
      } else {
        gathered.found[i - 1] = look_up(pattern, held, within, now);
      }
    }
  };
  STAVE_TRY(look(keys, Form::kWhole, show));
  return same && !out_of_reach;
}

/// The answer, or what is stored; null where nothing was found.
using Rows = std::vector<std::optional<std::string_view>>;

/// The numbers of the elements that are asked for, in order. Errors: a weight is no number.
Result<std::vector<std::size_t>> in_order(const Plan& plan, const SortInput& gathered, std::size_t patterns) {
  const std::size_t size = gathered.elements.size();
  SortOrder order = plan.order;
  // A set has no order of its own that could be stored.
  const bool forced = !plan.sorts && gathered.type == ValueType::kSet && plan.store;
  if (!plan.sorts && !forced) {
    const SortedPart part = part_of(order, size);
    std::vector<std::size_t> numbers;
    numbers.reserve(part.to - part.from);
    const bool backwards = order.descending && gathered.type != ValueType::kSet;
    for (std::size_t i = part.from; i < part.to; ++i) numbers.push_back(backwards ? size - 1 - i : i);
    return numbers;
  }
  if (forced) order.by_text = true;
  std::vector<Sortable> all(size);
  for (std::size_t i = 0; i < size; ++i) {
    const std::string_view element = gathered.elements[i];
    all[i] = {element, element};
    if (plan.sorts && plan.by) all[i].weight = gathered.found[i * patterns];
  }
  auto numbers = sorted(all, order);
  if (!numbers) return answer_error("ERR One or more scores can't be converted into double");
  return std::move(*numbers);
}

Result<Rows> make_rows(const Plan& plan, const SortInput& gathered) {
  const std::size_t patterns = lookups(plan).size();
  STAVE_ASSIGN(const std::vector<std::size_t> numbers, in_order(plan, gathered, patterns));
  Rows rows;
  rows.reserve(numbers.size() * std::max<std::size_t>(plan.get.size(), 1));
  for (const std::size_t number : numbers) {
    const std::string_view element = gathered.elements[number];
    if (plan.get.empty()) rows.emplace_back(element);
    std::size_t at = number * patterns + (plan.sorts && plan.by ? 1 : 0);
    for (const SortPattern& pattern : plan.get) {
      if (pattern.is_element()) {
        rows.emplace_back(element);
      } else if (pattern.is_constant()) {
        rows.emplace_back(std::nullopt);
      } else {
        rows.emplace_back(gathered.found[at++]);
      }
    }
  }
  return rows;
}

/// Gives the target its list; nothing found is stored as an empty text. Errors: too many elements, those of `put`.
template <class Within>
Result<void> put_rows(Within& within, KeyRef target, const Rows& rows) {
  List::Compact list;
  STAVE_TRY(check_room(list, rows.size()));
  std::vector<std::string_view> elements;
  elements.reserve(rows.size());
  for (const auto& row : rows) elements.push_back(row.value_or(std::string_view{}));
  list.insert(0, elements, types::list::Order::kGiven);
  return store::put_collection<List>(within, target, list);
}

/// Stores the rows if everything that they depend on is as it was. False: it is not. Errors: those of a write.
Result<bool> store_if_unchanged(Call& call, KeyRef target, const SortInput& gathered, const Rows& rows) {
  std::vector<KeyRef> keys = {target};
  for (const SeenKey& seen : gathered.seen) keys.push_back(seen.key);
  Part part(call.session(), keys);
  for (const SeenKey& seen : gathered.seen) {
    const auto held = part.find(seen.key, store::Access::kMeta);
    if (version_of(held ? &*held : nullptr) != seen.version) return false;
  }
  STAVE_TRY(put_rows(part, target, rows));
  STAVE_TRY(call.commit(part));
  return true;
}

/// From the first look to the last change within a transaction.
Result<void> sort_within(store::Transaction& transaction, KeyRef source, const Plan& plan, SortInput& gathered,
                         Rows& rows) {
  const auto look = [&](std::span<const KeyRef> looked_at, Form form, Show show) -> Result<void> {
    for (std::size_t i = 0; i < looked_at.size(); ++i) {
      const auto held = transaction.find(looked_at[i], form_of(store::Access::kPeek, form));
      show(i, held ? &*held : nullptr);
    }
    return {};
  };
  STAVE_TRY(gather(plan, source, look, transaction.now(), &transaction, gathered));
  STAVE_ASSIGN(rows, make_rows(plan, gathered));
  if (plan.store) return put_rows(transaction, *plan.store, rows);
  return {};
}

/// With all its keys locked, however long that takes.
Result<void> sort_locked(Call& call, const Plan& plan, SortInput& gathered, Rows& rows) {
  std::vector<KeyRef> keys = {call.key(1)};
  if (plan.store) keys.push_back(*plan.store);
  const auto work = [&](store::Transaction& transaction) -> Result<void> {
    STAVE_TRY(sort_within(transaction, keys[0], plan, gathered, rows));
    explain_call(transaction, call.session(), call.arguments());
    return {};
  };
  store::Pending observed;
  const auto pending = store::transact(call.engine(), keys, work, call.session().sync(), observed);
  call.wait_for(observed);
  if (!pending) return fail(pending.error().clone());
  if (plan.store) {
    call.wait_for_write(*pending);
  } else {
    call.wait_for(*pending);
  }
  return {};
}

// Sorting takes long, and is done while nothing is locked, if the keys stay as they are meanwhile.
Result<void> sort(Call& call, bool may_store) {
  STAVE_ASSIGN(const Plan plan, parse_sort(call, may_store));
  const auto look = [&](std::span<const KeyRef> keys, Form form, Show show) -> Result<void> {
    return call.wait_for(call.read_many(keys, form_of(call.session().read_access(), form), show));
  };
  constexpr int kTries = 3;
  SortInput gathered;
  Rows rows;
  bool done = false;
  if (store::Transaction* const shared = call.session().shared) {
    STAVE_TRY(sort_within(*shared, call.key(1), plan, gathered, rows));
    done = true;
  }
  for (int i = 0; i < kTries && !done; ++i) {
    STAVE_ASSIGN(done, gather(plan, call.key(1), look, call.now(), nullptr, gathered));
    if (!done) continue;
    STAVE_ASSIGN(rows, make_rows(plan, gathered));
    if (plan.store) {
      STAVE_ASSIGN(done, store_if_unchanged(call, *plan.store, gathered, rows));
    }
  }
  if (!done) STAVE_TRY(sort_locked(call, plan, gathered, rows));
  Sink& reply = call.reply();
  if (plan.store) {
    reply.integer(static_cast<std::int64_t>(rows.size()));
    return {};
  }
  reply.array(rows.size());
  for (const auto& row : rows) {
    if (row) {
      reply.bulk(*row);
    } else {
      reply.null();
    }
  }
  return {};
}

}  // namespace

Result<void> sort_command(Call& call) {
  return sort(call, true);
}
Result<void> sort_ro_command(Call& call) {
  return sort(call, false);
}

}  // namespace stave::commands
