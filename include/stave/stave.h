/* The C door: the store for every language that can call C.
 *
 *     stave_error *error = NULL;
 *     stave_store *store = stave_open("./data", NULL, &error);
 *     if (store == NULL) { puts(stave_error_message(error)); stave_error_free(error); return 1; }
 *     stave_set(store, "user:1", 6, "Alice", 5, NULL, NULL, &error);
 *
 * Rules. Bytes are a pointer and a size; any byte may occur. Calls that can fail return STAVE_OK or an error code, and,
 * when `error` is not NULL, put an object there on failure that the caller frees. What a call hands out as `char **` is
 * freed with stave_free. A missing key is the code STAVE_NOT_FOUND without an error object. Options may be NULL: the
 * defaults. Durability: success means on disk unless the options say otherwise. Threads: a store may be used by any
 * number of threads, every other object by one at a time. The numbers and structures here never change; structures grow
 * into their reserved fields. */
#ifndef STAVE_STAVE_H
#define STAVE_STAVE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STAVE_VERSION_MAJOR 0
#define STAVE_VERSION_MINOR 1
#define STAVE_VERSION_PATCH 0

/* What the caller can do about a failure. */
enum {
  STAVE_OK = 0,
  STAVE_INVALID_ARGUMENT = 1, /* Fix the call: it can never succeed as written. */
  STAVE_NOT_FOUND = 2,        /* The key, file or directory is absent. */
  STAVE_WRONG_TYPE = 3,       /* The key holds another type. */
  STAVE_NOT_A_NUMBER = 4,     /* The stored bytes are not a number. */
  STAVE_OVERFLOW = 5,         /* The result would not fit. */
  STAVE_TOO_LARGE = 6,        /* Over a configured limit. */
  STAVE_CONFLICT = 7,         /* A precondition failed; read again and retry. */
  STAVE_BUSY = 8,             /* Held by somebody else; retry later. */
  STAVE_NO_SPACE = 9,         /* The disk is full; writes resume once there is room. */
  STAVE_NO_MEMORY = 10,       /* Over the memory budget, or an allocation failed. */
  STAVE_READ_ONLY = 11,       /* An earlier disk error froze writes; reopen after the cause is gone. */
  STAVE_IO = 12,              /* The disk failed this call; whether the write happened is unknown. */
  STAVE_CORRUPT = 13,         /* Stored bytes fail their check. */
  STAVE_UNSUPPORTED = 14,     /* A format or feature this version does not know. */
  STAVE_PERMISSION = 15,      /* The system forbids it. */
  STAVE_ABORTED = 16          /* The caller's own function gave up; nothing changed. */
};

/* When a write counts as done. */
enum { STAVE_SYNC_DEFAULT = 0, STAVE_SYNC_ALWAYS = 1, STAVE_SYNC_INTERVAL = 2, STAVE_SYNC_OS = 3 };

/* When a key dies: never, as before, `ttl_ms` from now, at the moment `ttl_ms` (ms since 1970), or `ttl_ms` after its
 * last use. */
enum { STAVE_TTL_NONE = 0, STAVE_TTL_KEEP = 1, STAVE_TTL_AFTER = 2, STAVE_TTL_AT = 3, STAVE_TTL_SLIDING = 4 };

/* What must hold for stave_set_if. */
enum { STAVE_IF_ABSENT = 0, STAVE_IF_PRESENT = 1, STAVE_IF_VERSION = 2, STAVE_IF_VALUE = 3 };

/* An end of a list; the order of a sorted set; which bounds of a range of scores are not part of it. */
enum { STAVE_FRONT = 0, STAVE_BACK = 1 };
enum { STAVE_ASCENDING = 0, STAVE_DESCENDING = 1 };
enum { STAVE_WITHOUT_MIN = 1, STAVE_WITHOUT_MAX = 2 };

/* What gives way when memory runs out: cold values leave memory and stay in the log (nothing is lost); nothing: writes
 * are refused; or keys are deleted, of all or of those that have an expiry. As in Redis' policies of these names. */
