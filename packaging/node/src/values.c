#include "values.h"

#include <stdlib.h>
#include <string.h>

static const int64_t kExactMax = ((int64_t)1 << 53) - 1;

arguments arguments_of(napi_env env, napi_callback_info info) {
  arguments all = {.env = env, .count = ARGUMENTS_MAX};
  if (napi_get_cb_info(env, info, &all.count, all.values, NULL, NULL) != napi_ok) all.failed = true;
  if (all.count > ARGUMENTS_MAX) all.count = ARGUMENTS_MAX;
  return all;
}

static void refuse(arguments* all, const char* why) {
  if (!all->failed) napi_throw_type_error(all->env, "STAVE_INVALID_ARGUMENT", why);
  all->failed = true;
}

void* external_argument(arguments* all, size_t at) {
  void* data = NULL;
  if (all->failed || at >= all->count || napi_get_value_external(all->env, all->values[at], &data) != napi_ok ||
      data == NULL)
    refuse(all, "this is no object of the store");
  return all->failed ? NULL : data;
}

handle* store_argument(arguments* all) {
  handle* found = external_argument(all, 0);
  if (found != NULL && found->store == NULL) {
    napi_throw_error(all->env, "STAVE_CLOSED", "the store is closed");
    all->failed = true;
  }
  if (found != NULL && found->transacting) {
    if (!all->failed)
      napi_throw_error(all->env, "STAVE_BUSY",
                       "a transaction is under way: use nothing of the store but what its function was given");
    all->failed = true;
  }
  return all->failed ? NULL : found;
}

static stave_bytes bytes_of(arguments* all, napi_value value) {
  stave_bytes bytes = {NULL, 0};
  void* data = NULL;
  if (all->failed || napi_get_buffer_info(all->env, value, &data, &bytes.size) != napi_ok) {
    refuse(all, "a key or a value is a string or a Buffer");
    bytes.size = 0;
  }
  bytes.data = data == NULL ? "" : data;
  return bytes;
}

stave_bytes bytes_argument(arguments* all, size_t at) {
  if (at < all->count) return bytes_of(all, all->values[at]);
  refuse(all, "an argument is missing");
  return (stave_bytes){"", 0};
}

stave_bytes* bytes_list(arguments* all, napi_value list, uint32_t* count) {
  stave_bytes* bytes = NULL;
  *count = 0;
  if (all->failed || napi_get_array_length(all->env, list, count) != napi_ok) {
    refuse(all, "this is no array");
    return NULL;
  }
  bytes = calloc(*count == 0 ? 1 : *count, sizeof *bytes);
  if (bytes == NULL) refuse(all, "there is no memory");
  for (uint32_t i = 0; i < *count && !all->failed; ++i) {
    napi_value one = NULL;
    if (napi_get_element(all->env, list, i, &one) != napi_ok) refuse(all, "this is no array");
    if (!all->failed) bytes[i] = bytes_of(all, one);
  }
  if (all->failed) {
    free(bytes);
    return NULL;
  }
  return bytes;
}

int32_t int_argument(arguments* all, size_t at) {
  int32_t value = 0;
  if (all->failed || at >= all->count || napi_get_value_int32(all->env, all->values[at], &value) != napi_ok)
    refuse(all, "a number is expected");
  return value;
}

double double_argument(arguments* all, size_t at) {
  double value = 0;
  if (all->failed || at >= all->count || napi_get_value_double(all->env, all->values[at], &value) != napi_ok)
    refuse(all, "a number is expected");
  return value;
}

int64_t int64_argument(arguments* all, size_t at) {
  int64_t value = 0;
  bool exact = false;
  if (all->failed || at >= all->count ||
      napi_get_value_bigint_int64(all->env, all->values[at], &value, &exact) != napi_ok)
    refuse(all, "an integer is expected");
  else if (!exact)
    refuse(all, "the integer has more than 64 bits");
  return value;
}

char* name_argument(arguments* all, size_t at) {
  const stave_bytes bytes = bytes_argument(all, at);
  if (!all->failed && memchr(bytes.data, 0, bytes.size) != NULL) refuse(all, "a name has a zero byte in it");
  if (all->failed) return NULL;
  char* name = malloc(bytes.size + 1);
  if (name == NULL) {
    refuse(all, "there is no memory");
    return NULL;
  }
  memcpy(name, bytes.data, bytes.size);
  name[bytes.size] = '\0';
  return name;
}

