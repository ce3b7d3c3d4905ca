// Moves money between two accounts: both change or none does, whatever happens in between.
#include <stave/store.h>

#include <filesystem>
#include <iostream>

namespace {

stave::Result<stave::Lsn> transfer(stave::Store& store, std::string_view from, std::string_view to,
                                   std::int64_t amount) {
  const std::string_view keys[] = {from, to};  // Every key that is used must be named: they are locked in order.
  return store.transact(keys, [&](stave::Txn& txn) -> stave::Result<void> {
    auto left = txn.increment(from, -amount);
    if (!left) return stave::fail(std::move(left).error());
    if (auto more = txn.increment(to, amount); !more) return stave::fail(std::move(more).error());
    // Returning an error undoes both increments.
    if (*left < 0) return stave::fail(stave::ErrorCode::kConflict, "not enough money");
    return {};
  });
}

void show(stave::Store& store) {
  for (const std::string_view account : {"alice", "bob"}) {
    const auto money = store.get(account);
    std::cout << account << " has " << (money && *money ? **money : "nothing") << '\n';
  }
}

}  // namespace

int main() {
  auto files = stave::make_memory_file_system();  // An example needs no disk; a program leaves this out.
  stave::Options options;
  options.file_system = files.get();
  auto opened = stave::Store::open("bank", options);
  if (!opened) return 1;
  stave::Store& store = **opened;

  const std::pair<std::string_view, std::string_view> start[] = {{"alice", "100"}, {"bob", "20"}};
  if (!store.multi_set(start)) return 1;

  if (!transfer(store, "alice", "bob", 30)) return 1;
  const auto refused = transfer(store, "alice", "bob", 1000);
  if (refused) return 1;
  std::cout << "refused: " << refused.error().message() << '\n';
  show(store);
  if (*store.get("alice") != "70" || *store.get("bob") != "50") return 1;

  // Without locks held: read a version, work, and write only if nobody was faster.
  const auto seen = store.get_versioned("alice");
  if (!seen || !*seen) return 1;
  const auto done = store.set_if("alice", "71", stave::Condition::version_is((*seen)->version));
  std::cout << (done && *done ? "nobody was faster\n" : "somebody was faster\n");
  return done && *done ? 0 : 1;
}