enum {
  STAVE_SPILL = 0,
  STAVE_NOEVICTION = 1,
  STAVE_ALLKEYS_LRU = 2,
  STAVE_ALLKEYS_LFU = 3,
  STAVE_ALLKEYS_RANDOM = 4,
  STAVE_VOLATILE_LRU = 5,
  STAVE_VOLATILE_LFU = 6,
  STAVE_VOLATILE_RANDOM = 7,
  STAVE_VOLATILE_TTL = 8
};

/* How values are packed in the log. */
enum { STAVE_PACKING_NONE = 0, STAVE_PACKING_LZ4 = 1, STAVE_PACKING_ZSTD = 2 };

/* What a snapshot file is written in: what its name ends in (.json, .ndjson, .jsonl; all else is binary); binary; the
 * simple binary form; one JSON document; one JSON object per line. */
enum {
  STAVE_SNAPSHOT_BY_NAME = 0,
  STAVE_SNAPSHOT_BINARY = 1,
  STAVE_SNAPSHOT_BINARY1 = 2,
  STAVE_SNAPSHOT_JSON = 3,
  STAVE_SNAPSHOT_NDJSON = 4
};

/* A point of the past: now (for stave_restore alone), an LSN, or a time in ms since 1970. */
enum { STAVE_NOW = 0, STAVE_AT_LSN = 1, STAVE_AT_TIME = 2 };

/* The shape of a reply. */
enum {
  STAVE_REPLY_NULL = 0,
  STAVE_REPLY_STATUS = 1,
  STAVE_REPLY_ERROR = 2,
  STAVE_REPLY_INTEGER = 3,
  STAVE_REPLY_BULK = 4,
  STAVE_REPLY_ARRAY = 5,
  STAVE_REPLY_MAP = 6,
  STAVE_REPLY_SET = 7,
  STAVE_REPLY_DOUBLE = 8,
  STAVE_REPLY_BOOLEAN = 9,
  STAVE_REPLY_BIG_NUMBER = 10,
  STAVE_REPLY_VERBATIM = 11,
  STAVE_REPLY_PUSH = 12
};

typedef struct stave_store stave_store;
typedef struct stave_options stave_options;
typedef struct stave_error stave_error;
typedef struct stave_batch stave_batch;
typedef struct stave_txn stave_txn;
typedef struct stave_session stave_session;
typedef struct stave_reply stave_reply;
typedef struct stave_cursor stave_cursor;
typedef struct stave_changes stave_changes;

/* Bytes that belong to the caller. */
typedef struct {
  const char* data;
  size_t size;
} stave_bytes;

/* Bytes handed out: free `data` with stave_free. NULL: absent (an empty value is not NULL). */
typedef struct {
  char* data;
  size_t size;
} stave_value;

/* An element of a collection, handed out in an array. The bytes lie in the array's memory and end with a zero byte that
 * does not count: one stave_free of the array frees all. */
typedef struct {
  const char* data;
  size_t size;
  double score; /* Of a member of a sorted set; else 0. */
} stave_element;

/* How to write. All zero: database 0, no expiry, the store's durability. */
typedef struct {
  int32_t database;
  int32_t sync;
  int32_t ttl;
  int32_t reserved0;
  int64_t ttl_ms;
  int64_t reserved[4];
} stave_write_options;

/* Something that happened to a key. */
typedef struct {
  uint64_t version;
  int64_t time_ms;       /* Since 1970. */
  uint64_t size;         /* Of the value that it had from then on; 0 when it had none. */
  int64_t expires_at_ms; /* 0: never. */
  int64_t sliding_ms;    /* 0: the deadline is fixed. */
  int32_t kind;          /* See stave_kind_name. */
  int32_t alive;         /* Whether the key was there afterwards. */
  int64_t reserved[2];
} stave_key_version;

/* --- errors and memory ------------------------------------------------------------------------------------------- */

int stave_error_code(const stave_error* error);
/* A sentence for a person, with file and offset where they are known. Lives as long as the error. */
const char* stave_error_message(const stave_error* error);
void stave_error_free(stave_error* error);
/* The stable name of a code, such as "too_large". */
const char* stave_error_name(int code);
/* Frees what a call handed out as bytes. NULL is fine. */
void stave_free(void* memory);
/* "0.1.0" */
const char* stave_version(void);

