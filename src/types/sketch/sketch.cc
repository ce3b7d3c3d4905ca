#include "types/sketch/sketch.h"

#include <span>

#include "base/hash.h"
#include "types/sketch/bloom.h"
#include "types/sketch/count_min.h"
#include "types/sketch/cuckoo.h"
#include "types/sketch/digest.h"
#include "types/sketch/top.h"

namespace stave::types::sketch {

std::string_view type_name(std::string_view head) noexcept {
  if (head.empty()) return "sketch";
  switch (static_cast<Kind>(head[0])) {
    case Kind::kBloom: return "MBbloom--";
    case Kind::kCuckoo: return "MBbloomCF";
    case Kind::kCountMin: return "CMSk-TYPE";
    case Kind::kTop: return "TopK-TYPE";
    case Kind::kDigest: return "TDIS-TYPE";
  }
  return "sketch";
}

bool well_formed(std::string_view form) {
  if (form.size() < kHeadBytes) return false;
  const Head head(form);
  if (head.is(Kind::kBloom)) return Bloom::size_of(head) == form.size();
  if (head.is(Kind::kCuckoo)) return Cuckoo::size_of(head) == form.size();
  if (head.is(Kind::kCountMin)) return CountMin::size_of(head) == form.size();
  if (head.is(Kind::kTop)) return Top::size_of(head) == form.size() && Top::well_formed(Compact(form));
  if (head.is(Kind::kDigest)) return Digest::size_of(head) == form.size() && Digest::well_formed(Compact(form));
  return false;
}

Hash hash_of(std::string_view element) noexcept {
  constexpr std::uint64_t kFirst = 0x5354'4156'4531'0001;
  constexpr std::uint64_t kSecond = 0x5354'4156'4531'0002;
  const auto bytes = std::as_bytes(std::span(element));
  return {base::xxh3(bytes, kFirst), base::xxh3(bytes, kSecond)};
}

}  // namespace stave::types::sketch
