#include "types/run_edits.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/random.h"

namespace stave::types {
namespace {

std::string form_of(std::string_view text) {
  std::string form;
  EncodedItem(text).append_to(form);
  return form;
}

std::string made(const Run& run, const RunEdits& edits) {
  std::string form(edits.form_size(), '?');
  EXPECT_EQ(base::edited_size(edits.edits(), run.form().size()), form.size());
  base::copy_edited(run.form(), edits.edits(), form.data());
  return form;
}

class RunEditsTest : public ::testing::Test {
 protected:
  // Up to 300 items, so that their number may come to take a byte more, or less.
  types::Run any_run() {
    std::string form = types::Run::head(0);
    const auto count = random.below(random.coin() ? 300 : 4) + 1;
    form = types::Run::begin_form(count);
    for (std::uint64_t i = 0; i != count; ++i) form += form_of(std::to_string(random.next() >> random.below(64)));
    bytes = form;
    return types::Run(bytes);
  }
  base::Random random{11};
  std::string bytes;
};

TEST_F(RunEditsTest, make_what_replace_makes) {
  for (int round = 0; round < 5'000; ++round) {
    const types::Run run = any_run();
    const std::uint64_t from = random.below(run.count() + 1);
    const std::uint64_t gone = random.below(run.count() - from + 1);
    const std::size_t at = run.place(from);
    const std::size_t erased = run.place(from + gone) - at;
    const bool more = random.coin();
    const std::string in = more ? form_of("some more") + form_of("7") : std::string();
    const std::int64_t items = (more ? 2 : 0) - static_cast<std::int64_t>(gone);
    const RunEdits edits(run, at, erased, in, items);
    types::Run wanted(run.form());
    std::size_t place = at;
    std::memcpy(wanted.replace(place, erased, in.size(), items), in.data(), in.size());
    EXPECT_EQ(edits.count(), wanted.count());
    ASSERT_EQ(made(run, edits), wanted.form());
    ASSERT_TRUE(types::Run::well_formed(wanted.form()));
  }
}

TEST_F(RunEditsTest, move_items_to_another_place) {
  for (int round = 0; round < 5'000; ++round) {
    const types::Run run = any_run();
    const std::uint64_t from = random.below(run.count());
    std::uint64_t to = random.below(run.count() + 1);
    const std::size_t at = run.place(from);
    const std::string item = form_of("it is another now");
    const RunEdits edits(run, {.from = at, .erased = run.next(at) - at, .to = run.place(to), .in = item});
    types::Run wanted(run.form());
    std::size_t place = at;
    wanted.replace(place, run.next(at) - at, 0, -1);
    if (to > from) --to;
    place = wanted.place(to);
    std::memcpy(wanted.replace(place, 0, item.size(), 1), item.data(), item.size());
    ASSERT_EQ(made(run, edits), wanted.form());
  }
}

}  // namespace
}  // namespace stave::types