/* --- a store ----------------------------------------------------------------------------------------------------- */

stave_options* stave_options_new(void);
void stave_options_free(stave_options* options);
void stave_options_set_sync(stave_options* options, int sync);
void stave_options_set_sync_interval_ms(stave_options* options, int64_t ms);
void stave_options_set_segment_bytes(stave_options* options, uint64_t bytes);
void stave_options_set_databases(stave_options* options, int databases);
void stave_options_set_create_if_missing(stave_options* options, int yes);
/* As the directory ":memory:", whatever the directory. */
void stave_options_set_in_memory(stave_options* options, int yes);
/* Bytes of memory that keys, values and indexes may take; 0 (the default): no limit. And what gives way then. */
void stave_options_set_max_memory_bytes(stave_options* options, uint64_t bytes);
void stave_options_set_memory_policy(stave_options* options, int policy);
/* How values are packed in the log (default: LZ4); zstd's level is 1 to 19. */
void stave_options_set_packing(stave_options* options, int packing);
void stave_options_set_packing_level(stave_options* options, int level);
/* What was overwritten and deleted is kept at least this long, and up to this many bytes. Both 0 (the default): until
 * the space is needed. */
void stave_options_set_history_ms(stave_options* options, int64_t ms);
void stave_options_set_history_bytes(stave_options* options, uint64_t bytes);
/* The log may take this many times the bytes that are alive: 1.1 to 100; 0: however many. Default 2. */
void stave_options_set_max_space_amplification(stave_options* options, double times);
/* Longest key and value to write, in bytes. Defaults: 64 KiB, 512 MiB. */
void stave_options_set_key_bytes_max(stave_options* options, uint64_t bytes);
void stave_options_set_value_bytes_max(stave_options* options, uint64_t bytes);

/* Opens the store in a directory, recovering what is there; ":memory:" is a store without a directory, which ends with
 * stave_close. NULL on failure. The options may be freed afterwards. */
stave_store* stave_open(const char* directory, const stave_options* options, stave_error** error);
/* Puts everything on disk, releases the directory and frees the store, whatever it returns. */
int stave_close(stave_store* store, stave_error** error);
/* Everything written so far on disk, whatever the policy. */
int stave_sync(stave_store* store, stave_error** error);
/* Number of keys in a database. */
int stave_size(stave_store* store, int database, uint64_t* size, stave_error** error);

/* --- reading ----------------------------------------------------------------------------------------------------- */

/* STAVE_NOT_FOUND when the key is absent. */
int stave_get(stave_store* store, int database, const char* key, size_t key_size, char** value, size_t* value_size,
              stave_error** error);
/* The same with what is needed to change it safely. `expires_at_ms` 0: never. Either may be NULL. */
int stave_get_versioned(stave_store* store, int database, const char* key, size_t key_size, char** value,
                        size_t* value_size, uint64_t* version, int64_t* expires_at_ms, stave_error** error);
/* All values at one instant. `values` has room for `count`; free each. */
int stave_mget(stave_store* store, int database, const stave_bytes* keys, size_t count, stave_value* values,
               stave_error** error);
/* Bytes `from` to `to`, both included; negative ones count from the end. Absent: empty. */
int stave_get_range(stave_store* store, int database, const char* key, size_t key_size, int64_t from, int64_t to,
                    char** value, size_t* value_size, stave_error** error);
int stave_exists(stave_store* store, int database, const char* key, size_t key_size, int* exists, stave_error** error);
/* Calls `visit` for some keys matching the glob `pattern` (NULL: all) and moves `*cursor` on; it starts and ends at 0.
 */
int stave_scan(stave_store* store, int database, uint64_t* cursor, const char* pattern, size_t pattern_size,
               size_t count,
               void (*visit)(const char* key, size_t key_size, const char* value, size_t value_size, void* context),
               void* context, stave_error** error);

/* One key after the other, of those that begin with `prefix` (NULL: all), in no order. A cursor holds nothing of the
 * store but its place; what is there all the time is shown, mostly once. NULL only when memory ran out. Free it before
 * its store. */
