// stave/stave.h: one key after the other.
#include "doors/library/c_api.h"

using stave::c_api::give;
using stave::c_api::guarded;
using stave::c_api::report;
using stave::c_api::text;

struct stave_cursor {  // NOLINT(readability-identifier-naming): the name is C's.
  stave::Cursor cursor;
  stave::Entry entry{};  ///< What was handed out last.
};

extern "C" {

stave_cursor* stave_cursor_new(stave_store* store, int database, const char* prefix, size_t prefix_size) {
  try {
    const std::string_view wanted = prefix == nullptr ? std::string_view{} : text(prefix, prefix_size);
    return new stave_cursor{store->store->cursor(wanted, {.database = database})};
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

int stave_cursor_next(stave_cursor* cursor, const char** key, size_t* key_size, const char** value, size_t* value_size,
                      const char** type, stave_error** error) {
  return guarded(error, [&] {
    auto next = cursor->cursor.next();
    if (!next) return report(next.error(), error);
    if (!*next) return static_cast<int>(STAVE_NOT_FOUND);
    cursor->entry = std::move(**next);
    *key = cursor->entry.key.data();
    *key_size = cursor->entry.key.size();
    give<const char*>(value, cursor->entry.value.data());
    give(value_size, cursor->entry.value.size());
    give(type, cursor->entry.type.data());  // a literal
    return static_cast<int>(STAVE_OK);
  });
}

void stave_cursor_free(stave_cursor* cursor) {
  delete cursor;
}

}  // extern "C"
