#include "doors/shell/target.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <optional>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/try.h"
#include "commands/table.h"
#include "doors/shell/json_file.h"
#include "doors/shell/text.h"

namespace stave::shell {

Result<std::string> Target::snapshot(std::string_view) {
  return fail(ErrorCode::kUnsupported, "SNAPSHOT works on a directory or a file");
}

Result<std::vector<Reply>> Target::execute_all(std::span<const std::vector<std::string_view>> calls) {
  std::vector<Reply> replies;
  for (const auto& call : calls) {
    STAVE_ASSIGN(Reply reply, execute(call));
    replies.push_back(std::move(reply));
  }
  return replies;
}

Result<std::string> read_file(FileSystem& files, const std::string& path) {
  STAVE_ASSIGN(const auto file, files.open(path, OpenMode::kRead));
  STAVE_ASSIGN(const std::uint64_t size, file->size());
  std::string text(size, '\0');
  STAVE_ASSIGN(const std::size_t read, file->read_at(0, std::as_writable_bytes(std::span(text.data(), text.size()))));
  text.resize(read);
  return text;
}

Result<void> replace_file(FileSystem& files, const std::string& path, std::string_view text) {
  const std::string temporary = path + ".tmp";
  STAVE_ASSIGN(const bool left_over, files.exists(temporary));
  if (left_over) STAVE_TRY(files.remove(temporary));
  const auto write = [&]() -> Result<void> {
    STAVE_ASSIGN(const auto file, files.open(temporary, OpenMode::kCreate));
    STAVE_TRY(file->write_at(0, base::as_bytes(text)));
    return file->sync_data();
  };
  auto written = write();
  if (written) written = files.rename(temporary, path);
  if (!written) {
    (void)files.remove(temporary);
    return written;
  }
  const auto slash = path.rfind('/');
  return files.sync_directory(slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash));
}

namespace {

/// A store in this process, on whatever file system.
class Embedded : public Target {
 public:
  explicit Embedded(std::unique_ptr<Store> store) : store_(std::move(store)), session_(store_->session()) {}
  ~Embedded() override {
    session_.reset();
    store_.reset();
  }

  Result<Reply> execute(std::span<const std::string_view> arguments) override {
    if (session_ == nullptr) return closed();
    return session_->execute(arguments);
  }
  [[nodiscard]] int database() const noexcept override { return session_ != nullptr ? session_->database() : 0; }
  [[nodiscard]] bool writes_snapshots() const noexcept override { return true; }
  Result<std::string> snapshot(std::string_view path) override {
    if (session_ == nullptr) return closed();
    const std::string to = path.empty() ? "snapshot.json" : std::string(path);
    STAVE_ASSIGN(const std::string text, to_json(*store_, Clock::system().wall()));
    STAVE_TRY(replace_file(FileSystem::system(), to, text));
    return to;
  }
  Result<void> finish(bool) override {
    // A store is closed once, also when that went wrong: then it was told, and nothing can follow.
    if (session_ == nullptr) return {};
    session_.reset();
    return store_->close();
  }

 protected:
  Store& store() noexcept { return *store_; }

 private:
  static std::unexpected<Error> closed() {
    return fail(ErrorCode::kAborted, "the store is closed; EXIT, and open it again");
  }

  std::unique_ptr<Store> store_;
  std::unique_ptr<Session> session_;  ///< Null: it was closed.
};

/// The memory file system must outlive the store: a base is destroyed after what is derived from it.
struct MemoryFiles {
  std::unique_ptr<FileSystem> files = make_memory_file_system();
};

/// Whether a command makes keys of a type that a JSON file has no place for. What it cannot tell (RESTORE) is refused
/// by saving.
bool makes_collections(std::string_view name) {
  const commands::Command* const command = commands::find_command(name);
  if (command == nullptr || (command->flags & commands::kWrite) == 0) return false;
  constexpr std::string_view kGroups[] = {"hash", "list", "set", "sorted-set", "stream", "geo",
                                          "bf",   "cf",   "cms", "topk",       "tdigest"};
  return std::ranges::find(kGroups, command->group) != std::end(kGroups);
}

class JsonFile final : private MemoryFiles, public Embedded {
 public:
  static Result<std::unique_ptr<Target>> open(const std::string& path) {
    MemoryFiles memory;
    Options options;
    options.file_system = memory.files.get();
    options.sync = Sync::kOs;
    options.segment_bytes = 8u << 20;
    options.disk_reserve_bytes = 0;
    STAVE_ASSIGN(auto store, Store::open("data", options));
    std::optional<std::string> text;
    if (auto read = read_file(FileSystem::system(), path)) {
      text = std::move(*read);
    } else if (read.error().code() != ErrorCode::kNotFound) {
      return fail(std::move(read).error());
    }
    if (text) {
      if (auto loaded = load_json(*store, *text); !loaded)
        return fail(Error(loaded.error().code(), loaded.error().message()).with_file(path));
    }
    return std::unique_ptr<Target>(new JsonFile(std::move(memory), std::move(store), path, std::move(text)));
  }

