#include "types/sketch/top.h"

#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <cmath>
#include <limits>

namespace stave::types::sketch {

namespace {

constexpr std::size_t kKAt = 4;
constexpr std::size_t kTopWidthAt = 8;
constexpr std::size_t kTopDepthAt = 12;
constexpr std::size_t kDecayAt = 16;
constexpr std::size_t kChanceAt = 24;
constexpr std::size_t kListedAt = 32;
constexpr std::size_t kNameRoomAt = 36;
constexpr std::size_t kUsedAt = 40;
constexpr std::size_t kLiveAt = 44;
constexpr std::size_t kPlaceBytes = 16;
constexpr std::size_t kCounterBytes = 8;
constexpr std::uint32_t kMost = std::numeric_limits<std::uint32_t>::max();
/// No room for names is less, once there is any.
constexpr std::uint32_t kNameRoomMin = 64;

std::uint32_t mark_of(const Hash& hash) noexcept {
  return static_cast<std::uint32_t>(hash.high >> 32);
}

std::uint32_t plus(std::uint32_t a, std::uint32_t b) noexcept {
  return a > kMost - b ? kMost : a + b;
}

}  // namespace

// --- layout ----------------------------------------------------------------------------------------------------------

std::uint64_t Top::counters_at(const Options& options) noexcept {
  return kHeadBytes + std::uint64_t{options.k} * kPlaceBytes;
}

std::uint64_t Top::bytes_for(const Options& options) noexcept {
  constexpr std::uint64_t kLimit = std::uint64_t{1} << 44;
  const std::uint64_t counters = std::uint64_t{options.width} * options.depth;
  return counters > kLimit ? ~std::uint64_t{0} : counters_at(options) + counters * kCounterBytes;
}

void Top::make(Editor& bytes, const Options& options) {
  STAVE_ASSERT(bytes.size() == 0 && options.k != 0 && options.width != 0 && options.depth != 0);
  bytes.extend(bytes_for(options));
  Head head(Kind::kTop);
  head.put<std::uint32_t>(kKAt, options.k);
  head.put<std::uint32_t>(kTopWidthAt, options.width);
  head.put<std::uint32_t>(kTopDepthAt, options.depth);
  head.put<double>(kDecayAt, options.decay);
  bytes.write(0, head.view());
}

Top::Options Top::options_in(const Head& head) noexcept {
  return {.k = head.get<std::uint32_t>(kKAt),
          .width = head.get<std::uint32_t>(kTopWidthAt),
          .depth = head.get<std::uint32_t>(kTopDepthAt),
          .decay = head.get<double>(kDecayAt)};
}

std::optional<std::uint64_t> Top::size_of(const Head& head) noexcept {
  const Options options = options_in(head);
  if (options.k == 0 || options.width == 0 || options.depth == 0) return std::nullopt;
  if (!(options.decay > 0 && options.decay <= 1)) return std::nullopt;
  if (head.get<std::uint32_t>(kListedAt) > options.k) return std::nullopt;
  if (head.get<std::uint32_t>(kLiveAt) > head.get<std::uint32_t>(kUsedAt)) return std::nullopt;
  if (head.get<std::uint32_t>(kUsedAt) > head.get<std::uint32_t>(kNameRoomAt)) return std::nullopt;
  const std::uint64_t bytes = bytes_for(options);
  return bytes == ~std::uint64_t{0} ? std::nullopt : std::optional(bytes + head.get<std::uint32_t>(kNameRoomAt));
}

bool Top::well_formed(const Reader& bytes) {
  const Top top(bytes);
  std::uint64_t live = 0;
  for (std::uint32_t i = 0; i < top.listed_; ++i) {
    const Place place = top.place(i);
    if (i != 0 && place.count < top.place((i - 1) / 2).count) return false;
    if (place.size > top.used_ || place.at > top.used_ - place.size) return false;
    if (mark_of(hash_of(top.name(place))) != place.mark) return false;
    live += place.size;
  }
  return live == top.live_;
}

Top::Top(const Reader& bytes) : bytes_(bytes) {
  const Head head = Head::of(bytes);
  options_ = options_in(head);
  chance_ = head.get<std::uint64_t>(kChanceAt);
  listed_ = head.get<std::uint32_t>(kListedAt);
  room_ = head.get<std::uint32_t>(kNameRoomAt);
  used_ = head.get<std::uint32_t>(kUsedAt);
  live_ = head.get<std::uint32_t>(kLiveAt);
  STAVE_ASSERT(bytes.size() == bytes_for(options_) + room_);
}

void Top::finish(Editor& bytes) const {
  Head head(Kind::kTop);
  head.put<std::uint32_t>(kKAt, options_.k);
  head.put<std::uint32_t>(kTopWidthAt, options_.width);
  head.put<std::uint32_t>(kTopDepthAt, options_.depth);
  head.put<double>(kDecayAt, options_.decay);
  head.put<std::uint64_t>(kChanceAt, chance_);
  head.put<std::uint32_t>(kListedAt, listed_);
  head.put<std::uint32_t>(kNameRoomAt, room_);
  head.put<std::uint32_t>(kUsedAt, used_);
  head.put<std::uint32_t>(kLiveAt, live_);
  bytes.write(0, head.view());
}

// --- counters --------------------------------------------------------------------------------------------------------

std::uint64_t Top::counter_at(const Hash& hash, std::uint32_t row) const noexcept {
  const std::uint64_t column = below(mixed(hash.low + row * hash.high), options_.width);
  return counters_at(options_) + (std::uint64_t{row} * options_.width + column) * kCounterBytes;
}

Top::Counter Top::counter(std::uint64_t at) const {
  std::string scratch;
  const char* const bytes = bytes_.read(at, kCounterBytes, scratch).data();
  return {base::load<std::uint32_t>(bytes), base::load<std::uint32_t>(bytes + 4)};
}

std::uint32_t Top::count(std::string_view element) const {
  const Hash hash = hash_of(element);
  std::uint32_t most = 0;
  for (std::uint32_t row = 0; row < options_.depth; ++row)
    if (const Counter found = counter(counter_at(hash, row)); found.mark == mark_of(hash))
      most = std::max(most, found.count);
  if (const auto number = find(mark_of(hash), element)) most = std::max(most, place(*number).count);
  return most;
}

/// Above 0, at most 1.
double Top::chance() noexcept {
  chance_ += 0x9e37'79b9'7f4a'7c15;
  return static_cast<double>((mixed(chance_) >> 11) + 1) * 0x1p-53;
}

/// Adds to one of the element's counters; what it counts of the element then.
std::uint32_t Top::count_in_row(Counter& counter, std::uint32_t mark, std::uint32_t times) {
  if (counter.count == 0) counter = {mark, 0};
  if (counter.mark == mark) {
    counter.count = plus(counter.count, times);
    return counter.count;
  }
  std::uint32_t left = times;
  while (left != 0) {
    // Not a draw for each time, but one for how often nothing is taken off.
    const double odds = std::pow(options_.decay, static_cast<double>(counter.count));
    const double spared = odds >= 1 ? 0 : std::floor(std::log(chance()) / std::log1p(-odds));
    if (!(spared < static_cast<double>(left))) return 0;
    left -= static_cast<std::uint32_t>(spared);
    if (--counter.count == 0) {
      counter = {mark, left};
      return left;
    }
    --left;
  }
  return 0;
}

// --- the list --------------------------------------------------------------------------------------------------------

Top::Place Top::place(std::uint32_t number) const {
  std::string scratch;
  const char* const bytes = bytes_.read(kHeadBytes + std::uint64_t{number} * kPlaceBytes, kPlaceBytes, scratch).data();
  return {base::load<std::uint32_t>(bytes), base::load<std::uint32_t>(bytes + 4), base::load<std::uint32_t>(bytes + 8),
          base::load<std::uint32_t>(bytes + 12)};
}

void Top::put(Editor& bytes, std::uint32_t number, const Place& place) const {
  char text[kPlaceBytes];
  base::store(text, place.mark);
  base::store(text + 4, place.count);
  base::store(text + 8, place.size);
  base::store(text + 12, place.at);
  bytes.write(kHeadBytes + std::uint64_t{number} * kPlaceBytes, {text, sizeof text});
}

/// Nothing, when its place contradicts the head: some page cannot be had.
std::string Top::name(const Place& place) const {
  if (place.size > room_ || place.at > room_ - place.size) return {};
  std::string scratch;
  return std::string(bytes_.read(bytes_for(options_) + place.at, place.size, scratch));
}

std::optional<std::uint32_t> Top::find(std::uint32_t mark, std::string_view element) const {
  constexpr std::uint32_t kAtOnce = kPageBytes / kPlaceBytes;
  std::string scratch;
  boost::container::small_vector<std::uint32_t, 4> marked;
  for (std::uint32_t from = 0; from < listed_; from += kAtOnce) {
    const std::uint32_t count = std::min(kAtOnce, listed_ - from);
    const std::string_view places =
        bytes_.read(kHeadBytes + std::uint64_t{from} * kPlaceBytes, count * kPlaceBytes, scratch);
    for (std::uint32_t i = 0; i < count; ++i)
      if (base::load<std::uint32_t>(places.data() + i * kPlaceBytes) == mark) marked.push_back(from + i);
  }
  for (const std::uint32_t number : marked)
    if (name(place(number)) == element) return number;
  return std::nullopt;
}

bool Top::listed(std::string_view element) const {
  return find(mark_of(hash_of(element)), element).has_value();
}

std::vector<Top::Listed> Top::list() const {
  std::vector<Listed> all;
  for (std::uint32_t i = 0; i < listed_; ++i) {
    const Place here = place(i);
    all.push_back({name(here), here.count});
  }
  std::ranges::sort(
      all, [](const Listed& a, const Listed& b) { return a.count != b.count ? a.count > b.count : a.name < b.name; });
  return all;
}

/// Puts it where it belongs, from `number` on away from the first.
void Top::sink(Editor& bytes, std::uint32_t number, const Place& moved) const {
  for (;;) {
    const std::uint64_t left = 2 * std::uint64_t{number} + 1;
    if (left >= listed_) break;
    auto least = static_cast<std::uint32_t>(left);
    Place child = place(least);
    if (least + 1 < listed_)
      if (const Place right = place(least + 1); right.count < child.count) {
        child = right;
        ++least;
      }
    if (child.count >= moved.count) break;
    put(bytes, number, child);
    number = least;
  }
  put(bytes, number, moved);
}

/// The same towards the first.
void Top::rise(Editor& bytes, std::uint32_t number, const Place& moved) const {
  while (number != 0) {
    const std::uint32_t parent = (number - 1) / 2;
    const Place above = place(parent);
    if (above.count <= moved.count) break;
    put(bytes, number, above);
    number = parent;
  }
  put(bytes, number, moved);
}

/// Puts the names of those listed together again.
void Top::close_gaps(Editor& bytes) {
  std::string names;
  names.reserve(live_);
  for (std::uint32_t i = 0; i < listed_; ++i) {
    Place here = place(i);
    const std::string text = name(here);
    here.at = static_cast<std::uint32_t>(names.size());
    here.size = static_cast<std::uint32_t>(text.size());
    names += text;
    put(bytes, i, here);
  }
  // Fewer, when a page could not be had; never more than there is room for.
  names.resize(std::min<std::size_t>(names.size(), room_));
  bytes.write(bytes_for(options_), names);
  live_ = used_ = static_cast<std::uint32_t>(names.size());
}

/// How much room for names there may be at most.
std::uint64_t Top::room_max(std::uint64_t bytes_max) const noexcept {
  return std::min<std::uint64_t>(bytes_max - std::min(bytes_max, bytes_for(options_)), kMost);
}

/// Room for another name of that size behind those used. False: a page could not be had.
bool Top::make_room(Editor& bytes, std::size_t size, std::uint64_t bytes_max) {
  if (size <= room_ - used_) return true;
  const std::uint64_t need = std::uint64_t{live_} + size;
  if (need <= room_ / 2) {
    close_gaps(bytes);
    return size <= room_ - used_;
  }
  const std::uint64_t wanted = std::max<std::uint64_t>({2 * need, kNameRoomMin, std::uint64_t{used_} + size});
  const std::uint64_t room = std::min(wanted, room_max(bytes_max));
  if (room > room_) {
    bytes.extend(room - room_);
    room_ = static_cast<std::uint32_t>(room);
  }
  if (size > room_ - used_ && need <= room_) close_gaps(bytes);
  return size <= room_ - used_;
}

Top::Added Top::add(Editor& bytes, std::string_view element, std::uint32_t times, std::uint64_t bytes_max) {
  STAVE_ASSERT(&bytes == &bytes_);
  if (times == 0) return {};
  // Before anything is counted, although it may not come to be listed.
  if (element.size() > room_max(bytes_max) || live_ > room_max(bytes_max) - element.size())
    return {.too_large = true, .expelled = {}};
  const Hash hash = hash_of(element);
  const std::uint32_t mark = mark_of(hash);
  std::uint32_t most = 0;
  for (std::uint32_t row = 0; row < options_.depth; ++row) {
    const std::uint64_t at = counter_at(hash, row);
    const Counter before = counter(at);
    Counter after = before;
    most = std::max(most, count_in_row(after, mark, times));
    if (after.mark == before.mark && after.count == before.count) continue;
    char text[kCounterBytes];
    base::store(text, after.mark);
    base::store(text + 4, after.count);
    bytes.write(at, {text, sizeof text});
  }
  const bool full = listed_ == options_.k;
  if (most == 0 || (full && most < place(0).count)) return {};
  if (const auto number = find(mark, element)) {
    Place there = place(*number);
    // A counter that others took may have less than the list knows.
    there.count = std::max(there.count, most);
    sink(bytes, *number, there);
    return {};
  }
  if (!make_room(bytes, element.size(), bytes_max)) return {};
  const Place fresh{.mark = mark, .count = most, .size = static_cast<std::uint32_t>(element.size()), .at = used_};
  bytes.write(bytes_for(options_) + used_, element);
  used_ += fresh.size;
  live_ += fresh.size;
  if (!full) {
    rise(bytes, listed_++, fresh);
    return {};
  }
  const Place least = place(0);
  Added added;
  added.expelled = name(least);
  live_ -= std::min(live_, least.size);
  sink(bytes, 0, fresh);
  return added;
}

}  // namespace stave::types::sketch
