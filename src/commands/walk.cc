#include "commands/walk.h"

#include "base/try.h"
#include "store/foreign_value.h"
#include "store/snapshot.h"

namespace stave::commands {

namespace {
constexpr bool same(exchange::Kind kind, store::ValueType type) {
  return static_cast<int>(kind) == static_cast<int>(type);
}
}  // namespace

Result<Walked> write_all(store::Engine& engine, exchange::Writer& writer,
                         base::FunctionRef<Result<void>(std::uint64_t keys)> on_key) {
  static_assert(same(exchange::Kind::kString, store::ValueType::kString) &&
                same(exchange::Kind::kHash, store::ValueType::kHash) &&
                same(exchange::Kind::kList, store::ValueType::kList) &&
                same(exchange::Kind::kSet, store::ValueType::kSet) &&
                same(exchange::Kind::kSortedSet, store::ValueType::kSortedSet) &&
                same(exchange::Kind::kSketch, store::ValueType::kSketch) &&
                same(exchange::Kind::kStream, store::ValueType::kStream));
  store::SnapshotWalk walk(engine);
  // A file outlives the process as the log does: nothing gets into it that the log could still lose, and when the log
  // has failed nothing that it has lost.
  STAVE_TRY(engine.log().wait_durable(walk.cut()));
  const store::StoreClock& time = engine.time();
  STAVE_TRY(writer.begin({.time = time.to_wall(walk.time()), .lsn = walk.cut(), .count = std::nullopt}));
  std::uint64_t keys = 0;
  STAVE_TRY(walk.run([&](const store::SnapshotItem& item) -> Result<void> {
    const auto shown = store::shown_value(time, walk.time(), item.type, item.value);
    if (shown && shown->empty()) return {};
    if (auto told = on_key(++keys); !told) return told;
    return writer.take({.database = item.database,
                        .key = item.key,
                        .kind = static_cast<exchange::Kind>(item.type),
                        .value = shown ? std::string_view(*shown) : item.value,
                        .expiry = time.shown(item.expiry)});
  }));
  STAVE_TRY(writer.finish());
  return Walked{.time = walk.time(), .lsn = walk.cut(), .keys = keys};
}

}  // namespace stave::commands