stave_cursor* stave_cursor_new(stave_store* store, int database, const char* prefix, size_t prefix_size);
/* The next key as it is now, its value (of what is no string: no bytes) and its type as TYPE names it; each but the key
 * may be NULL. STAVE_NOT_FOUND: that was all. The bytes last until the next call for this cursor. */
int stave_cursor_next(stave_cursor* cursor, const char** key, size_t* key_size, const char** value, size_t* value_size,
                      const char** type, stave_error** error);
void stave_cursor_free(stave_cursor* cursor);

/* --- writing ----------------------------------------------------------------------------------------------------- */

/* `version` may be NULL. */
int stave_set(stave_store* store, const char* key, size_t key_size, const char* value, size_t value_size,
              const stave_write_options* options, uint64_t* version, stave_error** error);
/* Sets if the condition holds; `*done` says whether. `version` is compared by STAVE_IF_VERSION, `expected` by
 * STAVE_IF_VALUE. */
int stave_set_if(stave_store* store, const char* key, size_t key_size, const char* value, size_t value_size,
                 int condition, uint64_t version, const char* expected, size_t expected_size,
                 const stave_write_options* options, int* done, stave_error** error);
/* All or none: keys[i] gets values[i]. */
int stave_mset(stave_store* store, const stave_bytes* keys, const stave_bytes* values, size_t count,
               const stave_write_options* options, stave_error** error);
/* `*removed` (may be NULL): whether it was there. */
int stave_delete(stave_store* store, const char* key, size_t key_size, const stave_write_options* options, int* removed,
                 stave_error** error);
/* `*result` (may be NULL): the sum. */
int stave_increment(stave_store* store, const char* key, size_t key_size, int64_t by,
                    const stave_write_options* options, int64_t* result, stave_error** error);
/* `*length` (may be NULL): the new length. */
int stave_append(stave_store* store, const char* key, size_t key_size, const char* suffix, size_t suffix_size,
                 const stave_write_options* options, uint64_t* length, stave_error** error);
int stave_set_range(stave_store* store, const char* key, size_t key_size, uint64_t offset, const char* bytes,
                    size_t bytes_size, const stave_write_options* options, uint64_t* length, stave_error** error);
/* Gives the key the expiry in `options`; STAVE_NOT_FOUND when it is absent. */
int stave_expire(stave_store* store, const char* key, size_t key_size, const stave_write_options* options,
                 stave_error** error);
/* Removes every key of a database; of all when `database` is -1. */
int stave_flush(stave_store* store, int database, stave_error** error);

/* --- collections ------------------------------------------------------------------------------------------------- */

/* Hashes, lists, sets and sorted sets. A key that is absent reads as an empty one; the first element makes it, its last
 * element takes it away. Its expiry stays: `ttl` of the options is not used, see stave_expire. Calls with several
 * elements do all or none. What is handed out as `stave_element **` is an array of `*count`, NULL when it is empty;
 * free it with stave_free. STAVE_WRONG_TYPE: the key holds another type. Cost: of an element named O(1) in
 * hashes and sets, O(log n) by place, score or rank; a change writes the piece it is in, some hundred bytes. */

/* `*added` (may be NULL, as every number that tells what was done): whether the field is new. */
int stave_hash_set(stave_store* store, const char* key, size_t key_size, const char* field, size_t field_size,
                   const char* value, size_t value_size, const stave_write_options* options, int* added,
                   stave_error** error);
/* fields[i] gets values[i]; `*added`: how many are new. */
int stave_hash_set_many(stave_store* store, const char* key, size_t key_size, const stave_bytes* fields,
                        const stave_bytes* values, size_t count, const stave_write_options* options, uint64_t* added,
                        stave_error** error);
/* STAVE_NOT_FOUND when the field, or the key, is absent. */
int stave_hash_get(stave_store* store, int database, const char* key, size_t key_size, const char* field,
                   size_t field_size, char** value, size_t* value_size, stave_error** error);
/* All at one instant: a field, its value, the next field. `*count` counts both. */
int stave_hash_get_all(stave_store* store, int database, const char* key, size_t key_size, stave_element** fields,
                       size_t* count, stave_error** error);
int stave_hash_remove(stave_store* store, const char* key, size_t key_size, const char* field, size_t field_size,
                      const stave_write_options* options, int* removed, stave_error** error);
