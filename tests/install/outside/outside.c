/* The C door from C: opens, writes, reads back. */
#include <stave/stave.h>
#include <stdio.h>
#include <string.h>

int main(int count, char **arguments) {
  stave_error *error = NULL;
  stave_store *store = NULL;
  char *value = NULL;
  size_t size = 0;
  int good = 0;

  if (count != 2) return 2;
  store = stave_open(arguments[1], NULL, &error);
  if (store == NULL) {
    fprintf(stderr, "%s\n", stave_error_message(error));
    stave_error_free(error);
    return 1;
  }
  good = stave_set(store, "user:1", 6, "Alice", 5, NULL, NULL, &error) == STAVE_OK &&
         stave_get(store, 0, "user:1", 6, &value, &size, &error) == STAVE_OK && size == 5 && memcmp(value, "Alice", 5) == 0;
  stave_free(value);
  return stave_close(store, &error) == STAVE_OK && good ? 0 : 1;
}
