/* The short calls: on the caller's thread. lib/index.js turns them into classes. */
#include <stdlib.h>
#include <string.h>

#include "values.h"

static void forget_store(napi_env env, void* data, void* hint) {
  handle* gone = data;
  (void)env;
  (void)hint;
  if (gone->session != NULL) stave_session_free(gone->session);
  if (gone->store != NULL) stave_close(gone->store, NULL);
  free(gone);
}

/* open(directory, [[setting, number]…]) */
static void apply_setting(stave_options* options, const char* name, double value) {
  if (strcmp(name, "sync") == 0) stave_options_set_sync(options, (int)value);
  if (strcmp(name, "syncIntervalMs") == 0) stave_options_set_sync_interval_ms(options, (int64_t)value);
  if (strcmp(name, "segmentBytes") == 0) stave_options_set_segment_bytes(options, (uint64_t)value);
  if (strcmp(name, "databases") == 0) stave_options_set_databases(options, (int)value);
  if (strcmp(name, "createIfMissing") == 0) stave_options_set_create_if_missing(options, value != 0);
  if (strcmp(name, "maxMemoryBytes") == 0) stave_options_set_max_memory_bytes(options, (uint64_t)value);
  if (strcmp(name, "memoryPolicy") == 0) stave_options_set_memory_policy(options, (int)value);
  if (strcmp(name, "packing") == 0) stave_options_set_packing(options, (int)value);
  if (strcmp(name, "packingLevel") == 0) stave_options_set_packing_level(options, (int)value);
  if (strcmp(name, "historyMs") == 0) stave_options_set_history_ms(options, (int64_t)value);
  if (strcmp(name, "historyBytes") == 0) stave_options_set_history_bytes(options, (uint64_t)value);
}

static void apply_settings(arguments* all, stave_options* options) {
  uint32_t count = 0;
  napi_get_array_length(all->env, all->values[1], &count);
  for (uint32_t i = 0; i < count; ++i) {
    napi_value pair = NULL, name = NULL, value = NULL;
    char buffer[32] = "";
    double as_number = 0;
    napi_get_element(all->env, all->values[1], i, &pair);
    napi_get_element(all->env, pair, 0, &name);
    napi_get_element(all->env, pair, 1, &value);
    napi_get_value_string_utf8(all->env, name, buffer, sizeof buffer, NULL);
    napi_get_value_double(all->env, value, &as_number);
    apply_setting(options, buffer, as_number);
  }
}

static napi_value open_store(napi_env env, napi_callback_info info) {
  arguments all = arguments_of(env, info);
  char* directory = name_argument(&all, 0);
  if (directory == NULL) return NULL;
  stave_options* options = stave_options_new();
  handle* opened = calloc(1, sizeof *opened);
  stave_error* error = NULL;
  napi_value value = NULL;
  if (options != NULL && opened != NULL) {
    apply_settings(&all, options);
    opened->store = stave_open(directory, options, &error);
  }
  stave_options_free(options);
  free(directory);
  if (opened == NULL || opened->store == NULL) {
    free(opened);
    return throw_failure(env, error == NULL ? STAVE_NO_MEMORY : stave_error_code(error), error);
  }
  opened->session = stave_session_new(opened->store);
  if (napi_create_external(env, opened, forget_store, NULL, &value) != napi_ok) forget_store(env, opened, NULL);
  return value;
}

static napi_value close_store(napi_env env, napi_callback_info info) {
  arguments all = arguments_of(env, info);
  handle* closed = external_argument(&all, 0);
  stave_error* error = NULL;
  if (closed == NULL || closed->store == NULL) return NULL;
  if (closed->working > 0) {
    napi_throw_error(env, "STAVE_BUSY", "something of the store is still under way; await it first");
    return NULL;
  }
  stave_session_free(closed->session);
  closed->session = NULL;
  stave_store* store = closed->store;
  closed->store = NULL;
  const int code = stave_close(store, &error);
  return code == STAVE_OK ? NULL : throw_failure(env, code, error);
}

