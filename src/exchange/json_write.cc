#include <array>
#include <charconv>
#include <chrono>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/encoding.h"
#include "base/try.h"
#include "exchange/collection.h"
#include "exchange/json.h"
#include "exchange/json_value.h"

namespace stave::exchange {

namespace {

constexpr std::size_t kHeldBytes = 64u << 10;

void append_number(std::string& to, std::uint64_t number) {
  std::array<char, 20> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  STAVE_ASSERT(error == std::errc{});
  to.append(digits.data(), end);
}

void append_member(std::string& to, std::string_view name, std::uint64_t number) {
  to.append(", \"").append(name).append("\": ");
  append_number(to, number);
}

/// `"name": "…"`, or `"name_base64": "…"` when the value is not text.
void append_value(std::string& to, std::string_view name, Kind kind, std::string_view value, bool text) {
  to.append("\"").append(name).append(text ? "\": " : "_base64\": ");
  append_json_value(to, kind, value, text);
}

/// All of an item but its key and database, without braces.
void append_content(std::string& to, const Item& item, bool text) {
  to.append("\"type\": \"").append(to_string(item.kind)).append("\", ");
  append_value(to, "value", item.kind, item.value, text);
  std::string deadlines;
  if (item.kind == Kind::kHash && append_json_deadlines(deadlines, item.value, text))
    to.append(text ? ", \"fields_expire_at\": " : ", \"fields_expire_at_base64\": ").append(deadlines);
  const Expiry expiry = own_expiry(item);
  if (!expiry.never()) append_member(to, "expires_at", static_cast<std::uint64_t>(raw(expiry.at)));
  if (expiry.sliding_ms != 0) append_member(to, "sliding_ms", static_cast<std::uint64_t>(expiry.sliding_ms));
}

/// `{"database": 1, "key": "…", "type": "string", "value": "…"}`
void append_entry(std::string& to, const Item& item) {
  STAVE_ASSERT(item.database >= 0);
  to += '{';
  if (item.database != 0) {
    to += "\"database\": ";
    append_number(to, static_cast<std::uint64_t>(item.database));
    to += ", ";
  }
  append_value(to, "key", Kind::kString, item.key, base::is_utf8(item.key));
  to += ", ";
  append_content(to, item, is_text(item.kind, item.value));
  to += '}';
}

/// Text on its way to an output, handed on in large pieces.
class TextOutput {
 public:
  explicit TextOutput(ByteOutput& output) : output_(output) {}
  std::string& text() noexcept { return text_; }
  Result<void> flush_some() { return text_.size() < kHeldBytes ? Result<void>{} : flush(); }
  Result<void> flush() {
    STAVE_TRY(output_.write(base::as_bytes(text_)));
    if (text_.capacity() > 16 * kHeldBytes) text_ = std::string();
    text_.clear();
    return {};
  }

 private:
  ByteOutput& output_;
  std::string text_;
};

class JsonWriter final : public Writer {
 public:
  JsonWriter(ByteOutput& output, std::size_t waiting_bytes_max)
      : output_(output), waiting_bytes_max_(waiting_bytes_max) {}

  Result<void> begin(const Header& header) override {
    std::string& out = output_.text();
    out += "{\n  \"version\": 2,\n  \"timestamp\": ";
    base::append_json_string(out, iso_time(header.time));
    if (header.lsn != kNoLsn) {
      out += ",\n  \"lsn\": ";
      append_number(out, raw(header.lsn));
    }
    out += ",\n  \"data\": {";
    return {};
  }

  Result<void> take(const Item& item) override {
    ++count_;
    STAVE_ASSERT(in_data_ || waiting_.empty());
    if (in_data_ && item.database == 0 && base::is_utf8(item.key)) {
      append_data(output_.text(), item);
      return output_.flush_some();
    }
    std::string& out = in_data_ ? waiting_ : output_.text();
    out += first_entry_ ? "\n    " : ",\n    ";
    first_entry_ = false;
    append_entry(out, item);
    if (waiting_.size() > waiting_bytes_max_) end_data();
    return output_.flush_some();
  }

