// Which row a path is for.
#include <optional>

#include "doors/http/routes.h"

namespace stave::http {
namespace {

constexpr std::string_view kKeyPath = "/db/{key}";
constexpr std::string_view kKeyPrefix = "/db/";
/// What may stand behind a key; the table has rows for each.
constexpr std::string_view kParts[] = {"/fields", "/items", "/members", "/scores"};
/// And what may only stand at the end: it has no elements.
constexpr std::string_view kHistory = "/history";

/// A path that begins with a key, taken apart.
struct KeyPath {
  std::string_view key;   ///< Empty: it is none.
  std::string_view part;  ///< "/fields", or empty: the whole of what the key holds.
  std::optional<std::string_view> element;

  /// Whether the rest of a row's path, behind the key, is of this shape.
  [[nodiscard]] bool fits(std::string_view rest) const noexcept {
    if (!rest.starts_with(part)) return false;
    rest.remove_prefix(part.size());
    return element ? rest.starts_with("/{") : rest.empty();
  }
};

// The first such word ends the key, wherever it stands but at the very beginning: a key is not empty.
KeyPath key_path(std::string_view path) noexcept {
  if (path.size() <= kKeyPrefix.size() || !path.starts_with(kKeyPrefix) || path == "/db/_batch") return {};
  const std::string_view rest = path.substr(kKeyPrefix.size());
  for (std::size_t at = rest.find('/', 1); at != std::string_view::npos; at = rest.find('/', at + 1)) {
    const std::string_view behind = rest.substr(at);
    if (behind == kHistory) return {.key = rest.substr(0, at), .part = kHistory, .element = std::nullopt};
    for (const std::string_view part : kParts) {
      if (!behind.starts_with(part)) continue;
      if (behind.size() == part.size()) return {.key = rest.substr(0, at), .part = part, .element = std::nullopt};
      if (behind[part.size()] == '/')
        return {.key = rest.substr(0, at), .part = part, .element = behind.substr(part.size() + 1)};
    }
  }
  return {.key = rest, .part = {}, .element = std::nullopt};
}

/// A path whose rest, behind these, is a name.
constexpr std::string_view kNamedPrefixes[] = {"/publish/"};

std::string_view named_rest(const Route& route, std::string_view path) noexcept {
  for (const std::string_view prefix : kNamedPrefixes)
    if (route.path.starts_with(prefix) && path.starts_with(prefix)) return path.substr(prefix.size());
  return {};
}

bool fits(const Route& route, std::string_view path, const KeyPath& keyed) noexcept {
  if (!named_rest(route, path).empty()) return true;
  if (!route.path.starts_with(kKeyPath)) return route.path == path;
  return !keyed.key.empty() && keyed.fits(route.path.substr(kKeyPath.size()));
}

}  // namespace

Match find_route(Verb verb, std::string_view path) noexcept {
  Match match;
  // A HEAD is a GET without the body, but never a way to change something.
  const auto answers = [&](const Route& route) {
    return route.verb == verb || (verb == Verb::kHead && route.verb == Verb::kGet && !route.has(kChanges));
  };
  match.head = verb == Verb::kHead;
  const KeyPath keyed = key_path(path);
  for (const Route& route : route_table()) {
    if (!fits(route, path, keyed)) continue;
    match.path_known = true;
    if (!answers(route) || (match.route != nullptr && route.verb != verb)) continue;
    match.route = &route;
    match.key = named_rest(route, path);
    if (!route.path.starts_with(kKeyPath)) continue;
    match.key = keyed.key;
    match.element = keyed.element;
  }
  return match;
}

std::string allowed_verbs(std::string_view path) {
  std::string verbs;
  const auto add = [&](Verb verb) {
    const std::string_view name = verb_name(verb);
    if (verbs.find(name) == std::string::npos) verbs.append(verbs.empty() ? "" : ", ").append(name);
  };
  const KeyPath keyed = key_path(path);
  for (const Route& route : route_table()) {
    if (!fits(route, path, keyed)) continue;
    add(route.verb);
    if (route.verb == Verb::kGet && !route.has(kChanges)) add(Verb::kHead);
  }
  if (!verbs.empty()) add(Verb::kOptions);
  return verbs;
}

}  // namespace stave::http