int stave_hash_size(stave_store* store, int database, const char* key, size_t key_size, uint64_t* size,
                    stave_error** error);

/* Adds an element at STAVE_FRONT or STAVE_BACK. `*size`: the new length. */
int stave_list_push(stave_store* store, const char* key, size_t key_size, int end, const char* element,
                    size_t element_size, const stave_write_options* options, uint64_t* size, stave_error** error);
/* One after the other: at the front the last one comes to be the first. */
int stave_list_push_many(stave_store* store, const char* key, size_t key_size, int end, const stave_bytes* elements,
                         size_t count, const stave_write_options* options, uint64_t* size, stave_error** error);
/* Takes an element from an end; STAVE_NOT_FOUND when there is none. */
int stave_list_pop(stave_store* store, const char* key, size_t key_size, int end, const stave_write_options* options,
                   char** element, size_t* element_size, stave_error** error);
/* Places `from` to `to`, both included; negative ones count from the end. */
int stave_list_range(stave_store* store, int database, const char* key, size_t key_size, int64_t from, int64_t to,
                     stave_element** elements, size_t* count, stave_error** error);
int stave_list_size(stave_store* store, int database, const char* key, size_t key_size, uint64_t* size,
                    stave_error** error);

int stave_set_add(stave_store* store, const char* key, size_t key_size, const char* member, size_t member_size,
                  const stave_write_options* options, int* added, stave_error** error);
int stave_set_add_many(stave_store* store, const char* key, size_t key_size, const stave_bytes* members, size_t count,
                       const stave_write_options* options, uint64_t* added, stave_error** error);
int stave_set_remove(stave_store* store, const char* key, size_t key_size, const char* member, size_t member_size,
                     const stave_write_options* options, int* removed, stave_error** error);
int stave_set_contains(stave_store* store, int database, const char* key, size_t key_size, const char* member,
                       size_t member_size, int* contains, stave_error** error);
int stave_set_members(stave_store* store, int database, const char* key, size_t key_size, stave_element** members,
                      size_t* count, stave_error** error);
int stave_set_size(stave_store* store, int database, const char* key, size_t key_size, uint64_t* size,
                   stave_error** error);

/* A score is a number, infinities included. A rank is a place in the order of (score, bytes of the member), from 0. */
int stave_sorted_set_add(stave_store* store, const char* key, size_t key_size, const char* member, size_t member_size,
                         double score, const stave_write_options* options, int* added, stave_error** error);
int stave_sorted_set_add_many(stave_store* store, const char* key, size_t key_size, const stave_bytes* members,
                              const double* scores, size_t count, const stave_write_options* options, uint64_t* added,
                              stave_error** error);
int stave_sorted_set_remove(stave_store* store, const char* key, size_t key_size, const char* member,
                            size_t member_size, const stave_write_options* options, int* removed, stave_error** error);
/* STAVE_NOT_FOUND when the member, or the key, is absent. */
int stave_sorted_set_score(stave_store* store, int database, const char* key, size_t key_size, const char* member,
                           size_t member_size, double* score, stave_error** error);
int stave_sorted_set_rank(stave_store* store, int database, const char* key, size_t key_size, const char* member,
                          size_t member_size, int order, uint64_t* rank, stave_error** error);
/* Ranks `from` to `to`, both included; negative ones count from the end. Descending: rank 0 is the greatest. */
int stave_sorted_set_range(stave_store* store, int database, const char* key, size_t key_size, int64_t from, int64_t to,
                           int order, stave_element** members, size_t* count, stave_error** error);
/* At most `count_max` members with a score from `min` to `max`, both included unless `without` (0, or bits of
 * STAVE_WITHOUT_MIN and STAVE_WITHOUT_MAX) says otherwise. */
int stave_sorted_set_range_by_score(stave_store* store, int database, const char* key, size_t key_size, double min,
                                    double max, int without, uint64_t count_max, int order, stave_element** members,
                                    size_t* count, stave_error** error);
int stave_sorted_set_size(stave_store* store, int database, const char* key, size_t key_size, uint64_t* size,
                          stave_error** error);

