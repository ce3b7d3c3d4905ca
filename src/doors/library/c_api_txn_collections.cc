// stave/stave.h: hashes, lists, sets and sorted sets within a transaction.
#include "base/try.h"
#include "doors/library/c_api_collections.h"

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

extern "C" {

int stave_txn_hash_set(stave_txn* txn, const char* key, size_t key_size, const char* field, size_t field_size,
                       const char* value, size_t value_size, int* added) {
  return guarded(nullptr, [&] {
    const auto done = txn->txn.hash_set(text(key, key_size), text(field, field_size), text(value, value_size));
    return answer(done, nullptr, [&](bool yes) { give(added, yes ? 1 : 0); });
  });
}

int stave_txn_hash_get(stave_txn* txn, const char* key, size_t key_size, const char* field, size_t field_size,
                       char** value, size_t* value_size) {
  hand_out_nothing(value, value_size);
  return guarded(nullptr, [&] {
    const auto done = txn->txn.hash_get(text(key, key_size), text(field, field_size));
    return answer_found(done, nullptr, [&](const std::string& bytes) { hand_out(bytes, value, value_size); });
  });
}

int stave_txn_hash_get_all(stave_txn* txn, const char* key, size_t key_size, stave_element** fields, size_t* count) {
  hand_out_nothing(fields, count);
  return guarded(nullptr, [&] {
    const auto done = txn->txn.hash_get_all(text(key, key_size));
    return answer(done, nullptr, [&](const auto& all) { hand_out(all, fields, count); });
  });
}

int stave_txn_hash_remove(stave_txn* txn, const char* key, size_t key_size, const char* field, size_t field_size,
                          int* removed) {
  return guarded(nullptr, [&] {
    const auto done = txn->txn.hash_remove(text(key, key_size), text(field, field_size));
    return answer(done, nullptr, [&](bool yes) { give(removed, yes ? 1 : 0); });
  });
}

int stave_txn_hash_size(stave_txn* txn, const char* key, size_t key_size, uint64_t* size) {
  return guarded(nullptr, [&] {
    const auto done = txn->txn.hash_size(text(key, key_size));
    return answer(done, nullptr, [&](uint64_t number) { give(size, number); });
  });
}

int stave_txn_list_push(stave_txn* txn, const char* key, size_t key_size, int end, const char* element,
                        size_t element_size, uint64_t* size) {
  return guarded(nullptr, [&] {
    const auto where = checked_end(end);
    if (!where) return report(where.error(), nullptr);
    const auto done = txn->txn.list_push(text(key, key_size), *where, text(element, element_size));
    return answer(done, nullptr, [&](uint64_t number) { give(size, number); });
  });
}

int stave_txn_list_pop(stave_txn* txn, const char* key, size_t key_size, int end, char** element,
                       size_t* element_size) {
  hand_out_nothing(element, element_size);
  return guarded(nullptr, [&] {
    const auto where = checked_end(end);
    if (!where) return report(where.error(), nullptr);
    const auto done = txn->txn.list_pop(text(key, key_size), *where);
    return answer_found(done, nullptr, [&](const std::string& bytes) { hand_out(bytes, element, element_size); });
  });
}

int stave_txn_list_range(stave_txn* txn, const char* key, size_t key_size, int64_t from, int64_t to,
                         stave_element** elements, size_t* count) {
  hand_out_nothing(elements, count);
  return guarded(nullptr, [&] {
    const auto done = txn->txn.list_range(text(key, key_size), from, to);
    return answer(done, nullptr, [&](const auto& all) { hand_out(all, elements, count); });
  });
}

int stave_txn_list_size(stave_txn* txn, const char* key, size_t key_size, uint64_t* size) {
  return guarded(nullptr, [&] {
    const auto done = txn->txn.list_size(text(key, key_size));
    return answer(done, nullptr, [&](uint64_t number) { give(size, number); });
  });
}

int stave_txn_set_add(stave_txn* txn, const char* key, size_t key_size, const char* member, size_t member_size,
                      int* added) {
  return guarded(nullptr, [&] {
    const auto done = txn->txn.set_add(text(key, key_size), text(member, member_size));
    return answer(done, nullptr, [&](bool yes) { give(added, yes ? 1 : 0); });
  });
}

int stave_txn_set_remove(stave_txn* txn, const char* key, size_t key_size, const char* member, size_t member_size,
                         int* removed) {
  return guarded(nullptr, [&] {
    const auto done = txn->txn.set_remove(text(key, key_size), text(member, member_size));
    return answer(done, nullptr, [&](bool yes) { give(removed, yes ? 1 : 0); });
  });
}

int stave_txn_set_contains(stave_txn* txn, const char* key, size_t key_size, const char* member, size_t member_size,
                           int* contains) {
  return guarded(nullptr, [&] {
    const auto done = txn->txn.set_contains(text(key, key_size), text(member, member_size));
    return answer(done, nullptr, [&](bool yes) { give(contains, yes ? 1 : 0); });
  });
}

int stave_txn_set_members(stave_txn* txn, const char* key, size_t key_size, stave_element** members, size_t* count) {
  hand_out_nothing(members, count);
  return guarded(nullptr, [&] {
    const auto done = txn->txn.set_members(text(key, key_size));
    return answer(done, nullptr, [&](const auto& all) { hand_out(all, members, count); });
  });
}

int stave_txn_set_size(stave_txn* txn, const char* key, size_t key_size, uint64_t* size) {
  return guarded(nullptr, [&] {
    const auto done = txn->txn.set_size(text(key, key_size));
    return answer(done, nullptr, [&](uint64_t number) { give(size, number); });
  });
}

int stave_txn_sorted_set_add(stave_txn* txn, const char* key, size_t key_size, const char* member, size_t member_size,
                             double score, int* added) {
  return guarded(nullptr, [&] {
    const auto done = txn->txn.sorted_set_add(text(key, key_size), text(member, member_size), score);
    return answer(done, nullptr, [&](bool yes) { give(added, yes ? 1 : 0); });
  });
}

int stave_txn_sorted_set_remove(stave_txn* txn, const char* key, size_t key_size, const char* member,
                                size_t member_size, int* removed) {
  return guarded(nullptr, [&] {
    const auto done = txn->txn.sorted_set_remove(text(key, key_size), text(member, member_size));
    return answer(done, nullptr, [&](bool yes) { give(removed, yes ? 1 : 0); });
  });
}

int stave_txn_sorted_set_score(stave_txn* txn, const char* key, size_t key_size, const char* member, size_t member_size,
                               double* score) {
  return guarded(nullptr, [&] {
    const auto done = txn->txn.sorted_set_score(text(key, key_size), text(member, member_size));
    return answer_found(done, nullptr, [&](auto number) { *score = number; });
  });
}

int stave_txn_sorted_set_rank(stave_txn* txn, const char* key, size_t key_size, const char* member, size_t member_size,
                              int order, uint64_t* rank) {
  return guarded(nullptr, [&] {
    const auto way = checked_order(order);
    if (!way) return report(way.error(), nullptr);
    const auto done = txn->txn.sorted_set_rank(text(key, key_size), text(member, member_size), *way);
    return answer_found(done, nullptr, [&](auto number) { *rank = number; });
  });
}

int stave_txn_sorted_set_range(stave_txn* txn, const char* key, size_t key_size, int64_t from, int64_t to, int order,
                               stave_element** members, size_t* count) {
  hand_out_nothing(members, count);
  return guarded(nullptr, [&] {
    const auto way = checked_order(order);
    if (!way) return report(way.error(), nullptr);
    const auto done = txn->txn.sorted_set_range(text(key, key_size), from, to, *way);
    return answer(done, nullptr, [&](const auto& all) { hand_out(all, members, count); });
  });
}

int stave_txn_sorted_set_range_by_score(stave_txn* txn, const char* key, size_t key_size, double min, double max,
                                        int without, uint64_t count_max, int order, stave_element** members,
                                        size_t* count) {
  hand_out_nothing(members, count);
  return guarded(nullptr, [&] {
    const auto way = checked_order(order);
    if (!way) return report(way.error(), nullptr);
    const auto range = checked_range(min, max, without);
    if (!range) return report(range.error(), nullptr);
    const auto done = txn->txn.sorted_set_range_by_score(text(key, key_size), *range, count_max, *way);
    return answer(done, nullptr, [&](const auto& all) { hand_out(all, members, count); });
  });
}

int stave_txn_sorted_set_size(stave_txn* txn, const char* key, size_t key_size, uint64_t* size) {
  return guarded(nullptr, [&] {
    const auto done = txn->txn.sorted_set_size(text(key, key_size));
    return answer(done, nullptr, [&](uint64_t number) { give(size, number); });
  });
}

}  // extern "C"
