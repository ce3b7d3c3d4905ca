// The JSON text of an answer in the making: text that is there already, and between it large values that are written
// later, when no lock is held, a bounded step at a time.
//
// Promises: never a byte that is not the value's: what is not UTF-8 is written in base64 and says so, and the draft
// knows (`escaped`); once it is over its limit, or there is no memory, it takes nothing more and says so (`refusal`).
// Must not know: commands, HTTP.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "commands/kept_value.h"
#include "store/buffer_meter.h"

namespace stave::http {

class Draft {
 public:
  enum class Refusal : std::uint8_t {
    kNone,
    kLimit,   ///< It would have more bytes than it may.
    kMemory,  ///< There is no memory for it.
  };
  struct Options {
    store::BufferMeter* meter = nullptr;  ///< Counts what it takes; null: nobody does.
    std::uint64_t bytes_max = ~std::uint64_t{0};
    bool base64 = false;  ///< All strings are written in base64, without saying so.
  };

  Draft() : Draft(Options{}) {}
  explicit Draft(const Options& options) : options_(options), counted_(options.meter) {}

  /// JSON as it is.
  void text(std::string_view json) noexcept;
  /// A string: `"text"`, or `{"base64": "…"}`. With a name, which is static, a member: `"name":"text"`, or
  /// `"name_base64":"…"`.
  void string(std::string_view bytes, std::string_view name = {}) noexcept;
  /// The same of a large value, in constant time.
  void string(const commands::SharedBytes& bytes, std::string_view name = {}) noexcept;
  void string(const commands::KeptValue& value, std::string_view name = {}) noexcept {
    value.shared().block ? string(value.shared(), name) : string(value.view(), name);
  }
  /// `json` stands here if any string since the last such place was escaped. It is static.
  void if_escaped(std::string_view json) noexcept;

  /// A place to go back to: what was drafted since is as if it never was, refusals excepted.
  struct Mark {
    std::size_t text;
    std::size_t parts;
    std::uint64_t bytes;
    bool escaped;
  };
  [[nodiscard]] Mark mark() const noexcept { return {text_.size(), parts_.size(), bytes_, escaped_here_}; }
  void rewind(const Mark& mark) noexcept;
  [[nodiscard]] Refusal refusal() const noexcept { return refusal_; }
  [[nodiscard]] std::uint64_t bytes_max() const noexcept { return options_.bytes_max; }
  [[nodiscard]] bool good() const noexcept { return refusal_ == Refusal::kNone; }
  /// Bytes of the text, values as they lie in memory: the finished text has at least so many.
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

  /// Writes on, a bounded step. True: it is over, and `take` has the text unless it was refused.
  bool write_some() noexcept;
  /// Whether any verdict was that something was escaped. Once it is written.
  [[nodiscard]] bool escaped() const noexcept { return escaped_; }
  [[nodiscard]] std::string take() noexcept { return std::move(done_); }

 private:
  /// Something that is known only when it is written, and where in the text it stands.
  struct Part {
    std::size_t at;
    commands::SharedBytes bytes;  ///< Without a block: the verdict of `if_escaped`.
    std::string_view name;        ///< Or what the verdict adds.
    bool escaped = false;         ///< Of a verdict: what was known when it was drafted.
  };
  static constexpr std::size_t kStepBytes = 256 * 1024;

  void refuse(Refusal why) noexcept;
  /// Whether `more` bytes are within the limit; says so if not.
  bool fits(std::uint64_t more) noexcept;
  bool grow(std::string& text, std::size_t more) noexcept;
  void add(Part part) noexcept;
  bool append_piece(std::string_view piece);
  bool write_part();
  void open_string(const Part& part, bool base64);
  void close_string(const Part& part, bool base64);

  Options options_;
  store::BufferShare counted_;
  std::string text_;
  std::vector<Part> parts_;
  std::uint64_t bytes_ = 0;
  bool escaped_here_ = false;  ///< In the text since the last verdict.
  Refusal refusal_ = Refusal::kNone;

  // While it is written.
  std::string done_;
  std::size_t part_ = 0;     ///< The next one,
  std::size_t begin_ = 0;    ///< where in `done_` it begins,
  std::size_t written_ = 0;  ///< how much of its bytes is there,
  bool open_ = false;        ///< whether it has begun,
  bool as_base64_ = false;   ///< and how.
  std::size_t text_written_ = 0;
  bool escaped_since_ = false;
  bool escaped_ = false;
};

}  // namespace stave::http
