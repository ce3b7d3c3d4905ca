/* A disk that fails when it is told to: fdatasync answers EIO for as long as the file named by FAILSYNC is there. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

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
