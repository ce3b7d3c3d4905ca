/* hiredis as its README shows it: calls, binary values, a pipeline, errors, a transaction. Argument: the port. */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(int good, const char* what) {
  if (good) return;
  fprintf(stderr, "not as expected: %s\n", what);
  exit(1);
}

int main(int argc, char** argv) {
  check(argc == 2, "usage");
  redisContext* c = redisConnect("127.0.0.1", atoi(argv[1]));
  check(c != NULL && c->err == 0, "connect");
  redisReply* r = redisCommand(c, "SET %b %b", "k\0y", (size_t)3, "v\r\n\0", (size_t)4);
  check(r && r->type == REDIS_REPLY_STATUS && strcmp(r->str, "OK") == 0, "SET");
  freeReplyObject(r);
  r = redisCommand(c, "GET %b", "k\0y", (size_t)3);
  check(r && r->type == REDIS_REPLY_STRING && r->len == 4 && memcmp(r->str, "v\r\n\0", 4) == 0, "GET");
  freeReplyObject(r);
  redisAppendCommand(c, "DEL list");
  for (int i = 0; i < 1000; ++i) redisAppendCommand(c, "RPUSH list element-%d", i);
  redisAppendCommand(c, "LRANGE list 0 -1");
  for (int i = 0; i < 1001; ++i) {
    check(redisGetReply(c, (void**)&r) == REDIS_OK && r->type == REDIS_REPLY_INTEGER, "a pipeline");
    freeReplyObject(r);
  }
  check(redisGetReply(c, (void**)&r) == REDIS_OK && r->type == REDIS_REPLY_ARRAY && r->elements == 1000, "LRANGE");
  check(strcmp(r->element[999]->str, "element-999") == 0, "the last element");
  freeReplyObject(r);
  r = redisCommand(c, "INCR list");
  check(r && r->type == REDIS_REPLY_ERROR && strncmp(r->str, "WRONGTYPE", 9) == 0, "an error");
  freeReplyObject(r);
  freeReplyObject(redisCommand(c, "MULTI"));
  freeReplyObject(redisCommand(c, "SET n 1"));
  freeReplyObject(redisCommand(c, "INCR n"));
  r = redisCommand(c, "EXEC");
  check(r && r->type == REDIS_REPLY_ARRAY && r->elements == 2 && r->element[1]->integer == 2, "EXEC");
  freeReplyObject(r);
  redisFree(c);
  puts("all as expected");
  return 0;
}
