// stave/stave.h: what happens in a store, as it happens.
#include "doors/library/c_api.h"
#include "stave/changes.h"

using stave::c_api::guarded;
using stave::c_api::report;
using stave::c_api::text;

struct stave_changes {  // NOLINT(readability-identifier-naming): the name is C's.
  stave::ChangeStream stream;
  stave::ChangeEvent event{};  ///< What was handed out last.
};

extern "C" {

stave_changes* stave_changes_new(stave_store* store, uint64_t since, const stave_changes_options* options) {
  try {
    stave::ChangeOptions wanted;
    if (options != nullptr) {
      if (options->database >= 0) wanted.database = options->database;
      wanted.prefix = text(options->prefix, options->prefix_size);
      wanted.pattern = text(options->pattern, options->pattern_size);
      if (options->type != nullptr) wanted.type = options->type;
      wanted.values = options->values != 0;
    }
    return new stave_changes{stave::ChangeStream(*store->store, stave::Lsn{since}, std::move(wanted))};
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

int stave_changes_next(stave_changes* changes, int64_t wait_ms, stave_change* change, stave_error** error) {
  return guarded(error, [&] {
    auto next = changes->stream.next(wait_ms);
    if (!next) return report(next.error(), error);
    if (!*next) return static_cast<int>(STAVE_NOT_FOUND);
    changes->event = std::move(**next);
    const stave::ChangeEvent& event = changes->event;
    *change = {.lsn = stave::raw(event.lsn),
               .batch = stave::raw(event.batch),
               .last = event.last ? 1 : 0,
               .kind = static_cast<int>(event.kind),
               .database = event.database,
               .other = event.other,
               .time_ms = stave::raw(event.time),
               .expires_ms = stave::raw(event.expiry.at),
               .type = event.type.empty() ? nullptr : event.type.data(),  // a literal
               .key = event.key.data(),
               .key_size = event.key.size(),
               .value = event.value ? event.value->data() : nullptr,
               .value_size = event.value ? event.value->size() : 0};
    return static_cast<int>(STAVE_OK);
  });
}

uint64_t stave_changes_position(const stave_changes* changes) {
  return stave::raw(changes->stream.position());
}

void stave_changes_free(stave_changes* changes) {
  delete changes;
}

const char* stave_change_kind_name(int kind) {
  if (kind < 0 || kind > static_cast<int>(stave::ChangeEvent::Kind::kLost)) return "unknown";
  return stave::to_string(static_cast<stave::ChangeEvent::Kind>(kind)).data();  // a literal
}

}  // extern "C"
