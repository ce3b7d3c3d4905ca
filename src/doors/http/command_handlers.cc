// POST /command, /pipeline and /transaction: the commands of the Redis protocol as JSON, in the form that Upstash's
// REST clients speak.
#include <algorithm>
#include <utility>

#include "commands/dispatch.h"
#include "commands/errands.h"
#include "commands/text.h"
#include "commands/together.h"
#include "doors/http/document.h"
#include "doors/http/handlers.h"
#include "doors/http/json_sink.h"
#include "doors/http/json_text.h"
#include "doors/http/values.h"

namespace stave::http {
namespace {

namespace json = boost::json;

using CommandText = std::vector<std::string>;

constexpr std::size_t kCommandsMax = 100'000;
/// Commands run in one step of a pipeline.
constexpr std::size_t kStepCommands = 64;
constexpr std::size_t kAnswerBytesMax = 512u << 20;

bool wants_base64(const Exchange& exchange) {
  return commands::same_word(exchange.request.header(Header::kUpstashEncoding), "base64");
}

Problem command_problem(std::string detail) {
  Problem problem = bad_document(std::move(detail));
  problem.members = ",\"error\":" + json_string("ERR " + problem.detail);
  return problem;
}

Outcomes<CommandText> read_command(const json::value& value) {
  const json::array* const list = value.if_array();
  if (list == nullptr || list->empty())
    return std::unexpected(command_problem("a command is an array: [\"SET\", \"key\", \"value\"]"));
  CommandText command;
  command.reserve(list->size());
  for (const json::value& element : *list) {
    auto argument = as_argument(element);
    if (!argument) return std::unexpected(command_problem("an argument is a string, a number or a boolean"));
    command.push_back(std::move(*argument));
  }
  return command;
}

Outcomes<std::vector<CommandText>> read_commands(std::string_view text) {
  auto document = parse_document(text);
  if (!document) return std::unexpected(std::move(document.error()));
  const json::array* const list = document->if_array();
  if (list == nullptr) return std::unexpected(command_problem("the body is an array of commands"));
  if (list->size() > kCommandsMax)
    return std::unexpected(command_problem("at most " + std::to_string(kCommandsMax) + " commands"));
  std::vector<CommandText> commands;
  commands.reserve(list->size());
  for (const json::value& value : *list) {
    auto command = read_command(value);
    if (!command) return std::unexpected(std::move(command.error()));
    commands.push_back(std::move(*command));
  }
  return commands;
}

/// What is for who runs the server, and reached through the Redis door only.
bool is_for_administrators(std::string_view name) noexcept {
  for (const std::string_view known : {"CONFIG", "DEBUG", "SHUTDOWN"})
    if (commands::same_word(known, name)) return true;
  return false;
}

/// What a connection's owner may do there, but a request, which stands alone, may not.
bool is_about_connections(std::string_view name) noexcept {
  for (const std::string_view known : {"SELECT", "AUTH", "HELLO", "QUIT", "RESET", "CLIENT"})
    if (commands::same_word(known, name)) return true;
  return false;
}

/// The session for one request: what a former one left behind does not count.
commands::Session& prepare(const Exchange& exchange) {
  commands::Session& session = exchange.session();
  session.reset();
  session.set_authenticated(true);  // the token was checked
  session.select(exchange.database);
  session.set_sync(exchange.sync);
  return session;
}

/// All that these commands may look at is fetched, if any of it is in the log only. Else nullopt.
std::optional<Response> fetch_for(commands::Session& session, std::span<const CommandText> commands) {
  store::Engine& engine = session.environment().engine();
  if (!engine.may_fetch()) return std::nullopt;
  std::vector<store::KeyRef> keys;
  for (const CommandText& command : commands) {
    const std::vector<std::string_view> arguments(command.begin(), command.end());
    commands::keys_needed(session, arguments, keys);
  }
  if (keys.empty() || !engine.must_fetch(keys)) return std::nullopt;
  return answer_after_fetch(engine, keys);
}

/// Commands in their order. What one of them needs from the disk is fetched before, what takes long is done elsewhere;
/// meanwhile the thread has other things to do.
class CommandWork : public Work {
 public:
  CommandWork(commands::Session& session, std::vector<CommandText> commands, bool base64)
      : session_(session), base64_(base64), commands_(std::move(commands)) {}

  bool step(Response& response) final {
    const std::size_t end = std::min(next_ + kStepCommands, commands_.size());
    if (waits_for_values(end, response)) return false;
    for (; next_ < end && out_.size() <= kAnswerBytesMax; ++next_) {
      const std::size_t before = out_.size();
      begin_outcome();
      const std::size_t begin = out_.size();
      out_ += "{\"result\":";
      const std::string line = run(commands_[next_]);
      if (session_.errand != nullptr) {
        out_.resize(before);
        response.first = [errand = session_.errand](std::function<void()> done) { errand->on_done(std::move(done)); };
        return false;
      }
      if (!line.empty()) fail_outcome(begin, line);
      out_ += '}';
    }
    if (next_ < commands_.size() && out_.size() <= kAnswerBytesMax) return false;
    response = answer();
    response.pending = session_.take_pending();
    return true;
  }

