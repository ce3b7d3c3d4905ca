#include "doors/http/response.h"

#include "base/assert.h"
#include "doors/http/json_text.h"

namespace stave::http {

Response answer_problem(Problem problem) {
  STAVE_ASSERT(problem.status >= 400 && problem.status < 600 && !problem.code.empty());
  Response response;
  response.status = problem.status;
  response.type = kProblemType;
  response.body = problem.json();
  if (problem.status == 503 || problem.status == 429)
    response.add_header("Retry-After", std::to_string(problem.retry_after_s));
  return response;
}

Response answer_error(const Error& error) {
  return answer_problem(problem_of(error));
}

Response answer_json(int status, std::string body) {
  Response response;
  response.status = status;
  response.type = kJsonType;
  response.body = std::move(body);
  return response;
}

Response answer_after_fetch(store::Engine& engine, std::span<const store::KeyRef> keys) {
  struct Wanted {
    std::vector<std::string> names;
    std::vector<store::KeyRef> keys;
  };
  const auto wanted = std::make_shared<Wanted>();
  wanted->names.reserve(keys.size());
  for (const store::KeyRef& key : keys)
    wanted->keys.push_back({key.database, wanted->names.emplace_back(key.key), key.hash});
  STAVE_ASSERT(wanted->names.size() == keys.size());
  Response response;
  response.first = [&engine, wanted](std::function<void()> done) { engine.fetch(wanted->keys, std::move(done)); };
  return response;
}

Prelude done_aside(store::Engine& engine, std::function<void()> work) {
  return [&engine, work = std::move(work)](std::function<void()> done) {
    engine.aside([held = work, done = std::move(done)]() mutable {
      held();
      // What it holds (values, which count as memory) is the answer's now, and must not wait for this thread to let go.
      held = nullptr;
      done();
    });
  };
}

Problem problem_of(const Draft& draft, std::uint64_t bytes_max, bool done) {
  STAVE_ASSERT(!draft.good());
  Problem problem = draft.refusal() == Draft::Refusal::kLimit ? answer_too_large(bytes_max) : no_memory_for_answer();
  if (done) problem.detail += "; what was asked for was done";
  problem.members = ",\"error\":" + json_string("ERR " + problem.detail);
  return problem;
}

namespace {

class WriteDraft final : public Work {
 public:
  WriteDraft(Draft draft, store::Pending pending, Response (*finish)(Draft&))
      : draft_(std::move(draft)), pending_(pending), finish_(finish) {}

  bool step(Response& response) override {
    if (!draft_.write_some()) return false;
    response = draft_.good() ? finish_(draft_) : answer_problem(problem_of(draft_, draft_.bytes_max(), true));
    response.pending = pending_;
    return true;
  }

 private:
  Draft draft_;
  store::Pending pending_;
  Response (*finish_)(Draft&);
};

}  // namespace

std::unique_ptr<Work> write_draft(Draft draft, store::Pending pending, Response (*finish)(Draft& draft)) {
  return std::make_unique<WriteDraft>(std::move(draft), pending, finish);
}

Response begin_work(std::unique_ptr<Work> work) {
  STAVE_ASSERT(work != nullptr);
  Response response;
  if (!work->step(response)) response.work = std::move(work);
  return response;
}

Response answer_text(int status, std::string body) {
  Response response;
  response.status = status;
  response.type = kTextType;
  response.body = std::move(body);
  return response;
}

}  // namespace stave::http
