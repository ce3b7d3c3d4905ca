// Bytes that say that they are a HyperLogLog get an answer or a refusal, the same from everybody who looks at all of
// them, and one that was refused never becomes one that is not by what is added.
#include <string>

#include "input.h"
#include "types/hyperloglog/hyperloglog.h"

namespace hyperloglog = stave::types::hyperloglog;
using stave::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  stave::fuzz::Input input(data, size);
  const auto seed = input.number<std::uint64_t>();
  std::string value = "HYLL";
  value.append(input.rest());
  if (!hyperloglog::is_one(value)) return 0;
  const auto count = hyperloglog::count(value);
  hyperloglog::Union all;
  require(all.take(value) == count.has_value());
  if (count) require(all.count() == *count);
  if (hyperloglog::is_sparse(value)) require(hyperloglog::describe(value).has_value() == count.has_value());
  const auto mark = hyperloglog::mark_of({reinterpret_cast<const char*>(&seed), sizeof seed});
  std::string added = value;
  const auto would = hyperloglog::would_add(value, mark);
  const auto done = hyperloglog::add(added, mark, seed % 5000);
  if (count) require(done == would && hyperloglog::count(added).has_value());
  std::string dense = value;
  if (hyperloglog::make_dense(dense)) require(hyperloglog::count(dense) == count);
  return 0;
}
