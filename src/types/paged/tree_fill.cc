// How a tree is made of many elements at once: level by level, each page written when it is full.

#include <utility>

#include "types/paged/tree.h"

namespace stave::types::paged {

/// Of a run that is not empty. None when pages cannot be written.
std::vector<Child> Tree::make_leaves(const Run& run) {
  constexpr std::size_t kHeadMax = 3;  // a page holds fewer than 2^14 items
  std::vector<Child> leaves;
  std::size_t last = 0;  // where the last element of the leaf before begins
  for (std::size_t begin = run.begin(); begin != run.end();) {
    Child leaf;
    std::size_t end = begin;
    std::size_t at = begin;
    for (; end != run.end(); ++leaf.count) {
      const std::size_t after = items_ == 2 ? run.next(run.next(end)) : run.next(end);
      if (leaf.count != 0 && kHeadMax + (after - begin) > kPageBytesMax) break;
      at = std::exchange(end, after);
    }
    leaf.page = take(1);
    if (items_ == 2 && !leaves.empty()) leaf.separator = Separator::between(run.data(last), run.data(begin));
    std::string form = Run::begin_form(leaf.count * items_);
    form.append(run.data(begin), end - begin);
    write(leaf.page, form);
    if (pages_->failed()) return {};
    leaves.push_back(std::move(leaf));
    last = at;
    begin = end;
  }
  return leaves;
}

/// The level above these. None when pages cannot be written.
std::vector<Child> Tree::make_nodes(std::vector<Child> children) {
  std::vector<Child> nodes;
  for (std::size_t begin = 0; begin != children.size();) {
    Node node;
    node.ordered = items_ == 2;
    std::size_t bytes = 0;
    while (begin != children.size()) {
      node.children.push_back(std::move(children[begin]));
      bytes = node.bytes();
      if (node.children.size() > 2 && bytes > kPageBytesMax) {
        children[begin] = std::move(node.children.back());
        node.children.pop_back();
        break;
      }
      ++begin;
    }
    node.page = take(2);
    write(node.page, node.structure());
    write(node.page + 1, node.counts());
    if (pages_->failed()) return {};
    Child made;
    made.page = node.page;
    made.count = node.count();
    made.separator = std::move(node.children.front().separator);
    nodes.push_back(std::move(made));
  }
  return nodes;
}

void Tree::fill(const Run& run) {
  STAVE_ASSERT(count_ == 0 && height_ == 0 && run.count() % items_ == 0);
  if (run.count() == 0) return;
  std::vector<Child> level = make_leaves(run);
  while (level.size() > 1) {
    first_ = level.front().count;
    ++height_;
    STAVE_ASSERT(height_ <= kHeightMax);
    level = make_nodes(std::move(level));
  }
  if (level.empty()) {  // pages cannot be had: whoever asked finds out, and nothing of this matters
    height_ = 0;
    return;
  }
  top_ = level.front().page;
  count_ = run.count() / items_;
}

}  // namespace stave::types::paged
