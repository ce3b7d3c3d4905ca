#include "commands/tracking_commands.h"

#include <algorithm>
#include <string>

#include "base/try.h"
#include "commands/arguments.h"
#include "commands/call.h"
#include "commands/client_registry.h"
#include "commands/errors.h"
#include "commands/notices/tracking.h"

namespace stave::commands {
namespace {

bool overlap(std::string_view a, std::string_view b) noexcept {
  return a.starts_with(b) || b.starts_with(a);
}

Result<void> check_prefixes(const ClientTracking* now, const std::vector<std::string>& prefixes) {
  const auto refuse = [](const std::string& prefix, const char* what, const std::string& other) {
    return answer_error("ERR Prefix '" + quoted(prefix) + "' overlaps with " + what + " prefix '" + quoted(other) +
                        "'. Prefixes for a single client must not overlap.");
  };
  for (std::size_t i = 0; i < prefixes.size(); ++i) {
    if (now != nullptr)
      for (const std::string& other : now->prefixes)
        if (overlap(prefixes[i], other)) return refuse(prefixes[i], "an existing", other);
    for (std::size_t j = i + 1; j < prefixes.size(); ++j)
      if (overlap(prefixes[i], prefixes[j])) return refuse(prefixes[i], "another provided", prefixes[j]);
  }
  return {};
}

/// The options from argument 3 on.
Result<ClientTracking> parse_wish(Call& call) {
  ClientTracking wish;
  for (std::size_t i = 3; i < call.size(); ++i) {
    const bool more = i + 1 < call.size();
    if (call.is(i, "REDIRECT") && more) {
      if (wish.redirect != 0) return answer_error("ERR A client can only redirect to a single other client");
      STAVE_ASSIGN(const std::int64_t id, integer_argument(call, ++i));
      const auto target = static_cast<std::uint64_t>(id);
      if (id <= 0 || !call.environment().clients().with(target, [](Session&) {}))
        return answer_error("ERR The client ID you want redirect to does not exist");
      wish.redirect = target;
    } else if (call.is(i, "BCAST")) {
      wish.by_prefix = true;
    } else if (call.is(i, "OPTIN")) {
      wish.opt_in = true;
    } else if (call.is(i, "OPTOUT")) {
      wish.opt_out = true;
    } else if (call.is(i, "NOLOOP")) {
      wish.no_loop = true;
    } else if (call.is(i, "PREFIX") && more) {
      wish.prefixes.emplace_back(call[++i]);
    } else {
      return syntax_error();
    }
  }
  return wish;
}

/// Whether the options fit each other and what the client tracks already.
Result<void> check_wish(const ClientTracking* now, const ClientTracking& wish) {
  constexpr const char* kReenable =
      " before disabling tracking for this client, and then re-enabling it with a different mode.";
  if (!wish.by_prefix && !wish.prefixes.empty())
    return answer_error("ERR PREFIX option requires BCAST mode to be enabled");
  if (now != nullptr && now->by_prefix != wish.by_prefix)
    return answer_error(std::string("ERR You can't switch BCAST mode on/off") + kReenable);
  if (wish.by_prefix && (wish.opt_in || wish.opt_out))
    return answer_error("ERR OPTIN and OPTOUT are not compatible with BCAST");
  if (wish.opt_in && wish.opt_out) return answer_error("ERR You can't use both OPTIN mode and OPTOUT mode");
  if (now != nullptr && ((wish.opt_in && now->opt_out) || (wish.opt_out && now->opt_in)))
    return answer_error(std::string("ERR You can't switch OPTIN/OPTOUT mode") + kReenable);
  return wish.by_prefix ? check_prefixes(now, wish.prefixes) : Result<void>();
}

}  // namespace

Result<void> client_tracking_command(Call& call) {
  Session& session = call.session();
  Tracking& tracking = call.environment().tracking();
  STAVE_ASSIGN(ClientTracking wish, parse_wish(call));
  if (call.is(2, "OFF")) {
    tracking.end(session);
  } else if (call.is(2, "ON")) {
    // What comes from its leader is told to nobody: a cache that relied on it would be stale for ever.
    if (call.engine().follows())
      return answer_error("ERR a follower does not tell of changes yet; track at its leader");
    if (session.control() == nullptr)
      return answer_error("ERR messages come over a connection of the Redis protocol only, and this is none");
    STAVE_TRY(check_wish(session.tracking.get(), wish));
    const bool has_prefixes = session.tracking != nullptr && !session.tracking->prefixes.empty();
    if (wish.by_prefix && wish.prefixes.empty() && !has_prefixes) wish.prefixes.emplace_back();
    tracking.begin(session, std::move(wish));
  } else {
    return syntax_error();
  }
  call.reply().status("OK");
  return {};
}

Result<void> client_caching_command(Call& call) {
  ClientTracking* const tracking = call.session().tracking.get();
  if (tracking == nullptr)
    return answer_error(
        "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled");
  if (call.is(2, "YES")) {
    if (!tracking->opt_in)
      return answer_error("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.");
  } else if (call.is(2, "NO")) {
    if (!tracking->opt_out)
      return answer_error("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");
  } else {
    return syntax_error();
  }
  tracking->caching = true;
  call.reply().status("OK");
  return {};
}

Result<void> client_getredir_command(Call& call) {
  const ClientTracking* const tracking = call.session().tracking.get();
  call.reply().integer(tracking == nullptr ? -1 : static_cast<std::int64_t>(tracking->redirect));
  return {};
}

Result<void> client_trackinginfo_command(Call& call) {
  const ClientTracking* const tracking = call.session().tracking.get();
  Sink& reply = call.reply();
  std::vector<std::string_view> flags = {tracking == nullptr ? "off" : "on"};
  if (tracking != nullptr) {
    if (tracking->by_prefix) flags.emplace_back("bcast");
    if (tracking->opt_in) flags.emplace_back("optin");
    if (tracking->opt_in && tracking->caching) flags.emplace_back("caching-yes");
    if (tracking->opt_out) flags.emplace_back("optout");
    if (tracking->opt_out && tracking->caching) flags.emplace_back("caching-no");
    if (tracking->no_loop) flags.emplace_back("noloop");
    if (call.session().info().redirect_broken) flags.emplace_back("broken_redirect");
  }
  reply.map(3);
  reply.bulk("flags");
  reply.set(flags.size());
  for (const std::string_view flag : flags) reply.bulk(flag);
  reply.bulk("redirect");
  reply.integer(tracking == nullptr ? -1 : static_cast<std::int64_t>(tracking->redirect));
  reply.bulk("prefixes");
  reply.array(tracking == nullptr ? 0 : tracking->prefixes.size());
  if (tracking != nullptr)
    for (const std::string& prefix : tracking->prefixes) reply.bulk(prefix);
  return {};
}

}  // namespace stave::commands
