#include "commands/changes_run.h"

#include <utility>

#include "base/try.h"
#include "store/upkeep.h"

namespace stave::commands {

using store::ChangeFeed;

namespace {
/// Then others have their turn.
constexpr std::size_t kStepBytes = 8u << 20;
constexpr std::size_t kAnswerBytes = 4u << 20;
}  // namespace

ChangesRun::ChangesRun(store::Engine& engine, const Ask& ask, std::unique_ptr<const WantedChanges> wanted)
    : engine_(engine),
      ask_(ask),
      wanted_(std::move(wanted)),
      reader_(engine, ask.since, {.values = ask.values, .filter = wanted_.get()}) {}

bool ChangesRun::found_enough() const noexcept {
  return changes_.size() >= ask_.count || bytes_ >= kAnswerBytes;
}

bool ChangesRun::step() {
  const auto keep = [this](const store::LoggedChange& change) {
    bytes_ += sizeof(change) + change.key.size() + (change.value ? change.value->size() : 0);
    changes_.push_back(change);
    return !found_enough();
  };
  auto read = reader_.read(kStepBytes, keep);
  if (!read) {
    // What was found before is told first; who goes on from there hears of the rest.
    if (changes_.empty()) failure_.emplace(std::move(read).error());
    return true;
  }
  more_ = read->more;
  return found_enough() || (!more_ && (!changes_.empty() || !ask_.waits));
}

Result<ReadChanges> ChangesRun::take() {
  if (failure_) return std::unexpected<Error>(std::move(*failure_));
  return ReadChanges{
      .position = reader_.position(), .changes = std::move(changes_), .refused = how_ == ChangeFeed::Woken::kRefused};
}

Result<ReadChanges> ChangesRun::here() {
  ChangeFeed& feed = engine_.upkeep().change_feed();
  while (!step()) {
    if (more_) continue;
    how_ = feed.wait(reader_.waits_past(), ask_.deadline_ns, ask_.tag);
    if (how_ != ChangeFeed::Woken::kNews) break;
  }
  return take();
}

void ChangesRun::read_on(const std::shared_ptr<ChangesRun>& run, const std::weak_ptr<Errand>& errand) {
  const auto wanted = errand.lock();
  if (wanted == nullptr) return;
  if (run->step()) return wanted->run();
  if (run->more_) return advance(run, errand);
  run->engine_.upkeep().change_feed().when(run->reader_.waits_past(), run->ask_.deadline_ns, run->ask_.tag,
                                           [run, errand](ChangeFeed::Woken how) {
                                             if (how == ChangeFeed::Woken::kNews) return advance(run, errand);
                                             run->woken(how);
                                             if (const auto still = errand.lock()) still->run();
                                           });
}

void ChangesRun::advance(const std::shared_ptr<ChangesRun>& run, const std::weak_ptr<Errand>& errand) {
  run->engine_.upkeep().change_feed().aside([run, errand] { read_on(run, errand); });
}

std::shared_ptr<ErrandFor<ReadChanges>> ChangesRun::begin(std::shared_ptr<ChangesRun> run) {
  const auto errand = std::make_shared<ErrandFor<ReadChanges>>([run] { return run->take(); });
  advance(run, errand);
  return errand;
}

}  // namespace stave::commands
