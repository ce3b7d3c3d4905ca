// The one macro for errors: hand a failure to the caller, or go on with the value.
#pragma once

#include <utility>

#include "stave/error.h"

#define STAVE_TRY_JOIN_(a, b) a##b
#define STAVE_TRY_NAME_(a, b) STAVE_TRY_JOIN_(a, b)

/// `STAVE_TRY(f());` returns f's error from the enclosing function, if there is one.
#define STAVE_TRY(expression)                                                        \
  do {                                                                               \
    if (auto stave_try_ = (expression); !stave_try_) [[unlikely]]                    \
      return std::unexpected<::stave::Error>(std::move(stave_try_).error());         \
  } while (false)

/// `STAVE_ASSIGN(auto x, f());` names f's value, or returns its error.
#define STAVE_ASSIGN(declaration, expression)                                              \
  auto STAVE_TRY_NAME_(stave_result_, __LINE__) = (expression);                            \
  if (!STAVE_TRY_NAME_(stave_result_, __LINE__)) [[unlikely]]                              \
    return std::unexpected<::stave::Error>(                                                \
        std::move(STAVE_TRY_NAME_(stave_result_, __LINE__)).error());                      \
  declaration = std::move(*STAVE_TRY_NAME_(stave_result_, __LINE__))
