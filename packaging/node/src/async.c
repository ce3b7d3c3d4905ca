/* What takes long: on a thread of the pool, answered by a promise. The store stays open meanwhile. */
#include <stdlib.h>
#include <string.h>

#include "values.h"

enum what { SYNC, SNAPSHOT, LOAD, BACKUP, RESTORE, BATCH };

typedef struct {
  enum what what;
  handle* on; /* NULL for RESTORE. */
  napi_ref keep;
  napi_async_work work;
  napi_deferred deferred;
  char* names[3];
  int numbers[2];
  int64_t point;
  stave_batch* batch;
  stave_write_options how;
  int code;
  uint64_t answer;
  stave_error* error;
} task;

static void run(napi_env env, void* data) {
  task* one = data;
  (void)env;
  switch (one->what) {
    case SYNC: one->code = stave_sync(one->on->store, &one->error); break;
    case SNAPSHOT:
      one->code = stave_snapshot(one->on->store, one->names[0], one->numbers[0], &one->answer, &one->error);
      break;
    case LOAD: one->code = stave_load(one->on->store, one->names[0], &one->answer, &one->error); break;
    case BACKUP: one->code = stave_backup(one->on->store, one->names[0], &one->answer, &one->error); break;
    case RESTORE:
      one->code = stave_restore(one->names[0], one->names[1], one->names[2], one->numbers[0], one->point, &one->error);
      break;
    case BATCH: one->code = stave_batch_commit(one->on->store, one->batch, &one->how, &one->error); break;
  }
}

static void discard(task* one) {
  for (size_t i = 0; i < 3; ++i) free(one->names[i]);
  stave_batch_free(one->batch);
  free(one);
}

static void finish(napi_env env, napi_status status, void* data) {
  task* one = data;
  (void)status;
  if (one->on != NULL) {
    --one->on->working;
    napi_delete_reference(env, one->keep);
  }
  if (one->code == STAVE_OK)
    napi_resolve_deferred(env, one->deferred, number(env, (double)one->answer));
  else
    napi_reject_deferred(env, one->deferred, failure(env, one->code, one->error));
  napi_delete_async_work(env, one->work);
  discard(one);
}

/* Takes the task over, and frees it if it cannot be begun. */
static napi_value begin(arguments* all, task* one) {
  napi_env env = all->env;
  napi_value promise = NULL;
  if (all->failed || napi_create_promise(env, &one->deferred, &promise) != napi_ok) {
    discard(one);
    return NULL;
  }
  if (one->on != NULL) {
    napi_create_reference(env, all->values[0], 1, &one->keep);
    ++one->on->working;
  }
  if (napi_create_async_work(env, NULL, text(env, "stave"), run, finish, one, &one->work) == napi_ok &&
      napi_queue_async_work(env, one->work) == napi_ok)
    return promise;
  if (one->on != NULL) --one->on->working;
  napi_reject_deferred(env, one->deferred, failure(env, STAVE_NO_MEMORY, NULL));
  discard(one);
  return promise;
}

static task* new_task(arguments* all, enum what what) {
  task* one = calloc(1, sizeof *one);
  if (one == NULL) {
    throw_failure(all->env, STAVE_NO_MEMORY, NULL);
    all->failed = true;
    return NULL;
  }
  one->what = what;
  if (what != RESTORE) one->on = store_argument(all);
  return one;
}

/* sync(store) */
static napi_value sync_store(napi_env env, napi_callback_info info) {
  arguments all = arguments_of(env, info);
  task* one = new_task(&all, SYNC);
  return one == NULL ? NULL : begin(&all, one);
}

/* snapshot(store, path, format), load(store, path), backup(store, directory) */
static napi_value with_name(napi_env env, napi_callback_info info, enum what what) {
  arguments all = arguments_of(env, info);
  task* one = new_task(&all, what);
  if (one == NULL) return NULL;
  one->names[0] = name_argument(&all, 1);
  if (what == SNAPSHOT) one->numbers[0] = int_argument(&all, 2);
  return begin(&all, one);
}
static napi_value snapshot(napi_env env, napi_callback_info info) {
  return with_name(env, info, SNAPSHOT);
}
static napi_value load(napi_env env, napi_callback_info info) {
  return with_name(env, info, LOAD);
}
static napi_value backup(napi_env env, napi_callback_info info) {
  return with_name(env, info, BACKUP);
}

