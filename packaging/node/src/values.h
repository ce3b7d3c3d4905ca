/* What goes between JavaScript and C: arguments, answers, failures. Bytes come as Buffers; lib/index.js makes them of
 * strings. */
#ifndef STAVE_NODE_VALUES_H
#define STAVE_NODE_VALUES_H

#include <node_api.h>
#include <stave/stave.h>
#include <stdbool.h>

enum { ARGUMENTS_MAX = 10 };

/* An open store. Everything but the work of async.c happens on the thread of its environment. */
typedef struct {
  stave_store* store; /* NULL: it is closed. */
  stave_session* session;
  int working;      /* Calls under way on other threads. */
  bool transacting; /* Its locks are held: a call from within would wait for itself. */
} handle;

typedef struct {
  napi_env env;
  size_t count;
  napi_value values[ARGUMENTS_MAX];
  bool failed; /* An exception waits; what follows is of no use. */
} arguments;

arguments arguments_of(napi_env env, napi_callback_info info);
/* The store of the first argument; NULL when it is closed, and then an exception waits. */
handle* store_argument(arguments* all);
void* external_argument(arguments* all, size_t at);
stave_bytes bytes_argument(arguments* all, size_t at);
/* A list of Buffers; to be freed. */
stave_bytes* bytes_list(arguments* all, napi_value list, uint32_t* count);
int32_t int_argument(arguments* all, size_t at);
double double_argument(arguments* all, size_t at);
/* Of a BigInt. */
int64_t int64_argument(arguments* all, size_t at);
/* Of a Buffer that holds a name; to be freed. */
char* name_argument(arguments* all, size_t at);
/* Three arguments from `at` on: kind of expiry, milliseconds, sync; and the database. */
stave_write_options write_options(arguments* all, size_t at, int32_t database);

napi_value nothing(napi_env env);
napi_value boolean(napi_env env, bool value);
napi_value number(napi_env env, double value);
/* A number, or, where that would not be exact, a BigInt. */
napi_value integer(napi_env env, int64_t value);
napi_value text(napi_env env, const char* value);
napi_value buffer(napi_env env, const char* data, size_t size);
/* The same of what was handed out; it is freed. */
napi_value buffer_of(napi_env env, char* data, size_t size);
void set(napi_env env, napi_value object, const char* name, napi_value value);
napi_value reply_value(napi_env env, const stave_reply* reply);
/* An Error with the properties `code` ("STAVE_BUSY") and `errno`; `error` is freed. */
napi_value failure(napi_env env, int code, stave_error* error);
/* Throws it; undefined. */
napi_value throw_failure(napi_env env, int code, stave_error* error);

void define(napi_env env, napi_value exports, const char* name, napi_callback function);
void define_async(napi_env env, napi_value exports);
void define_txn(napi_env env, napi_value exports);

#endif
