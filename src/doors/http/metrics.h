// What the store measures, as Prometheus reads it: the page at /metrics.
//
// Promises: everything is collected when the page is asked for, so that a measurement costs an operation nothing more
// than the counters it keeps anyway; names follow Prometheus' conventions (base units, `_total` on what only grows) and
// stay. Dashboard and alerts in packaging/ are tested against this page. Must not know: sockets, routes.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/function_ref.h"
#include "commands/environment.h"

namespace stave::http {

/// The Content-Type of the page.
inline constexpr std::string_view kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

/// A page being written. Rows of one name may come in any order; the first says what the name means.
/// Threads: one.
class MetricsPage {
 public:
  /// Label names are ours, values may be anybody's: they are escaped.
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  MetricsPage();
  ~MetricsPage();
  MetricsPage(const MetricsPage&) = delete;
  MetricsPage& operator=(const MetricsPage&) = delete;

  /// Only grows while the process lives. `name` ends in "_total".
  void counter(std::string_view name, std::string_view help, double value, Labels labels = {});
  void gauge(std::string_view name, std::string_view help, double value, Labels labels = {});
  /// Durations counted by power of two: `counts[i]` are those below 2^i nanoseconds that `counts[i - 1]` does not hold.
  /// `name` ends in "_seconds".
  void durations(std::string_view name, std::string_view help, std::span<const std::uint64_t> counts,
                 std::uint64_t total_ns, Labels labels = {});

  [[nodiscard]] std::string text() const;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

/// The page of a store: its own measurements, and what `more` adds (a door's requests, for example).
/// Cost: some milliseconds with many databases, whose shards it locks one by one. Threads: any.
std::string render_metrics(commands::Environment& environment, base::FunctionRef<void(MetricsPage&)> more);
std::string render_metrics(commands::Environment& environment);

}  // namespace stave::http
