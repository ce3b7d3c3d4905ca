// What stands behind the opaque names of stave/stave.h, and how errors cross the border: nothing is thrown over it.
#pragma once

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>

#include "stave/session.h"
#include "stave/stave.h"
#include "stave/store.h"

// NOLINTBEGIN(readability-identifier-naming): the names are C's.
struct stave_error {
  int code;
  std::string message;
};
struct stave_options {
  stave::Options options;
  bool in_memory = false;
};
struct stave_store {
  std::unique_ptr<stave::Store> store;
};
struct stave_txn {
  stave::Txn& txn;
};
struct stave_session {
  std::unique_ptr<stave::Session> session;
};
// NOLINTEND(readability-identifier-naming)

namespace stave::c_api {

inline std::string_view text(const char* data, std::size_t size) {
  return size == 0 ? std::string_view{} : std::string_view{data, size};
}
inline std::string_view text(const stave_bytes& bytes) {
  return text(bytes.data, bytes.size);
}

/// Files a failure away for the caller and returns its code.
int report(const Error& error, stave_error** out) noexcept;
int report_no_memory(stave_error** out) noexcept;

/// A copy that stave_free frees; never null for an empty value. Throws bad_alloc.
char* copy_out(std::string_view bytes);

/// Numbers come from another language: an enumeration's value is only trusted after this. Null: the defaults.
Result<WriteOptions> checked_write_options(const stave_write_options* from);

Result<Ttl> checked_ttl(int kind, std::int64_t ms);
/// The views are the caller's.
Result<Condition> checked_condition(int condition, std::uint64_t version, std::string_view expected);

/// Runs `body`, which returns a code, and keeps exceptions on this side.
template <class Body>
int guarded(stave_error** error, Body&& body) noexcept {
  if (error != nullptr) *error = nullptr;
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return report_no_memory(error);
  } catch (const std::length_error&) {  // more than a container can count
    return report_no_memory(error);
  }
}

/// For what the caller may not want to know.
template <class T>
void give(T* to, T value) {
  if (to != nullptr) *to = value;
}

/// `call(options)` with checked options; `done(value)` when it succeeds.
template <class Call, class Done>
int write(const stave_write_options* options, stave_error** error, Call&& call, Done&& done) noexcept {
  return guarded(error, [&] {
    const auto settings = checked_write_options(options);
    if (!settings) return report(settings.error(), error);
    auto result = call(*settings);
    if (!result) return report(result.error(), error);
    done(*result);
    return static_cast<int>(STAVE_OK);
  });
}

/// `result`'s code; `done(value)` when it succeeded.
template <class T, class Done>
int answer(const Result<T>& result, stave_error** error, Done&& done) {
  if (!result) return report(result.error(), error);
  done(*result);
  return STAVE_OK;
}
/// The same of what may be absent: `done(value)` when it is there, else STAVE_NOT_FOUND.
template <class T, class Done>
int answer_found(const Result<std::optional<T>>& result, stave_error** error, Done&& done) {
  if (!result) return report(result.error(), error);
  if (!*result) return STAVE_NOT_FOUND;
  done(**result);
  return STAVE_OK;
}

}  // namespace stave::c_api
