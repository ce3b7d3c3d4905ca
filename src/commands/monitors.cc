#include "commands/monitors.h"

#include <memory>
#include <string>

#include "commands/client_registry.h"
#include "commands/environment.h"
#include "commands/session.h"
#include "commands/table.h"
#include "commands/text.h"

namespace stave::commands {
namespace {

/// As Redis quotes it: printable ASCII as it is, the rest escaped.
void append_quoted(std::string& line, std::string_view text) {
  line += '"';
  for (const char c : text) {
    switch (c) {
      case '\\': line += "\\\\"; break;
      case '"': line += "\\\""; break;
      case '\n': line += "\\n"; break;
      case '\r': line += "\\r"; break;
      case '\t': line += "\\t"; break;
      case '\a': line += "\\a"; break;
      case '\b': line += "\\b"; break;
      default:
        if (c >= ' ' && c <= '~') {
          line += c;
        } else {
          constexpr std::string_view kDigits = "0123456789abcdef";
          const auto byte = static_cast<unsigned char>(c);
          line += "\\x";
          line += kDigits[byte >> 4];
          line += kDigits[byte & 15];
        }
    }
  }
  line += '"';
}

/// Whether argument `i` may be a password.
bool is_secret(const Command& row, Arguments arguments, std::size_t i) {
  if ((row.flags & kSecret) == 0 || i == 0) return false;
  if (row.name != "HELLO") return true;
  for (std::size_t at = 2; at < arguments.size(); ++at)
    if (same_word(arguments[at], "AUTH")) return i > at && i <= at + 2;
  return false;
}

std::string line_of(Session& from, const Command& row, Arguments arguments) {
  constexpr std::int64_t kMsPerSecond = 1000;
  const std::int64_t now = raw(from.environment().engine().clock().wall());
  std::string part = std::to_string(now % kMsPerSecond);
  part.insert(0, 3 - part.size(), '0');
  std::string line = std::to_string(now / kMsPerSecond) + "." + part + "000 [" + std::to_string(from.database()) + " " +
                     from.info().address + "]";
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    line += ' ';
    append_quoted(line, is_secret(row, arguments, i) ? "(redacted)" : arguments[i]);
  }
  return line;
}

void look_again_everywhere(Session& session) {
  session.environment().clients().visit([](Session& other) { other.set_plain(false); });
}

}  // namespace

void Monitors::add(Session& session) {
  {
    base::MutexLock lock(mutex_);
    watchers_.insert(&session);
    count_.store(watchers_.size());
  }
  look_again_everywhere(session);
}

bool Monitors::remove(Session& session) noexcept {
  if (!any()) return false;
  base::MutexLock lock(mutex_);
  const bool watched = watchers_.erase(&session) != 0;
  count_.store(watchers_.size());
  return watched;
}

void Monitors::show(Session& from, const Command& row, Arguments arguments) {
  if (!any() || (row.flags & kAdmin) != 0) return;
  const auto line = std::make_shared<const std::string>(line_of(from, row, arguments));
  base::MutexLock lock(mutex_);
  for (Session* const watcher : watchers_) watcher->control()->show_line(line);
}

}  // namespace stave::commands
