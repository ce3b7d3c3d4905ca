// Elements in an order, in any number of pages: a B+tree that counts.
//
// An element is one item, in the order in which elements were put there, or a score and a member in the order of both.
// Leaves are runs (run.h); above them stand nodes (node.h). Promises: what is put in at either end goes into new leaves
// once the last one is full, so that these stay full; changes that do not split or join write the leaf and, of each
// node above, the counts, and at either end of the tree the leaf alone. Must not know: members by name, keys. Cost: a
// path from top to leaf for everything.
//
//     state: u48 top page | u8 height | u48 elements | u48 elements below the first child of the top | u48 pages ever
//     made
//
// **Loose counts.** Elements at either end come and go more often than others, so the counts at the edges of the tree
// are not kept: the first count in the first node of a level and the last one in the last are whatever they were when
// the page was written last. A node's sum is known from above, so the one that is loose is what the others leave; the
// top, where both are, has the other one in the state. Nodes become inner ones only by a split beside them, which
// writes them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "types/paged/node.h"
#include "types/pages.h"
#include "types/run.h"
#include "types/run_edits.h"

namespace stave::types::paged {

class Tree {
 public:
  static constexpr std::size_t kStateBytes = 25;
  static constexpr unsigned kHeightMax = 48;

  enum class Elements { kPlain, kScored };
  /// Page number i is `first` + i * `step`.
  struct Numbering {
    PageId first = 0;
    PageId step = 1;
  };

  static bool well_formed(std::string_view state) noexcept;
  static std::uint64_t count_of(std::string_view state) noexcept;
  /// How many numbers of pages were ever given out; nullopt: far more than there can be pages now.
  static std::optional<std::uint64_t> numbers_of(std::string_view state) noexcept;
  /// A state of zeros is that of an empty tree.
  Tree(Pages& pages, Elements elements, Numbering numbering, std::string_view state) noexcept;
  void put_state(char* to) const noexcept;

  /// Where an element stands or is to stand, and the way there. Ends with the next change.
  struct Place {
    struct Step {
      std::uint64_t node = 0;
      std::size_t child = 0;
      bool loose = false;  ///< The node does not keep this child's count.
    };
    std::array<Step, kHeightMax> steps;
    unsigned height = 0;
    std::uint64_t leaf = 0;
    std::uint64_t before = 0;   ///< Elements before the leaf.
    std::uint64_t count = 0;    ///< Elements in the leaf.
    std::uint64_t in_leaf = 0;  ///< Elements before the place, of those in the leaf.
    bool first = true;          ///< The leaf is the first one, the last one.
    bool last = true;
    bool there = false;  ///< Not so when a page cannot be had.

    [[nodiscard]] std::uint64_t rank() const noexcept { return before + in_leaf; }
  };

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// Of the element of that rank, which is there.
  [[nodiscard]] Place find(std::uint64_t rank) const;
  /// Between two elements; `rank`: how many are before it. Of a tree that is not empty.
  [[nodiscard]] Place between(std::uint64_t rank) const;
  [[nodiscard]] Place between(const sorted_set::Bound& bound) const;
  /// The same for a change: what is before the leaf is not counted (`before`, `rank`).
  [[nodiscard]] Place place_at(const sorted_set::Bound& bound) const;
  /// The leaf, empty when it cannot be had.
  [[nodiscard]] std::string_view leaf(const Place& place) const { return read(place.leaf); }

  /// Elements `from` to the one before `to` of a leaf.
  using VisitLeaf = base::FunctionRef<bool(const Run& leaf, std::uint64_t from, std::uint64_t to)>;
  /// The leaves with the elements from `from` on up to the one before `to`, in their order or the other way round.
  void visit(std::uint64_t from, std::uint64_t to, bool backwards, VisitLeaf visit) const;
  /// Whoever visits may erase what it visits.
  void visit_pages(base::FunctionRef<bool(PageId)> visit) const;

