// A store in memory with a clock that stands still, and a session on it: `run({"SET", "a", "1"})`.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "commands/dispatch.h"
#include "commands/environment.h"
#include "commands/host.h"
#include "commands/reply_sink.h"
#include "stave/clock.h"
#include "stave/file_system.h"

namespace stave::commands {

/// A reply as a short text: "OK", "(integer) 1" as 1, a bulk as "\"text\"", null as "nil", an error as "-ERR …",
/// aggregates in brackets.
inline std::string spell(const Reply& reply) {
  switch (reply.kind) {
    case Reply::Kind::kNull: return "nil";
    case Reply::Kind::kStatus: return reply.text;
    case Reply::Kind::kError: return "-" + reply.text;
    case Reply::Kind::kInteger: return std::to_string(reply.integer);
    case Reply::Kind::kBoolean: return reply.integer != 0 ? "true" : "false";
    case Reply::Kind::kDouble: return std::to_string(reply.number);
    case Reply::Kind::kBulk:
    case Reply::Kind::kBigNumber:
    case Reply::Kind::kVerbatim: return "\"" + reply.text + "\"";
    default: break;
  }
  std::string text = reply.kind == Reply::Kind::kMap ? "{" : "[";
  for (std::size_t i = 0; i < reply.elements.size(); ++i) {
    if (i != 0) text += ", ";
    text += spell(reply.elements[i]);
  }
  return text + (reply.kind == Reply::Kind::kMap ? "}" : "]");
}

/// A host whose every answer a test can choose.
class TestHost : public Host {
 public:
  Result<void> request_shutdown() override {
    if (!can_shut_down) return Host::request_shutdown();
    shut_down = true;
    return {};
  }
  std::vector<std::pair<std::string, std::string>> config() override { return options; }
  Result<void> set_config(std::string_view name, std::string_view value) override {
    for (auto& [known, current] : options) {
      if (known != name) continue;
      if (value == "bad") return fail(ErrorCode::kInvalidArgument, "argument must be good");
      current = value;
      return {};
    }
    return Host::set_config(name, value);
  }
  InfoFields info(std::string_view section) override {
    if (section == "cpu") return {{"used_cpu_sys", "1.5"}};
    if (section == "clients") return {{"connected_clients", "77"}};
    return {};
  }
  void reset_statistics() override { ++resets; }

  std::vector<std::pair<std::string, std::string>> options = {{"maxclients", "10000"}, {"timeout", "0"}};
  bool can_shut_down = false;
  bool shut_down = false;
  int resets = 0;
};

/// Hands everything on, tells when a file is created, and says how much is free when it is told to.
class WatchedFiles final : public FileSystem {
 public:
  explicit WatchedFiles(FileSystem& files) : files_(files) {}
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    if (mode == OpenMode::kCreate && created) created(path);
    return files_.open(path, mode);
  }
  Result<void> create_directories(const std::string& path) override { return files_.create_directories(path); }
  Result<std::vector<std::string>> list(const std::string& path) override { return files_.list(path); }
  Result<bool> exists(const std::string& path) override { return files_.exists(path); }
  Result<void> rename(const std::string& from, const std::string& to) override { return files_.rename(from, to); }
  Result<void> remove(const std::string& path) override { return files_.remove(path); }
  Result<void> sync_directory(const std::string& path) override { return files_.sync_directory(path); }
  Result<std::unique_ptr<DirectoryLock>> lock(const std::string& path) override { return files_.lock(path); }
  Result<std::unique_ptr<DirectoryLock>> lock_directory(const std::string& path) override {
    return files_.lock_directory(path);
  }
  Result<FileIdentity> identity(const std::string& path) override { return files_.identity(path); }
  Result<std::uint64_t> free_bytes(const std::string& path) override {
    return free ? Result<std::uint64_t>(*free) : files_.free_bytes(path);
  }

  std::function<void(const std::string&)> created;
  std::optional<std::uint64_t> free;

 private:
  FileSystem& files_;
};

class CommandsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.file_system = file_system_.get();
    options_.clock = &clock_;
    options_.background = false;
    options_.shards = 4;
    options_.log_buffer_bytes = 1u << 20;
    options_.segment_bytes = 4u << 20;
    open();
  }
  void TearDown() override { close(); }

  void open() {
    auto opened = store::Engine::open("store", options_);
    ASSERT_TRUE(opened) << opened.error().describe();
    engine_ = std::move(*opened);
    environment_ = std::make_unique<Environment>(*engine_, host_);
    session_ = new_session();
  }
  void close() {
    session_.reset();
    environment_.reset();
    engine_.reset();
  }
  void reopen() {
    close();
    open();
  }

  std::unique_ptr<Session> new_session(ClientControl* control = nullptr, std::string address = "127.0.0.1:5000") {
    ClientInfo info;
    info.address = std::move(address);
    info.protocol = 3;
    return std::make_unique<Session>(*environment_, info, control);
  }

  /// Runs a command in a session; what the answer waits for is waited for, as a door would.
  Reply run_in(Session& session, std::span<const std::string_view> arguments) {
    ReplySink sink(session);
    dispatch(session, arguments, sink);
    const auto settled = engine_->wait(session.take_pending());
    EXPECT_TRUE(settled);
    answered_ = sink.complete();
    return sink.take();
  }
  Reply run_in(Session& session, std::initializer_list<std::string_view> arguments) {
    return run_in(session, std::span(arguments.begin(), arguments.size()));
  }
  std::string run(std::initializer_list<std::string_view> arguments) { return spell(run_in(*session_, arguments)); }
  Reply reply(std::initializer_list<std::string_view> arguments) { return run_in(*session_, arguments); }
  std::string run(std::span<const std::string_view> arguments) { return spell(run_in(*session_, arguments)); }

  ManualClock clock_;
  std::unique_ptr<FileSystem> file_system_ = make_memory_file_system();
  Options options_;
  TestHost host_;
  std::unique_ptr<store::Engine> engine_;
  std::unique_ptr<Environment> environment_;
  std::unique_ptr<Session> session_;
  bool answered_ = false;  ///< Whether the last command wrote exactly one whole answer.
};

}  // namespace stave::commands
