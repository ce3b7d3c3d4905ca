#include "doors/http/metrics.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "commands/fixture_for_test.h"
#include "commands/session.h"
#include "commands/version.h"

namespace stave::http {
namespace {

/// The samples of a page, by name and labels as they stand there.
std::map<std::string, double> samples_of(const std::string& page) {
  std::map<std::string, double> samples;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.front() == '#') continue;
    const std::size_t gap = line.rfind(' ');
    EXPECT_TRUE(samples.emplace(line.substr(0, gap), std::strtod(line.c_str() + gap, nullptr)).second)
        << "twice on one page: " << line;
  }
  return samples;
}

/// Names of a page, with those that a histogram's rows have.
std::set<std::string> names_of(const std::string& page) {
  std::set<std::string> names;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string hash, what, name, type;
    words >> hash >> what >> name >> type;
    if (hash != "#" || what != "TYPE") continue;
    names.insert(name);
    if (type != "histogram") continue;
    for (const char* part : {"_bucket", "_sum", "_count"}) names.insert(name + part);
  }
  return names;
}

std::string file_text(const char* path) {
  const auto root = std::filesystem::path(__FILE__).parent_path().parent_path().parent_path().parent_path();
  std::ifstream file(root / path);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Tells what the server's host tells.
class FullHost : public commands::TestHost {
 public:
  commands::InfoFields info(std::string_view section) override {
    if (section == "clients") return {{"maxclients", "10000"}};
    if (section == "cpu") return {{"used_cpu_sys", "1.5"}, {"used_cpu_user", "2.5"}};
    if (section != "stats") return {};
    return {{"rejected_connections", "1"},
            {"total_net_input_bytes", "2"},
            {"total_net_output_bytes", "3"},
            {"client_query_buffer_limit_disconnections", "4"},
            {"client_output_buffer_limit_disconnections", "5"},
            {"client_idle_disconnections", "6"},
            {"protocol_errors", "7"}};
  }
};

class Metrics : public commands::CommandsTest {
 protected:
  std::map<std::string, double> scrape() { return samples_of(render_metrics(*environment_)); }
};

TEST_F(Metrics, follow_the_naming_rules_of_prometheus) {
  run({"SET", "k", "v"});
  run({"GET", "k"});
  run({"INCR", "k"});
  const std::string page = render_metrics(*environment_);
  std::map<std::string, std::string> types;
  std::istringstream lines(page);
  const std::regex name_rule("(stave|process)_[a-z0-9]+(_[a-z0-9]+)*");
  const std::regex unit_rule(".*_(milliseconds|ms|us|ns|kilobytes|kb|percent)(_.*|$)");
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string hash, what, name, type;
    words >> hash >> what >> name >> type;
    if (hash != "#" || what != "TYPE") continue;
    EXPECT_TRUE(types.emplace(name, type).second) << name << " is described twice";
    EXPECT_TRUE(std::regex_match(name, name_rule)) << name;
    EXPECT_FALSE(std::regex_match(name, unit_rule)) << name << ": base units only";
    EXPECT_EQ(type == "counter", name.ends_with("_total")) << name << " is a " << type;
    EXPECT_NE(page.find("# HELP " + name + " "), std::string::npos) << name << " has no help";
  }
  for (const auto& [name, type] : types)
    EXPECT_FALSE(types.contains(name + "_total")) << name << ": in OpenMetrics both would be of one family";
  EXPECT_GE(types.size(), 30u);
}

TEST_F(Metrics, count_calls_failures_and_errors_by_their_names) {
  run({"SET", "k", "text"});
  run({"GET", "k"});
  run({"GET", "absent"});
  run({"INCR", "k"});
  run({"GET"});
  auto seen = scrape();
  EXPECT_EQ(seen[R"(stave_commands_total{command="get"})"], 2);
  EXPECT_EQ(seen[R"(stave_commands_rejected_total{command="get"})"], 1);
  EXPECT_EQ(seen[R"(stave_commands_total{command="incr"})"], 1);
  EXPECT_EQ(seen[R"(stave_commands_failed_total{command="incr"})"], 1);
  EXPECT_EQ(seen[R"(stave_errors_total{code="ERR"})"], 2);
  EXPECT_EQ(seen["stave_keyspace_hits_total"], 1);
  EXPECT_EQ(seen["stave_keyspace_misses_total"], 1);
  EXPECT_EQ(seen["stave_connections"], 1);
  EXPECT_EQ(seen.count(R"(stave_commands_total{command="mget"})"), 0u) << "nobody called it";
}

TEST_F(Metrics, give_histograms_that_add_up) {
  run({"SET", "k", "v"});
  auto seen = scrape();
  double last = 0;
  std::size_t buckets = 0;
  std::istringstream lines(render_metrics(*environment_));
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(R"(stave_log_sync_duration_seconds_bucket{)")) continue;
    const double count = std::strtod(line.c_str() + line.rfind(' '), nullptr);
    EXPECT_GE(count, last) << line;
    last = count;
    ++buckets;
  }
  EXPECT_GT(buckets, 20u);
  EXPECT_EQ(last, seen["stave_log_sync_duration_seconds_count"]);
  EXPECT_EQ(last, seen["stave_log_syncs_total"]) << "every sync that succeeded is in the histogram";
  EXPECT_GT(last, 0);
  // A call that was measured stands in its histogram as one.
  EXPECT_EQ(seen[R"(stave_command_duration_seconds_count{command="set"})"], 1);
}