/* --- transactions ------------------------------------------------------------------------------------------------ */

/* A batch collects writes and applies them at once: all or none. What is over a limit of the store is told by the
 * commit; STAVE_TOO_LARGE before that: no store could hold it. A batch that could not take a step in, for that or for
 * want of memory (STAVE_NO_MEMORY), commits nothing and says so, until it is cleared. */
stave_batch* stave_batch_new(void);
void stave_batch_free(stave_batch* batch);
void stave_batch_clear(stave_batch* batch);
int stave_batch_set(stave_batch* batch, const char* key, size_t key_size, const char* value, size_t value_size);
int stave_batch_delete(stave_batch* batch, const char* key, size_t key_size);
/* The same with an expiry of its own. */
int stave_batch_set_expiring(stave_batch* batch, const char* key, size_t key_size, const char* value, size_t value_size,
                             int ttl, int64_t ttl_ms);
int stave_batch_increment(stave_batch* batch, const char* key, size_t key_size, int64_t by);
int stave_batch_append(stave_batch* batch, const char* key, size_t key_size, const char* suffix, size_t suffix_size);
/* An absent key stays absent. */
int stave_batch_expire(stave_batch* batch, const char* key, size_t key_size, int ttl, int64_t ttl_ms);
int stave_batch_hash_set(stave_batch* batch, const char* key, size_t key_size, const char* field, size_t field_size,
                         const char* value, size_t value_size);
int stave_batch_hash_remove(stave_batch* batch, const char* key, size_t key_size, const char* field, size_t field_size);
int stave_batch_list_push(stave_batch* batch, const char* key, size_t key_size, int end, const char* element,
                          size_t element_size);
int stave_batch_set_add(stave_batch* batch, const char* key, size_t key_size, const char* member, size_t member_size);
int stave_batch_set_remove(stave_batch* batch, const char* key, size_t key_size, const char* member,
                           size_t member_size);
int stave_batch_sorted_set_add(stave_batch* batch, const char* key, size_t key_size, const char* member,
                               size_t member_size, double score);
int stave_batch_sorted_set_remove(stave_batch* batch, const char* key, size_t key_size, const char* member,
                                  size_t member_size);
/* The expiry in `options` is given to every key that the batch sets without one of its own. The batch stays as it is.
 */
int stave_batch_commit(stave_store* store, const stave_batch* batch, const stave_write_options* options,
                       stave_error** error);

/* Runs `work` with `keys` locked. When it returns something else than 0, everything is undone and STAVE_ABORTED is the
 * answer. Inside, call nothing of the store but stave_txn_*, and be quick. */
int stave_transact(stave_store* store, const stave_bytes* keys, size_t count,
                   int (*work)(stave_txn* txn, void* context), void* context, const stave_write_options* options,
                   stave_error** error);
/* STAVE_NOT_FOUND when the key is absent; STAVE_CONFLICT when a key that was not named is in use: return, the function
 * runs again. */
int stave_txn_get(stave_txn* txn, const char* key, size_t key_size, char** value, size_t* value_size);
int stave_txn_set(stave_txn* txn, const char* key, size_t key_size, const char* value, size_t value_size);
int stave_txn_delete(stave_txn* txn, const char* key, size_t key_size, int* removed);
int stave_txn_increment(stave_txn* txn, const char* key, size_t key_size, int64_t by, int64_t* result);
int stave_txn_append(stave_txn* txn, const char* key, size_t key_size, const char* suffix, size_t suffix_size,
                     uint64_t* length);
int stave_txn_exists(stave_txn* txn, const char* key, size_t key_size, int* exists);
/* As stave_set_if and stave_get_versioned; a version is that of what was there before the transaction. */
int stave_txn_set_if(stave_txn* txn, const char* key, size_t key_size, const char* value, size_t value_size,
                     int condition, uint64_t version, const char* expected, size_t expected_size, int* done);
int stave_txn_get_versioned(stave_txn* txn, const char* key, size_t key_size, char** value, size_t* value_size,
                            uint64_t* version, int64_t* expires_at_ms);
/* STAVE_NOT_FOUND when the key is absent. */
int stave_txn_expire(stave_txn* txn, const char* key, size_t key_size, int ttl, int64_t ttl_ms);

