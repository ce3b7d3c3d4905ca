/* Collections through the C door: a profile, a queue and a leaderboard. */
#include <stave/stave.h>

#include <stdio.h>
#include <string.h>

static int failed(const char *what, stave_error *error) {
  fprintf(stderr, "%s: %s\n", what, stave_error_message(error));
  stave_error_free(error);
  return 1;
}

/* Takes a job and notes that it runs; when there is none, nothing happens. */
static int take_job(stave_txn *txn, void *context) {
  char *job = NULL;
  size_t size = 0;
  int code = stave_txn_list_pop(txn, "jobs", 4, STAVE_FRONT, &job, &size);
  (void)context;
  if (code != STAVE_OK) return 1;
  code = stave_txn_hash_set(txn, "running", 7, job, size, "worker-1", 8, NULL);
  stave_free(job);
  return code != STAVE_OK;
}

static int leaderboard(stave_store *store) {
  static const stave_bytes players[3] = {{"alice", 5}, {"bob", 3}, {"carol", 5}};
  static const double scores[3] = {310, 275.5, 290};
  stave_error *error = NULL;
  stave_element *best = NULL;
  size_t count = 0, i;
  if (stave_sorted_set_add_many(store, "board", 5, players, scores, 3, NULL, NULL, &error) != STAVE_OK)
    return failed("add", error);
  if (stave_sorted_set_range(store, 0, "board", 5, 0, 1, STAVE_DESCENDING, &best, &count, &error) != STAVE_OK)
    return failed("range", error);
  for (i = 0; i < count; ++i) printf("%lu. %.*s %g\n", (unsigned long)i + 1, (int)best[i].size, best[i].data, best[i].score);
  i = count == 2 && best[0].score == 310 && strcmp(best[1].data, "carol") == 0;
  stave_free(best); /* All of it. */
  return i ? 0 : 1;
}

int main(void) {
  stave_error *error = NULL;
  stave_options *options = stave_options_new();
  stave_store *store = NULL;
  stave_bytes keys[2] = {{"jobs", 4}, {"running", 7}};
  stave_element *fields = NULL;
  size_t count = 0, i;
  uint64_t jobs = 0;

  stave_options_set_in_memory(options, 1); /* Leave this out to keep what you write. */
  store = stave_open("data", options, &error);
  stave_options_free(options);
  if (store == NULL) return failed("open", error);

  if (stave_hash_set(store, "user:1", 6, "name", 4, "Alice", 5, NULL, NULL, &error) != STAVE_OK) return failed("set", error);
  if (stave_hash_set(store, "user:1", 6, "city", 4, "Zurich", 6, NULL, NULL, &error) != STAVE_OK) return failed("set", error);
  if (stave_hash_get_all(store, 0, "user:1", 6, &fields, &count, &error) != STAVE_OK) return failed("get all", error);
  for (i = 0; i + 1 < count; i += 2) printf("%s: %s\n", fields[i].data, fields[i + 1].data);
  stave_free(fields);
  if (count != 4 || leaderboard(store) != 0) return 1;

  if (stave_list_push(store, "jobs", 4, STAVE_BACK, "mail:7", 6, NULL, &jobs, &error) != STAVE_OK) return failed("push", error);
  if (stave_transact(store, keys, 2, take_job, NULL, NULL, &error) != STAVE_OK) return failed("take", error);
  if (stave_transact(store, keys, 2, take_job, NULL, NULL, NULL) != STAVE_ABORTED) return 1;
  if (stave_hash_size(store, 0, "running", 7, &jobs, &error) != STAVE_OK) return failed("size", error);
  printf("%lu job is running\n", (unsigned long)jobs);
  if (stave_close(store, &error) != STAVE_OK) return failed("close", error);
  return jobs == 1 ? 0 : 1;
}
