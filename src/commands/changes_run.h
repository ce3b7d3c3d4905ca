// One reading of changes for one answer: as much as there is or, if there is nothing, what comes in a while.
//
// Promises: it takes no thread while it waits; what it reads is read on threads that give way to others, a bounded step
// at a time, and is bounded itself. Must not know: how it is answered.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "commands/errands.h"
#include "commands/wanted_changes.h"
#include "store/change_reader.h"

namespace stave::commands {

struct ReadChanges {
  Lsn position = kNoLsn;  ///< Where to go on from.
  std::vector<store::LoggedChange> changes;
  bool refused = false;  ///< It was told to stop waiting, and to say so.
};

class ChangesRun : public std::enable_shared_from_this<ChangesRun> {
 public:
  struct Ask {
    Lsn since = kNoLsn;
    std::size_t count = 0;
    bool values = false;
    bool waits = false;             ///< For something to come, until `deadline_ns` (0: for ever).
    std::uint64_t deadline_ns = 0;  ///< On the monotonic clock.
    std::uint64_t tag = 0;          ///< By whom it can be woken (ChangeFeed::wake).
  };
  ChangesRun(store::Engine& engine, const Ask& ask, std::unique_ptr<const WantedChanges> wanted);

  /// On the caller's thread. Errors: those of ChangeReader::read.
  Result<ReadChanges> here();
  /// On others; the errand is done when it is over, and what comes of it is the errand's. Nobody who lets go of the
  /// errand is waited for.
  static std::shared_ptr<ErrandFor<ReadChanges>> begin(std::shared_ptr<ChangesRun> run);

 private:
  /// Reads on. True: it is over, as far as reading goes.
  bool step();
  [[nodiscard]] bool found_enough() const noexcept;
  Result<ReadChanges> take();
  void woken(store::ChangeFeed::Woken how) noexcept { how_ = how; }
  static void advance(const std::shared_ptr<ChangesRun>& run, const std::weak_ptr<Errand>& errand);
  static void read_on(const std::shared_ptr<ChangesRun>& run, const std::weak_ptr<Errand>& errand);

  store::Engine& engine_;
  const Ask ask_;
  const std::unique_ptr<const WantedChanges> wanted_;
  store::ChangeReader reader_;
  std::vector<store::LoggedChange> changes_;
  std::size_t bytes_ = 0;
  bool more_ = false;
  std::optional<Error> failure_;
  store::ChangeFeed::Woken how_ = store::ChangeFeed::Woken::kNews;
};

}  // namespace stave::commands
