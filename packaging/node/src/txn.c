/* Transactions: the caller's function between the locks and the commit, on the caller's thread. */
#include <stdlib.h>

#include "values.h"

typedef struct {
  napi_env env;
  napi_value work;
  napi_value answer;
  napi_value problem; /* What the function threw; NULL: nothing. */
} call;

/* Valid during the call; JavaScript may keep it for longer. */
typedef struct {
  stave_txn* txn;
} opened;

static void forget(napi_env env, void* data, void* hint) {
  (void)env;
  (void)hint;
  free(data);
}

static int run(stave_txn* txn, void* context) {
  call* in = context;
  napi_value external = NULL, global = NULL;
  opened* here = malloc(sizeof *here);
  in->problem = NULL;
  if (here == NULL) return 1;
  here->txn = txn;
  if (napi_create_external(in->env, here, forget, NULL, &external) != napi_ok) {
    free(here);
    return 1;
  }
  napi_get_global(in->env, &global);
  const bool good = napi_call_function(in->env, global, in->work, 1, &external, &in->answer) == napi_ok;
  here->txn = NULL;
  if (good) return 0;
  napi_get_and_clear_last_exception(in->env, &in->problem);
  return 1;
}

/* transact(store, database, keys, function, sync): what the function returns */
static napi_value transact(napi_env env, napi_callback_info info) {
  arguments all = arguments_of(env, info);
  handle* in = store_argument(&all);
  const stave_write_options how = {.database = int_argument(&all, 1), .sync = int_argument(&all, 4)};
  uint32_t count = 0;
  stave_bytes* keys = bytes_list(&all, all.values[2], &count);
  if (all.failed) return NULL;
  call context = {.env = env, .work = all.values[3]};
  stave_error* error = NULL;
  ++in->working; /* The function must not close the store. */
  in->transacting = true;
  const int code = stave_transact(in->store, keys, count, run, &context, &how, &error);
  in->transacting = false;
  --in->working;
  free(keys);
  if (code == STAVE_OK) return context.answer;
  if (code != STAVE_ABORTED || context.problem == NULL) return throw_failure(env, code, error);
  stave_error_free(error);
  napi_throw(env, context.problem);
  return NULL;
}

static stave_txn* txn_argument(arguments* all) {
  opened* here = external_argument(all, 0);
  if (here != NULL && here->txn == NULL) {
    napi_throw_error(all->env, "STAVE_ABORTED", "the transaction is over");
    all->failed = true;
  }
  return all->failed ? NULL : here->txn;
}

static napi_value txn_get(napi_env env, napi_callback_info info) {
  arguments all = arguments_of(env, info);
  stave_txn* txn = txn_argument(&all);
  const stave_bytes key = bytes_argument(&all, 1);
  if (all.failed) return NULL;
  char* value = NULL;
  size_t size = 0;
  const int code = stave_txn_get(txn, key.data, key.size, &value, &size);
  if (code == STAVE_NOT_FOUND) return nothing(env);
  return code == STAVE_OK ? buffer_of(env, value, size) : throw_failure(env, code, NULL);
}

static napi_value txn_set(napi_env env, napi_callback_info info) {
  arguments all = arguments_of(env, info);
  stave_txn* txn = txn_argument(&all);
  const stave_bytes key = bytes_argument(&all, 1), value = bytes_argument(&all, 2);
  if (all.failed) return NULL;
  const int code = stave_txn_set(txn, key.data, key.size, value.data, value.size);
  return code == STAVE_OK ? NULL : throw_failure(env, code, NULL);
}

static napi_value txn_delete(napi_env env, napi_callback_info info) {
  arguments all = arguments_of(env, info);
  stave_txn* txn = txn_argument(&all);
  const stave_bytes key = bytes_argument(&all, 1);
  if (all.failed) return NULL;
  int removed = 0;
  const int code = stave_txn_delete(txn, key.data, key.size, &removed);
  return code == STAVE_OK ? boolean(env, removed != 0) : throw_failure(env, code, NULL);
}

static napi_value txn_increment(napi_env env, napi_callback_info info) {
  arguments all = arguments_of(env, info);
  stave_txn* txn = txn_argument(&all);
  const stave_bytes key = bytes_argument(&all, 1);
  const int64_t by = int64_argument(&all, 2);
  if (all.failed) return NULL;
  int64_t sum = 0;
  const int code = stave_txn_increment(txn, key.data, key.size, by, &sum);
  return code == STAVE_OK ? integer(env, sum) : throw_failure(env, code, NULL);
}

static napi_value txn_append(napi_env env, napi_callback_info info) {
  arguments all = arguments_of(env, info);
  stave_txn* txn = txn_argument(&all);
  const stave_bytes key = bytes_argument(&all, 1), suffix = bytes_argument(&all, 2);
  if (all.failed) return NULL;
  uint64_t length = 0;
  const int code = stave_txn_append(txn, key.data, key.size, suffix.data, suffix.size, &length);
  return code == STAVE_OK ? number(env, (double)length) : throw_failure(env, code, NULL);
}

