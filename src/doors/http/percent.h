// Percent-encoding and query strings. Binary-safe both ways.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stave::http {

/// The bytes that `text` stands for; nullopt when a '%' is not followed by two hex digits. `plus`: '+' means a blank,
/// as in query strings.
std::optional<std::string> percent_decode(std::string_view text, bool plus = false);
/// Everything but letters, digits and "-._~" is encoded.
std::string percent_encode(std::string_view bytes);

/// The parameters of a query string, decoded, in their order.
class Query {
 public:
  /// nullopt when an escape is malformed or a name occurs twice.
  static std::optional<Query> parse(std::string_view text);

  /// nullptr when there is none of that name.
  [[nodiscard]] const std::string* find(std::string_view name) const noexcept;
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& all() const noexcept { return parameters_; }

 private:
  std::vector<std::pair<std::string, std::string>> parameters_;
};

}  // namespace stave::http
