// GET /subscribe and POST /publish/{channel}: messages of the store's channels.
#include <memory>
#include <string>
#include <utility>

#include "commands/access.h"
#include "commands/channels.h"
#include "commands/table.h"
#include "doors/http/app.h"
#include "doors/http/handlers.h"
#include "doors/http/heartbeat.h"
#include "doors/http/json_text.h"
#include "doors/http/values.h"
#include "store/upkeep.h"

namespace stave::http {

namespace {

using commands::ChannelKind;

void append_text(std::string& out, std::string_view name, std::string_view bytes) {
  out.append("\"").append(name);
  if (is_utf8(bytes)) {
    out += "\":";
    append_json_string(out, bytes);
  } else {
    out += "_base64\":\"";
    append_base64(out, bytes);
    out += '"';
  }
}

/// Why the session may not listen to that; empty: it may.
std::string why_not(commands::Session& session, std::string_view command, std::string_view name) {
  if (session.plain()) return {};
  const std::string_view call[] = {command, name};
  return commands::why_not_allowed(session, *commands::find_command(command), call);
}

class MessageStream final : public Stream {
 public:
  MessageStream(commands::Session& session, const std::string* channel, const std::string* pattern)
      : session_(session) {
    if (channel != nullptr) channel_ = *channel;
    if (pattern != nullptr) pattern_ = *pattern;
  }

  bool begin(commands::Post* post) override {
    if (post == nullptr) return false;
    store::BufferMeter* const meter = &session_.environment().engine().budget();
    session_.post = post;
    session_.subscriptions = std::make_unique<commands::Subscriptions>(*post, meter);
    const auto add = [&](ChannelKind kind, const std::optional<std::string>& name) {
      return !name || session_.subscriptions->add(session_, kind, *name, session_.queued_bytes_max);
    };
    if (!add(ChannelKind::kChannel, channel_) || !add(ChannelKind::kPattern, pattern_)) return false;
    session_.listening = true;
    session_.show_subscriptions(channel_ ? 1 : 0, pattern_ ? 1 : 0, 0);
    return true;
  }

  Next step(std::string& into, Prelude& first) override {
    // Who listens already is told so, and from time to time that all is well.
    into = ":\n\n";
    if (!commands::may_go_on_listening(session_)) return Next::kEnd;
    first = [&engine = session_.environment().engine()](std::function<void()> done) {
      engine.upkeep().change_feed().when(Lsn{kLsnMax}, engine.clock().monotonic_ns() + kHeartbeatNs, 0,
                                         [done = std::move(done)](store::ChangeFeed::Woken) { done(); });
    };
    return Next::kWait;
  }

  void hear(std::string& into, const commands::Message& message, const std::string* pattern) override {
    into = "data: {";
    append_text(into, "channel", message.channel);
    if (pattern != nullptr) {
      into += ',';
      append_text(into, "pattern", *pattern);
    }
    into += ',';
    append_text(into, "message", message.payload);
    into += "}\n\n";
  }

 private:
  commands::Session& session_;
  std::optional<std::string> channel_;
  std::optional<std::string> pattern_;
};

Problem forbidden_as(std::string_view line) {
  return {.status = 403,
          .code = "forbidden",
          .detail = std::string(line.substr(line.find(' ') + 1)),
          .retryable = false,
          .members = {}};
}

}  // namespace

Response stream_messages(Exchange& exchange) {
  const std::string* const channel = exchange.param("channel");
  const std::string* const pattern = exchange.param("pattern");
  if (channel == nullptr && pattern == nullptr)
    return answer_problem(bad_parameter("say what to listen to: channel, pattern, or one of each"));
  commands::Session& session = exchange.session();
  if (channel != nullptr)
    if (const std::string line = why_not(session, "SUBSCRIBE", *channel); !line.empty())
      return answer_problem(forbidden_as(line));
  if (pattern != nullptr)
    if (const std::string line = why_not(session, "PSUBSCRIBE", *pattern); !line.empty())
      return answer_problem(forbidden_as(line));
  Response response;
  response.type = kEventsType;
  response.add_header("Cache-Control", "no-store");
  response.add_header("X-Accel-Buffering", "no");
  response.stream = std::make_unique<MessageStream>(session, channel, pattern);
  return response;
}

Response publish_message(Exchange& exchange) {
  commands::Environment& environment = exchange.session().environment();
  const auto heard = environment.channels().publish(exchange.key, exchange.request.content(), false, {}, nullptr);
  if (!heard) return answer_error(heard.error());
  return answer_json(200, "{\"receivers\":" + std::to_string(*heard) + "}\n");
}

}  // namespace stave::http