/* get(store, database, key): [value, version, expires at] or null */
static napi_value get(napi_env env, napi_callback_info info) {
  arguments all = arguments_of(env, info);
  handle* from = store_argument(&all);
  const int32_t database = int_argument(&all, 1);
  const stave_bytes key = bytes_argument(&all, 2);
  if (all.failed) return NULL;
  char* value = NULL;
  size_t size = 0;
  uint64_t version = 0;
  int64_t expires = 0;
  stave_error* error = NULL;
  const int code =
      stave_get_versioned(from->store, database, key.data, key.size, &value, &size, &version, &expires, &error);
  if (code == STAVE_NOT_FOUND && error == NULL) return nothing(env);
  if (code != STAVE_OK) return throw_failure(env, code, error);
  napi_value answer = NULL;
  napi_create_array_with_length(env, 3, &answer);
  napi_set_element(env, answer, 0, buffer_of(env, value, size));
  napi_set_element(env, answer, 1, number(env, (double)version));
  napi_set_element(env, answer, 2, number(env, (double)expires));
  return answer;
}

/* getMany(store, database, keys) */
static napi_value get_many(napi_env env, napi_callback_info info) {
  arguments all = arguments_of(env, info);
  handle* from = store_argument(&all);
  const int32_t database = int_argument(&all, 1);
  uint32_t count = 0;
  stave_bytes* keys = bytes_list(&all, all.values[2], &count);
  if (all.failed) return NULL;
  stave_value* values = calloc(count == 0 ? 1 : count, sizeof *values);
  stave_error* error = NULL;
  const int code = values == NULL ? STAVE_NO_MEMORY : stave_mget(from->store, database, keys, count, values, &error);
  napi_value answer = NULL;
  free(keys);
  if (code == STAVE_OK) {
    napi_create_array_with_length(env, count, &answer);
    for (uint32_t i = 0; i < count; ++i)
      napi_set_element(env, answer, i,
                       values[i].data == NULL ? nothing(env) : buffer_of(env, values[i].data, values[i].size));
  }
  free(values);
  return code == STAVE_OK ? answer : throw_failure(env, code, error);
}

/* set(store, database, key, value, ttl, ms, sync): version */
static napi_value set_key(napi_env env, napi_callback_info info) {
  arguments all = arguments_of(env, info);
  handle* to = store_argument(&all);
  const int32_t database = int_argument(&all, 1);
  const stave_bytes key = bytes_argument(&all, 2), value = bytes_argument(&all, 3);
  const stave_write_options how = write_options(&all, 4, database);
  if (all.failed) return NULL;
  uint64_t version = 0;
  stave_error* error = NULL;
  const int code = stave_set(to->store, key.data, key.size, value.data, value.size, &how, &version, &error);
  return code == STAVE_OK ? number(env, (double)version) : throw_failure(env, code, error);
}

/* setIf(store, database, key, value, ttl, ms, sync, condition, version, expected): whether it was done */
static napi_value set_if(napi_env env, napi_callback_info info) {
  arguments all = arguments_of(env, info);
  handle* to = store_argument(&all);
  const int32_t database = int_argument(&all, 1);
  const stave_bytes key = bytes_argument(&all, 2), value = bytes_argument(&all, 3);
  const stave_write_options how = write_options(&all, 4, database);
  const int32_t condition = int_argument(&all, 7);
  const double version = double_argument(&all, 8);
  const stave_bytes expected = bytes_argument(&all, 9);
  if (all.failed) return NULL;
  int done = 0;
  stave_error* error = NULL;
  const int code = stave_set_if(to->store, key.data, key.size, value.data, value.size, condition, (uint64_t)version,
                                expected.data, expected.size, &how, &done, &error);
  return code == STAVE_OK ? boolean(env, done != 0) : throw_failure(env, code, error);
}

/* del(store, database, key, sync): whether it was there */
static napi_value delete_key(napi_env env, napi_callback_info info) {
  arguments all = arguments_of(env, info);
  handle* from = store_argument(&all);
  const stave_write_options how = {.database = int_argument(&all, 1), .sync = int_argument(&all, 3)};
  const stave_bytes key = bytes_argument(&all, 2);
  if (all.failed) return NULL;
  int removed = 0;
  stave_error* error = NULL;
  const int code = stave_delete(from->store, key.data, key.size, &how, &removed, &error);
  return code == STAVE_OK ? boolean(env, removed != 0) : throw_failure(env, code, error);
}