/* Collections: as the calls above. */
int stave_txn_hash_set(stave_txn* txn, const char* key, size_t key_size, const char* field, size_t field_size,
                       const char* value, size_t value_size, int* added);
int stave_txn_hash_get(stave_txn* txn, const char* key, size_t key_size, const char* field, size_t field_size,
                       char** value, size_t* value_size);
int stave_txn_hash_get_all(stave_txn* txn, const char* key, size_t key_size, stave_element** fields, size_t* count);
int stave_txn_hash_remove(stave_txn* txn, const char* key, size_t key_size, const char* field, size_t field_size,
                          int* removed);
int stave_txn_hash_size(stave_txn* txn, const char* key, size_t key_size, uint64_t* size);
int stave_txn_list_push(stave_txn* txn, const char* key, size_t key_size, int end, const char* element,
                        size_t element_size, uint64_t* size);
int stave_txn_list_pop(stave_txn* txn, const char* key, size_t key_size, int end, char** element, size_t* element_size);
int stave_txn_list_range(stave_txn* txn, const char* key, size_t key_size, int64_t from, int64_t to,
                         stave_element** elements, size_t* count);
int stave_txn_list_size(stave_txn* txn, const char* key, size_t key_size, uint64_t* size);
int stave_txn_set_add(stave_txn* txn, const char* key, size_t key_size, const char* member, size_t member_size,
                      int* added);
int stave_txn_set_remove(stave_txn* txn, const char* key, size_t key_size, const char* member, size_t member_size,
                         int* removed);
int stave_txn_set_contains(stave_txn* txn, const char* key, size_t key_size, const char* member, size_t member_size,
                           int* contains);
int stave_txn_set_members(stave_txn* txn, const char* key, size_t key_size, stave_element** members, size_t* count);
int stave_txn_set_size(stave_txn* txn, const char* key, size_t key_size, uint64_t* size);
int stave_txn_sorted_set_add(stave_txn* txn, const char* key, size_t key_size, const char* member, size_t member_size,
                             double score, int* added);
int stave_txn_sorted_set_remove(stave_txn* txn, const char* key, size_t key_size, const char* member,
                                size_t member_size, int* removed);
int stave_txn_sorted_set_score(stave_txn* txn, const char* key, size_t key_size, const char* member, size_t member_size,
                               double* score);
int stave_txn_sorted_set_rank(stave_txn* txn, const char* key, size_t key_size, const char* member, size_t member_size,
                              int order, uint64_t* rank);
int stave_txn_sorted_set_range(stave_txn* txn, const char* key, size_t key_size, int64_t from, int64_t to, int order,
                               stave_element** members, size_t* count);
int stave_txn_sorted_set_range_by_score(stave_txn* txn, const char* key, size_t key_size, double min, double max,
                                        int without, uint64_t count_max, int order, stave_element** members,
                                        size_t* count);
int stave_txn_sorted_set_size(stave_txn* txn, const char* key, size_t key_size, uint64_t* size);

/* --- the past ---------------------------------------------------------------------------------------------------- */

/* What happened to a key, newest first: at most `count_max` of it, as far back as the log reaches. One stave_free of
 * the array frees all; NULL when there is nothing. */
int stave_history(stave_store* store, int database, const char* key, size_t key_size, size_t count_max,
                  stave_key_version** versions, size_t* count, stave_error** error);
/* "set", "delete", "expire", "flush", … */
const char* stave_kind_name(int kind);
/* What the key held just after the record at an LSN was written (STAVE_AT_LSN), or at a time (STAVE_AT_TIME).
 * STAVE_NOT_FOUND without an error object: it was absent; with one: the log does not reach back so far. */
int stave_get_at(stave_store* store, int database, const char* key, size_t key_size, int point_kind, int64_t point,
                 char** value, size_t* value_size, uint64_t* version, stave_error** error);
/* Makes it that again, by a new change; `*changed` 0: it was like that already. Of `options` the expiry is not used. */
int stave_revert(stave_store* store, const char* key, size_t key_size, int point_kind, int64_t point,
                 const stave_write_options* options, int* changed, stave_error** error);

