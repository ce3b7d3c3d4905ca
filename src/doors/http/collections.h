// What the handlers of hashes, lists, sets and sorted sets share: a key's collection read, drafted as JSON, and changed
// under preconditions.
//
// A collection is read as a copy of one instant, so no lock is held while an answer is made of it; an answer of many
// elements is made on another thread. Must not know: what an element means.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <variant>

#include "base/try.h"
#include "commands/collection.h"
#include "doors/http/document.h"
#include "doors/http/draft.h"
#include "doors/http/values.h"
#include "store/collection.h"

namespace stave::http {

/// A key's collection as it was at one instant, of whichever type it is.
class CopiedCollection {
 public:
  /// `held`: what the key holds, which is no string. In constant time for a large one: it may be under the key's lock.
  void take(const store::ValueView& held, UnixMs now);
  /// The same in a transaction, also of a collection of pages, which are copied. Errors: those of reading them.
  Result<void> take(store::Transaction& transaction, const store::ValueView& held);
  /// Null when it is of another type.
  template <class Type>
  [[nodiscard]] const typename Type::Reader* as() const noexcept {
    const auto* const copy = std::get_if<commands::Copied<Type>>(&copy_);
    return copy == nullptr ? nullptr : &copy->or_empty();
  }
  /// About how much work it is to look at all of it.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  std::variant<std::monostate, commands::Copied<store::Hash>, commands::Copied<store::List>,
               commands::Copied<store::Set>, commands::Copied<store::SortedSet>, commands::Copied<store::Sketch>,
               commands::Copied<store::Stream>>
      copy_;
  std::size_t bytes_ = 0;
};
using Collection = std::shared_ptr<const CopiedCollection>;

/// What answers a reading: `described` has the headers that every answer about the key has, and what it waits for.
using ShowCollection = std::function<Response(const Collection& collection, Response described)>;
/// Reads the collection of the exchange's key, wherever it is, and has it shown, perhaps later: `show` must own what it
/// needs. What the preconditions say (304, 412), an absent key (404) and one of another type (409) are answered here.
Response read_collection(const Exchange& exchange, store::ValueType wanted, ShowCollection show);

/// Writes the JSON of an answer, and may add to its headers; a problem is the answer instead.
using WriteCollection =
    std::function<std::optional<Problem>(const CopiedCollection& collection, Draft& out, Response& described)>;
/// Answers with JSON that `write` drafts: on another thread when the collection is large.
Response draft_collection(store::Engine& engine, std::uint64_t bytes_max, const Collection& collection,
                          Response described, WriteCollection write);
/// The two together.
Response read_as_json(const Exchange& exchange, store::ValueType wanted, WriteCollection write);

struct PageWish {
  std::uint64_t cursor = 0;
  std::size_t limit = 0;  ///< 0: all.
};
/// A whole collection, or a page of it, as JSON: an object of a hash's fields, an array of anything else's elements; of
/// a sketch an object that says which it is and how large. The next cursor becomes a header. Problems: a field's name
/// that is not UTF-8.
std::optional<Problem> draft_document(const CopiedCollection& collection, const PageWish& page, Draft& out,
                                      Response& described);

/// `what`: "field". The key may be there.
Problem no_such_element(std::string_view what);

// --- a page of elements -----------------------------------------------------------------------

/// `initial`: the limit when none is named; 0: all.
Outcomes<PageWish> page_wish(const Exchange& exchange, std::size_t initial);
inline constexpr std::size_t kElementsInitial = 100;

/// The elements of a list from the cursor on, as strings with commas between them. Returns the next cursor, 0 at the
/// end.
std::uint64_t draft_list(const types::list::Reader& list, const PageWish& page, Draft& out);
/// The members of a set, likewise.
std::uint64_t draft_set(const types::set::Reader& set, const PageWish& page, Draft& out);
/// The members of a sorted set as pairs; the cursor is a rank.
std::uint64_t draft_ranks(const types::sorted_set::Reader& set, const PageWish& page, Draft& out);
/// The entries of a stream; the cursor counts those before the page.
std::uint64_t draft_stream(const types::stream::Reader& stream, const PageWish& page, Draft& out);
/// `["member", 1.5]`
void draft_pair(const types::sorted_set::Element& element, Draft& out);
/// A score in JSON, which has no infinities: they are the strings "inf" and "-inf".
std::string score_json(double score);
/// `,"cursor":"12"}`, or null, and a line's end.
void draft_cursor(std::uint64_t cursor, Draft& out);

// --- elements that are sent -------------------------------------------------------------------

/// A string, a number or a boolean as its text; `{"base64": "…"}` as what it stands for. nullopt: anything else.
std::optional<std::string> element_of(const boost::json::value& value);
/// All of an array. `name`: for the problem.
Outcomes<std::vector<std::string>> elements_of(const boost::json::value& value, std::string_view name);
/// A number, or "inf" or "-inf".
std::optional<double> score_of(const boost::json::value& value);
/// The same as a parameter spells it.
std::optional<double> score_of(std::string_view text);

// --- changes ----------------------------------------------------------------------------------

struct CollectionChange {
  bool created = false;  ///< The key was not there.
  bool there = false;    ///< It is there now.
  Lsn version = kNoLsn;
  store::Pending pending;
};
/// The answer to a change that has nothing else to tell: `status`, and the key's version.
Response answer_change(int status, const CollectionChange& change);
/// `,"version":"123"}`, or null, and a line's end.
std::string version_end(const CollectionChange& change);

/// What a request that changes a key demands.
struct ChangeWish {
  Preconditions conditions;
  ExpiryWish expiry;  ///< Not given: the expiry stays.
};
Outcomes<ChangeWish> change_wish(const Exchange& exchange);
/// What is to be brought from the disk before the change; nullopt: nothing.
std::optional<Response> fetch_before_change(const Exchange& exchange);

/// Lets `edit(store::Opened<Type>&)`, which returns an optional problem, change the collection of the exchange's key,
/// which is empty when the key is absent; the key gets what became of it, at one instant, or nothing happens.
template <class Type, class Edit>
std::expected<CollectionChange, Refused> change_collection(const Exchange& exchange, const ChangeWish& wish,
                                                           Edit&& edit) {
  const store::KeyRef key = exchange.key_ref();
  store::Transaction transaction(exchange.engine(), key);
  const auto refuse = [&](Problem problem) {
    transaction.rollback();
    return std::unexpected(Refused{std::move(problem), transaction.observed()});
  };
  const auto held = transaction.find(key, store::Access::kPeekRoot);
  const Lsn version = held ? held->version : kNoLsn;
  if (wish.conditions.judge(version, false) != Preconditions::Verdict::kGoOn)
    return refuse(precondition_failed(wish.conditions, version));
  if (held && held->type != Type::kType) return refuse(wrong_type(held->type, Type::kType));
  if (held && !held->here) {
    // What cannot be read cannot be decided upon; the commit says why.
    if (auto lost = transaction.commit(exchange.sync); !lost) return refuse(problem_of(lost.error()));
  }
  auto opened = store::Opened<Type>::open(transaction, held ? &*held : nullptr);
  if (!opened) return refuse(problem_of(opened.error()));
  std::optional<Problem> problem = edit(*opened);
  if (const auto whole = opened->whole(); !whole) return refuse(problem_of(whole.error()));
  if (problem) return refuse(std::move(*problem));
  CollectionChange change{.created = !opened->existed(), .there = opened->reader().size() != 0, .version = version};
  if (auto kept = store::keep_collection(transaction, key, *opened); !kept) return refuse(problem_of(kept.error()));
  if (change.there && wish.expiry.given) {
    const auto now_held = store::find_with_expiry(transaction, key);
    auto set = now_held ? store::set_own_expiry(transaction, key, *now_held, wish.expiry.expiry)
                        : Result<void>(fail(ErrorCode::kNotFound, "no such key"));
    if (!set) return refuse(problem_of(set.error()));
    change.there = !wish.expiry.expiry.passed(transaction.now());
  }
  const bool changed = transaction.changed();
  auto pending = transaction.commit(exchange.sync);
  if (!pending) return refuse(problem_of(pending.error()));
  change.pending = *pending;
  if (changed) change.version = transaction.version();
  if (!change.there) change.version = kNoLsn;
  return change;
}

/// The whole of such a request: `answer(change)` when it was done.
template <class Type, class Edit, class Answer>
Response answer_changed(const Exchange& exchange, Edit&& edit, Answer&& answer) {
  const auto wish = change_wish(exchange);
  if (!wish) return answer_problem(wish.error());
  if (auto later = fetch_before_change(exchange)) return std::move(*later);
  auto done = change_collection<Type>(exchange, *wish, edit);
  if (!done) return answer_refused(std::move(done.error()));
  return answer(*done);
}

/// What a patch of several elements did.
struct Patched {
  std::uint64_t added = 0;
  std::uint64_t removed = 0;
  std::uint64_t size = 0;  ///< Of the collection now.
};
Response answer_patched(const Patched& patched, const CollectionChange& change);

}  // namespace stave::http
