// A request that wants keys which a slow script has locked: it waits as a command would, and like a command is refused
// once the script has run for longer than `busy-reply-threshold`. Must not know: how requests are answered.
#pragma once

#include <optional>
#include <span>

#include "doors/http/app.h"
#include "doors/http/operation.h"

namespace stave::http {

/// Looks at a request whose key and parameters are read. nullopt: it may go on. 503: a script does not let go.
std::optional<Problem> check_scripts(const Exchange& exchange);
/// The same of the operations of a batch.
std::optional<Problem> check_scripts(const Exchange& exchange, std::span<const Operation> operations);

}  // namespace stave::http