/* increment(store, database, key, by, sync): the sum */
static napi_value increment(napi_env env, napi_callback_info info) {
  arguments all = arguments_of(env, info);
  handle* to = store_argument(&all);
  const stave_write_options how = {.database = int_argument(&all, 1), .sync = int_argument(&all, 4)};
  const stave_bytes key = bytes_argument(&all, 2);
  const int64_t by = int64_argument(&all, 3);
  if (all.failed) return NULL;
  int64_t sum = 0;
  stave_error* error = NULL;
  const int code = stave_increment(to->store, key.data, key.size, by, &how, &sum, &error);
  return code == STAVE_OK ? integer(env, sum) : throw_failure(env, code, error);
}

/* expire(store, database, key, ttl, ms, sync): whether the key is there */
static napi_value expire(napi_env env, napi_callback_info info) {
  arguments all = arguments_of(env, info);
  handle* to = store_argument(&all);
  const int32_t database = int_argument(&all, 1);
  const stave_bytes key = bytes_argument(&all, 2);
  const stave_write_options how = write_options(&all, 3, database);
  if (all.failed) return NULL;
  stave_error* error = NULL;
  const int code = stave_expire(to->store, key.data, key.size, &how, &error);
  if (code == STAVE_NOT_FOUND && error == NULL) return boolean(env, false);
  return code == STAVE_OK ? boolean(env, true) : throw_failure(env, code, error);
}

static napi_value size(napi_env env, napi_callback_info info) {
  arguments all = arguments_of(env, info);
  handle* of = store_argument(&all);
  const int32_t database = int_argument(&all, 1);
  if (all.failed) return NULL;
  uint64_t keys = 0;
  stave_error* error = NULL;
  const int code = stave_size(of->store, database, &keys, &error);
  return code == STAVE_OK ? number(env, (double)keys) : throw_failure(env, code, error);
}

static void forget_cursor(napi_env env, void* data, void* hint) {
  (void)env;
  (void)hint;
  stave_cursor_free(data);
}

/* cursor(store, database, prefix); next(store, cursor): [key, value, type] or null */
static napi_value new_cursor(napi_env env, napi_callback_info info) {
  arguments all = arguments_of(env, info);
  handle* of = store_argument(&all);
  const int32_t database = int_argument(&all, 1);
  const stave_bytes prefix = bytes_argument(&all, 2);
  if (all.failed) return NULL;
  stave_cursor* cursor = stave_cursor_new(of->store, database, prefix.data, prefix.size);
  napi_value value = NULL;
  if (cursor == NULL) return throw_failure(env, STAVE_NO_MEMORY, NULL);
  if (napi_create_external(env, cursor, forget_cursor, NULL, &value) != napi_ok) stave_cursor_free(cursor);
  return value;
}

static napi_value next(napi_env env, napi_callback_info info) {
  arguments all = arguments_of(env, info);
  if (store_argument(&all) == NULL) return NULL;
  stave_cursor* cursor = external_argument(&all, 1);
  if (all.failed) return NULL;
  const char *key = NULL, *value = NULL, *type = NULL;
  size_t key_size = 0, value_size = 0;
  stave_error* error = NULL;
  const int code = stave_cursor_next(cursor, &key, &key_size, &value, &value_size, &type, &error);
  if (code == STAVE_NOT_FOUND && error == NULL) return nothing(env);
  if (code != STAVE_OK) return throw_failure(env, code, error);
  napi_value answer = NULL;
  napi_create_array_with_length(env, 3, &answer);
  napi_set_element(env, answer, 0, buffer(env, key, key_size));
  napi_set_element(env, answer, 1, buffer(env, value, value_size));
  napi_set_element(env, answer, 2, text(env, type));
  return answer;
}

/* execute(store, words): what the command answers; an error is an Error among the answers */
static napi_value execute(napi_env env, napi_callback_info info) {
  arguments all = arguments_of(env, info);
  handle* in = store_argument(&all);
  uint32_t count = 0;
  stave_bytes* words = bytes_list(&all, all.values[1], &count);
  if (all.failed) return NULL;
  stave_reply* reply = in->session == NULL ? NULL : stave_execute(in->session, words, count);
  free(words);
  if (reply == NULL) return throw_failure(env, STAVE_NO_MEMORY, NULL);
  const napi_value value = reply_value(env, reply);
  stave_reply_free(reply);
  return value;
}

