#include "doors/http/response.h"

namespace stave::http {

Response answer_problem(Problem problem) {
  Response response;
  response.status = problem.status;
  response.type = kProblemType;
  response.body = problem.json();
  if (problem.status == 503 || problem.status == 429) response.add_header("Retry-After", "1");
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

Response answer_after_fetch(int database, std::vector<std::string> keys) {
  Response response;
  response.fetch = std::move(keys);
  response.fetch_database = database;
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
