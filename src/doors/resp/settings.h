// The server's options with their values: where text from files, the environment, flags and CONFIG SET becomes numbers.
//
// Promises: a value is either taken whole or refused with a sentence that says what would be right; the password is
// kept only as a hash. Must not know: who uses the values.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "doors/resp/options_table.h"
#include "stave/options.h"

namespace stave::resp {

class Settings {
 public:
  Settings();

  /// The row of an option, case-insensitively; nullptr when there is none.
  static const Option* find(std::string_view name) noexcept;

  /// Takes a value as a person writes it. Errors: kNotFound, kInvalidArgument.
  Result<void> set(std::string_view name, std::string_view value);
  /// Like `set`, while running. What a secret is shown as leaves it as it is, so that no tool that writes back what it
  /// read makes asterisks the password. Errors: also kUnsupported: needs a restart.
  Result<void> change(std::string_view name, std::string_view value);
  /// A default that is only known here and now: it counts as given by nobody.
  void assume(std::size_t id, std::int64_t number) noexcept { values_[id].number = number; }
  /// The value in force turned out to be this. Of an option with two names, the one that is its own.
  void note(std::size_t id, std::int64_t number) noexcept;
  /// Lines `name value`; '#' begins a comment, quotes keep blanks. Errors name the line.
  Result<void> load(std::string_view file_name, std::string_view text);
  /// Every option's variable (STAVE_, then upper case, '_' for '-') that `variable` knows. STAVE_PASSWORD is
  /// requirepass's as well; PORT, HTTP_PORT, DIR and FILENAME, another name of DIR, count where the long ones are not
  /// set. Errors name the variable: also kUnsupported, REQUIREPASS, which is read no more and must not be overlooked.
  Result<void> load_environment(const std::function<const char*(const char*)>& variable);

  /// Whether somebody gave it a value.
  [[nodiscard]] bool given(std::size_t id) const noexcept { return values_[id].set; }
  [[nodiscard]] std::int64_t number(std::size_t id) const noexcept { return values_[id].number; }
  [[nodiscard]] bool flag(std::size_t id) const noexcept { return values_[id].number != 0; }
  [[nodiscard]] const std::string& text(std::size_t id) const noexcept { return values_[id].text; }
  /// As CONFIG GET shows it: bytes and times as bare numbers in the option's unit, secrets masked.
  [[nodiscard]] std::string shown(std::size_t id) const;
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> all() const;
  /// `text` of a configuration file, with its values brought up to date, the missing ones appended, and `users` in the
  /// place of its users.
  [[nodiscard]] std::string rewritten(std::string_view text, std::string_view users = {}) const;
  /// The lines of configuration files that name users, each with its end.
  [[nodiscard]] const std::string& user_lines() const noexcept { return user_lines_; }

  [[nodiscard]] Sync sync() const noexcept;
  [[nodiscard]] MemoryPolicy memory_policy() const noexcept;
  [[nodiscard]] Packing packing() const noexcept;
  /// A kRatio as the number it stands for; a kBytes without its sign.
  [[nodiscard]] double ratio(std::size_t id) const noexcept;
  [[nodiscard]] std::uint64_t size(std::size_t id) const noexcept { return static_cast<std::uint64_t>(number(id)); }
  /// What the engine is opened with. Errors: kInvalidArgument.
  [[nodiscard]] Result<Options> store_options() const;

 private:
  struct Value {
    std::int64_t number = 0;  ///< Bytes, units, thousandths, 0 or 1, or the place among the choices.
    std::string text;         ///< Of texts, names and choices; of a secret "sha256:…".
    bool set = false;         ///< By somebody, not by default.
  };
  static Result<Value> read(const Option& option, std::string_view text);
  [[nodiscard]] std::string written(std::size_t id) const;
  Result<void> set_output_limits(std::string_view text);
  [[nodiscard]] std::string output_limits() const;

  std::array<Value, kOptionCount> values_;
  std::string user_lines_;
};

/// `name value` of a line of a configuration file; an empty name for a comment or an empty line.
std::pair<std::string, std::string> split_conf_line(std::string_view line);
/// All names.
std::vector<std::string_view> option_names();

/// docs/reference/options.md.
std::string options_reference();

}  // namespace stave::resp
