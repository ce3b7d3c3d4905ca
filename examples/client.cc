// Talks to a running server:  example_client [host] [port]
#include <stave/client.h>

#include <cstdlib>
#include <iostream>

int main(int argc, char** argv) {
  const char* host = argc > 1 ? argv[1] : "127.0.0.1";
  const auto port = static_cast<std::uint16_t>(argc > 2 ? std::atoi(argv[2]) : 6379);
  auto client = stave::Client::connect(host, port);
  if (!client) {
    std::cerr << client.error().describe() << '\n';
    return 1;
  }
  if (!client->set("user:1", "Alice")) return 1;
  if (const auto name = client->get("user:1"); name && *name) std::cout << "user:1 is " << **name << '\n';

  // Any command; an error of the server is a reply.
  if (const auto reply = client->command({"STRLEN", "user:1"})) std::cout << reply->integer << " bytes\n";

  // Many commands in one round trip.
  auto pipeline = client->pipeline();
  pipeline.add({"DEL", "visits"});
  for (int i = 0; i < 100; ++i) pipeline.add({"INCR", "visits"});
  const auto replies = pipeline.run();
  if (!replies) {
    std::cerr << replies.error().describe() << '\n';
    return 1;
  }
  std::cout << "visits: " << replies->back().integer << '\n';
  return replies->back().integer == 100 ? 0 : 1;
}
