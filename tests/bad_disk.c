/* A disk that misbehaves when it is told to, for a server that has this preloaded.
 * FAILSYNC: fdatasync answers EIO for as long as the file of that name is there.
 * HOLDWRITE: the first write of 256 KiB or more by a thread "stave-large" waits, if the file of that name is there, which
 * it removes. It opens the FIFO HOLDWRITE.waits for writing, so whoever opens
 * that for reading knows that it is waiting, and goes on when somebody opens the FIFO HOLDWRITE.goes for writing. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { HELD_BYTES = 256 * 1024 };

int fdatasync(int descriptor) {
  static int (*real)(int);
  const char *flag = getenv("FAILSYNC");
  if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
  if (flag != NULL && access(flag, F_OK) == 0) {
    errno = EIO;
    return -1;
  }
  return real(descriptor);
}

/* Opening a FIFO waits for its other end. */
static void meet(const char *name, const char *what, int mode) {
  char path[4096];
  snprintf(path, sizeof path, "%s.%s", name, what);
  const int descriptor = open(path, mode | O_CLOEXEC);
  if (descriptor >= 0) close(descriptor);
}

/* Others, the cleaner's for one, write as much at times. */
static int writes_large_values(void) {
  char name[16] = "";
  prctl(PR_GET_NAME, name);
  return strcmp(name, "stave-large") == 0;
}

ssize_t pwrite(int descriptor, const void *bytes, size_t size, off_t at) {
  static ssize_t (*real)(int, const void *, size_t, off_t);
  const char *name = getenv("HOLDWRITE");
  if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "pwrite");
  /* Taking the flag away first: only one write waits. */
  if (name != NULL && size >= HELD_BYTES && writes_large_values() && unlink(name) == 0) {
    meet(name, "waits", O_WRONLY);
    meet(name, "goes", O_RDONLY);
  }
  return real(descriptor, bytes, size, at);
}
