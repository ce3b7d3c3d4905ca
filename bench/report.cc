#include "report.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace bench {

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

std::string human(double value) {
  std::array<char, 32> text{};
  if (value >= 1e6) {
    std::snprintf(text.data(), text.size(), "%.2fM", value / 1e6);
  } else if (value >= 1e3) {
    std::snprintf(text.data(), text.size(), "%.1fK", value / 1e3);
  } else {
    std::snprintf(text.data(), text.size(), "%.1f", value);
  }
  return text.data();
}

void Report::rates(const std::string& what, const std::vector<std::pair<std::string, double>>& per_peer) {
  std::printf("%-28s", what.c_str());
  const double ours = per_peer.empty() ? 0 : per_peer.front().second;
  for (std::size_t i = 0; i < per_peer.size(); ++i) {
    const auto& [peer, rate] = per_peer[i];
    std::printf("  %s %s/s", peer.c_str(), human(rate).c_str());
    if (i > 0 && rate > 0) std::printf(" (x%.2f)", ours / rate);
  }
  std::printf("\n");
  std::fflush(stdout);
}

void Report::figure(const std::string& what, const std::string& text) {
  std::printf("%-28s  %s\n", what.c_str(), text.c_str());
  std::fflush(stdout);
}

void Report::target(const std::string& what, double value, double least) {
  targets_.push_back({what, value, least});
}

void Report::finish() const {
  std::printf("\n%-52s %12s %12s\n", "target", "at least", "measured");
  for (const Target& target : targets_) {
    const bool reached = target.value >= target.least;
    std::printf("%-52s %12s %12s  %s\n", target.what.c_str(), human(target.least).c_str(), human(target.value).c_str(),
                reached ? "ok" : "not reached");
  }
}

}  // namespace bench