TEST_F(Metrics, put_durations_below_the_bounds_they_were_counted_under) {
  MetricsPage page;
  std::uint64_t counts[40] = {};
  counts[3] = 1;   // below 8 ns: under every bound that is shown
  counts[21] = 2;  // below 2^21 ns, some two milliseconds
  counts[39] = 4;  // above every bound
  page.durations("x_seconds", "A test.", counts, 3'000'000'000);
  auto seen = samples_of(page.text());
  EXPECT_EQ(seen["x_seconds_count"], 7);
  EXPECT_EQ(seen["x_seconds_sum"], 3);
  EXPECT_EQ(seen[R"(x_seconds_bucket{le="+Inf"})"], 7);
  EXPECT_EQ(seen[R"(x_seconds_bucket{le="0.001048576"})"], 1);
  EXPECT_EQ(seen[R"(x_seconds_bucket{le="0.002097152"})"], 3);
}

TEST_F(Metrics, show_keys_and_expiries_of_every_database) {
  run({"SET", "a", "1"});
  run({"SET", "b", "1", "EX", "100"});
  run({"SELECT", "3"});
  run({"SET", "c", "1"});
  auto seen = scrape();
  EXPECT_EQ(seen[R"(stave_keys{database="0"})"], 2);
  EXPECT_EQ(seen[R"(stave_keys_expiring{database="0"})"], 1);
  EXPECT_EQ(seen[R"(stave_keys{database="3"})"], 1);
  EXPECT_EQ(seen.count(R"(stave_keys{database="15"})"), 1u);
  EXPECT_GT(seen[R"(stave_memory_bytes{purpose="entries"})"], 0);
}

TEST_F(Metrics, show_how_far_the_disk_is_behind) {
  run({"SET", "a", "1"});
  auto seen = scrape();
  EXPECT_EQ(seen["stave_log_durability_lag_bytes"], 0);
  EXPECT_EQ(seen["stave_log_durable_bytes_total"], seen["stave_log_appended_bytes_total"]);
  EXPECT_EQ(seen["stave_log_read_only"], 0);
  engine_->set_sync(Sync::kOs);
  run({"SET", "a", std::string(1000, 'x')});
  seen = scrape();
  EXPECT_GT(seen["stave_log_durability_lag_bytes"], 0);
  EXPECT_EQ(seen[R"(stave_sync_policy{policy="os"})"], 1);
  EXPECT_EQ(seen[R"(stave_sync_policy{policy="always"})"], 0);
}

TEST_F(Metrics, are_all_that_the_dashboard_and_the_alerts_ask_for) {
  FullHost host;
  commands::Environment environment(*engine_, host);
  commands::Session session(environment, {}, nullptr);
  for (const std::vector<std::string_view>& call :
       {std::vector<std::string_view>{"GET", "k"}, {"NOSUCH"}, {"STAVE.BACKUP", "/one"}})
    run_in(session, call);
  auto names = names_of(render_metrics(environment));
  // The door adds its own where it answers.
  const std::string door = file_text("src/doors/http/platform_handlers.cc");
  const std::regex row("page\\.(?:gauge|counter)\\(\\s*\"(\\w+)\"");
  for (auto at = std::sregex_iterator(door.begin(), door.end(), row); at != std::sregex_iterator(); ++at)
    names.insert((*at)[1]);
  const std::regex word("\\b(stave|process)_[a-z0-9_]+");
  for (const char* path :
       {"packaging/grafana/stave.json", "packaging/prometheus/alerts.yaml", "packaging/prometheus/alerts_test.yaml"}) {
    const std::string text = file_text(path);
    std::size_t found = 0;
    for (auto at = std::sregex_iterator(text.begin(), text.end(), word); at != std::sregex_iterator(); ++at, ++found)
      EXPECT_TRUE(names.contains(at->str())) << path << " asks for " << at->str() << ", which /metrics does not have";
    EXPECT_GT(found, 5u) << path;
  }
}

TEST_F(Metrics, read_what_only_the_host_knows) {
  FullHost host;
  commands::Environment environment(*engine_, host);
  auto seen = samples_of(render_metrics(environment));
  EXPECT_EQ(seen["stave_connections_max"], 10000);
  EXPECT_EQ(seen["stave_network_receive_bytes_total"], 2);
  EXPECT_EQ(seen["process_cpu_user_seconds_total"], 2.5);
}

TEST_F(Metrics, tell_of_what_goes_on_behind_the_calls) {
  run({"SET", "a", std::string(5000, 'x')});
  auto seen = scrape();
  EXPECT_GT(seen["stave_data_bytes"], 0);
  EXPECT_EQ(seen["stave_memory_exhausted"], 0);
  EXPECT_EQ(seen["stave_evicted_keys_total"], 0);
  EXPECT_EQ(seen["stave_checkpoints_total"], 0);
  EXPECT_GT(seen["stave_checkpoint_replay_bytes"], 0);
  EXPECT_EQ(seen["stave_cleaner_runs_total"], 0);
  EXPECT_EQ(seen.count("stave_log_garbage_bytes"), 1u);
}

TEST_F(Metrics, take_what_a_door_adds_and_escape_its_labels) {
  const std::string page = render_metrics(*environment_, [](MetricsPage& more) {
    more.counter("stave_http_requests_total", "Requests.", 3, {{"route", "a\"b\\c\nd"}});
  });
  EXPECT_NE(page.find(R"(stave_http_requests_total{route="a\"b\\c\nd"} 3)"), std::string::npos) << page;
}

TEST_F(Metrics, say_which_version_this_is_and_how_long_it_runs) {
  clock_.advance_ms(1500);
  auto seen = scrape();
  EXPECT_EQ(seen["stave_uptime_seconds"], 1.5);
  bool found = false;
  for (const auto& [name, value] : seen)
    found |= name.starts_with("stave_build_info{") && name.find(commands::kStaveVersion) != std::string::npos;
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace stave::http
