#include "doors/shell/shell.h"

#include <unistd.h>

#include <charconv>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "base/try.h"
#include "doors/shell/repl.h"
#include "doors/shell/survey.h"

namespace stave::shell {

namespace {

constexpr std::string_view kUsage =
    R"(Usage: stave shell [OPTIONS] [DIR] [COMMAND ARG...]

Opens the store in DIR (default ./data) and runs commands on it: the one given, or those
typed, or those that come through a pipe. The exit code is 1 when a command failed.

  --dir DIR            the same as DIR
  --create             make the store if there is none in DIR
  --connect HOST:PORT  work on a running server instead of a directory
  --user NAME          user for the server's AUTH
  --password TEXT      password for the server (better: environment STAVE_PASSWORD)
  --file FILE          work on a JSON file: loaded at the start, written by SNAPSHOT and EXIT
  -n DB                select this database first
  -x                   read the command's last argument from standard input
  --raw                print bytes as they are
  --json               print every reply as JSON
  --bigkeys            the largest key of each type, by its elements or bytes
  --memkeys            the same by the memory it takes
  --hotkeys            watch for a while which keys take most time and most bytes
  --scan               print the names of all keys
  --pattern GLOB       of these three and --scan: only keys like it
  --latency            ask again and again, and tell how long answers take
  --stat               tell what the store does, once a second
  -i SECONDS           of these two: between rows; of --hotkeys: how long to watch
  -r COUNT             of these two: so many rows, then end
  --yes                do not ask before FLUSHALL and the like
  --help               print this

Inside: HELP, HELP command, HELP @group; TAB completes; EXIT leaves.
)";

struct Settings {
  std::string directory = "./data";
  std::string connect;
  std::string file;
  std::string user;
  std::string password;
  int database = 0;
  bool argument_from_input = false;
  bool help = false;
  bool create = false;
  bool yes = false;
  Format format = Format::kPlain;
  SurveySettings survey;
  std::vector<std::string> command;
};

std::unexpected<Error> bad(std::string what) {
  return fail(ErrorCode::kInvalidArgument, std::move(what));
}

/// Options stand before the command. What follows the command's first word is the command's, even if it looks like an
/// option.
class Parser {
 public:
  explicit Parser(std::span<const std::string> arguments) : rest_(arguments) {}

  Result<Settings> parse() {
    while (!rest_.empty()) {
      const std::string word = take();
      if (word == "--") break;
      if (word.size() > 1 && word[0] == '-') {
        STAVE_TRY(option(word));
        continue;
      }
      if (!directory_given_ && settings_.connect.empty() && settings_.file.empty()) {
        settings_.directory = word;
        directory_given_ = true;
        continue;
      }
      settings_.command.push_back(word);
      break;
    }
    settings_.command.insert(settings_.command.end(), rest_.begin(), rest_.end());
    const bool store_given = !settings_.connect.empty() || !settings_.file.empty();
    if ((directory_given_ && store_given) || (!settings_.connect.empty() && !settings_.file.empty()))
      return bad("a directory, --connect and --file exclude one another");
    if (settings_.argument_from_input && settings_.command.empty()) return bad("-x needs a command");
    if (settings_.survey.what != Survey::kNone && !settings_.command.empty())
      return bad("--bigkeys and its like take no command");
    return std::move(settings_);
  }

