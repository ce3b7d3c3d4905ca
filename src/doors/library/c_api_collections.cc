// stave/stave.h: hashes, lists, sets and sorted sets.
#include "doors/library/c_api_collections.h"

#include "base/assert.h"
#include "base/try.h"

namespace stave::c_api {

static_assert(STAVE_FRONT == static_cast<int>(ListEnd::kFront));
static_assert(STAVE_BACK == static_cast<int>(ListEnd::kBack));
static_assert(STAVE_ASCENDING == static_cast<int>(Order::kAscending));
static_assert(STAVE_DESCENDING == static_cast<int>(Order::kDescending));

stave_element* elements_out(const std::vector<Shown>& shown) {
  if (shown.empty()) return nullptr;
  std::size_t size = shown.size() * sizeof(stave_element);
  for (const Shown& one : shown) size += one.bytes.size() + 1;
  auto* const all = static_cast<char*>(std::malloc(size));
  if (all == nullptr) throw std::bad_alloc();
  auto* const elements = reinterpret_cast<stave_element*>(all);
  char* to = all + shown.size() * sizeof(stave_element);
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const std::string_view bytes = shown[i].bytes;
    elements[i] = {.data = to, .size = bytes.size(), .score = shown[i].score};
    bytes.copy(to, bytes.size());
    to[bytes.size()] = '\0';
    to += bytes.size() + 1;
  }
  STAVE_ASSERT(to == all + size);
  return elements;
}

void hand_out(const std::vector<std::string>& elements, stave_element** to, std::size_t* count) {
  std::vector<Shown> shown;
  shown.reserve(elements.size());
  for (const std::string& element : elements) shown.push_back({.bytes = element});
  *to = elements_out(shown);
  *count = shown.size();
}

void hand_out(const std::vector<HashField>& fields, stave_element** to, std::size_t* count) {
  std::vector<Shown> shown;
  shown.reserve(2 * fields.size());
  for (const HashField& field : fields) {
    shown.push_back({.bytes = field.field});
    shown.push_back({.bytes = field.value});
  }
  *to = elements_out(shown);
  *count = shown.size();
}

void hand_out(const std::vector<ScoredMember>& members, stave_element** to, std::size_t* count) {
  std::vector<Shown> shown;
  shown.reserve(members.size());
  for (const ScoredMember& member : members) shown.push_back({.bytes = member.member, .score = member.score});
  *to = elements_out(shown);
  *count = shown.size();
}

Result<ListEnd> checked_end(int end) {
  if (end == STAVE_FRONT || end == STAVE_BACK) return static_cast<ListEnd>(end);
  return fail(ErrorCode::kInvalidArgument, "unknown end of a list");
}

Result<Order> checked_order(int order) {
  if (order == STAVE_ASCENDING || order == STAVE_DESCENDING) return static_cast<Order>(order);
  return fail(ErrorCode::kInvalidArgument, "unknown order");
}

Result<ScoreRange> checked_range(double min, double max, int without) {
  if ((without & ~(STAVE_WITHOUT_MIN | STAVE_WITHOUT_MAX)) != 0)
    return fail(ErrorCode::kInvalidArgument, "unknown bound to leave out");
  return ScoreRange{.min = min,
                    .max = max,
                    .without_min = (without & STAVE_WITHOUT_MIN) != 0,
                    .without_max = (without & STAVE_WITHOUT_MAX) != 0};
}

std::vector<std::string_view> texts(const stave_bytes* elements, std::size_t count) {
  std::vector<std::string_view> views;
  views.reserve(count);
  for (std::size_t i = 0; i < count; ++i) views.push_back(text(elements[i]));
  return views;
}

}  // namespace stave::c_api

using stave::Result;
using stave::c_api::answer;
using stave::c_api::answer_found;
using stave::c_api::checked_end;
using stave::c_api::checked_order;
using stave::c_api::checked_range;
using stave::c_api::give;
using stave::c_api::guarded;
using stave::c_api::hand_out;
using stave::c_api::hand_out_nothing;
using stave::c_api::report;
using stave::c_api::text;
using stave::c_api::texts;
using stave::c_api::write;

