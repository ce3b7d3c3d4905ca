// /healthz, /readyz, /version, /metrics, /openapi.json and /docs: what platforms and people ask first.
#include "doors/http/app.h"
#include "doors/http/handlers.h"
#include "doors/http/json_text.h"
#include "doors/http/metrics.h"
#include "doors/http/openapi.h"
#include "replication/group.h"
#include "store/upkeep.h"

namespace stave::http {
namespace {

Response status(int code, std::string_view state, std::string_view reason, std::string_view detail) {
  std::string body = "{\"status\":" + json_string(state);
  if (!reason.empty()) body += ",\"reason\":" + json_string(reason) + ",\"detail\":" + json_string(detail);
  Response response = answer_json(code, body + "}\n");
  response.add_header("Cache-Control", "no-store");
  return response;
}

void add_door(MetricsPage& page, const Hub& hub) {
  const Counters& counters = hub.counters;
  const auto count = [](const std::atomic<std::uint64_t>& counter) {
    return static_cast<double>(counter.load(std::memory_order_relaxed));
  };
  page.gauge("stave_http_connections", "Connections of the HTTP door.",
             static_cast<double>(hub.connections.load(std::memory_order_relaxed)));
  page.counter("stave_http_connections_accepted_total", "Connections accepted by the HTTP door.",
               count(counters.accepted));
  page.counter("stave_http_connections_rejected_total", "Connections refused for their number.",
               count(counters.rejected));
  page.counter("stave_http_requests_total", "Requests answered by the HTTP door.", count(counters.requests));
  page.counter("stave_http_errors_total", "Requests answered with an error.", count(counters.refused_requests),
               {{"class", "4xx"}});
  page.counter("stave_http_errors_total", "Requests answered with an error.", count(counters.failed_requests),
               {{"class", "5xx"}});
  page.counter("stave_http_timeouts_total", "Connections that were too slow.", count(counters.timed_out));
  page.counter("stave_http_received_bytes_total", "Bytes received by the HTTP door.", count(counters.input_bytes));
  page.counter("stave_http_sent_bytes_total", "Bytes sent by the HTTP door.", count(counters.output_bytes));
  page.gauge("stave_http_body_bytes", "Memory of request bodies being received.",
             static_cast<double>(hub.body_bytes.load(std::memory_order_relaxed)));
}

std::string small_writes_only(const Error& why) {
  return "only small writes still fit, for a while; large ones are refused: " + why.message();
}

}  // namespace

Response health(Exchange&) {
  return status(200, "alive", {}, {});
}

Response readiness(Exchange& exchange) {
  switch (exchange.hub.serving.load(std::memory_order_acquire)) {
    case Serving::kRecovering: return status(503, "not ready", "recovering", "the store is being opened");
    case Serving::kStopping: return status(503, "not ready", "stopping", "the server is shutting down");
    case Serving::kServing: break;
  }
  commands::Environment* const environment = exchange.hub.environment.load(std::memory_order_acquire);
  if (environment == nullptr) return status(503, "not ready", "recovering", "the store is being opened");
  log::Log& log = environment->engine().log();
  if (auto well = log.health(); !well) return status(503, "not ready", "read_only", well.error().describe());
  if (replication::Group* const group = environment->group(); group != nullptr) {
    if (std::string why; !group->ready(why)) return status(503, "not ready", "lagging", why);
  }
  // Who follows takes no writes, and is well all the same.
  if (environment->engine().follows()) return status(200, "ready", {}, {});
  if (auto well = log.writable(); !well)
    return status(503, "not ready", well.error().code() == ErrorCode::kNoSpace ? "disk_full" : "read_only",
                  well.error().message());
  if (auto room = log.room(); !room) return status(200, "ready", "disk_low", small_writes_only(room.error()));
  if (const std::uint64_t lost = environment->engine().upkeep().lost_values(); lost != 0)
    return status(200, "ready", "damaged",
                  "the log is damaged and no longer cleaned: the values of " + std::to_string(lost) +
                      " keys cannot be read; `INFO stave` and the server's log tell more");
  return status(200, "ready", {}, {});
}

Response version(Exchange& exchange) {
  return answer_json(
      200, "{\"name\":\"stave\",\"version\":" + json_string(exchange.hub.config.version) + ",\"api\":\"1\"}\n");
}

Response metrics(Exchange& exchange) {
  Response response;
  response.type = kMetricsContentType;
  response.body =
      render_metrics(exchange.session().environment(), [&](MetricsPage& page) { add_door(page, exchange.hub); });
  return response;
}

Response openapi(Exchange& exchange) {
  return answer_json(200, openapi_document(exchange.hub.config.version));
}

Response documentation(Exchange& exchange) {
  Response response;
  response.type = kHtmlType;
  response.body = documentation_page(exchange.hub.config.version);
  response.add_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
  return response;
}

Response start(Exchange&) {
  Response response;
  response.status = 303;
  response.add_header("Location", "/docs");
  return response;
}

}  // namespace stave::http
