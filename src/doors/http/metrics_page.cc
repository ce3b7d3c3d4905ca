#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <vector>

#include "doors/http/metrics.h"
#include "doors/http/metrics_units.h"

namespace stave::http {

namespace {

// From a microsecond to a second by twos, then by fours: finer than needed at the ends costs a line per command each.
constexpr std::size_t kFirstBound = 10;
constexpr std::size_t kLastFineBound = 30;
constexpr std::size_t kLastBound = 36;

prometheus::ClientMetric labelled(MetricsPage::Labels labels) {
  prometheus::ClientMetric metric;
  for (const auto& [name, value] : labels) metric.label.push_back({std::string(name), std::string(value)});
  return metric;
}

}  // namespace

struct MetricsPage::Families {
  std::vector<prometheus::MetricFamily> in_order;
  std::map<std::string, std::size_t, std::less<>> places;

  prometheus::MetricFamily& of(std::string_view name, std::string_view help, prometheus::MetricType type) {
    const auto found = places.find(name);
    if (found != places.end()) return in_order[found->second];
    places.emplace(name, in_order.size());
    return in_order.emplace_back(
        prometheus::MetricFamily{.name = std::string(name), .help = std::string(help), .type = type, .metric = {}});
  }
};

MetricsPage::MetricsPage() : families_(std::make_unique<Families>()) {}
MetricsPage::~MetricsPage() = default;

void MetricsPage::counter(std::string_view name, std::string_view help, double value, Labels labels) {
  auto& family = families_->of(name, help, prometheus::MetricType::Counter);
  family.metric.push_back(labelled(labels));
  family.metric.back().counter.value = value;
}

void MetricsPage::gauge(std::string_view name, std::string_view help, double value, Labels labels) {
  auto& family = families_->of(name, help, prometheus::MetricType::Gauge);
  family.metric.push_back(labelled(labels));
  family.metric.back().gauge.value = value;
}

void MetricsPage::durations(std::string_view name, std::string_view help, std::span<const std::uint64_t> counts,
                            std::uint64_t total_ns, Labels labels) {
  auto& family = families_->of(name, help, prometheus::MetricType::Histogram);
  family.metric.push_back(labelled(labels));
  auto& histogram = family.metric.back().histogram;
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    below += counts[i];
    const bool shown =
        (i >= kFirstBound && i <= kLastFineBound) || (i > kLastFineBound && i <= kLastBound && i % 2 == 0);
    if (!shown) continue;
    static_assert(kLastBound < 64 && kFirstBound < kLastFineBound && kLastFineBound < kLastBound);
    const double bound = static_cast<double>(std::uint64_t{1} << i) * kSecondsPerNs;
    histogram.bucket.push_back({.cumulative_count = below, .upper_bound = bound});
  }
  histogram.sample_count = below;
  histogram.sample_sum = static_cast<double>(total_ns) * kSecondsPerNs;
}

std::string MetricsPage::text() const {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families_->in_order);
  return std::move(out).str();
}

}  // namespace stave::http
