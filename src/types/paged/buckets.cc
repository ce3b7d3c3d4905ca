#include "types/paged/buckets.h"

#include <algorithm>
#include <bit>
#include <boost/container/small_vector.hpp>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "types/paged/run_of.h"
#include "types/run_edits.h"

namespace stave::types::paged {

namespace {

constexpr std::uint64_t kBucketsMax = std::uint64_t{1} << 46;
/// Pages that one removal joins at most. Two keep pace where every element has a page of its own.
constexpr int kJoinsMax = 2;
/// Pages that `visit_random` looks at before it takes what comes next.
constexpr std::uint64_t kDrawsMax = 256;

std::uint64_t mixed(std::uint64_t& state) noexcept {
  state += 0x9e3779b97f4a7c15ull;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

std::uint64_t reversed(std::uint64_t bits) noexcept {
  bits = (bits & 0x5555555555555555ull) << 1 | (bits >> 1 & 0x5555555555555555ull);
  bits = (bits & 0x3333333333333333ull) << 2 | (bits >> 2 & 0x3333333333333333ull);
  bits = (bits & 0x0f0f0f0f0f0f0f0full) << 4 | (bits >> 4 & 0x0f0f0f0f0f0f0f0full);
  return __builtin_bswap64(bits);
}

}  // namespace

void Buckets::put_empty_state(char* to, std::uint64_t seed) noexcept {
  std::memset(to, 0, kStateBytes);
  base::store(to, seed);
}

bool Buckets::well_formed(std::string_view state) noexcept {
  if (state.size() != kStateBytes) return false;
  const std::uint64_t count = base::load48(state.data() + 8);
  const std::uint64_t buckets = base::load48(state.data() + 14);
  const auto bytes = base::load<std::uint64_t>(state.data() + 20);
  return buckets <= kBucketsMax && (count == 0) == (buckets == 0) && count <= bytes && (count == 0) == (bytes == 0);
}

std::uint64_t Buckets::count_of(std::string_view state) noexcept {
  return base::load48(state.data() + 8);
}

std::uint64_t Buckets::pages_of(std::string_view state) noexcept {
  return base::load48(state.data() + 14);
}

Buckets::Buckets(Pages& pages, unsigned items, PageId step, std::string_view state) noexcept
    : pages_(&pages), items_(items), step_(step) {
  STAVE_ASSERT((items == 1 || items == 2) && state.size() == kStateBytes);
  seed_ = base::load<std::uint64_t>(state.data());
  count_ = base::load48(state.data() + 8);
  buckets_ = base::load48(state.data() + 14);
  bytes_ = base::load<std::uint64_t>(state.data() + 20);
}

void Buckets::put_state(char* to) const noexcept {
  base::store(to, seed_);
  base::store48(to + 8, count_);
  base::store48(to + 14, buckets_);
  base::store(to + 20, bytes_);
}

std::uint64_t Buckets::hash(std::string_view name) const noexcept {
  return base::xxh3(base::as_bytes(name), seed_);
}

// With n buckets, those behind the greatest power of two are the upper halves of as many at the beginning.
std::uint64_t Buckets::bucket_of(std::uint64_t hash) const noexcept {
  const std::uint64_t half = std::bit_floor(buckets_);
  const std::uint64_t bucket = hash & (2 * half - 1);
  return bucket < buckets_ ? bucket : bucket - half;
}

std::size_t Buckets::next(const Run& run, std::size_t at) const noexcept {
  at = run.next(at);
  return items_ == 2 ? run.next(at) : at;
}

std::size_t Buckets::place_of(const Run& run, const EncodedItem& name) const noexcept {
  std::size_t at = run.begin();
  while (at != run.end() && !name.is_at(run.data(at))) at = next(run, at);
  return at;
}

const char* Buckets::find(std::string_view name) const {
  if (buckets_ == 0) return nullptr;
  const std::string_view form = read(bucket_of(hash(name)));
  const Run run(form);
  const std::size_t at = place_of(run, EncodedItem(name));
  return at == run.end() ? nullptr : form.data() + at;
}

bool Buckets::visit_bucket(std::uint64_t bucket, Visit visit) const {
  const std::string_view form = read(bucket);
  const Run run(form);
  for (std::size_t at = run.begin(); at != run.end(); at = next(run, at))
    if (!visit(run.data(at))) return false;
  return !form.empty();
}

void Buckets::visit(Visit visit) const {
  for (std::uint64_t bucket = 0; bucket != buckets_; ++bucket)
    if (!visit_bucket(bucket, visit)) return;
}

// The cursor counts the low bits of hashes with the highest of them as the ones, as that of dictScan in Redis does:
// what was passed stays passed when buckets are split, and when they are joined some of it comes again. A bucket and
// the one that was split from it are one piece, so that pieces are told by a power of two.
std::uint64_t Buckets::scan(std::uint64_t cursor, std::size_t count, Visit visit) const {
  if (buckets_ == 0) return 0;
  const std::uint64_t pieces = std::bit_floor(buckets_);
  std::size_t seen = 0;
  const auto counted = [&](const char* element) { return ++seen, visit(element); };
  do {
    for (std::uint64_t bucket = cursor & (pieces - 1); bucket < buckets_; bucket += pieces)
      if (!visit_bucket(bucket, counted)) return cursor;
    cursor = reversed(reversed(cursor | ~(pieces - 1)) + 1);
  } while (cursor != 0 && seen < count);
  return cursor;
}

// Pages hold different numbers of elements, so one is taken with a chance after how many it has; otherwise another is
// drawn, and at last what comes next.
void Buckets::visit_random(std::uint64_t random, Visit visit) const {
  STAVE_ASSERT(count_ != 0);
  const std::uint64_t full = 2 * (count_ / buckets_) + 2;
  const std::uint64_t tries = kDrawsMax + buckets_;
  std::uint64_t bucket = 0;
  for (std::uint64_t i = 0; i != tries; ++i) {
    bucket = i < kDrawsMax ? mixed(random) % buckets_ : (bucket + 1) % buckets_;
    const std::string_view form = read(bucket);
    if (form.empty()) return;
    const Run run(form);
    const std::uint64_t there = run.count() / items_;
    if (there == 0 || (i < kDrawsMax && mixed(random) % full >= there)) continue;
    visit(run.data(run.place(mixed(random) % there * items_)));
    return;
  }
}

void Buckets::visit_pages(base::FunctionRef<bool(PageId)> visit) const {
  for (std::uint64_t bucket = 0; bucket != buckets_; ++bucket)
    if (!visit(page_of(bucket))) return;
}

// Beside the page that was written, all of them count: one that is large for good, since an element is, must not split
// the others for ever.
bool Buckets::crowded(std::size_t page_bytes, std::uint64_t items) const noexcept {
  return page_bytes > kPageBytesMax && items > items_ && count_ > buckets_ && bytes_ >= buckets_ * (kPageBytesMax / 2);
}

bool Buckets::sparse() const noexcept {
  return buckets_ > 1 && (2 * count_ < buckets_ || bytes_ < buckets_ * kPageBytesMin);
}

Buckets::Put Buckets::set(std::string_view name, const EncodedItem* value) {
  STAVE_ASSERT((value != nullptr) == (items_ == 2));
  const EncodedItem key(name);
  if (buckets_ == 0) {
    std::string element;
    key.append_to(element);
    if (value != nullptr) value->append_to(element);
    buckets_ = count_ = 1;
    bytes_ = element.size();
    pages_->write(page_of(0), run_of(items_, element).form());
    return Put::kNew;
  }
  const std::uint64_t bucket = bucket_of(hash(name));
  const Run run(read(bucket));
  return run.form().empty() ? Put::kSame : set_in(bucket, run, key, value);
}

Buckets::Put Buckets::set_in(std::uint64_t bucket, const Run& run, const EncodedItem& key, const EncodedItem* value) {
  std::size_t at = place_of(run, key);
  const bool known = at != run.end();
  if (known && value == nullptr) return Put::kSame;
  if (known) at = run.next(at);
  if (known && value->is_at(run.data(at))) return Put::kSame;
  const std::size_t before = known ? item::size_at(run.data(at)) : 0;
  boost::container::small_vector<char, 256> element((known ? 0 : key.size()) + (value == nullptr ? 0 : value->size()),
                                                    boost::container::default_init);
  if (!known) key.write_to(element.data());
  if (value != nullptr) value->write_to(element.data() + (known ? 0 : key.size()));
  const std::int64_t items = known ? 0 : items_;
  const RunEdits edits(run, at, before, {element.data(), element.size()}, items);
  if (!known) ++count_;
  bytes_ = bytes_ - before + element.size();
  const bool splits = element.size() >= before && crowded(edits.form_size(), edits.count());
  if (!splits && (element.size() >= before || !sparse())) {
    pages_->edit(page_of(bucket), edits.edits());
    return known ? Put::kChanged : Put::kNew;
  }
  Run changed(run.form());
  std::memcpy(changed.replace(at, before, element.size(), items), element.data(), element.size());
  if (splits)
    split_next(bucket, changed);
  else
    join_last(bucket, changed);
  return known ? Put::kChanged : Put::kNew;
}

bool Buckets::remove(std::string_view name) {
  if (buckets_ == 0) return false;
  const std::uint64_t bucket = bucket_of(hash(name));
  const Run run(read(bucket));
  std::size_t at = place_of(run, EncodedItem(name));
  if (at == run.end()) return false;
  if (count_ == 1) {
    clear();
    return true;
  }
  const std::size_t size = next(run, at) - at;
  --count_;
  bytes_ -= size;
  if (!sparse()) {
    pages_->edit(page_of(bucket), RunEdits(run, at, size, {}, -static_cast<std::int64_t>(items_)).edits());
    return true;
  }
  Run changed(run.form());
  changed.replace(at, size, 0, -static_cast<std::int64_t>(items_));
  join_last(bucket, changed);
  return true;
}

void Buckets::clear() {
  for (std::uint64_t bucket = 0; bucket != buckets_ && !pages_->failed(); ++bucket) pages_->erase(page_of(bucket));
  count_ = buckets_ = bytes_ = 0;
}

// As many buckets as `set` would have made. The elements are counted by bucket, and each is put where its bucket's
// begin, so that a page is one piece. A sorted set's run has the names second.
void Buckets::fill(const Run& run, unsigned name) {
  STAVE_ASSERT(buckets_ == 0 && name < items_ && run.count() % items_ == 0);
  if (run.count() == 0) return;
  struct Bucket {
    std::uint64_t elements = 0;
    std::size_t end = 0;  ///< Of its bytes, as far as they are there; before that: how many there will be.
  };
  count_ = run.count() / items_;
  bytes_ = run.end() - run.begin();
  buckets_ = std::min(count_, bytes_ / (kPageBytesMax / 2) + 1);
  STAVE_ASSERT(buckets_ <= kBucketsMax);
  std::vector<Bucket> buckets(buckets_);
  std::vector<std::uint64_t> chosen;
  chosen.reserve(count_);
  for (std::size_t at = run.begin(), after = 0; at != run.end(); at = after) {
    after = next(run, at);
    const std::size_t name_at = name == 0 ? at : run.next(at);
    chosen.push_back(bucket_of(hash(run.read(name_at).view())));
    Bucket& bucket = buckets[chosen.back()];
    ++bucket.elements;
    bucket.end += after - at;
  }
  std::size_t begin = 0;
  for (Bucket& bucket : buckets) begin += std::exchange(bucket.end, begin);
  std::string sorted(bytes_, '\0');
  auto bucket_number = chosen.begin();
  for (std::size_t at = run.begin(), after = 0; at != run.end(); at = after) {
    after = next(run, at);
    const std::size_t name_at = name == 0 ? at : run.next(at);
    Bucket& bucket = buckets[*bucket_number++];
    char* const to = sorted.data() + bucket.end;
    std::memcpy(to, run.data(name_at), after - name_at);
    std::memcpy(to + (after - name_at), run.data(at), name_at - at);
    bucket.end += after - at;
  }
  begin = 0;
  for (std::uint64_t number = 0; number != buckets_ && !pages_->failed(); ++number) {
    const Bucket& bucket = buckets[number];
    std::string form = Run::begin_form(bucket.elements * items_);
    form.append(sorted, begin, bucket.end - begin);
    begin = bucket.end;
    pages_->write(page_of(number), form);
  }
}

// `run` is what the bucket `changed` is to hold, unless some of it goes.
void Buckets::split_next(std::uint64_t changed, const Run& run) {
  const std::uint64_t added = buckets_;
  const std::uint64_t source = added - std::bit_floor(added);
  if (source != changed) pages_->write(page_of(changed), run.form());
  const std::string_view form = source == changed ? run.form() : read(source);
  if (form.empty()) return;
  ++buckets_;
  const Run from(form);
  std::string stay;
  std::string go;
  std::uint64_t going = 0;
  for (std::size_t at = from.begin(); at != from.end();) {
    const std::size_t after = next(from, at);
    const bool goes = bucket_of(hash(from.read(at).view())) == added;
    (goes ? go : stay).append(form.substr(at, after - at));
    going += goes ? items_ : 0;
    at = after;
  }
  const std::uint64_t staying = from.count() - going;
  if (going != 0 || source == changed) pages_->write(page_of(source), run_of(staying, stay).form());
  pages_->write(page_of(added), run_of(going, go).form());
}

void Buckets::join_last(std::uint64_t changed, const Run& run) {
  bool written = false;
  const auto now = [&](std::uint64_t bucket) { return bucket == changed && !written ? run.form() : read(bucket); };
  for (int joins = 0; joins != kJoinsMax && sparse(); ++joins) {
    const std::uint64_t last = buckets_ - 1;
    const std::uint64_t partner = last - std::bit_floor(last);
    const std::string_view form = now(last);
    const std::string_view other = now(partner);
    if (form.empty() || other.empty()) return;
    const Run from(form);
    const Run to(other);
    const bool holds_changed = last == changed || partner == changed;
    if (from.count() != 0 || holds_changed) {
      std::string both(items_of(to));
      both.append(items_of(from));
      const std::uint64_t items = to.count() + from.count();
      pages_->write(page_of(partner), run_of(items, both).form());
    }
    written = written || holds_changed;
    pages_->erase(page_of(last));
    --buckets_;
  }
  if (!written) pages_->write(page_of(changed), run.form());
}

}  // namespace stave::types::paged
