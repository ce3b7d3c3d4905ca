#include "doors/tools/walk.h"

#include "base/try.h"
#include "store/snapshot.h"

namespace stave::tools {

Result<Walked> write_all(store::Engine& engine, exchange::Writer& writer,
                         base::FunctionRef<void(std::uint64_t keys)> progress) {
  constexpr std::uint64_t kProgressEvery = 4096;
  store::SnapshotWalk walk(engine);
  STAVE_TRY(writer.begin({.time = walk.time(), .lsn = walk.cut()}));
  std::uint64_t keys = 0;
  STAVE_TRY(walk.run([&](const store::SnapshotItem& item) {
    if (++keys % kProgressEvery == 0) progress(keys);
    return writer.take({.database = item.database,
                        .key = item.key,
                        .kind = static_cast<exchange::Kind>(item.type),
                        .value = item.value,
                        .expiry = item.expiry});
  }));
  STAVE_TRY(writer.finish());
  return Walked{.time = walk.time(), .lsn = walk.cut(), .keys = keys};
}

}  // namespace stave::tools
