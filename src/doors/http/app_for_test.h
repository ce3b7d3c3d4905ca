// The door without sockets: a request asked, and answered to its end.
#pragma once

#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/descriptor_budget.h"
#include "commands/fixture_for_test.h"
#include "doors/http/app.h"

namespace stave::http {

class AppFixture : public commands::CommandsTest {
 protected:
  void SetUp() override {
    CommandsTest::SetUp();
    start({});
  }
  /// Begins again with other settings.
  void start(Config config) {
    config.loopback_hosts_only = true;
    config.cors_origins = {"https://good.example"};
    hub_ = std::make_unique<Hub>(config, descriptors_, clock_, log_);
    hub_->environment = environment_.get();
    hub_->serving = Serving::kServing;
  }

  Response ask(Verb verb, std::string target, std::string body = {},
               std::vector<std::pair<Header, std::string>> headers = {}) {
    Request request;
    request.verb = verb;
    request.target = std::move(target);
    request.header(Header::kHost) = "localhost:8080";
    for (auto& [name, value] : headers) request.header(name) = value;
    if (!body.empty()) request.content_length = body.size();
    const App app(*hub_);
    Admission admission = app.admit(request, caller_);
    if (admission.refusal) return std::move(*admission.refusal);
    request.body = std::move(body);
    app.enter(*session_, caller_);
    Response response = app.answer(request, admission.match, session_.get());
    while (response.work) {
      auto work = std::move(response.work);
      if (response.first) finish(std::exchange(response.first, {}));
      response = {};
      while (!work->step(response))
        if (response.first) finish(std::exchange(response.first, {}));
    }
    app.finish(request, response);
    return response;
  }
  Response put(const std::string& key, const std::string& value,
               std::vector<std::pair<Header, std::string>> headers = {}) {
    headers.emplace_back(Header::kContentType, "application/octet-stream");
    return ask(Verb::kPut, "/db/" + key, value, std::move(headers));
  }

  /// Waits for what an answer needs first.
  static void finish(const Prelude& first) {
    std::promise<void> done;
    first([&] { done.set_value(); });
    done.get_future().wait();
  }

  spdlog::logger log_{"test", std::make_shared<spdlog::sinks::null_sink_mt>()};
  base::DescriptorBudget descriptors_{1000};
  std::unique_ptr<Hub> hub_;
  Caller caller_{.host = "192.0.2.1"};
};

}  // namespace stave::http