stave_write_options write_options(arguments* all, size_t at, int32_t database) {
  stave_write_options options;
  memset(&options, 0, sizeof options);
  options.database = database;
  options.ttl = int_argument(all, at);
  options.ttl_ms = (int64_t)double_argument(all, at + 1);
  options.sync = int_argument(all, at + 2);
  return options;
}

napi_value nothing(napi_env env) {
  napi_value value = NULL;
  napi_get_null(env, &value);
  return value;
}
napi_value boolean(napi_env env, bool yes) {
  napi_value value = NULL;
  napi_get_boolean(env, yes, &value);
  return value;
}
napi_value number(napi_env env, double from) {
  napi_value value = NULL;
  napi_create_double(env, from, &value);
  return value;
}
napi_value integer(napi_env env, int64_t from) {
  napi_value value = NULL;
  if (from > kExactMax || from < -kExactMax)
    napi_create_bigint_int64(env, from, &value);
  else
    napi_create_int64(env, from, &value);
  return value;
}
napi_value text(napi_env env, const char* from) {
  napi_value value = NULL;
  napi_create_string_utf8(env, from, NAPI_AUTO_LENGTH, &value);
  return value;
}
napi_value buffer(napi_env env, const char* data, size_t size) {
  napi_value value = NULL;
  napi_create_buffer_copy(env, size, data, NULL, &value);
  return value;
}
napi_value buffer_of(napi_env env, char* data, size_t size) {
  const napi_value value = buffer(env, data, size);
  stave_free(data);
  return value;
}
void set(napi_env env, napi_value object, const char* name, napi_value value) {
  napi_set_named_property(env, object, name, value);
}

static napi_value list_value(napi_env env, const stave_reply* reply) {
  napi_value list = NULL;
  const size_t count = stave_reply_count(reply);
  napi_create_array_with_length(env, count, &list);
  for (size_t i = 0; i < count; ++i)
    napi_set_element(env, list, (uint32_t)i, reply_value(env, stave_reply_at(reply, i)));
  return list;
}

napi_value reply_value(napi_env env, const stave_reply* reply) {
  size_t size = 0;
  const char* bytes = NULL;
  napi_value value = NULL;
  switch (stave_reply_kind(reply)) {
    case STAVE_REPLY_NULL: return nothing(env);
    case STAVE_REPLY_INTEGER: return integer(env, stave_reply_integer(reply));
    case STAVE_REPLY_DOUBLE: return number(env, stave_reply_double(reply));
    case STAVE_REPLY_BOOLEAN: return boolean(env, stave_reply_integer(reply) != 0);
    case STAVE_REPLY_ARRAY:
    case STAVE_REPLY_SET:
    case STAVE_REPLY_PUSH: return list_value(env, reply);
    case STAVE_REPLY_MAP: /* Marked, so that lib/index.js makes a Map of it. */
      napi_create_object(env, &value);
      set(env, value, "pairs", list_value(env, reply));
      return value;
    case STAVE_REPLY_ERROR: {
      napi_value message = text(env, stave_reply_text(reply, NULL));
      napi_create_error(env, text(env, "STAVE_REPLY"), message, &value);
      return value;
    }
    case STAVE_REPLY_STATUS: return text(env, stave_reply_text(reply, NULL));
    default: bytes = stave_reply_text(reply, &size); return buffer(env, bytes, size);
  }
}

napi_value failure(napi_env env, int code, stave_error* error) {
  char name[40] = "STAVE_";
  const char* from = stave_error_name(code);
  size_t end = strlen(name);
  for (; *from != '\0' && end + 1 < sizeof name; ++from)
    name[end++] = *from >= 'a' && *from <= 'z' ? (char)(*from - 32) : *from;
  name[end] = '\0';
  napi_value object = NULL;
  napi_create_error(env, text(env, name),
                    text(env, error == NULL ? stave_error_name(code) : stave_error_message(error)), &object);
  if (object != NULL) set(env, object, "errno", number(env, code));
  stave_error_free(error);
  return object;
}

napi_value throw_failure(napi_env env, int code, stave_error* error) {
  napi_throw(env, failure(env, code, error));
  return NULL;
}

void define(napi_env env, napi_value exports, const char* name, napi_callback function) {
  napi_value value = NULL;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, function, NULL, &value);
  set(env, exports, name, value);
}
