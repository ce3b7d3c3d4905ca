// The embedded host: no process to end, no options, no password.
#include "commands/host.h"

namespace stave::commands {

namespace {
std::unexpected<Error> embedded(const char* what) {
  return fail(ErrorCode::kUnsupported, std::string(what) + " is not available in an embedded store");
}
}  // namespace

Result<void> Host::request_shutdown() {
  return embedded("shutting down");
}
std::vector<std::pair<std::string, std::string>> Host::config() {
  return {};
}
Result<void> Host::set_config(std::string_view name, std::string_view) {
  return fail(ErrorCode::kNotFound, "unknown option '" + std::string(name) + "'");
}
Result<void> Host::rewrite_config() {
  return fail(ErrorCode::kUnsupported, "The server is running without a config file");
}
bool Host::check_password(std::string_view user, std::string_view) {
  return user == "default";
}
bool Host::password_required() const {
  return false;
}
InfoFields Host::info(std::string_view) {
  return {};
}
void Host::reset_statistics() {}
int Host::port() const {
  return 0;
}

}  // namespace stave::commands
