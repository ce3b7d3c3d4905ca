// The embedded host: no process to end, no options, no file of users.
#include "commands/host.h"

namespace stave::commands {

namespace {
std::unexpected<Error> embedded(const char* what) {
  return fail(ErrorCode::kUnsupported, std::string(what) + " is not available in an embedded store");
}
std::unexpected<Error> no_user_file() {
  return fail(ErrorCode::kUnsupported,
              "This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL "
              "SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in "
              "order to store users in the Redis configuration.");
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
Result<void> Host::settle_config() {
  return {};
}
Result<void> Host::rewrite_config() {
  return fail(ErrorCode::kUnsupported, "The server is running without a config file");
}
Result<void> Host::load_users() {
  return no_user_file();
}
Result<void> Host::save_users() {
  return no_user_file();
}
InfoFields Host::info(std::string_view) {
  return {};
}
void Host::reset_statistics() {}
int Host::port() const {
  return 0;
}

}  // namespace stave::commands
