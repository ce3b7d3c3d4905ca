// stave/stave.h: the past of keys, and whole stores as files.
#include "base/assert.h"
#include "base/try.h"
#include "doors/library/c_api_collections.h"

using stave::Lsn;
using stave::Point;
using stave::Result;
using stave::SnapshotFormat;
using stave::c_api::answer;
using stave::c_api::give;
using stave::c_api::guarded;
using stave::c_api::report;
using stave::c_api::text;
using stave::c_api::write;

namespace {

static_assert(STAVE_SNAPSHOT_BY_NAME == static_cast<int>(SnapshotFormat::kByName));
static_assert(STAVE_SNAPSHOT_NDJSON == static_cast<int>(SnapshotFormat::kNdjson));

Result<Point> checked_point(int kind, std::int64_t point) {
  if (kind == STAVE_AT_LSN && point >= 0) return Lsn{static_cast<std::uint64_t>(point)};
  if (kind == STAVE_AT_TIME) return stave::UnixMs{point};
  return stave::fail(stave::ErrorCode::kInvalidArgument, "unknown kind of point, or no LSN");
}

int no_name(stave_error** error) noexcept {
  return report(stave::Error(stave::ErrorCode::kInvalidArgument, "there is no name of a file or directory"), error);
}

stave_key_version shown(const stave::KeyVersion& from) {
  return {.version = raw(from.version),
          .time_ms = raw(from.time),
          .size = from.size,
          .expires_at_ms = raw(from.expiry.at),
          .sliding_ms = from.expiry.sliding_ms,
          .kind = static_cast<std::int32_t>(from.kind),
          .alive = is_alive(from.kind) ? 1 : 0,
          .reserved = {}};
}

}  // namespace

extern "C" {

int stave_history(stave_store* store, int database, const char* key, size_t key_size, size_t count_max,
                  stave_key_version** versions, size_t* count, stave_error** error) {
  stave::c_api::hand_out_nothing(versions, count);
  return guarded(error, [&] {
    const auto found = store->store->history(text(key, key_size), count_max, {.database = database});
    if (!found) return report(found.error(), error);
    if (found->empty()) return static_cast<int>(STAVE_OK);
    auto* array = static_cast<stave_key_version*>(std::calloc(found->size(), sizeof(stave_key_version)));
    if (array == nullptr) return stave::c_api::report_no_memory(error);
    for (std::size_t i = 0; i < found->size(); ++i) array[i] = shown((*found)[i]);
    *versions = array;
    *count = found->size();
    return static_cast<int>(STAVE_OK);
  });
}

const char* stave_kind_name(int kind) {
  if (kind < 0 || kind > UINT8_MAX) return "unknown";
  return to_string(static_cast<stave::KeyVersion::Kind>(kind)).data();  // literals, all of them
}

int stave_get_at(stave_store* store, int database, const char* key, size_t key_size, int point_kind, int64_t point,
                 char** value, size_t* value_size, uint64_t* version, stave_error** error) {
  stave::c_api::hand_out_nothing(value, value_size);
  return guarded(error, [&] {
    const auto when = checked_point(point_kind, point);
    if (!when) return report(when.error(), error);
    const auto found = store->store->get_at(text(key, key_size), *when, {.database = database});
    return stave::c_api::answer_found(found, error, [&](const stave::Versioned& held) {
      stave::c_api::hand_out(held.value, value, value_size);
      give(version, raw(held.version));
    });
  });
}

int stave_revert(stave_store* store, const char* key, size_t key_size, int point_kind, int64_t point,
                 const stave_write_options* options, int* changed, stave_error** error) {
  return write(
      options, error,
      [&](const auto& how) -> Result<std::optional<Lsn>> {
        STAVE_ASSIGN(const Point when, checked_point(point_kind, point));
        return store->store->revert(text(key, key_size), when, how);
      },
      [&](const std::optional<Lsn>& made) { give(changed, made ? 1 : 0); });
}

int stave_snapshot(stave_store* store, const char* path, int format, uint64_t* keys, stave_error** error) {
  return guarded(error, [&] {
    if (path == nullptr) return no_name(error);
    if (format < STAVE_SNAPSHOT_BY_NAME || format > STAVE_SNAPSHOT_NDJSON)
      return report(stave::Error(stave::ErrorCode::kInvalidArgument, "unknown format of a snapshot"), error);
    const auto done = store->store->snapshot(path, static_cast<SnapshotFormat>(format));
    return answer(done, error, [&](const stave::SnapshotSummary& summary) { give(keys, summary.keys); });
  });
}

int stave_load(stave_store* store, const char* path, uint64_t* keys, stave_error** error) {
  return guarded(error, [&] {
    if (path == nullptr) return no_name(error);
    const auto done = store->store->load(path);
    return answer(done, error, [&](const stave::LoadSummary& summary) { give(keys, summary.keys); });
  });
}

int stave_backup(stave_store* store, const char* directory, uint64_t* lsn, stave_error** error) {
  return guarded(error, [&] {
    if (directory == nullptr) return no_name(error);
    const auto done = store->store->backup(directory);
    return answer(done, error, [&](Lsn end) { give(lsn, raw(end)); });
  });
}

int stave_restore(const char* source, const char* target, const char* log, int point_kind, int64_t point,
                  stave_error** error) {
  return guarded(error, [&] {
    if (source == nullptr || target == nullptr) return no_name(error);
    stave::RestoreOptions options{.log = log == nullptr ? std::string_view{} : log};
    if (point_kind != STAVE_NOW) {
      const auto when = checked_point(point_kind, point);
      if (!when) return report(when.error(), error);
      options.point = *when;
    }
    const auto done = stave::Store::restore(source, target, options);
    return answer(done, error, [](const stave::RestoreSummary&) {});
  });
}

}  // extern "C"
