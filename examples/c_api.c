/* The C door: the same store for C and for every language that can call C. */
#include <stave/stave.h>

#include <stdio.h>
#include <string.h>

static int failed(const char *what, stave_error *error) {
  fprintf(stderr, "%s: %s\n", what, stave_error_message(error));
  stave_error_free(error);
  return 1;
}

/* Moves ten units; gives up, and so undoes everything, when there are not enough. */
static int move_ten(stave_txn *txn, void *context) {
  int64_t left = 0;
  (void)context;
  if (stave_txn_increment(txn, "alice", 5, -10, &left) != STAVE_OK) return 1;
  if (stave_txn_increment(txn, "bob", 3, 10, NULL) != STAVE_OK) return 1;
  return left < 0;
}

static void print_key(const char *key, size_t key_size, const char *value, size_t value_size, void *context) {
  printf("  %.*s = %.*s\n", (int)key_size, key, (int)value_size, value);
  ++*(int *)context;
}

static int transactions(stave_store *store) {
  stave_error *error = NULL;
  stave_bytes keys[2] = {{"alice", 5}, {"bob", 3}};
  stave_batch *batch = stave_batch_new();
  stave_batch_set(batch, "alice", 5, "15", 2);
  stave_batch_increment(batch, "bob", 3, 5);
  if (stave_batch_commit(store, batch, NULL, &error) != STAVE_OK) return failed("commit", error);
  stave_batch_free(batch);
  if (stave_transact(store, keys, 2, move_ten, NULL, NULL, &error) != STAVE_OK) return failed("transact", error);
  if (stave_transact(store, keys, 2, move_ten, NULL, NULL, NULL) != STAVE_ABORTED) return 1;
  return 0;
}

static int commands(stave_store *store) {
  stave_bytes get[2] = {{"GET", 3}, {"bob", 3}};
  stave_session *session = stave_session_new(store);
  stave_reply *reply = stave_execute(session, get, 2);
  int right = reply != NULL && stave_reply_kind(reply) == STAVE_REPLY_BULK && strcmp(stave_reply_text(reply, NULL), "15") == 0;
  stave_reply_free(reply);
  stave_session_free(session);
  return right ? 0 : 1;
}

int main(void) {
  stave_error *error = NULL;
  stave_options *options = stave_options_new();
  stave_store *store = NULL;
  char *value = NULL;
  size_t size = 0;
  uint64_t cursor = 0;
  int seen = 0;
  stave_write_options soon;

  stave_options_set_in_memory(options, 1); /* Leave this out to keep what you write. */
  store = stave_open("data", options, &error);
  stave_options_free(options);
  if (store == NULL) return failed("open", error);

  if (stave_set(store, "user:1", 6, "Alice", 5, NULL, NULL, &error) != STAVE_OK) return failed("set", error);
  if (stave_get(store, 0, "user:1", 6, &value, &size, &error) != STAVE_OK) return failed("get", error);
  printf("user:1 is %.*s\n", (int)size, value);
  stave_free(value);
  if (stave_get(store, 0, "user:2", 6, &value, &size, &error) != STAVE_NOT_FOUND) return 1;

  /* An error says what can be done about it, and explains itself. */
  if (stave_increment(store, "user:1", 6, 1, NULL, NULL, &error) != STAVE_NOT_A_NUMBER) return 1;
  printf("%s: %s\n", stave_error_name(stave_error_code(error)), stave_error_message(error));
  stave_error_free(error);

  memset(&soon, 0, sizeof soon);
  soon.ttl = STAVE_TTL_AFTER;
  soon.ttl_ms = 60000;
  if (stave_set(store, "session", 7, "token", 5, &soon, NULL, &error) != STAVE_OK) return failed("set", error);

  if (transactions(store) != 0 || commands(store) != 0) return 1;

  do {
    if (stave_scan(store, 0, &cursor, NULL, 0, 100, print_key, &seen, &error) != STAVE_OK) return failed("scan", error);
  } while (cursor != 0);
  printf("%d keys\n", seen);
  if (stave_close(store, &error) != STAVE_OK) return failed("close", error);
  return seen == 4 ? 0 : 1;
}