 protected:
  /// What stands in `out_` before a command's outcome.
  virtual void begin_outcome() {}
  /// The outcome that begins at `begin` is an error.
  virtual void fail_outcome(std::size_t begin, std::string_view line) = 0;
  virtual Response answer() = 0;

  std::string out_;
  std::size_t next_ = 0;

 private:
  /// As in the Redis door: all that the next commands may look at, once; what has left memory again in between is read
  /// by the command itself.
  bool waits_for_values(std::size_t end, Response& response) {
    if (fetched_ >= end) return false;
    const std::size_t begin = std::exchange(fetched_, end);
    auto later = fetch_for(session_, std::span(commands_).subspan(begin, end - begin));
    if (later) response = std::move(*later);
    return later.has_value();
  }

  /// Appends the command's value to `out_`; returns the line of its error, empty when there was none.
  std::string run(const CommandText& command) {
    if (is_about_connections(command[0]))
      return "ERR " + commands::upper(command[0]) +
             " is about a connection; a request stands alone (use ?db= and the token)";
    if (is_for_administrators(command[0]))
      return "ERR " + commands::upper(command[0]) + " is for administrators and cannot be run over HTTP";
    const std::vector<std::string_view> arguments(command.begin(), command.end());
    JsonSink sink(out_, base64_);
    commands::dispatch(session_, arguments, sink);
    return sink.error_line();
  }

  commands::Session& session_;
  bool base64_;
  std::vector<CommandText> commands_;
  std::size_t fetched_ = 0;  ///< The values of the commands before this one were asked for.
};

class SingleWork final : public CommandWork {
 public:
  using CommandWork::CommandWork;

 private:
  void fail_outcome(std::size_t, std::string_view line) override { line_ = line; }
  Response answer() override {
    if (!line_.empty()) return answer_problem(problem_of_command(line_));
    return answer_json(200, std::move(out_) + '\n');
  }

  std::string line_;
};

class PipelineWork final : public CommandWork {
 public:
  PipelineWork(commands::Session& session, std::vector<CommandText> commands, bool base64)
      : CommandWork(session, std::move(commands), base64) {
    out_ = "[";
  }

 private:
  void begin_outcome() override {
    if (out_.size() > 1) out_ += ',';
  }
  void fail_outcome(std::size_t begin, std::string_view line) override {
    out_.resize(begin);
    out_ += "{\"error\":";
    append_json_string(out_, line);
  }
  Response answer() override {
    if (out_.size() <= kAnswerBytesMax) return answer_json(200, std::move(out_) + "]\n");
    return answer_problem({.status = 413,
                           .code = "answer_too_large",
                           .detail = "the answers are too many bytes; ask for less at a time",
                           .retryable = false,
                           .members = {}});
  }
};

}  // namespace

Response run_command(Exchange& exchange) {
  auto document = parse_document(exchange.request.body);
  if (!document) return answer_problem(std::move(document.error()));
  auto command = read_command(*document);
  if (!command) return answer_problem(std::move(command.error()));
  std::vector<CommandText> one;
  one.push_back(std::move(*command));
  return begin_work(std::make_unique<SingleWork>(prepare(exchange), std::move(one), wants_base64(exchange)));
}

Response run_pipeline(Exchange& exchange) {
  auto commands = read_commands(exchange.request.body);
  if (!commands) return answer_problem(std::move(commands.error()));
  return begin_work(std::make_unique<PipelineWork>(prepare(exchange), std::move(*commands), wants_base64(exchange)));
}

Response run_transaction(Exchange& exchange) {
  auto commands = read_commands(exchange.request.body);
  if (!commands) return answer_problem(std::move(commands.error()));
  commands::Session& session = prepare(exchange);
  if (exchange.may_fetch)
    if (auto later = fetch_for(session, *commands)) return std::move(*later);
  const bool base64 = wants_base64(exchange);
  std::vector<std::vector<std::string_view>> texts;
  texts.reserve(commands->size());
  for (const CommandText& command : *commands) texts.emplace_back(command.begin(), command.end());
  const std::vector<commands::Arguments> calls(texts.begin(), texts.end());
  std::string out = "[";
  const auto pending = commands::run_together(session, calls, [&](std::size_t i) {
    out += i == 0 ? "{\"result\":" : ",{\"result\":";
    JsonSink sink(out, base64);
    commands::dispatch(session, calls[i], sink);
    out += '}';
    return sink.error_line();
  });
  // What the commands themselves would have waited for is part of what all of them wait for.
  static_cast<void>(session.take_pending());
  Response response =
      pending ? answer_json(200, std::move(out) + "]\n") : answer_problem(problem_of_command(pending.error().line));
  response.pending = pending ? *pending : pending.error().pending;
  return response;
}

}  // namespace stave::http