static napi_value txn_expire(napi_env env, napi_callback_info info) {
  arguments all = arguments_of(env, info);
  stave_txn* txn = txn_argument(&all);
  const stave_bytes key = bytes_argument(&all, 1);
  const int32_t ttl = int_argument(&all, 2);
  const double ms = double_argument(&all, 3);
  if (all.failed) return NULL;
  const int code = stave_txn_expire(txn, key.data, key.size, ttl, (int64_t)ms);
  if (code == STAVE_NOT_FOUND) return boolean(env, false);
  return code == STAVE_OK ? boolean(env, true) : throw_failure(env, code, NULL);
}

static napi_value txn_hash_set(napi_env env, napi_callback_info info) {
  arguments all = arguments_of(env, info);
  stave_txn* txn = txn_argument(&all);
  const stave_bytes key = bytes_argument(&all, 1), field = bytes_argument(&all, 2), value = bytes_argument(&all, 3);
  if (all.failed) return NULL;
  int added = 0;
  const int code = stave_txn_hash_set(txn, key.data, key.size, field.data, field.size, value.data, value.size, &added);
  return code == STAVE_OK ? boolean(env, added != 0) : throw_failure(env, code, NULL);
}

static napi_value txn_hash_get(napi_env env, napi_callback_info info) {
  arguments all = arguments_of(env, info);
  stave_txn* txn = txn_argument(&all);
  const stave_bytes key = bytes_argument(&all, 1), field = bytes_argument(&all, 2);
  if (all.failed) return NULL;
  char* value = NULL;
  size_t size = 0;
  const int code = stave_txn_hash_get(txn, key.data, key.size, field.data, field.size, &value, &size);
  if (code == STAVE_NOT_FOUND) return nothing(env);
  return code == STAVE_OK ? buffer_of(env, value, size) : throw_failure(env, code, NULL);
}

static napi_value txn_list_push(napi_env env, napi_callback_info info) {
  arguments all = arguments_of(env, info);
  stave_txn* txn = txn_argument(&all);
  const stave_bytes key = bytes_argument(&all, 1), element = bytes_argument(&all, 2);
  const int32_t end = int_argument(&all, 3);
  if (all.failed) return NULL;
  uint64_t size = 0;
  const int code = stave_txn_list_push(txn, key.data, key.size, end, element.data, element.size, &size);
  return code == STAVE_OK ? number(env, (double)size) : throw_failure(env, code, NULL);
}

static napi_value txn_list_pop(napi_env env, napi_callback_info info) {
  arguments all = arguments_of(env, info);
  stave_txn* txn = txn_argument(&all);
  const stave_bytes key = bytes_argument(&all, 1);
  const int32_t end = int_argument(&all, 2);
  if (all.failed) return NULL;
  char* element = NULL;
  size_t size = 0;
  const int code = stave_txn_list_pop(txn, key.data, key.size, end, &element, &size);
  if (code == STAVE_NOT_FOUND) return nothing(env);
  return code == STAVE_OK ? buffer_of(env, element, size) : throw_failure(env, code, NULL);
}

static napi_value txn_set_add(napi_env env, napi_callback_info info) {
  arguments all = arguments_of(env, info);
  stave_txn* txn = txn_argument(&all);
  const stave_bytes key = bytes_argument(&all, 1), member = bytes_argument(&all, 2);
  if (all.failed) return NULL;
  int added = 0;
  const int code = stave_txn_set_add(txn, key.data, key.size, member.data, member.size, &added);
  return code == STAVE_OK ? boolean(env, added != 0) : throw_failure(env, code, NULL);
}

static napi_value txn_sorted_set_add(napi_env env, napi_callback_info info) {
  arguments all = arguments_of(env, info);
  stave_txn* txn = txn_argument(&all);
  const stave_bytes key = bytes_argument(&all, 1), member = bytes_argument(&all, 2);
  const double score = double_argument(&all, 3);
  if (all.failed) return NULL;
  int added = 0;
  const int code = stave_txn_sorted_set_add(txn, key.data, key.size, member.data, member.size, score, &added);
  return code == STAVE_OK ? boolean(env, added != 0) : throw_failure(env, code, NULL);
}

void define_txn(napi_env env, napi_value exports) {
  define(env, exports, "transact", transact);
  define(env, exports, "txnGet", txn_get);
  define(env, exports, "txnSet", txn_set);
  define(env, exports, "txnDelete", txn_delete);
  define(env, exports, "txnIncrement", txn_increment);
  define(env, exports, "txnAppend", txn_append);
  define(env, exports, "txnExpire", txn_expire);
  define(env, exports, "txnHashSet", txn_hash_set);
  define(env, exports, "txnHashGet", txn_hash_get);
  define(env, exports, "txnListPush", txn_list_push);
  define(env, exports, "txnListPop", txn_list_pop);
  define(env, exports, "txnSetAdd", txn_set_add);
  define(env, exports, "txnSortedSetAdd", txn_sorted_set_add);
}
