// Elements of a sorted set as commands hand them on: kept beyond the reader they came from, and answered.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "commands/sink.h"
#include "types/sorted_set/sorted_set.h"

namespace stave::commands {

struct KeptElement {
  KeptElement() = default;
  KeptElement(std::string_view of_member, double of_score) : member(of_member), score(of_score) {}
  explicit KeptElement(const types::sorted_set::Element& element) : KeptElement(element.member, element.score) {}

  std::string member;
  double score = 0;
};
using KeptElements = std::vector<KeptElement>;

/// A visit that keeps what it is shown.
inline auto keep_in(KeptElements& kept) {
  return [&kept](const types::sorted_set::Element& element) {
    kept.emplace_back(element);
    return true;
  };
}

/// Announces `count` elements, each of which is then answered by `answer_element`: members only, or with their scores,
/// which are pairs in RESP3 and alternate in RESP2.
inline void announce_elements(Sink& reply, std::size_t count, bool with_scores) {
  reply.array(with_scores && reply.protocol() == 2 ? 2 * count : count);
}
inline void answer_element(Sink& reply, std::string_view member, double score, bool with_scores) {
  if (with_scores && reply.protocol() != 2) reply.array(2);
  reply.bulk(member);
  if (with_scores) reply.real(score);
}
inline void answer_elements(Sink& reply, const KeptElements& elements, bool with_scores) {
  announce_elements(reply, elements.size(), with_scores);
  for (const KeptElement& element : elements) answer_element(reply, element.member, element.score, with_scores);
}

}  // namespace stave::commands
