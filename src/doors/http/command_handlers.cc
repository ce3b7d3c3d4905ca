// POST /command, /pipeline and /transaction: the commands of the Redis protocol as JSON, in the form that Upstash's
// REST clients speak.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "commands/access.h"
#include "commands/dispatch.h"
#include "commands/errands.h"
#include "commands/monitors.h"
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
/// Stands behind a result in which a string had to be written as {"base64": "…"}.
constexpr std::string_view kNotUtf8 =
    ",\"error\":\"ERR the result has bytes that are not UTF-8: it was run, and `result` has them as {\\\"base64\\\": "
    "…}; the header Upstash-Encoding: base64 asks for all strings so\"";

Draft::Options draft_options(const Exchange& exchange) {
  return {.meter = &exchange.engine().budget(),
          .bytes_max = exchange.hub.config.answer_bytes_max,
          .base64 = commands::same_word(exchange.request.header(Header::kUpstashEncoding), "base64")};
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
  for (const std::string_view known : {"ACL", "CONFIG", "DEBUG", "SHUTDOWN"})
    if (commands::same_word(known, name)) return true;
  return false;
}

/// What a connection's owner may do there, but a request, which stands alone, may not.
bool is_about_connections(std::string_view name) noexcept {
  for (const std::string_view known :
       {"SELECT", "AUTH", "HELLO", "QUIT", "RESET", "CLIENT", "MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH",
        "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"})
    if (commands::same_word(known, name)) return true;
  return false;
}

/// Whether the command is one that may have to wait for somebody else's write.
bool waits(const commands::Resolved& call) noexcept {
  return call.row != nullptr && (call.row->flags & commands::kBlocking) != 0 &&
         (call.row->flags & commands::kWrite) != 0;
}

/// The session for one request: what a former one left behind does not count.
commands::Session& prepare(const Exchange& exchange) {
  commands::Session& session = exchange.session();
  const auto user = session.identity.user;
  session.reset();
  if (user != nullptr) commands::become(session, user);
  session.select(exchange.database);
  session.set_sync(exchange.sync);
  session.set_replicas(exchange.replicas);
  return session;
}

/// Commands as they are dispatched: words and what they resolve to, found once.
class Calls {
 public:
  explicit Calls(std::vector<CommandText> texts) : texts_(std::move(texts)) {
    words_.reserve(texts_.size());
    calls_.reserve(texts_.size());
    for (const CommandText& text : texts_) calls_.emplace_back(words_.emplace_back(text.begin(), text.end()));
    STAVE_ASSERT(words_.size() == texts_.size() && calls_.size() == texts_.size());
  }
  [[nodiscard]] std::span<const commands::ResolvedCall> all() const noexcept { return calls_; }
  [[nodiscard]] std::size_t size() const noexcept { return calls_.size(); }
  const commands::ResolvedCall& operator[](std::size_t i) const noexcept { return calls_[i]; }

 private:
  // Each refers to the one before, whose elements stay where they are when the whole is moved.
  std::vector<CommandText> texts_;
  std::vector<std::vector<std::string_view>> words_;
  std::vector<commands::ResolvedCall> calls_;
};

/// All that these commands may look at is fetched, if any of it is in the log only. Else nullopt.
std::optional<Response> fetch_for(commands::Session& session, std::span<const commands::ResolvedCall> calls) {
  store::Engine& engine = session.environment().engine();
  if (!engine.may_fetch()) return std::nullopt;
  std::vector<store::KeyRef> keys;
  for (const auto& [arguments, resolved] : calls) commands::keys_needed(session, resolved, arguments, keys);
  if (keys.empty() || !engine.must_fetch(keys)) return std::nullopt;
  return answer_after_fetch(engine, keys);
}

/// Commands in their order. What one of them needs from the disk is fetched before, what takes long is done elsewhere;
/// meanwhile the thread has other things to do.
class CommandWork : public Work {
 public:
  CommandWork(commands::Session& session, std::vector<CommandText> commands, const Draft::Options& options)
      : out_(options), session_(session), calls_(std::move(commands)) {}

  bool step(Response& response) final {
    STAVE_ASSERT(next_ <= calls_.size());
    if (next_ == calls_.size() || !out_.good()) return write(response);
    const std::size_t end = std::min(next_ + kStepCommands, calls_.size());
    if (waits_for_values(end, response)) return false;
    for (; next_ < end && out_.good(); ++next_) {
      const Draft::Mark before = out_.mark();
      begin_outcome();
      const Draft::Mark begin = out_.mark();
      out_.text("{\"result\":");
      const std::string line = run(calls_[next_]);
      if (session_.errand != nullptr) {
        out_.rewind(before);
        response.first = [errand = session_.errand](std::function<void()> done) { errand->on_done(std::move(done)); };
        return false;
      }
      if (!line.empty()) fail_outcome(begin, line);
      end_outcome();
    }
    if (next_ == calls_.size()) end_all();
    return false;
  }

 protected:
  /// What stands in `out_` before a command's outcome.
  virtual void begin_outcome() {}
  /// The outcome that begins at `begin` is an error.
  virtual void fail_outcome(const Draft::Mark& begin, std::string_view line) = 0;
  virtual void end_outcome() = 0;
  virtual void end_all() {}
  /// Once the draft is written.
  virtual Response answer() = 0;

  [[nodiscard]] bool empty() const noexcept { return calls_.size() == 0; }

  Draft out_;
  std::size_t next_ = 0;