/* restore(source, target, log or an empty name, kind of point, point) */
static napi_value restore(napi_env env, napi_callback_info info) {
  arguments all = arguments_of(env, info);
  task* one = new_task(&all, RESTORE);
  if (one == NULL) return NULL;
  for (size_t i = 0; i < 3; ++i) one->names[i] = name_argument(&all, i);
  if (one->names[2] != NULL && one->names[2][0] == '\0') {
    free(one->names[2]);
    one->names[2] = NULL;
  }
  one->numbers[0] = int_argument(&all, 3);
  one->point = (int64_t)double_argument(&all, 4);
  return begin(&all, one);
}

/* A step: [name, key, first, second, ttl, ms, by, score], of which each takes what it needs. */
static int add_step(arguments* all, stave_batch* batch, napi_value step) {
  arguments parts = {.env = all->env, .count = 8};
  char name[24] = "";
  for (uint32_t i = 0; i < parts.count; ++i) napi_get_element(all->env, step, i, &parts.values[i]);
  napi_get_value_string_utf8(all->env, parts.values[0], name, sizeof name, NULL);
  const stave_bytes key = bytes_argument(&parts, 1), first = bytes_argument(&parts, 2),
                    second = bytes_argument(&parts, 3);
  const int32_t ttl = int_argument(&parts, 4);
  const int64_t ms = (int64_t)double_argument(&parts, 5), by = int64_argument(&parts, 6);
  const double score = double_argument(&parts, 7);
  all->failed = all->failed || parts.failed;
  if (all->failed) return STAVE_INVALID_ARGUMENT;
  if (strcmp(name, "set") == 0)
    return stave_batch_set_expiring(batch, key.data, key.size, first.data, first.size, ttl, ms);
  if (strcmp(name, "delete") == 0) return stave_batch_delete(batch, key.data, key.size);
  if (strcmp(name, "increment") == 0) return stave_batch_increment(batch, key.data, key.size, by);
  if (strcmp(name, "append") == 0) return stave_batch_append(batch, key.data, key.size, first.data, first.size);
  if (strcmp(name, "expire") == 0) return stave_batch_expire(batch, key.data, key.size, ttl, ms);
  if (strcmp(name, "hashSet") == 0)
    return stave_batch_hash_set(batch, key.data, key.size, first.data, first.size, second.data, second.size);
  if (strcmp(name, "hashRemove") == 0)
    return stave_batch_hash_remove(batch, key.data, key.size, first.data, first.size);
  if (strcmp(name, "listPush") == 0)
    return stave_batch_list_push(batch, key.data, key.size, STAVE_BACK, first.data, first.size);
  if (strcmp(name, "listPushFront") == 0)
    return stave_batch_list_push(batch, key.data, key.size, STAVE_FRONT, first.data, first.size);
  if (strcmp(name, "setAdd") == 0) return stave_batch_set_add(batch, key.data, key.size, first.data, first.size);
  if (strcmp(name, "setRemove") == 0) return stave_batch_set_remove(batch, key.data, key.size, first.data, first.size);
  if (strcmp(name, "sortedSetAdd") == 0)
    return stave_batch_sorted_set_add(batch, key.data, key.size, first.data, first.size, score);
  if (strcmp(name, "sortedSetRemove") == 0)
    return stave_batch_sorted_set_remove(batch, key.data, key.size, first.data, first.size);
  return STAVE_INVALID_ARGUMENT;
}

/* write(store, database, steps, sync) */
static napi_value write_batch(napi_env env, napi_callback_info info) {
  arguments all = arguments_of(env, info);
  task* one = new_task(&all, BATCH);
  if (one == NULL) return NULL;
  one->how.database = int_argument(&all, 1);
  one->how.sync = int_argument(&all, 3);
  one->batch = stave_batch_new();
  uint32_t count = 0;
  if (!all.failed && one->batch != NULL) napi_get_array_length(env, all.values[2], &count);
  for (uint32_t i = 0; i < count && !all.failed; ++i) {
    napi_value step = NULL;
    napi_get_element(env, all.values[2], i, &step);
    const int code = add_step(&all, one->batch, step);
    if (code != STAVE_OK && !all.failed) {
      throw_failure(env, code, NULL);
      all.failed = true;
    }
  }
  if (one->batch == NULL && !all.failed) {
    throw_failure(env, STAVE_NO_MEMORY, NULL);
    all.failed = true;
  }
  return begin(&all, one);
}

void define_async(napi_env env, napi_value exports) {
  define(env, exports, "sync", sync_store);
  define(env, exports, "snapshot", snapshot);
  define(env, exports, "load", load);
  define(env, exports, "backup", backup);
  define(env, exports, "restore", restore);
  define(env, exports, "write", write_batch);
}
