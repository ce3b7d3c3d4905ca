// POST /command, /pipeline and /transaction: the commands of the Redis protocol as JSON, in the form that Upstash's
// REST clients speak.
#include "commands/dispatch.h"
#include "commands/text.h"
#include "doors/http/document.h"
#include "doors/http/handlers.h"
#include "doors/http/json_sink.h"
#include "doors/http/json_text.h"
#include "doors/http/transaction_commands.h"
#include "doors/http/values.h"

namespace stave::http {
namespace {

namespace json = boost::json;

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

/// What a connection's owner may do there, but a request, which stands alone, may not.
bool is_about_connections(std::string_view name) noexcept {
  for (const std::string_view known : {"SELECT", "AUTH", "HELLO", "QUIT", "RESET", "CLIENT"})
    if (commands::same_word(known, name)) return true;
  return false;
}

/// Runs one command and appends its value to `out`; returns the line of its error, empty when there was none.
std::string run_one(commands::Session& session, const CommandText& command, bool base64, std::string& out) {
  if (is_about_connections(command[0]))
    return "ERR " + commands::upper(command[0]) +
           " is about a connection; a request stands alone (use ?db= and the token)";
  std::vector<std::string_view> arguments(command.begin(), command.end());
  JsonSink sink(out, base64);
  commands::dispatch(session, arguments, sink);
  return sink.error_line();
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

class PipelineWork final : public Work {
 public:
  PipelineWork(commands::Session& session, std::vector<CommandText> commands, bool base64)
      : session_(session), commands_(std::move(commands)), base64_(base64) {}

  bool step(Response& response) override {
    for (std::size_t i = 0; i < kStepCommands && next_ < commands_.size(); ++i) {
      out_ += next_ == 0 ? "{\"result\":" : ",{\"result\":";
      const std::size_t value_at = out_.size();
      if (const std::string line = run_one(session_, commands_[next_], base64_, out_); !line.empty()) {
        out_.resize(value_at - std::string_view("\"result\":").size());
        out_ += "\"error\":";
        append_json_string(out_, line);
      }
      out_ += '}';
      ++next_;
      if (out_.size() > kAnswerBytesMax) break;
    }
    const bool too_much = out_.size() > kAnswerBytesMax;
    if (next_ < commands_.size() && !too_much) return false;
    response = too_much ? answer_problem({.status = 413,
                                          .code = "answer_too_large",
                                          .detail = "the answers are too many bytes; ask for less at a time",
                                          .retryable = false,
                                          .members = {}})
                        : answer_json(200, std::move(out_) + "]\n");
    response.pending = session_.take_pending();
    return true;
  }

 private:
  commands::Session& session_;
  std::vector<CommandText> commands_;
  bool base64_;
  std::size_t next_ = 0;
  std::string out_ = "[";
};

}  // namespace

Response run_command(Exchange& exchange) {
  auto document = parse_document(exchange.request.body);
  if (!document) return answer_problem(std::move(document.error()));
  auto command = read_command(*document);
  if (!command) return answer_problem(std::move(command.error()));
  commands::Session& session = prepare(exchange);
  std::string out = "{\"result\":";
  const std::string line = run_one(session, *command, wants_base64(exchange), out);
  Response response =
      line.empty() ? answer_json(200, std::move(out) + "}\n") : answer_problem(problem_of_command(line));
  response.pending = session.take_pending();
  return response;
}

Response run_pipeline(Exchange& exchange) {
  auto commands = read_commands(exchange.request.body);
  if (!commands) return answer_problem(std::move(commands.error()));
  Response response;
  response.work = std::make_unique<PipelineWork>(prepare(exchange), std::move(*commands), wants_base64(exchange));
  return response;
}

Response run_transaction(Exchange& exchange) {
  auto commands = read_commands(exchange.request.body);
  if (!commands) return answer_problem(std::move(commands.error()));
  std::string out = "[";
  auto pending = transact(prepare(exchange), *commands, wants_base64(exchange), out);
  if (!pending) {
    Response response = answer_problem(problem_of_command(pending.error().line));
    response.pending = pending.error().pending;
    return response;
  }
  Response response = answer_json(200, std::move(out) + "]\n");
  response.pending = *pending;
  return response;
}

}  // namespace stave::http
