// Lua 5.1, as Debian builds it for C++: an error of Lua is an exception that runs destructors on its way, and nobody
// but Lua's own protected calls may catch it.
#pragma once

#include <lua5.1/lua.hpp>
