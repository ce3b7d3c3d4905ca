#include "commands/statistics.h"

#include <algorithm>
#include <bit>

#include "base/assert.h"
#include "commands/client_registry.h"
#include "commands/session.h"
#include "commands/table.h"

namespace stave::commands {

namespace {
using Counter = std::atomic<std::uint64_t>;
void add(Counter& counter, std::uint64_t n) noexcept {
  counter.fetch_add(n, std::memory_order_relaxed);
}
std::uint64_t get(const Counter& counter) noexcept {
  return counter.load(std::memory_order_relaxed);
}
// Sessions count upwards for ever; a reset takes what they show now off the sum instead.
void subtract(Counter& counter, std::uint64_t n) noexcept {
  counter.fetch_sub(n, std::memory_order_relaxed);
}
// Error code words come from us, but a message of the system could begin like one.
constexpr std::size_t kErrorKindsMax = 128;
}  // namespace

struct CommandStatistics::Row {
  Counter calls{0};
  Counter total_ns{0};
  Counter timed_ns{0};
  Counter rejected{0};
  Counter failed{0};
  std::array<Counter, Histogram::kBuckets> histogram{};
};

std::uint64_t Histogram::total() const noexcept {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : counts) sum += count;
  return sum;
}

std::uint64_t Histogram::quantile_ns(double share) const noexcept {
  STAVE_ASSERT(share >= 0 && share <= 1);
  const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(total()));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += counts[i];
    if (seen > wanted || (seen == wanted && seen != 0)) return std::uint64_t{1} << i;
  }
  return 0;
}

CommandStatistics::CommandStatistics(std::size_t rows) : rows_count_(rows), rows_(std::make_unique<Row[]>(rows)) {}
CommandStatistics::~CommandStatistics() = default;

void CommandStatistics::add_calls(std::size_t row, std::uint64_t calls) noexcept {
  STAVE_ASSERT(row < rows_count_);
  add(rows_[row].calls, calls);
}

void CommandStatistics::add_time(std::size_t row, std::uint64_t ns, std::uint64_t weight) noexcept {
  STAVE_ASSERT(row < rows_count_);
  add(rows_[row].total_ns, ns * weight);
  add(rows_[row].timed_ns, ns);
  const auto bucket = static_cast<std::size_t>(std::bit_width(ns));
  add(rows_[row].histogram[std::min(bucket, Histogram::kBuckets - 1)], 1);
}

void CommandStatistics::add_rejected(std::size_t row) noexcept {
  STAVE_ASSERT(row < rows_count_);
  add(rows_[row].rejected, 1);
}
void CommandStatistics::add_failed(std::size_t row) noexcept {
  STAVE_ASSERT(row < rows_count_);
  add(rows_[row].failed, 1);
}

void CommandStatistics::add_lookups(std::uint64_t hits, std::uint64_t misses) noexcept {
  add(hits_, hits);
  add(misses_, misses);
}

void CommandStatistics::add_error(std::string_view line) {
  add(error_count_, 1);
  const std::string_view word = line.substr(0, line.find(' '));
  base::MutexLock lock(errors_mutex_);
  const auto found = errors_.find(word);
  if (found != errors_.end()) {
    ++found->second;
  } else if (errors_.size() < kErrorKindsMax) {
    errors_.emplace(word, 1);
  }
}

std::vector<RowStatistics> CommandStatistics::rows(ClientRegistry& clients) const {
  std::vector<RowStatistics> all(rows_count_);
  for (std::size_t row = 0; row < rows_count_; ++row) {
    const Row& from = rows_[row];
    RowStatistics& to = all[row];
    to.calls = get(from.calls);
    to.total_ns = get(from.total_ns);
    to.timed_ns = get(from.timed_ns);
    to.rejected = get(from.rejected);
    to.failed = get(from.failed);
    for (std::size_t i = 0; i < Histogram::kBuckets; ++i) to.histogram.counts[i] = get(from.histogram[i]);
  }
  clients.visit([&](Session& session) {
    session.counters().show([&](std::size_t row, std::uint64_t calls) { all[row].calls += calls; });
  });
  return all;
}

std::map<std::string, std::uint64_t> CommandStatistics::errors() const {
  base::MutexLock lock(errors_mutex_);
  return {errors_.begin(), errors_.end()};
}

CommandStatistics::Lookups CommandStatistics::lookups(ClientRegistry& clients) const {
  Lookups sum{.hits = get(hits_), .misses = get(misses_)};
  clients.visit([&](Session& session) {
    sum.hits += session.counters().hits();
    sum.misses += session.counters().misses();
  });
  return sum;
}

std::uint64_t CommandStatistics::calls(ClientRegistry& clients) const {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < rows_count_; ++i) sum += get(rows_[i].calls);
  clients.visit(
      [&](Session& session) { session.counters().show([&](std::size_t, std::uint64_t calls) { sum += calls; }); });
  return sum;
}

std::uint64_t CommandStatistics::changes(ClientRegistry& clients) const {
  std::vector<bool> writes(rows_count_);
  std::uint64_t calls = 0;
  std::uint64_t failed = 0;
  for (const Command& row : command_table()) {
    const std::size_t index = row_index(row);
    if ((row.flags & kWrite) == 0 || index >= rows_count_) continue;
    writes[index] = true;
    calls += get(rows_[index].calls);
    failed += get(rows_[index].failed);
  }
  clients.visit([&](Session& session) {
    session.counters().show([&](std::size_t row, std::uint64_t count) { calls += writes[row] ? count : 0; });
  });
  return calls - std::min(calls, failed);
}

void CommandStatistics::reset(ClientRegistry& clients) {
  for (std::size_t i = 0; i < rows_count_; ++i) {
    Row& row = rows_[i];
    for (Counter* counter : {&row.calls, &row.total_ns, &row.timed_ns, &row.rejected, &row.failed})
      counter->store(0, std::memory_order_relaxed);
    for (Counter& counter : row.histogram) counter.store(0, std::memory_order_relaxed);
  }
  hits_.store(0, std::memory_order_relaxed);
  misses_.store(0, std::memory_order_relaxed);
  error_count_.store(0, std::memory_order_relaxed);
  clients.visit([&](Session& session) {
    session.counters().show([&](std::size_t row, std::uint64_t calls) { subtract(rows_[row].calls, calls); });
    subtract(hits_, session.counters().hits());
    subtract(misses_, session.counters().misses());
  });
  base::MutexLock lock(errors_mutex_);
  errors_.clear();
}

}  // namespace stave::commands
