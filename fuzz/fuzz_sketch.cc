// Bytes that say that they are a sketch are refused, or one that answers whatever it is asked and stays one, whole,
// whatever is added to it: what RESTORE, a snapshot and LOADCHUNK bring.
#include <cstring>
#include <string>

#include "input.h"
#include "types/sketch/bloom.h"
#include "types/sketch/count_min.h"
#include "types/sketch/cuckoo.h"
#include "types/sketch/digest.h"
#include "types/sketch/sketch.h"
#include "types/sketch/top.h"

namespace sketch = stave::types::sketch;
using stave::fuzz::require;

namespace {

constexpr std::uint64_t kBytesMax = std::uint64_t{1} << 20;

void use_bloom(sketch::Editor& bytes, std::string_view element) {
  sketch::Bloom filter(bytes);
  if (filter.layers() > 64) return;
  const auto added = filter.add(bytes, element, kBytesMax);
  if (added == sketch::Bloom::Added::kNew) filter.finish(bytes);
  if (added == sketch::Bloom::Added::kNew || added == sketch::Bloom::Added::kThere) require(filter.contains(element));
}

void use_cuckoo(sketch::Editor& bytes, std::string_view element) {
  sketch::Cuckoo filter(bytes);
  const auto before = filter.count(element);
  if (filter.add(bytes, element, kBytesMax) == sketch::Cuckoo::Added::kYes) {
    require(filter.count(element) > before || filter.count(element) != 0);
    require(filter.remove(bytes, element));
  }
  filter.finish(bytes);
}

void use_count_min(sketch::Editor& bytes, std::string_view element) {
  sketch::CountMin counts(bytes);
  const auto before = counts.count(element);
  const auto told = counts.add(bytes, element, 3);
  if (told) require(*told >= 3 && *told - 3 >= before);
  counts.finish(bytes);
}

void use_top(sketch::Editor& bytes, std::string_view element) {
  sketch::Top top(bytes);
  const auto before = top.list();
  const auto added = top.add(bytes, element, 3, kBytesMax);
  if (added.expelled) require(top.listed(element) && top.list().size() == before.size());
  top.finish(bytes);
  (void)top.count(element);
}

void use_digest(sketch::Editor& bytes, std::string_view element) {
  sketch::Digest digest(bytes);
  if (!digest.add(bytes, static_cast<double>(element.size()) - 3)) return;
  digest.finish(bytes);
  const sketch::DigestLine line(digest);
  const double middle = line.number_at(line.size() / 2);
  require(middle >= digest.least() && middle <= digest.greatest());
  const double position = line.position_of(middle);
  require(position >= 0 && position <= line.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  stave::fuzz::Input input(data, size);
  const std::string element(input.bytes(input.number<std::uint8_t>() % 16));
  // A head that is a good one but for what the input says, so that more than heads are tried.
  const std::size_t zeros = input.number<std::uint16_t>() % 4096u;
  std::string form(input.rest());
  form.append(zeros, '\0');
  const bool good = sketch::well_formed(form);
  (void)sketch::type_name(form);
  if (!good) return 0;
  sketch::Compact bytes(form);
  switch (static_cast<sketch::Kind>(form[0])) {
    case sketch::Kind::kBloom: use_bloom(bytes, element); break;
    case sketch::Kind::kCuckoo: use_cuckoo(bytes, element); break;
    case sketch::Kind::kCountMin: use_count_min(bytes, element); break;
    case sketch::Kind::kTop: use_top(bytes, element); break;
    case sketch::Kind::kDigest: use_digest(bytes, element); break;
  }
  require(sketch::well_formed(bytes.form()));
  return 0;
}
