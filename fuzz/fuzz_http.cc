// The path of an HTTP request, from bytes to answer: it reads the same however the bytes are cut, whatever it is asked
// it answers, and what it answers is well formed.
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>
#include <vector>

#include "base/descriptor_budget.h"
#include "commands/host.h"
#include "doors/http/app.h"
#include "doors/http/json_text.h"
#include "doors/http/serialize.h"
#include "input.h"
#include "stave/clock.h"

namespace stave::fuzz {
namespace {

/// A store in memory that lives as long as the fuzzer.
struct World {
  World() {
    Options options;
    options.file_system = files.get();
    options.clock = &clock;
    options.background = false;
    options.shards = 4;
    options.key_bytes_max = 256;
    options.value_bytes_max = 4096;
    options.log_buffer_bytes = 1u << 20;
    auto opened = store::Engine::open("store", options);
    require(opened.has_value());
    engine = std::move(*opened);
    environment = std::make_unique<commands::Environment>(*engine, host);
    session = std::make_unique<commands::Session>(*environment, commands::ClientInfo{}, nullptr);
    hub.environment = environment.get();
    hub.serving = http::Serving::kServing;
  }
  static http::Config config() {
    http::Config made;
    made.body_bytes_max = 4096;
    made.json_bytes_max = 4096;
    made.loopback_hosts_only = true;
    return made;
  }

  ManualClock clock;
  std::unique_ptr<FileSystem> files = make_memory_file_system();
  commands::Host host;
  std::unique_ptr<store::Engine> engine;
  std::unique_ptr<commands::Environment> environment;
  std::unique_ptr<commands::Session> session;
  spdlog::logger log{"fuzz", std::make_shared<spdlog::sinks::null_sink_mt>()};
  base::DescriptorBudget descriptors{1000};
  http::Hub hub{config(), descriptors, clock, log};
};

void check(const http::Response& response) {
  require(response.status >= 200 && response.status < 600);
  std::string head;
  http::append_head(head, response, {.date = "now", .request_id = "1"});
  require(head.ends_with("\r\n\r\n") && head.find("\r\n\r\n") == head.size() - 4);
  if (response.type == http::kJsonType && !response.shared && !response.length && response.status < 300 &&
      response.page.empty() && response.headers.find("ETag") == std::string::npos &&
      response.headers.find("gzip") == std::string::npos)
    require(http::is_json(response.body));
  if (response.type == http::kProblemType)
    require(http::is_json(response.body) || response.headers.find("gzip") != std::string::npos);
}

std::string answer(World& world, http::Request& request, const http::Admission& admission) {
  const http::App app(world.hub);
  http::Response response = app.answer(request, admission.match, world.session.get());
  while (response.work) {
    const auto work = std::move(response.work);
    response = {};
    while (!work->step(response)) {
    }
  }
  app.finish(request, response);
  check(response);
  require(world.engine->wait(response.pending).has_value());
  return std::to_string(response.status);
}

/// What the bytes are read as; answered when `world` is given.
std::vector<std::string> run(std::string_view text, std::size_t piece_max, World* world, http::Hub& hub) {
  http::RequestReader reader({.target_bytes_max = 512, .head_bytes_max = 1024});
  const http::App app(hub);
  http::Admission admission;
  http::Caller caller;
  std::vector<std::string> seen;
  std::string buffer;
  while (!text.empty()) {
    const std::size_t piece = std::min(piece_max, text.size());
    buffer.append(text.substr(0, piece));
    text.remove_prefix(piece);
    for (;;) {
      std::size_t consumed = 0;
      const auto status = reader.read(buffer, consumed);
      require(consumed <= buffer.size());
      buffer.erase(0, consumed);
      if (status == http::RequestReader::Status::kMore) break;
      if (status == http::RequestReader::Status::kBad) {
        seen.push_back("bad " + std::to_string(reader.problem().status));
        return seen;
      }
      if (status == http::RequestReader::Status::kHead) {
        admission = app.admit(reader.request(), caller);
        if (admission.refusal) {
          check(*admission.refusal);
          admission.body = {.keep = false, .bytes_max = 4096};
        }
        reader.plan_body(std::move(admission.body));
        continue;
      }
      http::Request& request = reader.request();
      seen.push_back(request.target + "|" + std::string(request.content()) + "|" +
                     std::to_string(reader.problem().status));
      if (world != nullptr && !admission.refusal && reader.problem().status == 0) answer(*world, request, admission);
      reader.next();
    }
  }
  return seen;
}

}  // namespace
}  // namespace stave::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A fresh store every so often: its log lies in memory.
  constexpr int kRunsOfAWorld = 2000;
  static std::unique_ptr<stave::fuzz::World> world;
  static int runs = 0;
  if (runs++ % kRunsOfAWorld == 0) world = std::make_unique<stave::fuzz::World>();
  stave::fuzz::Input input(data, size);
  const std::size_t piece_max = 1 + input.number<std::uint8_t>();
  const std::string_view text = input.rest();
  const auto whole = stave::fuzz::run(text, text.size() + 1, world.get(), world->hub);
  stave::fuzz::require(whole == stave::fuzz::run(text, piece_max, nullptr, world->hub));
  return 0;
}
