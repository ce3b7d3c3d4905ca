// Keys that die by themselves: at a moment, after a while, or when nobody uses them. And counters.
#include <stave/store.h>

#include <iostream>

int main() {
  auto files = stave::make_memory_file_system();
  stave::ManualClock clock;  // A clock that is moved by hand: an expiry can be shown without waiting for it.
  stave::Options options;
  options.file_system = files.get();
  options.clock = &clock;
  auto opened = stave::Store::open("data", options);
  if (!opened) return 1;
  stave::Store& store = **opened;

  // A page counter that starts afresh every minute: increments keep the expiry.
  if (!store.set("hits", "0", {.ttl = stave::Ttl::after_ms(60'000)})) return 1;
  for (int i = 0; i < 5; ++i) {
    if (!store.increment("hits")) return 1;
  }
  std::cout << "hits: " << **store.get("hits") << '\n';

  // A login that ends after ten minutes without a sign of life.
  if (!store.set("login:ann", "token", {.ttl = stave::Ttl::sliding_ms(600'000)})) return 1;
  for (int i = 0; i < 3; ++i) {
    clock.advance_ms(400'000);
    std::cout << "ann is " << (*store.get("login:ann") ? "logged in\n" : "gone\n");
  }
  std::cout << "hits: " << (*store.get("hits") ? "still there\n" : "forgotten\n");
  clock.advance_ms(600'001);
  const bool gone = !*store.get("login:ann");
  std::cout << "ann is " << (gone ? "gone\n" : "logged in\n");
  return gone ? 0 : 1;
}
