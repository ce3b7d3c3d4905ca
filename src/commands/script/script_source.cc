#include "commands/script/script_source.h"

#include "base/try.h"
#include "commands/errors.h"
#include "commands/script/sha1.h"

namespace stave::commands::script {
namespace {

/// The next word of `line`, which loses it; empty: there is none.
std::string_view next_word(std::string_view& line) noexcept {
  constexpr std::string_view kSpace = " \t\r\v\f";
  const std::size_t from = line.find_first_not_of(kSpace);
  if (from == std::string_view::npos) return line = {};
  line.remove_prefix(from);
  const std::string_view word = line.substr(0, line.find_first_of(kSpace));
  line.remove_prefix(word.size());
  return word;
}

Result<std::uint32_t> read_flags(std::string_view list) {
  std::uint32_t flags = 0;
  if (list.empty()) return flags;
  for (;;) {
    const std::size_t comma = list.find(',');
    const std::string_view name = list.substr(0, comma);
    std::uint32_t flag = 0;
    for (const ScriptFlagName& known : kScriptFlagNames)
      if (known.name == name) flag = known.flag;
    if (flag == 0) return answer_error("ERR Unexpected flag in script shebang: " + std::string(name));
    flags |= flag;
    if (comma == std::string_view::npos) return flags;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace

Result<Source> read_source(std::string_view text) {
  Source source;
  source.text = text;
  source.sha = sha1_text(text);
  if (!text.starts_with("#!")) return source;
  source.plain = false;
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return answer_error("ERR Invalid script shebang");
  source.begin = end;
  std::string_view line = text.substr(2, end - 2);
  const std::string_view engine = line.empty() || line[0] == ' ' ? std::string_view() : next_word(line);
  if (engine != "lua") return answer_error("ERR Unexpected engine in script shebang: " + std::string(engine));
  for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) {
    constexpr std::string_view kFlags = "flags=";
    if (!word.starts_with(kFlags)) return answer_error("ERR Unknown lua shebang option: " + std::string(word));
    STAVE_ASSIGN(const std::uint32_t flags, read_flags(word.substr(kFlags.size())));
    source.flags |= flags;
  }
  return source;
}

}  // namespace stave::commands::script
