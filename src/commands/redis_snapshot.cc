// The part of redis_replica.h that is about snapshots: looked through first, loaded later.
#include <vector>

#include "base/try.h"
#include "commands/put_item.h"
#include "commands/redis_replica.h"
#include "commands/script/function_library.h"
#include "commands/script/scripts.h"
#include "exchange/files.h"
#include "exchange/rdb.h"
#include "exchange/source.h"

namespace stave::commands {

namespace {

using Libraries = std::vector<std::shared_ptr<const script::FunctionLibrary>>;

std::string named(std::string_view key) {
  std::string text = "'";
  for (const char c : key.substr(0, 100)) text += c >= ' ' && c <= '~' ? c : '?';
  return text + "'";
}

/// Nothing is left out: what has no place here is refused.
class Passing : public exchange::Sink {
 public:
  explicit Passing(Environment& environment) : environment_(environment) {}

  Result<void> take(const exchange::Item& item) override {
    return environment_.engine().check_limits(item.key, item.value.size());
  }
  Result<void> skip(const exchange::Skipped& skipped) override {
    // An empty collection, which some versions of Redis left behind, is no key there either.
    if (skipped.type.starts_with("empty ")) return {};
    return fail(ErrorCode::kUnsupported, "key " + named(skipped.key) + " of database " +
                                             std::to_string(skipped.database) + " has a value of type " +
                                             std::string(skipped.type) +
                                             ", which has no place here; remove such keys at the master first");
  }
  Result<bool> take_library(std::string_view text) override {
    const script::Borrowed machine(environment_.scripts());
    if (!machine) return fail(ErrorCode::kNoMemory, "there is no memory for a library of functions");
    auto library = script::load_library(*machine, text);
    if (!library)
      return fail(ErrorCode::kUnsupported,
                  "a library of functions of the master cannot be loaded here: " + library.error().message());
    libraries_.push_back(std::move(*library));
    return true;
  }
  [[nodiscard]] const Libraries& libraries() const noexcept { return libraries_; }

 protected:
  Environment& environment_;

 private:
  Libraries libraries_;
};

class Loading final : public Passing {
 public:
  Loading(Environment& environment, const std::function<bool()>& alive) : Passing(environment), alive_(alive) {}

  Result<void> take(const exchange::Item& item) override {
    constexpr std::uint64_t kLookEvery = 256;
    if (++taken_ % kLookEvery == 0 && !alive_()) return fail(ErrorCode::kAborted, "stopped");
    return put_item(environment_.engine(), item, Sync::kOs);
  }

 private:
  const std::function<bool()>& alive_;
  std::uint64_t taken_ = 0;
};

class CheckedInput final : public exchange::ByteInput {
 public:
  explicit CheckedInput(const replication::SnapshotBytes& bytes) : bytes_(bytes) {}
  Result<std::size_t> read(std::span<std::byte> into) override { return bytes_(into); }

 private:
  const replication::SnapshotBytes& bytes_;
};

exchange::Limits limits_of(const Options& options) {
  return {.key_bytes_max = options.key_bytes_max,
          .value_bytes_max = options.value_bytes_max,
          .databases = options.databases};
}

const std::string kSnapshotName = "the master's snapshot";

}  // namespace

Result<void> RedisReplica::check(const replication::SnapshotBytes& bytes) {
  CheckedInput input(bytes);
  exchange::Source source(input, kSnapshotName);
  Passing passing(environment_);
  const exchange::Limits limits = limits_of(environment_.engine().options());
  STAVE_TRY(exchange::read_rdb(source, passing, limits));
  return {};
}

Result<void> RedisReplica::load(File& file, const std::function<bool()>& alive) {
  store::Engine& engine = environment_.engine();
  STAVE_TRY(engine.flush_all(Sync::kOs));
  exchange::FileInput input(file);
  exchange::Source source(input, kSnapshotName);
  Loading loading(environment_, alive);
  const exchange::Limits limits = limits_of(engine.options());
  STAVE_TRY(exchange::read_rdb(source, loading, limits));
  STAVE_TRY(environment_.scripts().functions().restore(loading.libraries(), script::Restoring::kFlush, Sync::kOs));
  return {};
}

}  // namespace stave::commands
