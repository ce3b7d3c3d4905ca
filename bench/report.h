// What a benchmark says: rows of medians, ratios beside a peer, and targets reached or not.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bench {

double median(std::vector<double> values);

/// 1234567 -> "1.23M".
std::string human(double value);

class Report {
 public:
  /// One line of a Markdown table: what, per peer, the rate and its ratio to ours.
  void rates(const std::string& what, const std::vector<std::pair<std::string, double>>& per_peer);
  /// Any other figure.
  void figure(const std::string& what, const std::string& text);
  /// A bar: prints whether `value` is at least `least`.
  void target(const std::string& what, double value, double least);
  /// Prints the targets together. A bar that was missed is not a failure of the run.
  void finish() const;

 private:
  struct Target {
    std::string what;
    double value;
    double least;
  };
  std::vector<Target> targets_;
};

}  // namespace bench