 private:
  std::string take() {
    STAVE_ASSERT(!rest_.empty());
    std::string word = rest_.front();
    rest_ = rest_.subspan(1);
    return word;
  }
  Result<std::string> value(const std::string& name, const std::optional<std::string>& attached) {
    if (attached) return *attached;
    if (rest_.empty()) return bad(name + " needs a value");
    return take();
  }
  Result<void> option(const std::string& word) {
    std::string name = word;
    std::optional<std::string> attached;
    if (const auto equals = word.find('='); word.starts_with("--") && equals != std::string::npos) {
      name = word.substr(0, equals);
      attached = word.substr(equals + 1);
    }
    if (name == "--connect") {
      STAVE_ASSIGN(settings_.connect, value(name, attached));
    } else if (name == "--dir") {
      if (directory_given_) return bad("one directory, please");
      directory_given_ = true;
      STAVE_ASSIGN(settings_.directory, value(name, attached));
    } else if (name == "--file") {
      STAVE_ASSIGN(settings_.file, value(name, attached));
    } else if (name == "--user") {
      STAVE_ASSIGN(settings_.user, value(name, attached));
    } else if (name == "--password") {
      STAVE_ASSIGN(settings_.password, value(name, attached));
    } else if (name == "--create") {
      settings_.create = true;
    } else if (name == "-n") {
      STAVE_ASSIGN(const std::string number, value(name, attached));
      const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), settings_.database);
      if (error != std::errc{} || end != number.data() + number.size() || settings_.database < 0)
        return bad("-n needs the number of a database");
    } else if (name == "-x") {
      settings_.argument_from_input = true;
    } else if (name == "--raw") {
      settings_.format = Format::kRaw;
    } else if (name == "--json") {
      settings_.format = Format::kJson;
    } else if (name == "--yes") {
      settings_.yes = true;
    } else if (name == "--help" || name == "-h") {
      settings_.help = true;
    } else {
      return survey_option(word, name, attached);
    }
    return {};
  }
  Result<void> survey_option(const std::string& word, const std::string& name,
                             const std::optional<std::string>& attached) {
    constexpr std::pair<std::string_view, Survey> kSurveys[] = {
        {"--bigkeys", Survey::kBigKeys}, {"--memkeys", Survey::kMemoryKeys}, {"--hotkeys", Survey::kHotKeys},
        {"--scan", Survey::kNames},      {"--latency", Survey::kLatency},    {"--stat", Survey::kStatistics}};
    for (const auto& [option, what] : kSurveys) {
      if (name != option || attached) continue;
      if (settings_.survey.what != Survey::kNone) return bad("one of --bigkeys and its like at a time");
      settings_.survey.what = what;
      return {};
    }
    if (name == "--pattern") {
      STAVE_ASSIGN(settings_.survey.pattern, value(name, attached));
    } else if (name == "-i") {
      constexpr double kMsPerSecond = 1000;
      STAVE_ASSIGN(const double seconds, number<double>(name, attached, 0.001, 86'400));
      settings_.survey.interval_ms = static_cast<std::int64_t>(seconds * kMsPerSecond);
    } else if (name == "-r") {
      STAVE_ASSIGN(settings_.survey.count, number<std::int64_t>(name, attached, 1, 1'000'000'000));
    } else {
      return bad("unknown option " + word);
    }
    return {};
  }
  template <class Number>
  Result<Number> number(const std::string& name, const std::optional<std::string>& attached, Number least,
                        Number most) {
    STAVE_ASSIGN(const std::string text, value(name, attached));
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || !(number >= least && number <= most))
      return bad(name + " needs a number that makes sense");
    return number;
  }

  std::span<const std::string> rest_;
  Settings settings_;
  bool directory_given_ = false;
};

Result<std::unique_ptr<Target>> open_target(const Settings& settings) {
  if (!settings.file.empty()) return open_json_file(settings.file);
  if (settings.connect.empty()) return open_directory(settings.directory, settings.create);
  STAVE_ASSIGN(const ServerAddress address, parse_address(settings.connect));
  std::string password = settings.password;
  if (const char* given = std::getenv("STAVE_PASSWORD"); password.empty() && given != nullptr) password = given;
  return connect_server(address, settings.user, password);
}

Result<std::unique_ptr<Target>> open_database(const Settings& settings) {
  STAVE_ASSIGN(auto target, open_target(settings));
  if (settings.database == 0) return target;
  const std::string number = std::to_string(settings.database);
  const std::string_view select[] = {"SELECT", number};
  STAVE_ASSIGN(const Reply reply, target->execute(select));
  if (reply.is_error()) return fail(ErrorCode::kInvalidArgument, reply.text);
  return target;
}

std::string history_path() {
  const char* home = std::getenv("HOME");
  return home == nullptr || *home == '\0' ? std::string() : std::string(home) + "/.stave_history";
}

int report(const Error& error, int code) {
  std::fprintf(stderr, "stave shell: %s\n", error.describe().c_str());
  return code;
}

}  // namespace

std::string_view usage() noexcept {
  return kUsage;
}

int run(std::span<const std::string> arguments) {
  std::setlocale(LC_CTYPE, "");  // The editor counts characters, not bytes.
  auto settings = Parser(arguments).parse();
  if (!settings) return report(settings.error(), 2);
  if (settings->help) {
    std::fwrite(kUsage.data(), 1, kUsage.size(), stdout);
    return 0;
  }
  if (settings->argument_from_input)
    settings->command.emplace_back(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
  auto target = open_database(*settings);
  if (!target) return report(target.error(), 1);
  const bool person = ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0;
  if (settings->survey.what != Survey::kNone) {
    settings->survey.terminal = ::isatty(STDOUT_FILENO) != 0;
    return run_survey(**target, settings->survey);
  }
  Repl repl(**target, {.format = settings->format, .terminal = ::isatty(STDOUT_FILENO) != 0});
  if (!settings->command.empty()) return repl.run_once(settings->command);
  end_input_on_signals();
  const auto lines = person ? edited_lines(history_path()) : pipe_lines();
  if (person && !settings->yes) repl.ask_before_harm(*lines);
  return repl.run(*lines);
}

}  // namespace stave::shell