/* getAt(store, database, key, kind of point, point): value or null */
static napi_value get_at(napi_env env, napi_callback_info info) {
  arguments all = arguments_of(env, info);
  handle* from = store_argument(&all);
  const int32_t database = int_argument(&all, 1);
  const stave_bytes key = bytes_argument(&all, 2);
  const int32_t kind = int_argument(&all, 3);
  const double point = double_argument(&all, 4);
  if (all.failed) return NULL;
  char* value = NULL;
  size_t value_size = 0;
  stave_error* error = NULL;
  const int code =
      stave_get_at(from->store, database, key.data, key.size, kind, (int64_t)point, &value, &value_size, NULL, &error);
  if (code == STAVE_NOT_FOUND && error == NULL) return nothing(env);
  return code == STAVE_OK ? buffer_of(env, value, value_size) : throw_failure(env, code, error);
}

/* revert(store, database, key, kind of point, point, sync): whether anything changed */
static napi_value revert(napi_env env, napi_callback_info info) {
  arguments all = arguments_of(env, info);
  handle* to = store_argument(&all);
  const stave_write_options how = {.database = int_argument(&all, 1), .sync = int_argument(&all, 5)};
  const stave_bytes key = bytes_argument(&all, 2);
  const int32_t kind = int_argument(&all, 3);
  const double point = double_argument(&all, 4);
  if (all.failed) return NULL;
  int changed = 0;
  stave_error* error = NULL;
  const int code = stave_revert(to->store, key.data, key.size, kind, (int64_t)point, &how, &changed, &error);
  return code == STAVE_OK ? boolean(env, changed != 0) : throw_failure(env, code, error);
}

/* history(store, database, key, count): [{version, time, kind, size, alive, expiresAt}…] */
static napi_value history(napi_env env, napi_callback_info info) {
  arguments all = arguments_of(env, info);
  handle* of = store_argument(&all);
  const int32_t database = int_argument(&all, 1);
  const stave_bytes key = bytes_argument(&all, 2);
  const double most = double_argument(&all, 3);
  if (all.failed) return NULL;
  stave_key_version* versions = NULL;
  size_t count = 0;
  stave_error* error = NULL;
  const int code = stave_history(of->store, database, key.data, key.size, (size_t)most, &versions, &count, &error);
  if (code != STAVE_OK) return throw_failure(env, code, error);
  napi_value answer = NULL;
  napi_create_array_with_length(env, count, &answer);
  for (size_t i = 0; i < count; ++i) {
    napi_value one = NULL;
    napi_create_object(env, &one);
    set(env, one, "version", number(env, (double)versions[i].version));
    set(env, one, "time", number(env, (double)versions[i].time_ms));
    set(env, one, "kind", text(env, stave_kind_name(versions[i].kind)));
    set(env, one, "size", number(env, (double)versions[i].size));
    set(env, one, "alive", boolean(env, versions[i].alive != 0));
    set(env, one, "expiresAt",
        versions[i].expires_at_ms == 0 ? nothing(env) : number(env, (double)versions[i].expires_at_ms));
    napi_set_element(env, answer, (uint32_t)i, one);
  }
  stave_free(versions);
  return answer;
}

NAPI_MODULE_INIT() {
  define(env, exports, "open", open_store);
  define(env, exports, "close", close_store);
  define(env, exports, "get", get);
  define(env, exports, "getMany", get_many);
  define(env, exports, "set", set_key);
  define(env, exports, "setIf", set_if);
  define(env, exports, "del", delete_key);
  define(env, exports, "increment", increment);
  define(env, exports, "expire", expire);
  define(env, exports, "size", size);
  define(env, exports, "cursor", new_cursor);
  define(env, exports, "next", next);
  define(env, exports, "execute", execute);
  define(env, exports, "getAt", get_at);
  define(env, exports, "revert", revert);
  define(env, exports, "history", history);
  define_async(env, exports);
  define_txn(env, exports);
  return exports;
}
