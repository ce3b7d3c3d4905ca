// What the C calls for collections share: elements handed out, and numbers that stand for something checked.
#pragma once

#include <vector>

#include "doors/library/c_api.h"

namespace stave::c_api {

/// An element to hand out.
struct Shown {
  std::string_view bytes;
  double score = 0;
};

/// An array of them in one piece of memory, that stave_free frees; null when there are none. Throws bad_alloc.
stave_element* elements_out(const std::vector<Shown>& shown);

/// `*to` and `*count` from an answer, which stays until then.
void hand_out(const std::vector<std::string>& elements, stave_element** to, std::size_t* count);
void hand_out(const std::vector<HashField>& fields, stave_element** to, std::size_t* count);
void hand_out(const std::vector<ScoredMember>& members, stave_element** to, std::size_t* count);
inline void hand_out(const std::string& bytes, char** to, std::size_t* size) {
  *to = copy_out(bytes);
  *size = bytes.size();
}
/// Nothing, before there is an answer.
template <class T>
void hand_out_nothing(T** to, std::size_t* size) noexcept {
  *to = nullptr;
  *size = 0;
}

Result<ListEnd> checked_end(int end);
Result<Order> checked_order(int order);
Result<ScoreRange> checked_range(double min, double max, int without);
/// A list of elements; those that could be in no store are told by the call it is for.
std::vector<std::string_view> texts(const stave_bytes* elements, std::size_t count);

}  // namespace stave::c_api
