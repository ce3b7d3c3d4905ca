// One request as its handler sees it: what was asked, in which words, with which body. Must not know: sockets.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/engine.h"

namespace stave::http {

enum class Verb : std::uint8_t { kGet, kHead, kPut, kPost, kDelete, kPatch, kOptions, kOther };
/// "GET"; "?" for kOther.
std::string_view verb_name(Verb verb) noexcept;

/// The header fields that anything here looks at.
enum class Header : std::uint8_t {
  kHost,
  kAuthorization,
  kContentType,
  kContentEncoding,
  kIfMatch,
  kIfNoneMatch,
  kRange,
  kIfRange,
  kAccept,
  kAcceptEncoding,
  kOrigin,
  kExpect,
  kTransferEncoding,
  kRequestId,
  kFetchSite,
  kUpstashEncoding,
  kWantedMethod,   ///< Access-Control-Request-Method
  kWantedHeaders,  ///< Access-Control-Request-Headers
  kUserAgent,
  kLastEventId,
};
inline constexpr std::size_t kHeaderCount = static_cast<std::size_t>(Header::kLastEventId) + 1;

struct Request {
  Verb verb = Verb::kGet;
  std::string target;
  int version = 11;  ///< 10 or 11.
  bool keep_alive = true;
  bool chunked = false;
  std::optional<std::uint64_t> content_length;
  std::string body;
  keyspace::Block large_body;  ///< Instead of `body`, of a large value.

  /// The body, wherever it is.
  [[nodiscard]] std::string_view content() const noexcept {
    return large_body ? large_body.view() : std::string_view(body);
  }
  [[nodiscard]] const std::string& header(Header name) const noexcept {
    return headers[static_cast<std::size_t>(name)];
  }
  [[nodiscard]] std::string& header(Header name) noexcept { return headers[static_cast<std::size_t>(name)]; }
  /// The target up to the '?', and what follows it.
  [[nodiscard]] std::string_view path() const noexcept { return std::string_view(target).substr(0, target.find('?')); }
  [[nodiscard]] std::string_view query() const noexcept {
    const std::size_t mark = target.find('?');
    return mark == std::string::npos ? std::string_view{} : std::string_view(target).substr(mark + 1);
  }
  [[nodiscard]] bool has_body() const noexcept { return chunked || content_length.value_or(0) > 0; }
  /// Back to nothing, with the memory of small texts kept.
  void clear();

  std::array<std::string, kHeaderCount> headers;  ///< Empty: absent, or without a value.
  std::uint32_t present = 0;                      ///< A bit for each that came.
};

/// The media type of a Content-Type or an element of Accept, in lower case, without parameters.
std::string media_type(std::string_view header);
/// Whether an Accept header, or Accept-Encoding, names `wanted` itself with a quality above zero.
bool accepts(std::string_view header, std::string_view wanted);

}  // namespace stave::http
