#include "doors/tools/targets.h"

#include <algorithm>

#include "base/assert.h"
#include "base/try.h"
#include "commands/dump_format.h"
#include "commands/put_item.h"
#include "doors/client/address.h"
#include "exchange/collection.h"
#include "stave/client.h"
#include "stave/session.h"
#include "stave/store.h"
#include "store/engine.h"

namespace stave::tools {

Result<void> Target::take(const exchange::Item& item) {
  if (item.expiry.passed(clock_.wall())) {
    ++tally_.expired;
    return {};
  }
  STAVE_TRY(put(item));
  ++tally_.keys;
  return {};
}

Result<void> Target::skip(const exchange::Skipped& skipped) {
  constexpr std::size_t kNamesMax = 20;
  ++tally_.skipped;
  const std::string type(skipped.type);
  ++tally_.skipped_types[type];
  if (tally_.skipped_names.size() < kNamesMax && !skipped.key.empty())
    tally_.skipped_names.push_back(std::string(skipped.key) + " (" + type + ")");
  return {};
}

void Target::refused(std::string_view command, std::string_view answer) {
  ++tally_.refused;
  std::string name(command);
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  ++tally_.refused_commands[std::move(name)];
  if (tally_.first_refusal.empty()) tally_.first_refusal = answer;
}

namespace {

class StoreTarget final : public Target {
 public:
  StoreTarget(Clock& clock, std::unique_ptr<Store> store)
      : Target(clock), store_(std::move(store)), session_(store_->session()) {}

  Result<void> make_call(std::span<const std::string_view> arguments) override {
    const Reply reply = session_->execute(arguments);
    if (reply.is_error()) refused(arguments[0], reply.text);
    return {};
  }
  Result<void> finish() override {
    // Nothing was promised before this: one sync stands for all.
    STAVE_TRY(store_->sync());
    session_.reset();
    return store_->close();
  }

 protected:
  Result<void> put(const exchange::Item& item) override {
    return commands::put_item(store_->engine(), item, Sync::kDefault);
  }

 private:
  std::unique_ptr<Store> store_;
  std::unique_ptr<Session> session_;
};

class ServerTarget final : public Target {
 public:
  ServerTarget(Clock& clock, Client client)
      : Target(clock), client_(std::move(client)), pipeline_(client_.pipeline()) {}

  Result<void> make_call(std::span<const std::string_view> arguments) override {
    // Its SELECTs move the connection to another database.
    database_ = -1;
    return add(arguments, true);
  }
  Result<void> finish() override { return flush(); }

 protected:
  Result<void> put(const exchange::Item& item) override {
    if (item.database != database_) {
      const std::string number = std::to_string(item.database);
      const std::string_view select[] = {"SELECT", number};
      STAVE_TRY(add(select, false));
      database_ = item.database;
    }
    return item.kind == exchange::Kind::kString ? put_string(item) : put_collection(item);
  }

 private:
  Result<void> put_string(const exchange::Item& item) {
    std::vector<std::string_view> words = {"SET", item.key, item.value};
    std::string time;
    if (item.expiry.sliding_ms != 0) {
      // The period begins anew: the command has no word for a deadline beside it.
      time = std::to_string(item.expiry.sliding_ms);
      words.insert(words.end(), {"PX", time, "SLIDING"});
    } else if (!item.expiry.never()) {
      time = std::to_string(raw(item.expiry.at));
      words.insert(words.end(), {"PXAT", time});
    }
    return add(words, false);
  }
  /// In one call, whatever the server is: it takes the place of what is there.
  Result<void> put_collection(const exchange::Item& item) {
    const std::string payload = commands::dump_value(static_cast<store::ValueType>(item.kind), item.value);
    const std::string deadline = std::to_string(raw(exchange::own_expiry(item).at));
    const std::string_view restore[] = {"RESTORE", item.key, deadline, payload, "REPLACE", "ABSTTL"};
    STAVE_TRY(add(restore, false));
    if (item.expiry.sliding_ms == 0) return {};
    const std::string period = std::to_string(item.expiry.sliding_ms);
    const std::string_view slide[] = {"PEXPIRE", item.key, period, "SLIDING"};
    return add(slide, false);
  }
  Result<void> add(std::span<const std::string_view> words, bool may_be_refused) {
    STAVE_ASSERT(!words.empty());
    constexpr std::size_t kCallsMax = 1000;
    constexpr std::size_t kBytesMax = 1u << 20;
    pipeline_.add(words);
    sent_.push_back(may_be_refused ? std::string(words[0]) : std::string());
    for (const std::string_view word : words) bytes_ += word.size();
    return sent_.size() < kCallsMax && bytes_ < kBytesMax ? Result<void>{} : flush();
  }
  Result<void> flush() {
    if (sent_.empty()) return {};
    STAVE_ASSIGN(const std::vector<Reply> replies, pipeline_.run());
    STAVE_ASSERT(replies.size() == sent_.size());
    for (std::size_t i = 0; i < replies.size(); ++i) {
      if (!replies[i].is_error()) continue;
      if (sent_[i].empty()) return fail(to_error(replies[i]));
      refused(sent_[i], replies[i].text);
    }
    sent_.clear();
    bytes_ = 0;
    return {};
  }

  Client client_;
  Pipeline pipeline_;
  std::vector<std::string> sent_;  ///< For each call under way: its name when it may be refused, else empty.
  std::size_t bytes_ = 0;
  int database_ = 0;
};

}  // namespace

Result<std::unique_ptr<Target>> open_store_target(const std::string& directory, int databases) {
  Options options;
  options.sync = Sync::kOs;
  options.databases = databases;
  auto store = Store::open(directory, options);
  if (!store) {
    if (store.error().code() != ErrorCode::kBusy) return fail(std::move(store).error());
    return fail(ErrorCode::kBusy, store.error().describe() + "; if a server has it, use --connect host:port");
  }
  return std::make_unique<StoreTarget>(Clock::system(), std::move(*store));
}

Result<std::unique_ptr<Target>> open_server_target(const ServerLogin& login) {
  STAVE_ASSIGN(const client::ServerAddress address, client::parse_address(login.address));
  ClientOptions options;
  options.user = login.user;
  options.password = login.password;
  STAVE_ASSIGN(Client connected, Client::connect(address.host, address.port, options));
  return std::make_unique<ServerTarget>(Clock::system(), std::move(connected));
}

}  // namespace stave::tools