extern "C" {

/* --- hashes --- */

int stave_hash_set(stave_store* store, const char* key, size_t key_size, const char* field, size_t field_size,
                   const char* value, size_t value_size, const stave_write_options* options, int* added,
                   stave_error** error) {
  return write(
      options, error,
      [&](const auto& how) {
        return store->store->hash_set(text(key, key_size), text(field, field_size), text(value, value_size), how);
      },
      [&](bool is_new) { give(added, is_new ? 1 : 0); });
}

int stave_hash_set_many(stave_store* store, const char* key, size_t key_size, const stave_bytes* fields,
                        const stave_bytes* values, size_t count, const stave_write_options* options, uint64_t* added,
                        stave_error** error) {
  return write(
      options, error,
      [&](const auto& how) {
        std::vector<stave::FieldValue> pairs;
        pairs.reserve(count);
        for (size_t i = 0; i < count; ++i) pairs.emplace_back(text(fields[i]), text(values[i]));
        return store->store->hash_set(text(key, key_size), pairs, how);
      },
      [&](uint64_t how_many) { give(added, how_many); });
}

int stave_hash_get(stave_store* store, int database, const char* key, size_t key_size, const char* field,
                   size_t field_size, char** value, size_t* value_size, stave_error** error) {
  hand_out_nothing(value, value_size);
  return guarded(error, [&] {
    const auto found = store->store->hash_get(text(key, key_size), text(field, field_size), {.database = database});
    return answer_found(found, error, [&](const std::string& bytes) { hand_out(bytes, value, value_size); });
  });
}

int stave_hash_get_all(stave_store* store, int database, const char* key, size_t key_size, stave_element** fields,
                       size_t* count, stave_error** error) {
  hand_out_nothing(fields, count);
  return guarded(error, [&] {
    const auto found = store->store->hash_get_all(text(key, key_size), {.database = database});
    return answer(found, error, [&](const auto& all) { hand_out(all, fields, count); });
  });
}

int stave_hash_remove(stave_store* store, const char* key, size_t key_size, const char* field, size_t field_size,
                      const stave_write_options* options, int* removed, stave_error** error) {
  return write(
      options, error,
      [&](const auto& how) { return store->store->hash_remove(text(key, key_size), text(field, field_size), how); },
      [&](bool was_there) { give(removed, was_there ? 1 : 0); });
}

int stave_hash_size(stave_store* store, int database, const char* key, size_t key_size, uint64_t* size,
                    stave_error** error) {
  return guarded(error, [&] {
    const auto found = store->store->hash_size(text(key, key_size), {.database = database});
    return answer(found, error, [&](uint64_t fields) { *size = fields; });
  });
}

/* --- lists --- */

int stave_list_push(stave_store* store, const char* key, size_t key_size, int end, const char* element,
                    size_t element_size, const stave_write_options* options, uint64_t* size, stave_error** error) {
  const stave_bytes one = {element, element_size};
  return stave_list_push_many(store, key, key_size, end, &one, 1, options, size, error);
}

int stave_list_push_many(stave_store* store, const char* key, size_t key_size, int end, const stave_bytes* elements,
                         size_t count, const stave_write_options* options, uint64_t* size, stave_error** error) {
  return write(
      options, error,
      [&](const auto& how) -> Result<uint64_t> {
        STAVE_ASSIGN(const auto where, checked_end(end));
        return store->store->list_push(text(key, key_size), where, texts(elements, count), how);
      },
      [&](uint64_t length) { give(size, length); });
}

int stave_list_pop(stave_store* store, const char* key, size_t key_size, int end, const stave_write_options* options,
                   char** element, size_t* element_size, stave_error** error) {
  hand_out_nothing(element, element_size);
  bool found = false;
  const int code = write(
      options, error,
      [&](const auto& how) -> Result<std::optional<std::string>> {
        STAVE_ASSIGN(const auto where, checked_end(end));
        return store->store->list_pop(text(key, key_size), where, how);
      },
      [&](const std::optional<std::string>& taken) {
        found = taken.has_value();
        if (found) hand_out(*taken, element, element_size);
      });
  return code == STAVE_OK && !found ? static_cast<int>(STAVE_NOT_FOUND) : code;
}

int stave_list_range(stave_store* store, int database, const char* key, size_t key_size, int64_t from, int64_t to,
                     stave_element** elements, size_t* count, stave_error** error) {
  hand_out_nothing(elements, count);
  return guarded(error, [&] {
    const auto found = store->store->list_range(text(key, key_size), from, to, {.database = database});
    return answer(found, error, [&](const auto& all) { hand_out(all, elements, count); });
  });
}

int stave_list_size(stave_store* store, int database, const char* key, size_t key_size, uint64_t* size,
                    stave_error** error) {
  return guarded(error, [&] {
    const auto found = store->store->list_size(text(key, key_size), {.database = database});
    return answer(found, error, [&](uint64_t elements) { *size = elements; });
  });
}

/* --- sets --- */

int stave_set_add(stave_store* store, const char* key, size_t key_size, const char* member, size_t member_size,
                  const stave_write_options* options, int* added, stave_error** error) {
  return write(
      options, error,
      [&](const auto& how) { return store->store->set_add(text(key, key_size), text(member, member_size), how); },
      [&](bool is_new) { give(added, is_new ? 1 : 0); });
}

int stave_set_add_many(stave_store* store, const char* key, size_t key_size, const stave_bytes* members, size_t count,
                       const stave_write_options* options, uint64_t* added, stave_error** error) {
  return write(
      options, error,
      [&](const auto& how) { return store->store->set_add(text(key, key_size), texts(members, count), how); },
      [&](uint64_t how_many) { give(added, how_many); });
}

int stave_set_remove(stave_store* store, const char* key, size_t key_size, const char* member, size_t member_size,
                     const stave_write_options* options, int* removed, stave_error** error) {
  return write(
      options, error,
      [&](const auto& how) { return store->store->set_remove(text(key, key_size), text(member, member_size), how); },
      [&](bool was_there) { give(removed, was_there ? 1 : 0); });
}

int stave_set_contains(stave_store* store, int database, const char* key, size_t key_size, const char* member,
                       size_t member_size, int* contains, stave_error** error) {
  return guarded(error, [&] {
    const auto found =
        store->store->set_contains(text(key, key_size), text(member, member_size), {.database = database});
    return answer(found, error, [&](bool is_there) { *contains = is_there ? 1 : 0; });
  });
}

int stave_set_members(stave_store* store, int database, const char* key, size_t key_size, stave_element** members,
                      size_t* count, stave_error** error) {
  hand_out_nothing(members, count);
  return guarded(error, [&] {
    const auto found = store->store->set_members(text(key, key_size), {.database = database});
    return answer(found, error, [&](const auto& all) { hand_out(all, members, count); });
  });
}

int stave_set_size(stave_store* store, int database, const char* key, size_t key_size, uint64_t* size,
                   stave_error** error) {
  return guarded(error, [&] {
    const auto found = store->store->set_size(text(key, key_size), {.database = database});
    return answer(found, error, [&](uint64_t members) { *size = members; });
  });
}

/* --- sorted sets --- */

int stave_sorted_set_add(stave_store* store, const char* key, size_t key_size, const char* member, size_t member_size,
                         double score, const stave_write_options* options, int* added, stave_error** error) {
  return write(
      options, error,
      [&](const auto& how) {
        return store->store->sorted_set_add(text(key, key_size), text(member, member_size), score, how);
      },
      [&](bool is_new) { give(added, is_new ? 1 : 0); });
}

int stave_sorted_set_add_many(stave_store* store, const char* key, size_t key_size, const stave_bytes* members,
                              const double* scores, size_t count, const stave_write_options* options, uint64_t* added,
                              stave_error** error) {
  return write(
      options, error,
      [&](const auto& how) {
        std::vector<stave::MemberScore> pairs;
        pairs.reserve(count);
        for (size_t i = 0; i < count; ++i) pairs.emplace_back(text(members[i]), scores[i]);
        return store->store->sorted_set_add(text(key, key_size), pairs, how);
      },
      [&](uint64_t how_many) { give(added, how_many); });
}

int stave_sorted_set_remove(stave_store* store, const char* key, size_t key_size, const char* member,
                            size_t member_size, const stave_write_options* options, int* removed, stave_error** error) {
  return write(
      options, error,
      [&](const auto& how) {
        return store->store->sorted_set_remove(text(key, key_size), text(member, member_size), how);
      },
      [&](bool was_there) { give(removed, was_there ? 1 : 0); });
}

int stave_sorted_set_score(stave_store* store, int database, const char* key, size_t key_size, const char* member,
                           size_t member_size, double* score, stave_error** error) {
  return guarded(error, [&] {
    const auto found =
        store->store->sorted_set_score(text(key, key_size), text(member, member_size), {.database = database});
    return answer_found(found, error, [&](double number) { *score = number; });
  });
}

int stave_sorted_set_rank(stave_store* store, int database, const char* key, size_t key_size, const char* member,
                          size_t member_size, int order, uint64_t* rank, stave_error** error) {
  return guarded(error, [&] {
    const auto way = checked_order(order);
    if (!way) return report(way.error(), error);
    const auto found =
        store->store->sorted_set_rank(text(key, key_size), text(member, member_size), *way, {.database = database});
    return answer_found(found, error, [&](uint64_t place) { *rank = place; });
  });
}

int stave_sorted_set_range(stave_store* store, int database, const char* key, size_t key_size, int64_t from, int64_t to,
                           int order, stave_element** members, size_t* count, stave_error** error) {
  hand_out_nothing(members, count);
  return guarded(error, [&] {
    const auto way = checked_order(order);
    if (!way) return report(way.error(), error);
    const auto found = store->store->sorted_set_range(text(key, key_size), from, to, *way, {.database = database});
    return answer(found, error, [&](const auto& all) { hand_out(all, members, count); });
  });
}

int stave_sorted_set_range_by_score(stave_store* store, int database, const char* key, size_t key_size, double min,
                                    double max, int without, uint64_t count_max, int order, stave_element** members,
                                    size_t* count, stave_error** error) {
  hand_out_nothing(members, count);
  return guarded(error, [&] {
    const auto way = checked_order(order);
    if (!way) return report(way.error(), error);
    const auto range = checked_range(min, max, without);
    if (!range) return report(range.error(), error);
    const auto found =
        store->store->sorted_set_range_by_score(text(key, key_size), *range, count_max, *way, {.database = database});
    return answer(found, error, [&](const auto& all) { hand_out(all, members, count); });
  });
}

int stave_sorted_set_size(stave_store* store, int database, const char* key, size_t key_size, uint64_t* size,
                          stave_error** error) {
  return guarded(error, [&] {
    const auto found = store->store->sorted_set_size(text(key, key_size), {.database = database});
    return answer(found, error, [&](uint64_t members) { *size = members; });
  });
}

}  // extern "C"
