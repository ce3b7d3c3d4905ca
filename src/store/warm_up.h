// After a restart from an image, or from a long log, all values are in the log. This brings them back before anybody
// asks: the hottest, as far as the budget goes, in the order in which they lie on the disk.
#pragma once

#include <atomic>
#include <optional>

#include "store/engine.h"

namespace stave::store {

class WarmUp {
 public:
  explicit WarmUp(Engine& engine) : engine_(engine) {}
  /// Errors: kIo, kCorrupt: the rest stays where it is.
  Result<void> run(const std::atomic<bool>& stop);

 private:
  /// The coldest heat whose values, with all hotter ones, still fit; nullopt when there is no use in reading anything.
  [[nodiscard]] std::optional<unsigned> coldest_that_fits();
  void bring(const log::RecordView& record, unsigned coldest);

  Engine& engine_;
  std::string value_;
};

}  // namespace stave::store
