// Opens a store, writes, closes, opens it again and finds what it wrote; then the same by `execute`.
#include <stave/session.h>
#include <stave/store.h>

#include <cstdio>

int main(int count, char** arguments) {
  if (count != 2) return 2;
  {
    auto store = stave::Store::open(arguments[1]);
    if (!store) {
      std::fprintf(stderr, "%s\n", store.error().describe().c_str());
      return 1;
    }
    if (!(*store)->set("user:1", "Alice")) return 1;
  }
  auto store = stave::Store::open(arguments[1]);
  if (!store) return 1;
  const auto value = (*store)->get("user:1");
  if (!value || *value != "Alice") return 1;
  return (*store)->session()->execute({"GET", "user:1"}).text == "Alice" ? 0 : 1;
}