/* --- what happens, as it happens --------------------------------------------------------------------------------- */

/* Of which changes to hear. NULL instead: of all, without values. */
typedef struct {
  int database; /* Negative: of every one. */
  const char* prefix;
  size_t prefix_size;
  const char* pattern; /* A glob. NULL, and of the others too: any. */
  size_t pattern_size;
  const char* type; /* As TYPE names it; ends with a zero byte. */
  int values;       /* Whether strings that were set are shown. */
} stave_changes_options;

typedef struct {
  uint64_t lsn;
  uint64_t batch; /* The same for all changes of one transaction, */
  int last;       /* and whether this is the last of them. */
  int kind;       /* See stave_change_kind_name. */
  int database;
  int other;          /* Of a swap: the other database. */
  int64_t time_ms;    /* Unix time. */
  int64_t expires_ms; /* When the key dies; 0: never. */
  const char* type;   /* NULL: the log does not say. */
  const char* key;
  size_t key_size;
  const char* value; /* NULL: not told. */
  size_t value_size;
} stave_change;

/* Every change behind `since` (0: from the first on), in order, each once (docs/changes.md). NULL only when memory ran
 * out. Free it before its store. */
stave_changes* stave_changes_new(stave_store* store, uint64_t since, const stave_changes_options* options);
/* The next one; waits for it for `wait_ms`, negative: for ever. STAVE_NOT_FOUND without an error object: none came;
 * with one: the log does not reach back so far. The bytes last until the next call for these changes. */
int stave_changes_next(stave_changes* changes, int64_t wait_ms, stave_change* change, stave_error** error);
/* Where to go on from: everything up to here is known. */
uint64_t stave_changes_position(const stave_changes* changes);
void stave_changes_free(stave_changes* changes);
/* "set", "change", "set_expiry", "delete", "expire", "evict", "flush", "swap", "lost" */
const char* stave_change_kind_name(int kind);

/* --- whole stores as files --------------------------------------------------------------------------------------- */

/* Writes everything as it is at this moment to a file, while writers go on; the file takes its name when it is whole.
 */
int stave_snapshot(stave_store* store, const char* path, int format, uint64_t* keys, stave_error** error);
/* Puts what is in a snapshot file, or in an RDB file of Redis, into the store; keys of the same name are replaced.
 * After an error what came before it is there. */
int stave_load(stave_store* store, const char* path, uint64_t* keys, stave_error** error);
/* Copies everything, history included, into a backup's directory, or adds what is new; `*lsn`: how far it goes. */
int stave_backup(stave_store* store, const char* directory, uint64_t* lsn, stave_error** error);
/* Makes a new store in `target`, which must be missing or empty, of a backup or of a store's directory (which is only
 * read), as of a point: STAVE_NOW: everything; STAVE_AT_LSN: everything before it (stave_get_at includes it);
 * STAVE_AT_TIME. `log` (NULL: none): the directory of the same store, whose log goes on where the backup ends. */
int stave_restore(const char* source, const char* target, const char* log, int point_kind, int64_t point,
                  stave_error** error);

/* --- any command ------------------------------------------------------------------------------------------------- */

/* A session is what a connection is to the server: a selected database, a name. Free it before its store. */
stave_session* stave_session_new(stave_store* store);
void stave_session_free(stave_session* session);
/* Runs one command, such as {"SET", "user:1", "Alice"}. Errors are replies. NULL only when memory ran out. */
stave_reply* stave_execute(stave_session* session, const stave_bytes* arguments, size_t count);
void stave_reply_free(stave_reply* reply);
int stave_reply_kind(const stave_reply* reply);
/* Bytes of a status, error, bulk, big number or verbatim reply; ends with a zero byte that does not count. */
const char* stave_reply_text(const stave_reply* reply, size_t* size);
int64_t stave_reply_integer(const stave_reply* reply);
double stave_reply_double(const stave_reply* reply);
/* Elements of an aggregate; a map's keys and values alternate. They belong to the whole reply: do not free them. */
size_t stave_reply_count(const stave_reply* reply);
const stave_reply* stave_reply_at(const stave_reply* reply, size_t index);

#ifdef __cplusplus
}
#endif

#endif