  Result<void> finish() override {
    if (in_data_) end_data();
    std::string& out = output_.text();
    if (!first_entry_) out += "\n  ]";
    out += ",\n  \"count\": ";
    append_number(out, count_);
    out += "\n}\n";
    return output_.flush();
  }

 private:
  /// `"user:1": "Alice"`, or with an object in the place of the text when there is more to say.
  void append_data(std::string& out, const Item& item) {
    out += first_data_ ? "\n    " : ",\n    ";
    first_data_ = false;
    base::append_json_string(out, item.key);
    out += ": ";
    const bool text = is_text(item.kind, item.value);
    if (text && item.kind == Kind::kString && item.expiry.never()) {
      base::append_json_string(out, item.value);
      return;
    }
    out += '{';
    append_content(out, item, text);
    out += '}';
  }
  void end_data() {
    STAVE_ASSERT(in_data_ && first_entry_ == waiting_.empty());
    in_data_ = false;
    std::string& out = output_.text();
    out += first_data_ ? "}" : "\n  }";
    if (first_entry_) return;
    out.append(",\n  \"entries\": [").append(waiting_);
    waiting_ = std::string();
  }

  TextOutput output_;
  std::size_t waiting_bytes_max_;
  std::string waiting_;  ///< The first of "entries", while "data" is being written.
  std::uint64_t count_ = 0;
  bool in_data_ = true;
  bool first_data_ = true;
  bool first_entry_ = true;
};

class NdjsonWriter final : public Writer {
 public:
  explicit NdjsonWriter(ByteOutput& output) : output_(output) {}
  Result<void> begin(const Header&) override { return {}; }
  Result<void> take(const Item& item) override {
    append_entry(output_.text(), item);
    output_.text() += '\n';
    return output_.flush_some();
  }
  Result<void> finish() override { return output_.flush(); }

 private:
  TextOutput output_;
};

}  // namespace

std::unique_ptr<Writer> make_json_writer(ByteOutput& output, std::size_t waiting_bytes_max) {
  return std::make_unique<JsonWriter>(output, waiting_bytes_max);
}
std::unique_ptr<Writer> make_ndjson_writer(ByteOutput& output) {
  return std::make_unique<NdjsonWriter>(output);
}

std::string iso_time(UnixMs moment) {
  using namespace std::chrono;
  const sys_time<milliseconds> time{milliseconds{raw(moment)}};
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{floor<seconds>(time - day)};
  std::string out;
  const auto append = [&](long long number, std::size_t digits, char after) {
    const std::string text = std::to_string(number);
    if (text.size() < digits) out.append(digits - text.size(), '0');
    out.append(text).push_back(after);
  };
  append(static_cast<int>(date.year()), 4, '-');
  append(static_cast<unsigned>(date.month()), 2, '-');
  append(static_cast<unsigned>(date.day()), 2, 'T');
  append(clock.hours().count(), 2, ':');
  append(clock.minutes().count(), 2, ':');
  append(clock.seconds().count(), 2, 'Z');
  return out;
}

std::optional<UnixMs> from_iso_time(std::string_view text) {
  using namespace std::chrono;
  constexpr std::string_view kForm = "0000-00-00T00:00:00Z";
  if (text.size() != kForm.size()) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kForm[i] == '0' ? !digit : text[i] != kForm[i]) return std::nullopt;
  }
  const auto number = [&](std::size_t at, std::size_t digits) {
    int value = 0;
    for (const char c : text.substr(at, digits)) value = value * 10 + (c - '0');
    return value;
  };
  const year_month_day date(year(number(0, 4)), month(static_cast<unsigned>(number(5, 2))),
                            day(static_cast<unsigned>(number(8, 2))));
  if (!date.ok() || number(11, 2) > 23 || number(14, 2) > 59 || number(17, 2) > 59) return std::nullopt;
  const auto time = sys_days(date) + hours(number(11, 2)) + minutes(number(14, 2)) + seconds(number(17, 2));
  return UnixMs{duration_cast<milliseconds>(time.time_since_epoch()).count()};
}

}  // namespace stave::exchange