  /// What could not be saved is refused when it is asked for, not when everything else is to be saved with it.
  Result<Reply> execute(std::span<const std::string_view> arguments) override {
    if (arguments.empty() || !makes_collections(arguments[0])) return Embedded::execute(arguments);
    Reply reply;
    reply.kind = Reply::Kind::kError;
    reply.text = "ERR a JSON file holds strings only; keep hashes, lists, sets and sorted sets in a directory (--dir)";
    return reply;
  }
  Result<std::string> snapshot(std::string_view path) override {
    if (!path.empty() && path != path_) return Embedded::snapshot(path);
    STAVE_TRY(save());
    return path_;
  }
  Result<void> finish(bool asked) override {
    if (asked || store().stats().tail != saved_tail_) STAVE_TRY(save());
    return {};
  }

 private:
  JsonFile(MemoryFiles memory, std::unique_ptr<Store> store, std::string path, std::optional<std::string> text)
      : MemoryFiles(std::move(memory)), Embedded(std::move(store)), path_(std::move(path)), on_disk_(std::move(text)) {
    saved_tail_ = this->store().stats().tail;
  }

  Result<void> save() {
    STAVE_TRY(check_unchanged());
    const Lsn tail = store().stats().tail;
    STAVE_ASSIGN(std::string text, to_json(store(), Clock::system().wall()));
    STAVE_TRY(replace_file(FileSystem::system(), path_, text));
    on_disk_ = std::move(text);
    saved_tail_ = tail;
    return {};
  }
  /// Somebody else's work is not overwritten.
  Result<void> check_unchanged() {
    std::optional<std::string> now;
    if (auto read = read_file(FileSystem::system(), path_)) {
      now = std::move(*read);
    } else if (read.error().code() != ErrorCode::kNotFound) {
      return fail(std::move(read).error());
    }
    if (!now || now == on_disk_) return {};
    return fail(Error(ErrorCode::kConflict,
                      "somebody else changed the file since it was loaded; save with SNAPSHOT <other path>")
                    .with_file(path_));
  }

  std::string path_;
  std::optional<std::string> on_disk_;  ///< What the file holds as far as we know; nullopt: it was not there.
  Lsn saved_tail_ = kNoLsn;
};

class Server final : public Target {
 public:
  explicit Server(Client client) : client_(std::move(client)) {}

  Result<Reply> execute(std::span<const std::string_view> arguments) override {
    if (!client_.connected()) STAVE_TRY(reconnect());
    STAVE_ASSIGN(Reply reply, client_.command(arguments));
    if (!reply.is_error()) follow(arguments);
    return reply;
  }
  Result<std::vector<Reply>> execute_all(std::span<const std::vector<std::string_view>> calls) override {
    if (!client_.connected()) STAVE_TRY(reconnect());
    Pipeline pipeline = client_.pipeline();
    for (const auto& call : calls) pipeline.add(call);
    return pipeline.run();
  }
  [[nodiscard]] int database() const noexcept override { return database_; }
  Result<void> finish(bool) override { return {}; }

 private:
  Result<void> reconnect() {
    STAVE_TRY(client_.reconnect());
    if (database_ == 0) return {};
    const std::string number = std::to_string(database_);
    STAVE_ASSIGN(const Reply reply, client_.command({"SELECT", number}));
    if (reply.is_error()) return fail(to_error(reply));
    return {};
  }
  /// Keeps track of the database for the prompt and for reconnecting.
  void follow(std::span<const std::string_view> arguments) {
    STAVE_ASSERT(!arguments.empty());
    if (arguments.size() == 2 && equal_ignoring_case(arguments[0], "SELECT")) {
      int number = 0;
      const auto [end, error] = std::from_chars(arguments[1].data(), arguments[1].data() + arguments[1].size(), number);
      if (error == std::errc{}) database_ = number;
    } else if (equal_ignoring_case(arguments[0], "RESET")) {
      database_ = 0;
    }
  }

  Client client_;
  int database_ = 0;
};

}  // namespace

Result<std::unique_ptr<Target>> open_directory(const std::string& directory, bool create) {
  Options options;
  options.create_if_missing = create;
  options.notice = [](std::string_view text) {
    std::fprintf(stderr, "stave: %.*s\n", static_cast<int>(text.size()), text.data());
  };
  auto store = Store::open(directory, options);
  if (!store) {
    if (store.error().code() == ErrorCode::kNotFound && !create)
      return fail(ErrorCode::kNotFound, store.error().describe() + "; --create makes one");
    if (store.error().code() != ErrorCode::kBusy) return fail(std::move(store).error());
    return fail(ErrorCode::kBusy, store.error().describe() + "; if a server has it, use --connect host:port");
  }
  return std::unique_ptr<Target>(new Embedded(std::move(*store)));
}

Result<std::unique_ptr<Target>> open_json_file(const std::string& path) {
  return JsonFile::open(path);
}

Result<std::unique_ptr<Target>> connect_server(const ServerAddress& address, const std::string& user,
                                               const std::string& password) {
  ClientOptions options;
  options.user = user;
  options.password = password;
  options.timeout_ms = 0;  // A person waits as long as they like.
  options.protocol = 3;
  auto client = Client::connect(address.host, address.port, options);
  if (!client && client.error().code() == ErrorCode::kUnsupported) {  // A server from before HELLO.
    options.protocol = 2;
    client = Client::connect(address.host, address.port, options);
  }
  if (!client) return fail(std::move(client).error());
  return std::unique_ptr<Target>(new Server(std::move(*client)));
}

}  // namespace stave::shell
