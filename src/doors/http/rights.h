// What a request takes in rights: its user may do through this door what it may do through the other, and nothing else.
//
// A route that reads and writes keys itself stands for commands, and all of them must be allowed on its key: what
// `GET /db/{key}` shows is known only once the key is found. A route that is not in the table is denied. Commands that
// a request names are checked when they are dispatched. Must not know: how requests are answered.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "doors/http/app.h"
#include "doors/http/operation.h"

namespace stave::http {

/// The commands a route stands for, separated by blanks; nullopt: it is not in the table.
std::optional<std::string_view> commands_of(const Route& route) noexcept;

/// Looks at a request whose key and parameters are read. nullopt: it may go on. 403: it may not.
std::optional<Problem> check_rights(const Exchange& exchange);
/// The same of the operations of a batch.
std::optional<Problem> check_rights(const Exchange& exchange, std::span<const Operation> operations);

}  // namespace stave::http
