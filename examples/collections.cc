// A profile, a queue, tags and a leaderboard: hashes, lists, sets and sorted sets, without a server.
#include <stave/store.h>

#include <iostream>

namespace {

stave::Result<void> fill(stave::Store& store) {
  const stave::FieldValue profile[] = {{"name", "Alice"}, {"city", "Zurich"}};
  if (auto set = store.hash_set("user:1", profile); !set) return stave::fail(std::move(set).error());
  const std::string_view tags[] = {"admin", "beta", "admin"};
  if (auto added = store.set_add("user:1:tags", tags); !added) return stave::fail(std::move(added).error());
  const stave::MemberScore scores[] = {{"alice", 310}, {"bob", 275.5}, {"carol", 290}};
  if (auto added = store.sorted_set_add("board", scores); !added) return stave::fail(std::move(added).error());
  const std::string_view jobs[] = {"resize:7", "mail:7", "mail:8"};
  if (auto size = store.list_push("jobs", stave::ListEnd::kBack, jobs); !size)
    return stave::fail(std::move(size).error());
  return {};
}

/// Takes a job from the queue and notes who has it: a crash in between loses neither.
stave::Result<void> take_job(stave::Store& store, std::string_view who) {
  const std::string_view keys[] = {"jobs", "running"};
  const auto done = store.transact(keys, [&](stave::Txn& txn) -> stave::Result<void> {
    auto job = txn.list_pop("jobs", stave::ListEnd::kFront);
    if (!job) return stave::fail(std::move(job).error());
    if (!*job) return stave::fail(stave::ErrorCode::kNotFound, "there is no job");
    if (auto noted = txn.hash_set("running", **job, who); !noted) return stave::fail(std::move(noted).error());
    return {};
  });
  if (!done) return stave::fail(done.error().clone());
  return {};
}

}  // namespace

int main() {
  auto files = stave::make_memory_file_system();  // An example needs no disk; a program leaves this out.
  stave::Options options;
  options.file_system = files.get();
  auto opened = stave::Store::open("site", options);
  if (!opened) return 1;
  stave::Store& store = **opened;
  if (auto filled = fill(store); !filled) {
    std::cerr << filled.error().describe() << '\n';
    return 1;
  }

  const auto profile = store.hash_get_all("user:1");
  if (!profile || profile->size() != 2) return 1;
  for (const stave::HashField& field : *profile) std::cout << field.field << ": " << field.value << '\n';
  if (!*store.set_contains("user:1:tags", "beta") || *store.set_size("user:1:tags") != 2) return 1;

  std::cout << "the best two:\n";
  const auto best = store.sorted_set_range("board", 0, 1, stave::Order::kDescending);
  if (!best || best->size() != 2) return 1;
  for (const stave::ScoredMember& player : *best) std::cout << "  " << player.member << ' ' << player.score << '\n';
  std::cout << "bob is number " << **store.sorted_set_rank("board", "bob", stave::Order::kDescending) + 1 << '\n';

  for (int i = 0; i < 3; ++i)
    if (!take_job(store, "worker-1")) return 1;
  if (take_job(store, "worker-1")) return 1;  // none is left, and a list without elements is not there
  std::cout << *store.hash_size("running") << " jobs are running\n";
  return *store.exists("jobs") ? 1 : 0;
}
