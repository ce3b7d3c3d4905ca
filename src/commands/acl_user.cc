#include "commands/acl_user.h"

#include <algorithm>

#include "base/assert.h"
#include "base/sha256.h"
#include "base/try.h"
#include "commands/refuse_rule.h"
#include "commands/text.h"

namespace stave::commands {
namespace {

constexpr std::string_view kBadHash =
    "The provided password hash must be exactly 64 characters and contain only lowercase hexadecimal characters";
constexpr std::string_view kNoPassword = "The password you are trying to remove from the user does not exist";

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end != 0) words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

Result<AclSelector> read_selector(std::string_view text) {
  if (text.size() < 2 || !text.ends_with(')')) return refuse_rule("Unmatched parenthesis in selector");
  AclSelector selector;
  for (const std::string_view word : words_of(text.substr(1, text.size() - 2))) STAVE_TRY(selector.apply(word));
  return selector;
}

}  // namespace

AclUser::AclUser(std::string_view user_name, bool all_channels) : name(user_name) {
  selectors.emplace_back(all_channels);
}

AclUser AclUser::open_default() {
  AclUser user("default");
  for (const std::string_view rule : {"on", "nopass", "allkeys", "allchannels", "allcommands"}) {
    const auto done = user.apply(rule, false);
    STAVE_ASSERT(done.has_value());
  }
  return user;
}

Result<void> AclUser::apply(std::string_view rule, bool all_channels) {
  if (rule.empty()) return refuse_rule("Syntax error");
  const auto is = [&](std::string_view word) { return same_word(rule, word); };
  const char mark = rule.front();
  if (is("on") || is("off")) {
    enabled = is("on");
  } else if (is("nopass") || is("resetpass")) {
    no_password = is("nopass");
    passwords.clear();
  } else if (is("sanitize-payload") || is("skip-sanitize-payload")) {
    trusts_dumps = is("skip-sanitize-payload");
  } else if (mark == '>' || mark == '#') {
    if (mark == '#' && !is_password_hash(rule.substr(1))) return refuse_rule(kBadHash);
    std::string hash = mark == '#' ? std::string(rule.substr(1)) : base::sha256_hex(rule.substr(1));
    if (std::ranges::find(passwords, hash) == passwords.end()) passwords.push_back(std::move(hash));
    no_password = false;
  } else if (mark == '<' || mark == '!') {
    if (mark == '!' && !is_password_hash(rule.substr(1))) return refuse_rule(kBadHash);
    const std::string hash = mark == '!' ? std::string(rule.substr(1)) : base::sha256_hex(rule.substr(1));
    if (std::erase(passwords, hash) == 0) return refuse_rule(kNoPassword);
  } else if (is("reset")) {
    AclUser fresh(name, all_channels);
    *this = std::move(fresh);
  } else if (is("clearselectors")) {
    selectors.erase(selectors.begin() + 1, selectors.end());
  } else if (mark == '(') {
    STAVE_ASSIGN(AclSelector more, read_selector(rule));
    selectors.push_back(std::move(more));
  } else {
    return selectors.front().apply(rule);
  }
  return {};
}

bool AclUser::allows_everything() const noexcept {
  return std::ranges::any_of(selectors, &AclSelector::allows_everything);
}

bool AclUser::password_fits(std::string_view password) const {
  const std::string hash = base::sha256_hex(password);
  bool found = no_password;
  for (const std::string& known : passwords) found |= base::same_secret(known, hash);
  return found;
}

Denial AclUser::check(const Command& row, Arguments arguments, int database) const {
  Denial worst{Denied::kCommand, 0};
  for (const AclSelector& selector : selectors) {
    const Denial denial = selector.check(row, arguments, database);
    if (denial.allowed()) return denial;
    if (denial.why > worst.why || (denial.why == worst.why && denial.argument > worst.argument)) worst = denial;
  }
  return worst;
}

bool AclUser::allows_every_key(const Command& row, Arguments arguments, bool reads, bool writes) const {
  return std::ranges::any_of(selectors, [&](const AclSelector& selector) {
    return selector.allows_command(row, arguments) && selector.allows_every_key(reads, writes);
  });
}

bool AclUser::allows_channel(std::string_view channel, bool pattern) const noexcept {
  return std::ranges::any_of(selectors,
                             [&](const AclSelector& selector) { return selector.allows_channel(channel, pattern); });
}

std::vector<std::string_view> AclUser::flags() const {
  std::vector<std::string_view> names = {enabled ? "on" : "off"};
  if (no_password) names.push_back("nopass");
  names.push_back(trusts_dumps ? "skip-sanitize-payload" : "sanitize-payload");
  return names;
}

std::string AclUser::describe() const {
  std::string line;
  for (const std::string_view flag : flags()) line.append(flag).append(" ");
  for (const std::string& hash : passwords) line.append("#").append(hash).append(" ");
  line += selectors.front().describe();
  for (std::size_t i = 1; i < selectors.size(); ++i) line.append(" (").append(selectors[i].describe()).append(")");
  return line;
}

std::string_view why_no_user_name(std::string_view name) noexcept {
  const auto blank = [](char c) { return c == '\0' || c == ' ' || (c >= '\t' && c <= '\r'); };
  return std::ranges::any_of(name, blank) ? "Usernames can't contain spaces or null characters" : "";
}

bool is_password_hash(std::string_view text) noexcept {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Result<std::vector<std::string>> merge_selectors(std::span<const std::string_view> words) {
  std::vector<std::string> rules;
  bool open = false;
  std::string_view began;
  for (const std::string_view word : words) {
    if (!open && word.starts_with('(') && !word.ends_with(')')) {
      open = true;
      began = word;
      rules.emplace_back(word);
    } else if (open) {
      rules.back().append(" ").append(word);
      open = !word.ends_with(')');
    } else {
      rules.emplace_back(word);
    }
  }
  if (open) return refuse_rule("Unmatched parenthesis in acl selector starting at '" + std::string(began) + "'.");
  return rules;
}

}  // namespace stave::commands
