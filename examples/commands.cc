// Every command that the server has, in this process: no server, no socket.
#include <stave/session.h>
#include <stave/store.h>

#include <iostream>

int main() {
  auto files = stave::make_memory_file_system();
  stave::Options options;
  options.file_system = files.get();
  auto store = stave::Store::open("data", options);
  if (!store) return 1;
  const auto session = (*store)->session();  // What a connection is to the server.

  std::cout << session->execute({"SET", "greeting", "Hello"}).text << '\n';
  std::cout << session->execute({"APPEND", "greeting", ", World"}).integer << " bytes\n";
  std::cout << session->execute({"GETRANGE", "greeting", "0", "4"}).text << '\n';
  session->execute({"MSET", "a", "1", "b", "2"});
  for (const stave::Reply& one : session->execute({"MGET", "a", "b", "none"}).elements)
    std::cout << (one.is_null() ? "(nothing)" : one.text) << '\n';

  // Errors are replies, as they are on a connection.
  const stave::Reply error = session->execute({"INCR", "greeting"});
  std::cout << error.text << '\n';
  return error.is_error() ? 0 : 1;
}