  /// The first element of all, as its items.
  void insert_first(std::string_view element);
  void insert(const Place& place, std::string_view element);
  /// Instead of the element at the place.
  void replace(const Place& place, std::string_view element);
  /// The element at `from` goes, and this one stands before the one at `to`, in the same leaf.
  void move(const Place& from, const Place& to, std::string_view element);
  void erase(std::uint64_t from, std::uint64_t count);
  /// The element at the place. False: pages were joined or went, so that no place is good any more; else those in other
  /// leaves are, but for what is before them.
  bool erase(const Place& place);
  /// Nothing is left, no page either.
  void clear();
  /// An empty tree gets the elements of a run, in their order: many times cheaper than `insert` for each. Writes every
  /// page once; all but the last of a level are full.
  void fill(const Run& run);

 private:
  enum class Grown { kInside, kFront, kBack };
  struct Counts;
  struct Range {
    std::uint64_t from = 0;
    std::uint64_t to = 0;
  };
  /// A page below a node, and where it stands.
  struct Below {
    std::uint64_t page = 0;
    unsigned level = 0;
    std::uint64_t count = 0;
    bool first = true;
    bool last = true;
  };

  [[nodiscard]] PageId page_of(std::uint64_t number) const noexcept {
    return numbering_.first + number * numbering_.step;
  }
  [[nodiscard]] std::string_view read(std::uint64_t number) const { return pages_->read(page_of(number)); }
  void write(std::uint64_t number, std::string_view bytes) { pages_->write(page_of(number), bytes); }
  void erase_page(std::uint64_t number) { pages_->erase(page_of(number)); }
  std::uint64_t take(std::uint64_t numbers) noexcept;

  [[nodiscard]] NodeView view(std::uint64_t node) const;
  static void step_into(Place& place, Below& below, const NodeView& node, std::size_t child, std::uint64_t count);
  static void arrive(Place& place, const Below& below);
  template <class Choose>
  void descend(Place& place, Choose choose) const;
  void descend(Place& place, const sorted_set::Bound& bound) const;
  void find_in_leaf(Place& place, const sorted_set::Bound& bound) const;
  bool visit_below(const Below& below, Range range, bool backwards, VisitLeaf visit) const;
  bool visit_pages_below(std::uint64_t page, unsigned level, base::FunctionRef<bool(PageId)> visit) const;

  // tree_fill.cc
  [[nodiscard]] std::vector<Child> make_leaves(const Run& run);
  [[nodiscard]] std::vector<Child> make_nodes(std::vector<Child> children);

  // tree_shape.cc
  bool put_leaf(const Place& place, const Run& leaf, const RunEdits& edits, std::int64_t more);
  void count_up(const Place& place, std::int64_t more);
  bool count_up_in(std::uint64_t counts, std::size_t child, std::uint64_t added);
  void divide_leaf(const Place& place, const Run& leaf);
  void add_leaf(const Place& place, std::string_view element, Grown grown);
  bool join_leaf(const Place& place, const Run& leaf);
  void remove_leaf(const Place& place);
  void replace_leaf(const Place& place, std::vector<Child> children, Grown grown);
  [[nodiscard]] std::optional<Node> load(const Child& child, unsigned level,
                                         std::optional<std::uint64_t> first_of_top) const;
  [[nodiscard]] std::optional<Node> load_top() const;
  [[nodiscard]] std::vector<Node> load_path(const Place& place) const;
  void store(Node& node);
  void erase_node(std::uint64_t node);
  void settle(std::vector<Node>& path, Grown grown);
  void settle_top(Node& top, Grown grown);
  [[nodiscard]] Child halve(Node& node, Grown grown);
  bool join(Node& node, Node& parent, unsigned level);
  bool erase_below(Node& node, unsigned level, Range range);
  bool erase_part(const Child& child, unsigned level, Range range);
  void drop(std::uint64_t page, unsigned level);
  void mend(std::uint64_t rank);

  Pages* pages_;
  unsigned items_;
  Numbering numbering_;
  std::uint64_t top_;
  unsigned height_;  ///< Nodes above a leaf.
  std::uint64_t count_;
  std::uint64_t first_;  ///< Elements below the first child of the top; without meaning while that is a leaf.
  std::uint64_t made_;
};

}  // namespace stave::types::paged
