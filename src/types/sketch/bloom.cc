#include "types/sketch/bloom.h"

#include <algorithm>
#include <cmath>

namespace stave::types::sketch {

namespace {

constexpr std::size_t kLayersAt = 4;
constexpr std::size_t kElementsAt = 8;
constexpr std::size_t kCapacityAt = 16;
constexpr std::size_t kRateAt = 24;
constexpr std::size_t kExpansionAt = 32;
constexpr std::uint64_t kLayersMax = 4096;
/// No layer is larger.
constexpr double kLayerBytesMax = 1e12;

/// Calls `visit(bit)` for each bit of the element in a block of so many, until told not to go on.
template <class Visit>
void visit_bits(std::uint64_t hash, unsigned probes, std::uint64_t bits, Visit&& visit) {
  for (unsigned i = 0; i < probes; ++i) {
    hash = mixed(hash);
    if (!visit(static_cast<std::size_t>(below(hash, bits)))) return;
  }
}

}  // namespace

Bloom::Options Bloom::options_in(const Head& head) noexcept {
  return {.rate = head.get<double>(kRateAt),
          .capacity = head.get<std::uint64_t>(kCapacityAt),
          .expansion = head.get<std::uint32_t>(kExpansionAt)};
}

/// Layer `number`, behind a sketch that is so large before; nullopt: it would be too large.
std::optional<Bloom::Layer> Bloom::layer(const Options& options, std::size_t number, std::uint64_t after) noexcept {
  constexpr double kLn2 = 0.693147180559945309;
  // What elements crowding in one block cost, and a little.
  constexpr double kSlack = 1.03;
  const double capacity = static_cast<double>(options.capacity) *
                          std::pow(static_cast<double>(options.expansion), static_cast<double>(number));
  const double tightening = options.expansion == 0 ? 0 : static_cast<double>(number) + 1;
  const double doublings = std::log2(1 / std::min(options.rate, kRateMax)) + tightening;
  const double bytes = std::ceil(capacity * doublings / kLn2 * kSlack / 8) + 1;
  if (!(bytes <= kLayerBytesMax)) return std::nullopt;
  Layer layer;
  layer.capacity = static_cast<std::uint64_t>(capacity);
  layer.probes = std::max(1u, static_cast<unsigned>(std::lround(doublings)));
  layer.block_bytes = static_cast<std::size_t>(std::min<double>(bytes, kPageBytes));
  layer.blocks = (static_cast<std::uint64_t>(bytes) + layer.block_bytes - 1) / layer.block_bytes;
  layer.at = after;
  // Whole pages lie in pages.
  if (layer.block_bytes == kPageBytes)
    layer.at = kHeadBytes + (after - kHeadBytes + kPageBytes - 1) / kPageBytes * kPageBytes;
  return layer;
}

std::uint64_t Bloom::bytes_for(const Options& options) noexcept {
  const auto first = layer(options, 0, kHeadBytes);
  return first ? first->end() : ~std::uint64_t{0};
}

void Bloom::make(Editor& bytes, const Options& options) {
  STAVE_ASSERT(bytes.size() == 0);
  Head head(Kind::kBloom);
  head.put<std::uint32_t>(kLayersAt, 1);
  head.put<std::uint64_t>(kCapacityAt, options.capacity);
  head.put<double>(kRateAt, options.rate);
  head.put<std::uint32_t>(kExpansionAt, options.expansion);
  bytes.extend(bytes_for(options));
  bytes.write(0, head.view());
}

std::optional<std::uint64_t> Bloom::size_of(const Head& head) noexcept {
  const Options options = options_in(head);
  const auto layers = head.get<std::uint32_t>(kLayersAt);
  if (!(options.rate > 0 && options.rate < 1) || options.capacity == 0 || options.capacity > kCapacityMax)
    return std::nullopt;
  if (layers == 0 || layers > kLayersMax || options.expansion > kExpansionMax) return std::nullopt;
  if (options.expansion == 0 && layers > 1) return std::nullopt;
  std::uint64_t end = kHeadBytes;
  std::uint64_t capacity = 0;
  for (std::uint32_t i = 0; i < layers; ++i) {
    const auto next = layer(options, i, end);
    if (!next) return std::nullopt;
    end = next->end();
    capacity += next->capacity;
  }
  if (head.get<std::uint64_t>(kElementsAt) > capacity) return std::nullopt;
  return end;
}

Bloom::Bloom(const Reader& bytes) : bytes_(bytes) {
  const Head head = Head::of(bytes);
  options_ = options_in(head);
  elements_ = head.get<std::uint64_t>(kElementsAt);
  const auto layers = head.get<std::uint32_t>(kLayersAt);
  layers_.reserve(layers);
  for (std::uint32_t i = 0; i < layers; ++i) {
    const auto next = layer(options_, i, i == 0 ? kHeadBytes : layers_.back().end());
    STAVE_ASSERT(next.has_value());
    layers_.push_back(*next);
  }
  STAVE_ASSERT(!layers_.empty() && layers_.back().end() == bytes.size());
}

std::uint64_t Bloom::capacity() const noexcept {
  std::uint64_t sum = 0;
  for (const Layer& layer : layers_) sum += layer.capacity;
  return sum;
}

bool Bloom::has(const Layer& layer, const Hash& hash, std::string& scratch) const {
  const std::string_view block =
      bytes_.read(layer.at + below(hash.high, layer.blocks) * layer.block_bytes, layer.block_bytes, scratch);
  bool all = true;
  visit_bits(hash.low, layer.probes, layer.block_bytes * 8, [&](std::size_t bit) {
    all = (static_cast<unsigned char>(block[bit / 8]) >> bit % 8 & 1) != 0;
    return all;
  });
  return all;
}

bool Bloom::contains(std::string_view element) const {
  const Hash hash = hash_of(element);
  std::string scratch;
  return std::any_of(layers_.rbegin(), layers_.rend(), [&](const Layer& layer) { return has(layer, hash, scratch); });
}

Bloom::Added Bloom::add(Editor& bytes, std::string_view element, std::uint64_t bytes_max) {
  STAVE_ASSERT(&bytes == &bytes_);
  const Hash hash = hash_of(element);
  std::string scratch;
  for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer)
    if (has(*layer, hash, scratch)) return Added::kThere;
  if (elements_ >= capacity()) {
    if (options_.expansion == 0) return Added::kFull;
    const auto next = layer(options_, layers_.size(), layers_.back().end());
    if (!next || next->end() > bytes_max || layers_.size() == kLayersMax) return Added::kTooLarge;
    bytes.extend(next->end() - bytes.size());
    layers_.push_back(*next);
  }
  const Layer& last = layers_.back();
  const std::uint64_t at = last.at + below(hash.high, last.blocks) * last.block_bytes;
  std::string block(bytes.read(at, last.block_bytes, scratch));
  visit_bits(hash.low, last.probes, last.block_bytes * 8, [&](std::size_t bit) {
    block[bit / 8] = static_cast<char>(static_cast<unsigned char>(block[bit / 8]) | 1u << bit % 8);
    return true;
  });
  bytes.write(at, block);
  ++elements_;
  return Added::kNew;
}

Head Bloom::head() const noexcept {
  Head head(Kind::kBloom);
  head.put<std::uint32_t>(kLayersAt, static_cast<std::uint32_t>(layers_.size()));
  head.put<std::uint64_t>(kElementsAt, elements_);
  head.put<std::uint64_t>(kCapacityAt, options_.capacity);
  head.put<double>(kRateAt, options_.rate);
  head.put<std::uint32_t>(kExpansionAt, options_.expansion);
  return head;
}

void Bloom::finish(Editor& bytes) const {
  bytes.write(0, head().view());
}

}  // namespace stave::types::sketch
