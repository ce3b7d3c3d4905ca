#include "commands/walk.h"

#include "base/try.h"
#include "store/snapshot.h"

namespace stave::commands {

Result<Walked> write_all(store::Engine& engine, exchange::Writer& writer,
                         base::FunctionRef<Result<void>(std::uint64_t keys)> on_key) {
  static_assert(static_cast<int>(exchange::Kind::kString) == static_cast<int>(store::ValueType::kString));
  store::SnapshotWalk walk(engine);
  // A file outlives the process as the log does: nothing gets into it that the log could still lose, and when the log
  // has failed nothing that it has lost.
  STAVE_TRY(engine.log().wait_durable(walk.cut()));
  const store::StoreClock& time = engine.time();
  STAVE_TRY(writer.begin({.time = time.to_wall(walk.time()), .lsn = walk.cut(), .count = std::nullopt}));
  std::uint64_t keys = 0;
  STAVE_TRY(walk.run([&](const store::SnapshotItem& item) -> Result<void> {
    if (auto told = on_key(++keys); !told) return told;
    return writer.take({.database = item.database,
                        .key = item.key,
                        .kind = static_cast<exchange::Kind>(item.type),
                        .value = item.value,
                        .expiry = time.shown(item.expiry)});
  }));
  STAVE_TRY(writer.finish());
  return Walked{.time = walk.time(), .lsn = walk.cut(), .keys = keys};
}

}  // namespace stave::commands