 private:
  bool write(Response& response) {
    if (!out_.write_some()) return false;
    response = out_.good() ? answer() : answer_problem(problem_of(out_, out_.bytes_max(), next_ > 0));
    response.pending = session_.take_pending();
    return true;
  }
  /// As in the Redis door: all that the next commands may look at, once; what has left memory again in between is read
  /// by the command itself.
  bool waits_for_values(std::size_t end, Response& response) {
    if (fetched_ >= end) return false;
    const std::size_t begin = std::exchange(fetched_, end);
    auto later = fetch_for(session_, calls_.all().subspan(begin, end - begin));
    if (later) response = std::move(*later);
    return later.has_value();
  }

  /// Appends the command's value to `out_`; returns the line of its error, empty when there was none.
  std::string run(const commands::ResolvedCall& call) {
    STAVE_ASSERT(!call.arguments.empty());
    const std::string_view name = call.arguments[0];
    if (is_about_connections(name))
      return "ERR " + commands::upper(name) + " is about a connection; a request stands alone (use ?db= and the token)";
    if (is_for_administrators(name))
      return "ERR " + commands::upper(name) + " is for administrators and cannot be run over HTTP";
    if (waits(call.resolved))
      return "ERR " + commands::upper(name) +
             " waits until others write, and a request does not; over HTTP use the "
             "command that takes what there is";
    JsonSink sink(out_);
    commands::dispatch(session_, call.resolved, call.arguments, sink);
    return sink.error_line();
  }

  commands::Session& session_;
  Calls calls_;
  std::size_t fetched_ = 0;  ///< The values of the commands before this one were asked for.
};

class SingleWork final : public CommandWork {
 public:
  using CommandWork::CommandWork;

 private:
  void fail_outcome(const Draft::Mark&, std::string_view line) override { line_ = line; }
  void end_outcome() override { out_.if_escaped({}); }
  Response answer() override {
    if (!line_.empty()) return answer_problem(problem_of_command(line_));
    std::string body = out_.take();
    if (!out_.escaped()) return answer_json(200, std::move(body) + "}\n");
    // The problem's members behind the result: what the command gave is not lost.
    Response response = answer_problem({.status = 406,
                                        .code = "not_utf8",
                                        .detail = "the result has bytes that are not UTF-8; the command was run",
                                        .retryable = false,
                                        .members = std::string(kNotUtf8)});
    STAVE_ASSERT(response.body.starts_with('{') && body.starts_with('{'));
    response.body.replace(0, 1, 1, ',');
    response.body.swap(body.append(response.body));
    return response;
  }

  std::string line_;
};

class PipelineWork final : public CommandWork {
 public:
  PipelineWork(commands::Session& session, std::vector<CommandText> commands, const Draft::Options& options)
      : CommandWork(session, std::move(commands), options) {
    out_.text("[");
    if (empty()) end_all();
  }

 private:
  void begin_outcome() override {
    if (next_ > 0) out_.text(",");
  }
  void fail_outcome(const Draft::Mark& begin, std::string_view line) override {
    out_.rewind(begin);
    out_.text("{\"error\":" + json_string(line));
  }
  void end_outcome() override {
    out_.if_escaped(kNotUtf8);
    out_.text("}");
  }
  void end_all() override { out_.text("]\n"); }
  Response answer() override { return answer_json(200, out_.take()); }
};

}  // namespace

Response run_command(Exchange& exchange) {
  auto document = parse_document(exchange.request.body);
  if (!document) return answer_problem(std::move(document.error()));
  auto command = read_command(*document);
  if (!command) return answer_problem(std::move(command.error()));
  std::vector<CommandText> one;
  one.push_back(std::move(*command));
  return begin_work(std::make_unique<SingleWork>(prepare(exchange), std::move(one), draft_options(exchange)));
}

Response run_pipeline(Exchange& exchange) {
  auto commands = read_commands(exchange.request.body);
  if (!commands) return answer_problem(std::move(commands.error()));
  return begin_work(std::make_unique<PipelineWork>(prepare(exchange), std::move(*commands), draft_options(exchange)));
}

Response run_transaction(Exchange& exchange) {
  auto commands = read_commands(exchange.request.body);
  if (!commands) return answer_problem(std::move(commands.error()));
  commands::Session& session = prepare(exchange);
  const Calls calls(std::move(*commands));
  if (exchange.may_fetch)
    if (auto later = fetch_for(session, calls.all())) return std::move(*later);
  const std::uint64_t bytes_max = exchange.hub.config.answer_bytes_max;
  std::optional<Draft> draft;
  const auto begin = [&] { draft.emplace(draft_options(exchange)).text("["); };
  const auto run = [&](std::size_t i) {
    draft->text(i == 0 ? "{\"result\":" : ",{\"result\":");
    JsonSink sink(*draft);
    commands::dispatch(session, calls[i].resolved, calls[i].arguments, sink);
    draft->if_escaped(kNotUtf8);
    draft->text("}");
    // While nothing has happened it can still be refused.
    return draft->good() ? sink.error_line() : "ERR " + problem_of(*draft, bytes_max, false).detail;
  };
  const auto pending = commands::run_together(session, calls.all(), begin, run);
  if (!draft) begin();
  Draft& out = *draft;
  out.text("]\n");
  // What the commands themselves would have waited for is part of what all of them wait for.
  static_cast<void>(session.take_pending());
  if (commands::Monitors& monitors = session.environment().monitors(); pending && monitors.any())
    for (const auto& [arguments, resolved] : calls.all()) monitors.show(session, *resolved.row, arguments);
  if (pending)
    return begin_work(
        write_draft(std::move(out), *pending, [](Draft& written) { return answer_json(200, written.take()); }));
  Response response =
      answer_problem(out.good() ? problem_of_command(pending.error().line) : problem_of(out, bytes_max, false));
  response.pending = pending.error().pending;
  return response;
}

}  // namespace stave::http
