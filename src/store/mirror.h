// Who may write to a store that mirrors a master of another make (docs/replication.md).
//
// Such a store has a log of its own, but nobody decides about its data except who brings what the master says, and the
// master decides when a key dies. Promises: a thread without the pass changes nothing; one with it sees keys whose time
// is up as long as the master has not removed them. Must not know: who the master is.
#pragma once

namespace stave::store {

/// While it lives, its thread writes for the master: a permission of the thread, since what it is needed for (handlers
/// of commands, their transactions) is called by anybody, and most of it does not know for whom it works.
class MirrorPass {
 public:
  MirrorPass() noexcept { ++passes_; }
  ~MirrorPass() { --passes_; }
  MirrorPass(const MirrorPass&) = delete;
  MirrorPass& operator=(const MirrorPass&) = delete;
  [[nodiscard]] static bool held() noexcept { return passes_ != 0; }

 private:
  static inline thread_local int passes_ = 0;
};

}  // namespace stave::store
