#include "types/set/algebra.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "types/set/compact.h"

namespace stave::types::set {
namespace {

using Model = std::set<std::string>;
using Operation = void (*)(Readers, Reader::Visit);

struct Sets {
  explicit Sets(const std::vector<Model>& models) : kept(models.size()) {
    for (std::size_t i = 0; i < models.size(); ++i) {
      for (const std::string& member : models[i]) kept[i].add(member);
      readers.push_back(&kept[i]);
    }
  }
  std::vector<Compact> kept;
  std::vector<const Reader*> readers;
};

Model result_of(Operation operation, Readers sets) {
  Model found;
  operation(sets, [&](std::string_view member) {
    EXPECT_TRUE(found.emplace(member).second) << member << " was shown twice";
    return true;
  });
  return found;
}

std::vector<Model> random_models(std::mt19937_64& random) {
  std::vector<Model> models(1 + random() % 5);
  for (Model& model : models) {
    const std::uint64_t range = random() % 3 == 0 ? 10 : 60;
    for (auto n = random() % 40; n > 0; --n) {
      const std::string number = std::to_string(random() % range);
      model.insert(random() % 4 == 0 ? "m" + number : number);
    }
  }
  return models;
}

TEST(SetAlgebra, finds_what_the_standard_algorithms_find) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 3000; ++round) {
    const std::vector<Model> models = random_models(random);
    const Sets sets(models);
    Model common = models[0];
    Model all = models[0];
    Model rest = models[0];
    for (std::size_t i = 1; i < models.size(); ++i) {
      std::erase_if(common, [&](const std::string& member) { return !models[i].contains(member); });
      all.insert(models[i].begin(), models[i].end());
      std::erase_if(rest, [&](const std::string& member) { return models[i].contains(member); });
    }
    ASSERT_EQ(result_of(visit_intersection, sets.readers), common);
    ASSERT_EQ(result_of(visit_union, sets.readers), all);
    ASSERT_EQ(result_of(visit_difference, sets.readers), rest);
  }
}

TEST(SetAlgebra, takes_a_set_from_itself) {
  const Sets sets({{"a", "b", "3"}});
  const std::vector<const Reader*> twice = {&sets.kept[0], &sets.kept[0]};
  EXPECT_EQ(result_of(visit_intersection, twice), (Model{"a", "b", "3"}));
  EXPECT_EQ(result_of(visit_union, twice), (Model{"a", "b", "3"}));
  EXPECT_EQ(result_of(visit_difference, twice), Model{});
}

// A large first set and many small others: there the members of the first are hashed.
TEST(SetAlgebra, finds_a_difference_either_way) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 100; ++round) {
    std::vector<Model> models(1);
    for (int i = 0; i < 200; ++i) models[0].insert(std::to_string(random() % 1000));
    Model rest = models[0];
    for (auto n = random() % 12; n > 0; --n) {
      const std::string member = std::to_string(random() % 1000);
      models.push_back({member, ""});
      rest.erase(member);
    }
    ASSERT_EQ(result_of(visit_difference, Sets(models).readers), rest);
  }
}

TEST(SetAlgebra, stops_when_enough_was_seen) {
  Model numbers;
  for (int i = 0; i < 50; ++i) numbers.insert(std::to_string(i));
  const Sets sets({numbers, numbers, {"a", "b", "c", "d"}});
  const std::vector<const Reader*> same = {sets.readers[0], sets.readers[1]};
  const std::vector<const Reader*> different = {sets.readers[0], sets.readers[2]};
  const auto seen_of = [](Operation operation, Readers readers) {
    int seen = 0;
    operation(readers, [&](std::string_view) { return ++seen < 3; });
    return seen;
  };
  EXPECT_EQ(seen_of(visit_intersection, same), 3);
  EXPECT_EQ(seen_of(visit_union, same), 3);
  EXPECT_EQ(seen_of(visit_union, different), 3);
  EXPECT_EQ(seen_of(visit_difference, different), 3);
  std::vector<const Reader*> many(20, sets.readers[2]);
  many[0] = sets.readers[0];
  EXPECT_EQ(seen_of(visit_difference, many), 3);
}

}  // namespace
}  // namespace stave::types::set
