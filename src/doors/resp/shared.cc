#include "doors/resp/shared.h"

namespace stave::resp {

void Limits::take(const Settings& settings) noexcept {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  const auto bytes = [&](std::size_t id) { return static_cast<std::uint64_t>(settings.number(id)); };
  clients_max.store(settings.number(option_id("maxclients")), kRelaxed);
  idle_seconds.store(settings.number(option_id("timeout")), kRelaxed);
  keepalive_seconds.store(settings.number(option_id("tcp-keepalive")), kRelaxed);
  query_bytes_max.store(bytes(option_id("client-query-buffer-limit")), kRelaxed);
  certificate_names_user.store(settings.number(option_id("tls-auth-clients-user")) != 0, kRelaxed);
  clients_bytes_max.store(bytes(option_id("maxmemory-clients")), kRelaxed);
  replies.hard_bytes.store(bytes(option_id("output-buffer-hard-limit")), kRelaxed);
  replies.soft_bytes.store(bytes(option_id("output-buffer-soft-limit")), kRelaxed);
  replies.soft_seconds.store(settings.number(option_id("output-buffer-soft-time")), kRelaxed);
  messages.hard_bytes.store(bytes(option_id("pubsub-output-buffer-hard-limit")), kRelaxed);
  messages.soft_bytes.store(bytes(option_id("pubsub-output-buffer-soft-limit")), kRelaxed);
  messages.soft_seconds.store(settings.number(option_id("pubsub-output-buffer-soft-time")), kRelaxed);
}

void Counters::reset() noexcept {
  for (auto* counter : {&accepted, &rejected, &protocol_errors, &query_limit_closed, &output_limit_closed, &idle_closed,
                        &evicted, &input_bytes, &output_bytes})
    counter->store(0, std::memory_order_relaxed);
}

}  // namespace stave::resp
